"""Make data/generation_requests.csv: a synthetic history with the faults that the real table has. Same seed, same file."""

import csv
import random
import uuid
from datetime import datetime, timedelta
from pathlib import Path

ROWS = 600
START = datetime(2024, 10, 1, 6)  # noqa: DTZ001 - the table's timestamps have no zone
APPS = ["todo-list", "habit-tracker", "recipe-box", "budget", "chess-clock", "flashcards", "moodboard", "tide-times"]
STATUSES = ["completed"] * 16 + ["failed"] * 3 + ["cancelled", "paused"]


def row(number: int, dice: random.Random, user: str) -> list[object]:
    app = f"{dice.choice(APPS)}-{number}"
    created = START + timedelta(minutes=180 * number + dice.randrange(170))
    done = created + timedelta(seconds=dice.randrange(90, 2400))
    status = dice.choice(STATUSES)
    complete = status == "completed"
    github = f"https://github.com/leo-apps/{app}" if complete and dice.random() < 0.965 else None
    if github and dice.random() < 0.02:
        github += "/"
    if complete and github is None and dice.random() < 0.4:
        github = ""
    download = f"https://downloads.leo.example/{app}.zip" if complete and dice.random() < 0.9 and github else None
    deployed = f"https://{app}.fly.dev" if complete and dice.random() < 0.11 else None
    completed_at = done if complete and dice.random() < 0.985 else None
    return [
        user, app, f"Synthetic prompt {number}", f"Synthetic prompt {number}", status, created, done, completed_at,
        download, github, deployed, "Synthetic failure" if status == "failed" else None,
        f"session-{number:05d}" if complete else None, dice.choice(["single-shot", "autonomous", "confirm_first"]),
        dice.randrange(1, 9) if complete else 0,
    ]  # fmt: skip


def main() -> None:
    dice = random.Random(20241217)
    users = [str(uuid.UUID(int=dice.getrandbits(128), version=4)) for _ in range(40)]
    header = """user_id,app_name,prompt,initial_prompt,status,created_at,updated_at,completed_at,download_url,github_url,
deployment_url,error_message,last_session_id,mode,current_iteration""".replace("\n", "").split(",")
    with (Path(__file__).parent / "generation_requests.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for number in range(1, ROWS + 1):
            values = row(number, dice, dice.choice(users))
            # COPY reads an unquoted empty field as NULL and a quoted one as the empty string
            file.write(
                ",".join('""' if value == "" else "" if value is None else str(value) for value in values) + "\n"
            )


if __name__ == "__main__":
    main()

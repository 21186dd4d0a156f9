"""The clean-up from beginning to end on the sample history: what `demo` shows and notebooks open without a database."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from genreq_checks import sample
from genreq_checks.completion import AllWorkCompleteMessage, create_all_work_complete_message, row_values
from genreq_checks.plan import Plan, load_plan
from genreq_checks.run import observe
from genreq_checks.snapshot import Snapshot

CUTOVER = datetime(2024, 12, 17, 9, 30, tzinfo=UTC)
GENERATIONS = 160


@dataclass(frozen=True, slots=True)
class Samples:
    """The sample table before and after the clean-up, and when that was."""

    plan: Plan
    before: Snapshot
    after: Snapshot
    cutover: datetime


def apply(url: str, statements: str) -> None:
    """Run a plan's SQL in one transaction, as the migration tool does. Writes: for databases of our own."""
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute(statements.encode())


def messages(count: int = GENERATIONS) -> Iterator[tuple[AllWorkCompleteMessage, datetime]]:
    """What containers send after the change, with the time of each: most have a fly.toml, not all."""
    dice = random.Random(CUTOVER.toordinal())  # noqa: S311 - a sample, not a secret
    for number in range(count):
        app = f"{dice.choice(('atlas', 'ledger', 'metronome', 'pantry'))}-{1000 + number}"
        slash = "/" if number % 40 == 7 else ""
        message = create_all_work_complete_message(
            completion_reason="all_work_complete",
            app_path=f"/workspace/{app}",
            total_iterations=dice.randrange(1, 9),
            session_id=f"session-{1000 + number}",
            total_duration=dice.randrange(60, 1800),
            github_url=f"https://github.com/leo-apps/{app}{slash}" if number % 53 != 11 else None,
            flyio_url=f"https://{app}.fly.dev" if dice.random() < 0.7 else None,
        )
        yield message, CUTOVER + timedelta(minutes=47 * number + dice.randrange(40))


def complete_generations(url: str, count: int = GENERATIONS) -> int:
    """Insert queued rows and complete each as the plan's server does with a container's message; the number of rows."""
    import psycopg
    from psycopg import sql

    queued = """
        INSERT INTO generation_requests (user_id, app_name, prompt, initial_prompt, status, created_at)
        VALUES ('00000000-0000-4000-8000-000000000001', %s, 'Synthetic prompt', 'Synthetic prompt', 'generating', %s)
        RETURNING id
    """
    with psycopg.connect(url) as connection:
        for message, moment in messages(count):
            begun = (moment - timedelta(minutes=12)).replace(tzinfo=None)
            row: Any = connection.execute(queued, (str(message.app_path).rpartition("/")[2], begun)).fetchone()
            values = row_values(message, moment)
            assignments = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in values)
            update = sql.SQL("UPDATE generation_requests SET {} WHERE id = %s").format(assignments)
            connection.execute(update, [*values.values(), row[0]])
    return count


def sample_snapshots() -> Samples:
    """The sample table read before and after the clean-up, on an embedded PostgreSQL that is gone when this returns."""
    from genreq_checks.embedded import start

    plan = load_plan()
    with start() as server:
        url = server.create_database("leo")
        sample.create_table(url)
        sample.load_history(url)
        before = observe(plan, url, CUTOVER)
        apply(url, plan.sql.forward)
        complete_generations(url)
        return Samples(plan, before, observe(plan, url, CUTOVER), CUTOVER)

"""What every tool is asked, what it may answer, and what a tool is to the benchmark."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from measures import Run

PATTERNS = {  # written so that each tool's regular expressions and PostgreSQL's own read them alike
    "github_url": "^https://github[.]com/[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$",
    "artifacts_github_url": "^https://github[.]com/[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$",
    "deployment_url": "^https://[A-Za-z0-9.-]+$",
}
DERIVATION = "artifacts_github_url <> github_url || '-artifacts'"
MINIMUM = 95  # percent of the completed rows that must have a value, in each of the three columns
COLUMNS = (
    *("id", "app_id", "user_id", "app_name", "prompt", "initial_prompt", "status", "created_at", "updated_at"),
    *("completed_at", "github_url", "artifacts_github_url", "deployment_url", "error_message", "last_session_id"),
    *("mode", "max_iterations", "current_iteration"),
)


@dataclass(frozen=True)
class Question:
    """Of the completed rows of one database.

    `rates`: how many have no value, in three columns, and are there enough? `all`: in addition, do the values have the form of a
    URL, and is the derived one derived right? `gone`: has the table these columns and no other?
    """

    part: str
    socket: str
    database: str
    rows: int = 0
    user: str = "genreq"
    port: int = 5432
    patterns: dict[str, str] = field(default_factory=lambda: dict(PATTERNS))
    derivation: str = DERIVATION
    minimum: int = MINIMUM
    columns: tuple[str, ...] = COLUMNS

    @property
    def limit(self) -> int:
        """How many rows may be without a value, for a tool that takes a number of rows only."""
        return self.rows * (100 - self.minimum) // 100

    def data(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Answer:
    """What a tool found: what it does not tell is not there, and of what it does not count it tells whether there is any."""

    passed: dict[str, bool] = field(default_factory=dict)
    nulls: dict[str, int] = field(default_factory=dict)
    malformed: dict[str, int | bool] = field(default_factory=dict)
    wrong: int | bool | None = None


@dataclass(frozen=True)
class Peer:
    """A tool: the packages of its environment, how to ask it, how to read its answer; by what it judges the format and the
    derivation; and what it does not offer.

    `ask` writes the tool's files to a folder and gives the command, whose first word is a program of the environment.
    """

    name: str
    packages: tuple[str, ...]
    ask: Callable[[Path, Question], list[str]]
    read: Callable[[Path, Run], Answer]
    how: str
    form: str
    derivation: str
    cannot: str
    environment: dict[str, str] = field(default_factory=dict)


def require(done: Run, *codes: int) -> None:
    """Raises: OSError with the last line that the tool wrote, when it ended otherwise than it does with an answer."""
    if done.code not in codes:
        lines = [line.strip() for line in (done.errors + done.output).splitlines() if line.strip()]
        raise OSError(f"ended with status {done.code}: {' '.join(lines[-1:])[:160]}")

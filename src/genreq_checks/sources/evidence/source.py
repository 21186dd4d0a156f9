"""What a source of evidence is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from genreq_checks.plan import Plan
    from genreq_checks.postgres.deadline import Deadline


Depth = Literal["none", "kept", "all"]  # of which columns fingerprints are read


@dataclass(frozen=True, slots=True)
class Asked:
    """What a source needs for reading: the plan, the database's URL (another text where there is none), and the limits.

    `cutover` is aware; `timeout` is each statement's, in seconds; `deadline` bounds all of them. `workers` is how many
    parallel workers the server may use for a statement; None leaves that to the server's own settings. `progress` is told
    what takes long before it begins.

    `fingerprints` are of which columns: those that stay, or all. `until` is the newest time of the rows that they cover, and
    `newest_key` their newest key: those of the reading when they are None. `row_hashes` is the file into which the hash of
    each row and value is written.
    """

    plan: Plan
    url: str
    cutover: datetime | None = None
    timeout: float = 300
    deadline: Deadline | None = None
    workers: int | None = None
    progress: Callable[[str], None] | None = None
    fingerprints: Depth = "none"
    until: datetime | None = None
    newest_key: int | None = None
    row_hashes: Path | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One source: its `name` is the snapshot's part, the keyword of `observe` and the option of the command line.

    `read` returns the facts in files or folders, of which there is one unless it is `repeatable`; it imports what it
    needs when it is called. Facts that are read `by_plan` or `by_cutover` hold only for the same plan or cutover.
    """

    name: str
    order: int
    metavar: str
    help: str
    read: Callable[[Asked, Sequence[Path]], object]
    repeatable: bool = False
    by_plan: bool = True
    by_cutover: bool = False

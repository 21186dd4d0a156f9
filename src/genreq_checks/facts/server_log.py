"""What a server's log tells of a hold: the statements that failed for a column that was renamed away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Missed:
    """A statement that failed since it names a retired column: `calls` times, first at `line` of `source`.

    `text` holds no literal. `programs` counts the calls by application_name ('' where there is none). `certain` is False
    where nothing in the entry names the table: it may be another table's column of the same name.
    """

    column: str
    source: str
    line: int
    calls: int
    text: str
    programs: Mapping[str, int]
    certain: bool
    first: datetime | None = None
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class ServerLog:
    """All that was read. `counted` has all failures: column → calls; `missed` the first kinds of each column.

    `retired` are the times that the files of `stage` wrote into the log when they renamed columns away, by the stamp, with
    the log's own time of it: by these it is known that the log is this server's, and in which time zone it is written.
    `refused` has what a guard of such a file said last, by its action.
    `gap` is the longest time in seconds without an entry. `hidden` is why failures may be missing in it; '' when they are not.
    `standbys` is how many servers replay this one's changes: what fails there is in logs of their own.
    """

    sources: tuple[str, ...] = ()
    entries: int = 0
    missed: tuple[Missed, ...] = ()
    counted: Mapping[str, int] = field(default_factory=dict[str, int])
    retired: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    refused: Mapping[str, str] = field(default_factory=dict[str, str])
    first: datetime | None = None
    last: datetime | None = None
    gap: float = 0.0
    hidden: str = ""
    standbys: int = 0
    problem: str = ""
    remedy: str = ""

"""One statement as a file has it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from re import compile as pattern

_TIME = pattern(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d+)?(?:\s*(UTC|GMT|Z|[+-]\d\d(?::?\d\d)?))?")


@dataclass(frozen=True, slots=True)
class Entry:
    """A text at a line (from 1 on), at a time where the file says so, once or (`calls` 0) as a part of another entry.

    Without a text it is an entry of the log that holds no statement. `database` and `program` (the application_name) are
    '' where the log does not say them.
    """

    line: int
    text: str = ""
    at: datetime | None = None
    database: str = ""
    calls: int = 1
    program: str = ""


def parse_time(text: str) -> datetime | None:
    """The time in a log's line; one in a zone that is only named is read as UTC, which no span depends on."""
    found = _TIME.search(text)
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(f"{found[1]}T{found[2]}").replace(tzinfo=UTC)
    except ValueError:
        return None
    zone = found[4] or ""
    if zone[:1] in ("+", "-"):
        minutes = int(zone[1:3]) * 60 + int(zone[3:].lstrip(":") or 0)
        moment -= timedelta(minutes=minutes if zone[0] == "+" else -minutes)
    return moment

"""What a report shows, said above its verdict: a live table, a snapshot of some date, files, or sample data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from genreq_checks.facts import SourceInfo
from genreq_checks.report import Report
from genreq_checks.text import line, plural

Kind = Literal["live", "snapshot", "files", "sample", "rehearsal", "generation", "unread"]
WORDS: dict[Kind, str] = {
    "live": "LIVE",
    "snapshot": "SNAPSHOT",
    "files": "FILES",
    "sample": "SAMPLE DATA",
    "rehearsal": "REHEARSAL",
    "generation": "GENERATION",
    "unread": "NOT READ",
}
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown: its kind, and the words about it (`text`), without the kind's own word."""

    kind: Kind
    text: str

    @property
    def word(self) -> str:
        """The kind in capitals: LIVE, SNAPSHOT, FILES, SAMPLE DATA, NOT READ."""
        return WORDS[self.kind]


def shown(report: Report, now: datetime | None = None) -> Shown:
    """What the report shows: since when, from where, which table by which plan. `now` (aware) tells how old a snapshot is;
    when left out it is the time of the report's judgement.
    """
    source = report.sources.get("after")
    about = f"table {report.plan.table}, plan {report.plan.title} ({report.plan.fingerprint})"
    if source is None:
        return Shown("unread", line(f"no source; {about}"))
    kind = kind_of(report, source)
    at = f"{source.read_at:%Y-%m-%d %H:%M:%S} UTC"
    said = {
        "unread": f"{source.location} could not be read at {at}; {about}",
        "live": f"read {at} from {source.location}, {about}",
        "sample": f"a synthetic history, not your database; {about}",
        "rehearsal": f"on a scratch copy of {source.location}, {at}; {about}",
        "generation": f"one generation, as {source.location} had it at {at}; {about}",
    }
    if kind in said:
        return Shown(kind, line(said[kind]))
    old = age(source.read_at, now or report.made_at)
    if kind == "files":
        return Shown(kind, line(f"rows in {source.location}, read {at}{old}; no database was asked; {about}"))
    saved = f", saved in {source.saved_in}" if source.saved_in else ""
    return Shown(kind, line(f"of {at}{old} from {source.location}{saved}; not the table as it is now; {about}"))


def kind_of(report: Report, source: SourceInfo) -> Kind:
    """The kind of what is shown. A snapshot that holds nothing of the database is one that was not read."""
    if source.sample:
        return "sample"
    if report.phase in ("rehearsal", "generation"):
        return "rehearsal" if report.phase == "rehearsal" else "generation"
    if source.kind == "postgresql" and source.server is None:
        return "unread"
    if source.kind == "files":
        return "files"
    return "snapshot" if source.saved_in is not None or source.kind == "snapshot" else "live"


def age(then: datetime, now: datetime | None) -> str:
    """How long ago, in the largest unit that fits: ` (3 days old)`; '' when that is not known."""
    if now is None:
        return ""
    seconds = int((now - then).total_seconds())
    if seconds < 0:
        return " (later than now)"
    for size, unit in _UNITS:
        if seconds >= size:
            return f" ({plural(seconds // size, unit)} old)"
    return " (less than a minute old)"

"""The hold of a retired column: since when, until when at least, and whether a log tells of all of it. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from genreq_checks.evidence.sides import Evidence
from genreq_checks.facts.retired import Stamp
from genreq_checks.facts.server_log import ServerLog
from genreq_checks.plan import Plan
from genreq_checks.snapshot import Column

DAY = timedelta(days=1)
BEGINNING = timedelta(seconds=1)  # between the stamp and its entry in the log


def held_column(evidence: Evidence, column: str) -> Column | None:
    """The retired column in the table, by its stamp or its name."""
    facts = evidence.now.table
    return facts.held(column) if facts is not None else None


def stamp_of(evidence: Evidence, column: str) -> Stamp | None:
    """The stamp of a retired column."""
    held = held_column(evidence, column)
    return held.retired if held is not None else None


def safe_from(evidence: Evidence, stamp: Stamp) -> datetime:
    """When the column has been held as long as the plan says."""
    return stamp.at + timedelta(days=evidence.plan.hold_days)


def on_standbys(standbys: int, plan: Plan) -> tuple[str, str]:
    """Why this server's log is not the whole witness, and what to do; '' when it is, or the plan says why."""
    if not standbys or plan.standby_readers is not None:
        return "", ""
    servers = "1 standby replays" if standbys == 1 else f"{standbys} standbys replay"
    remedy = (
        'Read their logs too, then say in the plan why nothing there needs the columns: standby_readers = "reason".'
    )
    return f"{servers} this server's changes, and what runs there is in none of its logs.", remedy


def uncovered(log: ServerLog, stamp: Stamp, read_at: datetime) -> tuple[str, str]:
    """Why the log does not tell of the whole hold, and what to do; '' when it does.

    The file that retires writes a line into the log. Where it is not there, the log is another server's, or not whole.
    """
    more = "Give the logs of the whole hold: --log FILE, repeatable."
    if log.problem:
        return log.problem, log.remedy
    if log.hidden:
        return f"failures may be missing in the log: {log.hidden}.", "Have the server log every error."
    marks = {key: at for key, at in log.retired.items() if datetime.fromisoformat(key) == stamp.at}
    if not marks or log.last is None:
        return f"the log does not have the moment when the column was retired ({stamp.at:%Y-%m-%d %H:%M} UTC).", more
    shift = stamp.at - min(marks.values())  # the log may be written in another time zone
    if log.gap > DAY.total_seconds():
        return f"the log has a gap of {log.gap / 3600:.0f} hours.", more
    if read_at - (log.last + shift) > DAY:
        return f"the log ends on {log.last + shift:%Y-%m-%d %H:%M} UTC, and nothing is known of the time since.", more
    return "", ""

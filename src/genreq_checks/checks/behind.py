"""The rows behind a check's findings, counted in the tally with the same classes by which they are listed."""

from __future__ import annotations

from datetime import datetime

from genreq_checks.checks.check import Check
from genreq_checks.plan import Plan
from genreq_checks.scan.selection import Pick, Selection, count_picked
from genreq_checks.tally import Tally


def selection_of(one: Check, plan: Plan, subject: str) -> Selection | None:
    """The rows behind a check's findings; None for a check that is not about rows."""
    selection = one.rows(plan, subject) if one.rows is not None else None
    return selection if selection is not None and selection.picks else None


def count_of(tally: Tally | None, pick: Pick, plan: Plan, cutover: datetime | None) -> int | None:
    """How many rows a pick has; None where only reading them tells."""
    if tally is None or pick.where is not None:
        return None
    try:
        return count_picked(tally, pick, plan, cutover)
    except KeyError:
        return None


def count_behind(tally: Tally | None, selection: Selection, plan: Plan, cutover: datetime | None) -> int | None:
    """How many rows a selection has; None where only reading them tells."""
    counts = [count_of(tally, pick, plan, cutover) for pick in selection.picks]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def count_judged(tally: Tally | None, selection: Selection, plan: Plan, cutover: datetime | None) -> int | None:
    """Of how many rows the failing ones are; None where those are of several sides, so that no one number is the whole."""
    picks = [pick for pick in selection.picks if count_of(tally, pick, plan, cutover) != 0] or selection.picks
    frames = {(pick.cohort, pick.side if cutover is not None else "any") for pick in picks}
    if len(frames) != 1:
        return None
    ((cohort, side),) = frames
    return count_of(tally, Pick("every", cohort=cohort, side=side), plan, cutover)

"""The checks. A new check is one file in this folder; its `CHECK` says what it needs, how it judges and what it explains.

An application keeps its own checks in its own folder `checks`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING

from genreq_checks.checks.behind import count_behind, count_of, selection_of
from genreq_checks.checks.check import Check
from genreq_checks.checks.fault import Fault
from genreq_checks.errors import UsageError, near
from genreq_checks.plan import Plan
from genreq_checks.plan.applications import modules_in
from genreq_checks.report import Phase, Report
from genreq_checks.scan.selection import Selection
from genreq_checks.scan.wanted import Wanted
from genreq_checks.tally import Tally

PHASES: tuple[Phase, ...] = ("before", "held", "after", "rolled-back", "rehearsal")  # in the order of a clean-up

if TYPE_CHECKING:
    from genreq_checks.scan.facets import Columns, Facet
    from genreq_checks.scan.fusion import Needs


@cache
def all_checks() -> tuple[Check, ...]:
    """Every check, in the order of the report."""
    found = (getattr(module, "CHECK", None) for module in modules_in(__name__, "checks"))
    return tuple(sorted((one for one in found if isinstance(one, Check)), key=lambda one: (one.order, one.name)))


def checks_of(plan: Plan, only: Iterable[str] | None = None) -> tuple[tuple[Check, str], ...]:
    """The plan's checks, each with one of its subjects; with `only`, those whose ids match a pattern (`population.*`).

    Raises: UsageError for a pattern that matches no check.
    """
    every = tuple((one, subject) for one in all_checks() for subject in one.subjects(plan))
    if only is None:
        return every
    ids = [one.id(subject) for one, subject in every]
    chosen: set[str] = set()
    for pattern in only:
        fitting = [name for name in ids if fnmatchcase(name, pattern)]
        if not fitting:
            raise UsageError(f"There is no check '{pattern[:60]}'.", near(pattern, ids))
        chosen.update(fitting)
    return tuple(one for one, name in zip(every, ids, strict=True) if name in chosen)


def needs_of(plan: Plan, checks: Sequence[Check] | None = None) -> Needs:
    """What some checks, or all, need from the rows, combined."""
    from genreq_checks.scan.fusion import Needs

    some = tuple({one.name: one for one in (all_checks() if checks is None else checks)}.values())
    counting = [one.facets for one in some if one.facets is not None]

    def facets(columns: Columns) -> Iterable[Facet]:
        return (facet for of_check in counting for facet in of_check(plan, columns))

    selections = [one.rows(plan, subject) for one in some if one.rows for subject in one.subjects(plan)]
    together = (frozenset(pick.classes) for selection in selections for pick in selection.picks)
    probes = tuple(probe for one in some if one.probes is not None for probe in one.probes(plan))
    joint = tuple(dict.fromkeys(names for names in together if len(names) > 1))
    return Needs(facets if counting else None, joint, probes, any(one.fingerprints for one in some))


def rows_behind(plan: Plan, check_id: str) -> tuple[Check, Selection]:
    """A check of the plan, and the rows behind its findings.

    Raises: UsageError for a check that does not exist, or is not about rows.
    """
    ids = {one.id(subject): (one, subject) for one, subject in checks_of(plan)}
    listed = with_rows(plan)
    if check_id not in ids:
        compared = [name for name, (one, _) in ids.items() if one.fingerprints]  # their rows are in row hashes
        raise UsageError(f"There is no check '{check_id[:60]}'.", near(check_id, [*listed, *compared]))
    one, subject = ids[check_id]
    selection = one.rows(plan, subject) if one.rows is not None else None
    if selection is None or not selection.picks:
        raise UsageError(f"There are no rows behind {check_id}.", f"Those with rows: {', '.join(listed)}.")
    return one, selection


def wanted_rows(report: Report, plan: Plan, tally: Tally | None) -> Iterator[Wanted]:
    """The rows behind each check of a report that failed or warns, of the kinds that the tally has."""
    made = {one.id(subject): (one, subject) for one, subject in checks_of(plan)}
    for result in report.checks:
        one, subject = made.get(result.id, (None, ""))
        selection = selection_of(one, plan, subject) if one is not None else None
        if one is None or selection is None or result.outcome not in ("fail", "warn"):
            continue
        cutover = report.plan.cutover
        picks = tuple(pick for pick in selection.picks if count_of(tally, pick, plan, cutover) != 0)
        if picks:
            of = count_behind(tally, selection, plan, cutover)
            yield Wanted(result.id, replace(selection, picks=picks), needs_of(plan, [one]), of)


def with_rows(plan: Plan) -> tuple[str, ...]:
    """The ids of the checks behind whose findings there are rows of the table."""
    return tuple(one.id(subject) for one, subject in checks_of(plan) if one.rows and one.rows(plan, subject).picks)


def all_faults() -> tuple[Fault, ...]:
    """Every fault that a check's file plants, with what all checks say about it.

    Raises: ValueError for a fault that no file plants, or that two files plant.
    """
    told: dict[tuple[str, str], list[Fault]] = {}
    for one in all_checks():
        for fault in one.faults:
            told.setdefault((fault.phase, fault.name), []).append(fault)
    merged = (_merged(some) for some in told.values())
    return tuple(sorted(merged, key=lambda fault: PHASES.index(fault.phase)))


def _merged(some: Sequence[Fault]) -> Fault:
    planted = [one for one in some if one.plant is not None]
    if len(planted) != 1:
        raise ValueError(f"the fault '{some[0].name}' of phase {some[0].phase} is planted {len(planted)} times")
    turns = {check: outcome for one in some for check, outcome in one.turns.items()}
    return replace(planted[0], turns=turns)

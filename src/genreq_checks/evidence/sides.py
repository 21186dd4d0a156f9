"""What the checks judge: two sides, whatever they were made from, and the present facts of the source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from genreq_checks.evidence.contradictions import Contradiction, find_contradictions
from genreq_checks.evidence.doubts import find_doubts, find_stale
from genreq_checks.facts.identity import Comparison, Identity, compare
from genreq_checks.facts.migrations import PlanSql
from genreq_checks.plan import Plan
from genreq_checks.report import Phase
from genreq_checks.snapshot import ProbeRows, Problem, Snapshot
from genreq_checks.tally import Side, Tally, side_of
from genreq_checks.tally.periods import UNITS, day_of, next_begin, period
from genreq_checks.text import plural

NEEDS_TWO = "Give --cutover T, or --baseline SNAPSHOT, to have a side before and a side after."


@dataclass(frozen=True, slots=True)
class Evidence:
    """The sides as tallies of the cohort's rows; a missing side is in `absent`, with the reason.

    `independent` says whether before and after are different rows (then a difference has an interval) or the same rows
    counted twice (then it is exact). `earlier` are the rows before the cutover as the baseline had them. `compared` says
    whether the baseline and the archive are of the source's table; `other_database` says that another one is intended.
    `contradictions` are between the plan and its table, and doubts about the source itself.
    """

    plan: Plan
    phase: Phase
    now: Snapshot
    baseline: Snapshot | None = None
    cutover: datetime | None = None
    sides: Mapping[Side, Tally] = field(default_factory=dict[Side, Tally])
    absent: Mapping[Side, str] = field(default_factory=dict[Side, str])
    independent: bool = True
    notes: tuple[str, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    compared: Mapping[str, Comparison] = field(default_factory=dict[str, Comparison])
    other_database: bool = False

    def identity_of(self, name: str) -> Identity | None:
        """The identity of the `baseline` or of the `archive`."""
        if name == "archive":
            return self.now.archive.identity if self.now.archive else None
        return self.baseline.source.identity if self.baseline else None

    def side(self, name: Side) -> Tally | str:
        """The tally of a side, or the reason why it is missing."""
        return self.sides[name] if name in self.sides else self.absent.get(name, NEEDS_TWO)

    def probe(self, name: str, *, of_a_side: bool) -> ProbeRows | str:
        """The rows of a probe of the source, or the reason why they are not known.

        A probe of one side must have been read with the same cutover: its rows cannot be split again.
        """
        tally = self.now.tally
        if of_a_side and name in self.now.probes and tally is not None and tally.split != self.cutover:
            when = "without a cutover" if tally.split is None else f"with the cutover {tally.split:%Y-%m-%d %H:%M}"
            return f"{self.now.source.location} was read {when}."
        return self.now.probe(name)

    @property
    def judged(self) -> Literal["after", "all"]:
        """The side whose rates the plan's rules are about: `after`, or `all` when there is only one."""
        return "all" if self.cutover is None and self.baseline is None else "after"

    @property
    def judged_words(self) -> str:
        """The judged side in words, for a sentence about rows of the cohort."""
        return "after the cutover" if self.cutover is not None else "in the whole table"


def gather(
    plan: Plan,
    phase: Phase,
    now: Snapshot,
    baseline: Snapshot | None = None,
    cutover: datetime | None = None,
    sql: PlanSql | None = None,
    *,
    other_database: bool = False,
    max_lag: float | None = None,
) -> Evidence:
    """Split what was read into sides, as docs/architecture.md says under "Before and after", and compare the plan with it.

    `sql` is what the plan's own SQL does, where that is needed. A baseline of another database or table is not
    compared, unless `other_database` says that it is intended.
    """
    compared = _compared(now, baseline)
    if baseline is not None and "baseline" in compared and compared["baseline"].kind == "other" and not other_database:
        baseline = _without_facts(baseline, compared["baseline"])
    sides: dict[Side, Tally] = {}
    absent: dict[Side, str] = {}
    notes: tuple[str, ...] = ()
    everything = _cohort(plan, now, absent, "all")
    if everything is not None:
        sides["all"] = everything
    else:
        absent["after"] = absent["undated"] = absent["all"]
    then = _cohort(plan, baseline, absent, "before") if baseline is not None else None
    if cutover is None:
        if baseline is not None and everything is not None:
            sides["after"] = everything
        if then is not None:
            sides["before"] = then
    else:
        _split_now(now, everything, cutover, sides, absent)
        if baseline is not None:
            own = sides.pop("before", None)  # today's rows do not replace a baseline that cannot be used
            if then is not None:
                if own is not None:
                    sides["before-now"] = own
                notes = _split_baseline(baseline, then, cutover, sides, (plan.cohort.row, plan.cohort.rows))
    if baseline is None and everything is None:
        absent.setdefault("before", absent["all"])
    return Evidence(
        plan=plan,
        phase=phase,
        now=now,
        baseline=baseline,
        cutover=cutover,
        sides=sides,
        absent=absent,
        independent=cutover is not None,
        notes=notes,
        contradictions=(
            *find_contradictions(plan, phase, now, sql),
            *find_doubts(plan, phase, now, baseline, max_lag if max_lag is not None else plan.max_lag),
            *find_stale(plan, now, cutover),
        ),
        compared=compared,
        other_database=other_database,
    )


def _compared(now: Snapshot, baseline: Snapshot | None) -> dict[str, Comparison]:
    """Whether the baseline and the archive are of the source's table. Two sets of row files cannot be compared."""
    found: dict[str, Comparison] = {}
    if baseline is not None and {baseline.source.kind, now.source.kind} != {"files"}:
        found["baseline"] = compare(baseline.source.identity, now.source.identity)
    if now.archive is not None:
        found["archive"] = compare(now.archive.identity, now.source.identity)
    return found


def _without_facts(baseline: Snapshot, comparison: Comparison) -> Snapshot:
    """A baseline without anything to compare, and why."""
    message = f"The baseline is of another database or table: {comparison.text}."
    problem = Problem(
        part="identity", message=message, hint="Give the right one, or add --other-database if it is intended."
    )
    nothing = {"table": None, "tally": None, "fingerprints": None, "dependents": None, "searched": None, "books": None}
    return baseline.model_copy(update={**nothing, "problems": (problem,)})


def _cohort(plan: Plan, snapshot: Snapshot, absent: dict[Side, str], side: Side) -> Tally | None:
    if snapshot.tally is None:
        problem = snapshot.problem("tally")
        absent[side] = problem.text if problem else f"{snapshot.source.location} was read without its counts."
        return None
    merged = [value for value in plan.cohort.values if value not in snapshot.tally.own_statuses()]
    if snapshot.tally.other is not None and merged and snapshot.plan_fingerprint != plan.fingerprint:
        absent[side] = (
            f"{snapshot.source.location} was read under another plan, with too many statuses to count each: "
            f"rows with the status '{merged[0]}' may be among those that were counted together."
        )
        return None
    return snapshot.tally.of_status(plan.cohort.values)


def _sorted(snapshot: Snapshot, cohort: Tally, cutover: datetime) -> dict[Side | None, Tally]:
    told = {
        (row.day, row.split): side_of(row, cutover, cohort.split, snapshot.source.read_at, cohort.unit)
        for part in (cohort, *cohort.apart)
        for row in part.rows
    }

    def those_of(side: Side | None) -> Tally:
        return cohort.where(lambda row: told[row.day, row.split] == side)

    return {side: those_of(side) for side in dict.fromkeys(("before", "after", "undated", *told.values()))}


def _split_now(
    now: Snapshot, cohort: Tally | None, cutover: datetime, sides: dict[Side, Tally], absent: dict[Side, str]
) -> None:
    """Put before, after and undated into `sides`. If a row cannot be assigned, both sides would be wrong: neither is set."""
    if cohort is None:
        return
    groups = _sorted(now, cohort, cutover)
    sides["undated"] = groups["undated"]
    if None not in groups:
        sides.update(before=groups["before"], after=groups["after"])
        return
    reason = (
        f"{now.source.location} counts by UTC {cohort.unit}, and the cutover {cutover:%Y-%m-%d %H:%M} is inside a {cohort.unit}. "
        f"Use --cutover {next_begin(cutover, cohort.unit):%Y-%m-%d}, or read the table itself."
    )
    absent.update(before=reason, after=reason)


def _split_baseline(
    baseline: Snapshot, cohort: Tally, cutover: datetime, sides: dict[Side, Tally], row_words: tuple[str, str]
) -> tuple[str, ...]:
    """Put the baseline's rows before the cutover into `sides`. Rows that cannot be assigned are left out, with a note:
    those of the day of the cutover, when the baseline counts by day and was read after the cutover.
    """
    groups = _sorted(baseline, cohort, cutover)
    sides["before"] = groups["before"]
    if None not in groups:
        return ()
    unit = max(cohort.unit, sides["before-now"].unit if "before-now" in sides else cohort.unit, key=UNITS.index)
    day = period(day_of(cutover), unit)
    for side in ("before", "before-now"):  # the same rows on both sides, otherwise "meanwhile" is not exact
        if side in sides:
            sides[side] = sides[side].where(lambda row: row.day is not None and period(row.day, unit) != day)
    left_out = plural(groups[None].total + groups["before"].total - sides["before"].total, *row_words)
    return (f"The baseline counts by UTC {unit}: {left_out} of {day}, the {unit} of the cutover, are on neither side.",)

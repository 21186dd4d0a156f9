"""Rates per day, week, month or year, from the counts that were read: the numbers behind the daily charts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from math import isinf
from typing import TYPE_CHECKING, Literal, NamedTuple

from genreq_checks.evidence import gather
from genreq_checks.measures import shown_sides
from genreq_checks.plan import Plan
from genreq_checks.population import Population, count
from genreq_checks.snapshot import Snapshot
from genreq_checks.stats import rate, wilson
from genreq_checks.tally import Side, Tally, TallyRow, day_number, day_of

if TYPE_CHECKING:
    import pandas as pd

Step = Literal["day", "week", "month", "year"]
STEPS: tuple[Step, ...] = ("day", "week", "month", "year")
MOST_POINTS = 150  # of one side; with more days than that, weeks are drawn, then months, then years


class DayRate(NamedTuple):
    """One column on one side in the step that begins on `day`; `rate` and its interval are fractions 0–1.

    The first step after the cutover begins on the cutover's day, not before it.
    """

    column: str
    day: date
    side: Side
    rows: int
    populated: int
    null: int
    blank: int
    malformed: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Days:
    """The steps in order, how long a step is, and the cohort's rows that have no place in a calendar.

    `totals` has (populated, rows) of each whole side, as the report has them, with those rows.
    """

    rates: tuple[DayRate, ...]
    step: Step
    undated: int
    beyond: int
    totals: Mapping[Side, tuple[int, int]]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, in words: rows without a time, and times that no calendar of ours holds."""
        found = []
        if self.undated:
            found.append(f"{self.undated:,} undated completed rows are left out.")
        if self.beyond:
            found.append(f"{self.beyond:,} at infinity, BC or after 9999 are left out.")
        return tuple(found)


def sides_of(plan: Plan, now: Snapshot, baseline: Snapshot | None, cutover: datetime | None) -> Mapping[Side, Tally]:
    """The report's own sides as tallies of the cohort; `all` alone when the rows cannot be told apart."""
    evidence = gather(plan, "after", now, baseline, cutover)
    found: dict[Side, Tally] = {side: evidence.sides[side] for side in shown_sides(evidence) if side in evidence.sides}
    if not found and "all" in evidence.sides:
        found["all"] = evidence.sides["all"]
    return found


def daily_counts(
    plan: Plan,
    now: Snapshot,
    column: str,
    baseline: Snapshot | None = None,
    cutover: datetime | None = None,
    most: int | None = MOST_POINTS,
) -> Days:
    """A column's rates per step and side; the step is the finest with at most `most` points a side, a day when None.

    The sides are those of `check(plan, now, baseline, cutover=cutover)`, and so are the sums. A column that was not
    counted, or a source without counts, gives no rates.
    """
    cutover = cutover if cutover is not None else plan.cutover
    undated = beyond = 0
    dated: dict[Side, list[tuple[date, TallyRow]]] = {}
    facets: dict[Side, Tally] = {}
    for side, counted in sides_of(plan, now, baseline, cutover).items():
        if not counted.has(column):
            continue
        facets[side] = tally = counted.of(column)
        for row in tally.rows:
            number = day_number(row.day) if row.day is not None else None
            if number is None:
                undated += row.rows
            elif row.day is None or isinf(number):
                beyond += row.rows
            else:
                dated.setdefault(side, []).append((date.fromisoformat(row.day), row))
    step = _step({side: {day for day, _ in rows} for side, rows in dated.items()}, most)
    floor = date.fromisoformat(day_of(cutover)) if cutover is not None else date.min
    found: list[DayRate] = []
    for side, rows in dated.items():
        bins: dict[date, list[TallyRow]] = {}
        for day, row in rows:
            start = begin(day, step)
            bins.setdefault(max(start, floor) if side == "after" else start, []).append(row)
        for day, some in sorted(bins.items()):
            part = count(facets[side].model_copy(update={"rows": tuple(some)}), column)
            found.append(_day_rate(column, day, side, part))
    whole = {side: count(tally, column) for side, tally in facets.items()}
    totals = {side: (part.populated, part.rows) for side, part in whole.items()}
    return Days(tuple(found), step, undated, beyond, totals)


def daily_rates(
    plan: Plan,
    now: Snapshot,
    column: str,
    baseline: Snapshot | None = None,
    cutover: datetime | None = None,
    most: int | None = None,
) -> pd.DataFrame:
    """`daily_counts` as a frame: column, day, side, rows, populated, null, blank, malformed, rate, low, high."""
    import pandas as pd

    counted = daily_counts(plan, now, column, baseline, cutover, most)
    return pd.DataFrame(counted.rates, columns=list(DayRate._fields))


def begin(day: date, step: Step) -> date:
    """The first day of the step in which a day lies; weeks begin on Monday."""
    if step == "day":
        return day
    if step == "week":
        return date.fromordinal(max(1, day.toordinal() - day.weekday()))
    return day.replace(day=1) if step == "month" else day.replace(month=1, day=1)


def _step(days: Mapping[Side, set[date]], most: int | None) -> Step:
    for step in STEPS:
        if most is None or all(len({begin(day, step) for day in some}) <= most for some in days.values()):
            return step
    return "year"


def _day_rate(column: str, day: date, side: Side, part: Population) -> DayRate:
    share, interval = rate(part.populated, part.rows), wilson(part.populated, part.rows)
    assert share is not None  # a step is there because it has rows
    assert interval is not None
    return DayRate(
        column, day, side, part.rows, part.populated, part.null, part.blank, part.malformed, share, *interval
    )

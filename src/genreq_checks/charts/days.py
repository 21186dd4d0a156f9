"""Rates per day, week, month or year, from the report's counts by day: the numbers of the daily charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from math import isinf
from typing import TYPE_CHECKING, Literal, NamedTuple

from genreq_checks.report import DayCount, Report
from genreq_checks.tally import Side
from genreq_checks.tally.intervals import rate, wilson
from genreq_checks.tally.periods import day_number, day_of

if TYPE_CHECKING:
    import pandas as pd

Step = Literal["day", "week", "month", "year"]
STEPS: tuple[Step, ...] = ("day", "week", "month", "year")
EACH: dict[Step, str] = {"day": "daily", "week": "weekly", "month": "monthly", "year": "yearly"}
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
    """The steps in order, the length of a step, and the number of the cohort's rows without a calendar day.

    `totals` has (populated, rows) of each complete side, as in the report, including those rows; `called` is the name
    of the cohort's rows.
    """

    rates: tuple[DayRate, ...]
    step: Step
    undated: int
    beyond: int
    totals: Mapping[Side, tuple[int, int]]
    called: str = "completed rows"

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, in words: rows without a time, and times outside of Python's calendar."""
        found = []
        if self.undated:
            found.append(f"{self.undated:,} undated {self.called} are left out.")
        if self.beyond:
            found.append(f"{self.beyond:,} at infinity, BC or after 9999 are left out.")
        return tuple(found)


def columns(report: Report) -> tuple[str, ...]:
    """The plan's kept columns: each whose population is a check, counted or not, and each that has a rate."""
    checked = [check.id.removeprefix("population.") for check in report.checks if check.id.startswith("population.")]
    return tuple(dict.fromkeys((*checked, *(rate.column for rate in report.rates))))


def daily_counts(report: Report, column: str, most: int | None = MOST_POINTS) -> Days:
    """A column's rates per step and side; the step is the finest with at most `most` points a side, a day (or what the
    report counts by) when None.

    A column that was not counted, or a report without counts by day, gives no rates.
    """
    undated = beyond = 0
    dated: dict[Side, list[tuple[date, DayCount]]] = {}
    for one in report.daily:
        if one.column != column:
            continue
        if one.day is None:
            undated += one.rows
        elif isinf(day_number(one.day)):
            beyond += one.rows
        else:
            dated.setdefault(one.side, []).append((date.fromisoformat(one.day), one))
    step = _step(report.period, {side: {day for day, _ in counts} for side, counts in dated.items()}, most)
    cutover = report.plan.cutover
    floor = date.fromisoformat(day_of(cutover)) if cutover is not None else date.min
    found: list[DayRate] = []
    for side, counts in dated.items():
        bins: dict[date, list[DayCount]] = {}
        for day, one in counts:
            start = begin(day, step)
            bins.setdefault(max(start, floor) if side == "after" else start, []).append(one)
        found += [_day_rate(column, day, side, some) for day, some in sorted(bins.items())]
    totals: dict[Side, tuple[int, int]] = {r.side: (r.populated, r.rows) for r in report.rates if r.column == column}
    return Days(tuple(found), step, undated, beyond, totals, report.plan.rows)


def daily_rates(report: Report, column: str) -> pd.DataFrame:
    """A column's rates by day, as a frame: column, day, side, rows, populated, null, blank, malformed, rate, low, high."""
    import pandas as pd

    return pd.DataFrame(daily_counts(report, column, most=None).rates, columns=list(DayRate._fields))


def begin(day: date, step: Step) -> date:
    """The first day of the step in which a day lies; weeks begin on Monday."""
    if step == "day":
        return day
    if step == "week":
        return date.fromordinal(max(1, day.toordinal() - day.weekday()))
    return day.replace(day=1) if step == "month" else day.replace(month=1, day=1)


def _step(finest: Step, days: Mapping[Side, set[date]], most: int | None) -> Step:
    for step in STEPS[STEPS.index(finest) :]:
        if most is None or all(len({begin(day, step) for day in some}) <= most for some in days.values()):
            return step
    return "year"


def _day_rate(column: str, day: date, side: Side, counts: Iterable[DayCount]) -> DayRate:
    numbers = [(one.rows, one.populated, one.null, one.blank, one.malformed) for one in counts]
    rows, populated, null, blank, malformed = map(sum, zip(*numbers, strict=True))
    share, interval = rate(populated, rows), wilson(populated, rows)
    assert share is not None  # a step exists only if it has rows
    assert interval is not None
    return DayRate(column, day, side, rows, populated, null, blank, malformed, share, *interval)

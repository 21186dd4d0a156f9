"""The time axis of the charts: in UTC, by whole days, and with a long time without rows drawn short."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import altair as alt

from genreq_checks.charts.days import Step, begin
from genreq_checks.tally.periods import DAY_ONE

TICKS = 5
SHORTEST_BREAK = 7  # steps without rows that are always drawn as long as they are
BREAK_SHARE = 0.25  # and so is a time without rows that is shorter than this share of the rest
BREAK_WIDTH = 0.06  # the width of a longer one, as a share of the time with rows
EDGE = 8  # pixels left and right of the first and the last mark
STEP_DAYS: dict[Step, float] = {"day": 1, "week": 7, "month": 30.4, "year": 365.2}


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Moments in milliseconds and their places from 0 to 1, between which time is even; `breaks` are drawn short."""

    step: Step
    moments: tuple[float, ...]
    places: tuple[float, ...]
    breaks: tuple[tuple[float, float], ...]
    steps: tuple[date, ...]

    def x(self, width: int | None, labels: bool = True) -> alt.X:
        """The channel of the field `day` in a chart of this width; None: its container's, which only the page knows."""
        pixels = "width" if width is None else str(width)
        bends = [{"expr": f"{EDGE} + {place:.5f} * ({pixels} - {2 * EDGE})"} for place in self.places]
        scale = alt.Scale(type="utc", domain={"expr": str(list(self.moments))}, range=bends)
        return alt.X("day:T", title=None, scale=scale, axis=_ticks(self.ticks(), self.step) if labels else None)

    def ticks(self) -> list[date]:
        """At most five steps with rows, at even distances on the page; without a label at the end of a break."""
        found: list[date] = []
        places = [self.place(day) for day in self.steps]
        for target in (n / (TICKS - 1) for n in range(TICKS)):
            near = min(range(len(places)), key=lambda n: abs(places[n] - target))
            if not found or places[near] - self.place(found[-1]) > 0.6 / TICKS:
                found.append(self.steps[near])
        return found

    def place(self, day: date | datetime) -> float:
        """Where a day or an instant is, from 0 to 1."""
        at = milliseconds(day)
        for (one, two), (low, high) in zip(pairwise(self.moments), pairwise(self.places), strict=True):
            if at <= two:
                return low + (high - low) * (at - one) / (two - one)
        return 1.0


def time_axis(days: Iterable[date], step: Step, cutover: datetime | None = None) -> TimeAxis:
    """The axis for the steps that begin on these days, and the cutover."""
    steps = sorted(set(days))
    moments = sorted({*map(milliseconds, steps), *([milliseconds(cutover)] if cutover else [])})
    unit = STEP_DAYS[step] * 86_400_000
    if moments[-1] - moments[0] < 2 * unit:  # few steps have room at their sides, and one alone is in the middle
        moments = [moments[0] - unit / 2, *moments, moments[-1] + unit / 2]
    lengths = [(two - one) / unit for one, two in pairwise(moments)]
    longest, rest = _longest(lengths)
    drawn = [n if n <= longest else max(1.0, BREAK_WIDTH * rest) for n in lengths]
    places = [0.0]
    for n in drawn:
        places.append(places[-1] + n / sum(drawn))
    ends = list(pairwise(moments))
    breaks = tuple(end for end, n in zip(ends, lengths, strict=True) if n > longest)
    bends = {moments[0], moments[-1], *(moment for pair in breaks for moment in pair)}
    kept = [(moment, place) for moment, place in zip(moments, places, strict=True) if moment in bends]
    return TimeAxis(step, tuple(m for m, _ in kept), tuple(p for _, p in kept), breaks, tuple(steps))


def _longest(lengths: Sequence[float]) -> tuple[float, float]:
    """The longest part that is drawn as long as it is, and the sum of these parts."""
    kept = sorted(lengths)
    while kept[-1] > max(SHORTEST_BREAK, BREAK_SHARE * sum(kept[:-1])) and len(kept) > 1:
        kept.pop()
    return kept[-1], sum(kept)


def windowed(days: Iterable[date], step: Step, domain: Any) -> alt.X:
    """The channel for a window of time, evenly: two days, or what a parameter selects."""
    scale = alt.Scale(type="utc", domain=domain)
    return alt.X("day:T", title=None, scale=scale, axis=_ticks(sorted(set(days)), step))


def milliseconds(moment: date | datetime) -> float:
    """The moment as Vega counts time; a day is its beginning in UTC."""
    if not isinstance(moment, datetime):
        return float((moment.toordinal() - DAY_ONE.toordinal()) * 86_400_000)
    return (moment - datetime.combine(DAY_ONE, time(), UTC)) / timedelta(milliseconds=1)


def is_next(one: date, two: date, step: Step) -> bool:
    """Does the second step follow the first, without one between that has no rows?"""
    if two.toordinal() - one.toordinal() <= 1:
        return True
    middle = begin(date.fromordinal(two.toordinal() - 1), step)
    return middle <= one


def _ticks(days: Sequence[date], step: Step) -> alt.Axis:
    """Labels at these steps: the year is in the first, and where it changes."""
    labels, year = {}, None
    for day in days:
        parts = {"day": f"{day.day} {day:%b}", "week": f"{day.day} {day:%b}", "month": f"{day:%b}", "year": ""}
        labels[f"{milliseconds(day):.0f}"] = f"{parts[step]} {day.year if day.year != year else ''}".strip()
        year = day.year
    return alt.Axis(
        values=[int(value) for value in labels],
        labelExpr=f"({labels})[toString(time(datum.value))]",
        labelOverlap="greedy",
        labelFlush=True,
        labelBound=False,
        grid=False,
    )

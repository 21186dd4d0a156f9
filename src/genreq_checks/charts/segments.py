"""The steps of a side as drawn: a line that ends where steps have no rows, and a point for each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import altair as alt

from genreq_checks.charts.axis import is_next
from genreq_checks.charts.days import DayRate, Step
from genreq_checks.tally.periods import day_of
from genreq_checks.text import bounds, share


def lines_and_points(values: list[dict[str, Any]]) -> tuple[list[alt.Chart], list[alt.Chart]]:
    """The chart of the lines and that of the points that are alone, each in a list that is empty when there are none."""
    base = alt.Chart(alt.InlineData(values=values))
    several = [base.transform_filter("!datum.alone")] if not all(one["alone"] for one in values) else []
    alone = [base.transform_filter("datum.alone")] if any(one["alone"] for one in values) else []
    return several, alone


def points(rates: Sequence[DayRate], step: Step, cutover: datetime | None) -> list[dict[str, Any]]:
    """What the marks of the steps show. `part` numbers the lines: a new one begins after steps without rows, and with a side."""
    found: list[dict[str, Any]] = []
    part, last = 0, None
    for rate in rates:
        if last is not None and (last.side != rate.side or not is_next(last.day, rate.day, step)):
            part += 1
        found.append(_point(rate, step, cutover) | {"part": part})
        last = rate
    alone = [one["part"] for one in found]
    return [one | {"alone": alone.count(one["part"]) == 1} for one in found]


def _point(rate: DayRate, step: Step, cutover: datetime | None) -> dict[str, Any]:
    """What a mark of one step shows; the first after the cutover is drawn at the cutover, not at the beginning of the day."""
    day = rate.day.isoformat()
    at_cutover = cutover is not None and rate.side == "after" and day == day_of(cutover)
    return {
        "day": cutover.isoformat() if cutover is not None and at_cutover else day,
        "when": day if step == "day" else f"{step} of {day}",
        "side": rate.side,
        "rate": rate.rate,
        "low": rate.low,
        "high": rate.high,
        "told": share(rate.populated, rate.rows),
        "interval": f"{bounds(rate.low, rate.high)} %",
        "empty": f"{rate.null:,} null, {rate.blank:,} blank",
    }

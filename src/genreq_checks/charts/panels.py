"""The rates of all columns over time, one panel for each, on one time axis."""

from __future__ import annotations

from typing import Any

import altair as alt

from genreq_checks.charts.axis import time_axis
from genreq_checks.charts.days import EACH, Days, columns, daily_counts
from genreq_checks.charts.segments import lines_and_points, points
from genreq_checks.charts.style import (
    INK,
    QUIET,
    SIDES,
    SIGNS,
    Align,
    clean,
    finish,
    layered,
    room,
    side_scale,
    sized,
    tone,
)
from genreq_checks.charts.trend import BREAK_NOTE, breaks, cutover_rule, none_by_day, step_tips
from genreq_checks.report import Report
from genreq_checks.text import percent

HEADING, PLOT = 54, 72  # pixels of a panel's two lines of text, and of its plot


def trends(report: Report, width: int | None = None) -> alt.LayerChart:
    """Each column's rate per day (week, month, year) with its 95 % interval, one under the other, and the cutover."""
    cutover = report.plan.cutover
    every = {column: daily_counts(report, column) for column in columns(report)}
    counted = {column: days for column, days in every.items() if days.rates}
    if not counted:
        return none_by_day(report, f"No {report.plan.row} has a time in the calendar, or no column was counted.", width)
    values: list[dict[str, Any]] = []
    headings: list[dict[str, Any]] = []
    for index, (column, days) in enumerate(counted.items()):
        top = index * (HEADING + PLOT) + HEADING
        headings += _headings(column, days, top)
        for one in points(days.rates, days.step, cutover):
            places = {f"{name}_y": top + PLOT * (1 - one[name]) for name in ("rate", "low", "high")}
            values.append(one | places | {"column": clean(column), "part": f"{index}.{one['part']}"})
    first = next(iter(counted.values()))
    height = len(counted) * (HEADING + PLOT)
    axis = time_axis({rate.day for days in counted.values() for rate in days.rates}, first.step, cutover)
    x = axis.x(width)
    down, levels = alt.Scale(domain=[height, 0], nice=False), _levels(len(counted))
    y, low, told = (alt.Y(f"{field}:Q", scale=down, axis=levels) for field in ("rate_y", "low_y", "y"))
    sides = [side for side in SIDES if any(one["side"] == side for one in values)]
    colour = alt.Color("side:N", scale=side_scale(sides, 0), legend=None)
    shape = alt.Shape("side:N", scale=side_scale(sides, 1), legend=None)
    base, texts = alt.Chart(alt.InlineData(values=values)), alt.Chart(alt.InlineData(values=headings))
    several, alone = lines_and_points(values)
    layers = [
        *breaks(axis, x),
        *(
            one.mark_area(opacity=0.22).encode(x=x, y=low, y2="high_y:Q", color=colour, detail="part:N")
            for one in several
        ),
        *(one.mark_rule(opacity=0.45, strokeWidth=4).encode(x=x, y=low, y2="high_y:Q", color=colour) for one in alone),
        *(one.mark_line(strokeWidth=1.5).encode(x=x, y=y, color=colour, detail="part:N") for one in several),
        base.mark_point(filled=True, size=30, opacity=1).encode(
            x=x, y=y, color=colour, shape=shape, tooltip=[alt.Tooltip("column:N"), *step_tips(first.step)]
        ),
        texts.transform_filter("datum.place == 'name'")
        .mark_text(align="left", fontWeight="bold", color=INK, limit=room(width))
        .encode(x=alt.value(0), y=told, text="text:N"),
    ]
    for side in SIDES:
        some = texts.transform_filter(f"datum.place == '{side}'")
        align: Align = "right" if side == "after" else "left"
        at = alt.value("width" if side == "after" else 0)
        layers.append(some.mark_text(align=align, color=tone(SIDES[side][0])).encode(x=at, y=told, text="text:N"))
    if cutover is not None:
        layers += cutover_rule(cutover, x, axis)
    each = EACH[first.step]
    notes = [f"{each.capitalize()}, {report.plan.rows}; band: 95 % interval.", *first.notes]
    notes += [f"{clean(name)} was not counted by {first.step}." for name in every if name not in counted]
    words = "; ".join(str(one["text"]) for one in headings)
    title = f"Rates over time, {each}" if len(counted) > 1 else f"The rate over time, {each}"
    return finish(
        sized(layered(*layers), width, height),
        title,
        [*notes, *([BREAK_NOTE] if axis.breaks else [])],
        f"{title}. {words}",
    )


def _headings(column: str, days: Days, top: int) -> list[dict[str, Any]]:
    """The name of a panel, and under it the whole rate of each side, left and right."""
    found: list[dict[str, Any]] = [{"place": "name", "text": clean(column), "y": top - 32}]
    for side in ("before", "after", "all"):
        populated, rows = days.totals.get(side, (0, 0))
        if side in days.totals:
            told = percent(populated, rows) if rows else "no rows"
            found.append({"place": side, "text": f"{SIGNS[side]} {side} {told}", "y": top - 14})
    return found


def _levels(panels: int) -> alt.Axis:
    """Lines and labels of 0, 50 and 100 % in each panel."""
    tops = [index * (HEADING + PLOT) + HEADING for index in range(panels)]
    labels = {top + PLOT * down // 2: f"{100 - 50 * down} %" for top in tops for down in range(3)}
    return alt.Axis(
        values=list(labels),
        labelExpr=f"({ {str(place): text for place, text in labels.items()} })[toString(datum.value)]",
        title=None,
        domain=False,
        ticks=False,
        gridColor=QUIET,
    )

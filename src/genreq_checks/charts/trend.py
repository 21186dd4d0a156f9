"""Charts over time: a column's rates with interval bands and the cutover, the number of rows behind them, and a sparkline."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import altair as alt

from genreq_checks.charts.axis import TimeAxis, time_axis, windowed
from genreq_checks.charts.days import EACH, Days, daily_counts
from genreq_checks.charts.lines import QUARTERS
from genreq_checks.charts.segments import lines_and_points, points
from genreq_checks.charts.style import INK, QUIET, SIDES, Align, clean, finish, layered, nothing, side_scale, sized
from genreq_checks.report import Report
from genreq_checks.tally.periods import DAY_ONE
from genreq_checks.text import percent, plural, share

Window = tuple[date, date]
WINDOW = "window"  # the name of the brush on the timeline
SPARKS = 30  # points of one side of a sparkline
DASHES = {"before": [4, 3], "after": [1, 0], "all": [1, 0], "undated": [1, 3]}
BREAK_NOTE = "A long time without rows is grey and drawn short."


def daily(
    report: Report, column: str, *, window: Window | alt.Parameter | None = None, width: int | None = None
) -> alt.LayerChart:
    """A column's rate per day with its 95 % interval as a band, and the cutover as a line.

    Weeks, months or years are drawn when there are too many days. `window` is the visible range: two days, or the brush
    of a `timeline` in the same chart.
    """
    cutover, days = report.plan.cutover, daily_counts(report, column)
    if not days.rates:
        reason = f"{clean(column)} was not counted, or no {report.plan.row} has a time in the calendar."
        return none_by_day(report, reason, width)
    values = points(days.rates, days.step, cutover)
    base, (several, alone) = alt.Chart(alt.InlineData(values=values)), lines_and_points(values)
    sides = [side for side in SIDES if any(rate.side == side for rate in days.rates)]
    axis = time_axis([rate.day for rate in days.rates], days.step, cutover)
    x = axis.x(width) if window is None else windowed(axis.steps, days.step, _domain(window))
    y = alt.Y("rate:Q", title="populated", scale=alt.Scale(domain=[0, 1], padding=5, nice=False), axis=QUARTERS)
    legend = alt.Legend() if len(sides) > 1 else None
    colour = alt.Color("side:N", scale=side_scale(sides, 0), legend=legend)
    shape = alt.Shape("side:N", scale=side_scale(sides, 1), legend=legend)
    dash = alt.StrokeDash(
        "side:N", scale=alt.Scale(domain=sides, range=[DASHES[side] for side in sides]), legend=legend
    )
    tips = step_tips(days.step)
    layers: list[alt.Chart] = [
        *(breaks(axis, x) if window is None else []),
        *(
            one.mark_area(opacity=0.22, clip=True).encode(x=x, y="low:Q", y2="high:Q", color=colour, detail="part:N")
            for one in several
        ),
        *(
            one.mark_rule(opacity=0.45, strokeWidth=4, clip=True).encode(x=x, y="low:Q", y2="high:Q", color=colour)
            for one in alone
        ),
        *(
            one.mark_line(clip=True, strokeWidth=1.5).encode(x=x, y=y, color=colour, strokeDash=dash, detail="part:N")
            for one in several
        ),
        base.mark_point(filled=True, size=36, opacity=1, clip=True).encode(
            x=x, y=y, color=colour, shape=shape, tooltip=tips
        ),
    ]
    subtitle = [f"{EACH[days.step].capitalize()}, {report.plan.rows}; band: 95 % interval."]
    if cutover is not None:
        layers += cutover_rule(cutover, x, axis, named=window is None)
    chart = sized(layered(*layers), width, 170)
    noted = [BREAK_NOTE] if axis.breaks and window is None else []
    return finish(chart, daily_title(days, column), [*subtitle, *days.notes, *noted])


def daily_title(days: Days, column: str) -> str:
    """The finding in one line: the report's rates before and after, or the rate of the only side."""
    found = {side: whole for side, whole in days.totals.items() if whole[1]}
    if "before" in found and "after" in found:
        return f"{clean(column)}: {percent(*found['before'])} before, {percent(*found['after'])} after"
    side = next(side for side in ("after", "before", "all", "undated") if side in found)
    words = "" if side in ("all", "undated") else f" {side} the cutover"
    return f"{clean(column)}: {share(*found[side])}{words}"


def timeline(
    report: Report, *, width: int | None = None, brush: alt.Parameter | None = None
) -> alt.LayerChart | alt.Chart:
    """Rows of the cohort per day (or week, month, year), behind the daily rates. `brush` allows to choose a window."""
    days = daily_counts(
        report, next((r.column for r in report.rates if r.side != "before"), "")
    )  # the source's tally has it
    if not days.rates:
        return none_by_day(report, f"No {report.plan.row} has a time in the calendar.", width)
    total = sum(rate.rows for rate in days.rates)
    values = [{"day": rate.day.isoformat(), "side": rate.side, "rows": rate.rows} for rate in days.rates]
    sides = [side for side in SIDES if any(value["side"] == side for value in values)]
    axis = time_axis([rate.day for rate in days.rates], days.step, report.plan.cutover)
    bars = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar(width={"expr": f"max(2, min(12, 0.7 * width / {max(len(values), 1)}))"})
        .encode(
            x=axis.x(width),
            y=alt.Y("rows:Q", title="rows", axis=alt.Axis(tickCount=3)),
            color=alt.Color("side:N", scale=side_scale(sides, 0), legend=None),
            tooltip=[alt.Tooltip("day:N", title=days.step), alt.Tooltip("side:N"), alt.Tooltip("rows:Q", format=",")],
        )
    )
    title = f"{plural(total, report.plan.row, report.plan.rows)} with a time, {EACH[days.step]}"
    told = ["Drag over a range to see that range above."] if brush is not None else []
    chart = bars.add_params(brush) if brush is not None else bars
    shown: alt.Chart = finish(sized(chart, width, 60), title, told)
    return shown


def brush() -> alt.Parameter:
    """A brush over time for a `timeline`: in a notebook `window_of` reads it, in one chart `daily` follows it."""
    return alt.selection_interval(name=WINDOW, encodings=["x"])


def window_of(selections: Mapping[str, Any]) -> Window | None:
    """The selected days, from the selections that a notebook returns; None without a selection."""
    ends = selections.get(WINDOW, {}).get("day", ())
    if len(ends) != 2 or not all(isinstance(end, int | float) for end in ends):
        return None
    first, last = (DAY_ONE + timedelta(milliseconds=float(end)) for end in sorted(ends))
    return (first, last) if first < last else None


def sparkline(report: Report, column: str, *, width: int | None = None) -> alt.LayerChart:
    """A column's rates over time as a small chart: 0 to 100 % from bottom to top, the cutover as a line."""
    cutover, days = report.plan.cutover, daily_counts(report, column, SPARKS)
    if not days.rates:
        empty = alt.Chart(alt.InlineData(values=[{}])).mark_point(opacity=0)
        return finish(sized(layered(empty), width, 32), "", [], f"{clean(column)}: nothing to draw")
    line, alone = lines_and_points(points(days.rates, days.step, cutover))
    axis = time_axis([rate.day for rate in days.rates], days.step, cutover)
    x, y = (
        axis.x(width, labels=False),
        alt.Y("rate:Q", axis=None, stack=None, scale=alt.Scale(domain=[0, 1], padding=3)),
    )
    tips = step_tips(days.step)
    layers = [
        *breaks(axis, x),
        *(one.mark_area(color=QUIET, opacity=0.25).encode(x=x, y=y, detail="part:N") for one in line),
        *(one.mark_line(color=INK, strokeWidth=1.5).encode(x=x, y=y, detail="part:N", tooltip=tips) for one in line),
        *(one.mark_point(color=INK, filled=True, size=24, opacity=1).encode(x=x, y=y, tooltip=tips) for one in alone),
        *(cutover_rule(cutover, x, axis, named=False) if cutover is not None else []),
    ]
    return finish(sized(layered(*layers), width, 32), "", [], daily_title(days, column))


def none_by_day(report: Report, reason: str, width: int | None) -> alt.LayerChart:
    """Instead of a chart: the reason, or that the report is of a version without counts by day."""
    if not report.daily and any(rate.rows for rate in report.rates):
        version = clean(report.tool.version, 20)
        reason = f"The report has no counts by day (it is of genreq-checks {version}): make it again from the snapshot."
    return nothing(reason, width)


def step_tips(step: str) -> list[alt.Tooltip]:
    """The tooltip of one step."""
    return [
        alt.Tooltip("when:N", title=step),
        alt.Tooltip("side:N"),
        alt.Tooltip("told:N", title="populated"),
        alt.Tooltip("interval:N", title="95 % interval"),
        alt.Tooltip("empty:N", title="not populated"),
    ]


def breaks(axis: TimeAxis, x: alt.X) -> list[alt.Chart]:
    """The parts of the axis that are drawn short, in grey."""
    if not axis.breaks:
        return []
    values = [{"day": int(one), "until": int(two)} for one, two in axis.breaks]
    base = alt.Chart(alt.InlineData(values=values))
    return [base.mark_rect(color=QUIET, opacity=0.18).encode(x=x, x2="until:T")]


def cutover_rule(cutover: datetime, x: alt.X, axis: TimeAxis, named: bool = True) -> list[alt.Chart]:
    """The cutover as a line, with its name at the top, on the side that has more room."""
    value = {"day": cutover.isoformat(), "name": f"cutover {cutover:%Y-%m-%d %H:%M} UTC"}
    base = alt.Chart(alt.InlineData(values=[value]))
    rule: alt.Chart = base.mark_rule(color=INK, strokeDash=[6, 3], clip=True).encode(
        x=x, tooltip=[alt.Tooltip("name:N", title=" ")]
    )
    if not named:
        return [rule]
    align: Align = "left" if axis.place(cutover) < 0.5 else "right"
    text = base.mark_text(align=align, dx=4 if align == "left" else -4, color=INK, fontSize=11)
    return [rule, text.encode(x=x, y=alt.value(-7), text="name:N")]


def _domain(window: Window | alt.Parameter) -> object:
    if not isinstance(window, tuple):
        return window
    return [alt.DateTime(year=day.year, month=day.month, date=day.day, utc=True) for day in window]

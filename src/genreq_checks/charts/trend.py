"""Charts over time: daily rates with interval bands and the cutover, the number of rows behind them, and a sparkline."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import altair as alt

from genreq_checks.charts.days import DayRate, Days, Step, daily_counts
from genreq_checks.charts.lines import QUARTERS
from genreq_checks.charts.style import INK, SIDES, clean, finish, layered, nothing, side_scale, sized
from genreq_checks.report import Report
from genreq_checks.tally.periods import DAY_ONE, day_of
from genreq_checks.text import bounds, percent, plural, share

Window = tuple[date, date]
WINDOW = "window"  # the name of the brush on the timeline
EACH: dict[Step, str] = {"day": "daily", "week": "weekly", "month": "monthly", "year": "yearly"}
SPARKS = 30  # points of one side of a sparkline
DASHES = {"before": [4, 3], "after": [1, 0], "all": [1, 0], "undated": [1, 3]}


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
        return _nothing(report, reason, width)
    base = alt.Chart(alt.InlineData(values=[_point(rate, days.step, cutover) for rate in days.rates]))
    sides = [side for side in SIDES if any(rate.side == side for rate in days.rates)]
    x = _x(window)
    y = alt.Y("rate:Q", title="populated", scale=alt.Scale(domain=[0, 1], padding=5, nice=False), axis=QUARTERS)
    legend = alt.Legend() if len(sides) > 1 else None
    colour = alt.Color("side:N", scale=side_scale(sides, 0), legend=legend)
    shape = alt.Shape("side:N", scale=side_scale(sides, 1), legend=legend)
    dash = alt.StrokeDash(
        "side:N", scale=alt.Scale(domain=sides, range=[DASHES[side] for side in sides]), legend=legend
    )
    tips = [
        alt.Tooltip("when:N", title=days.step),
        alt.Tooltip("side:N"),
        alt.Tooltip("told:N", title="populated"),
        alt.Tooltip("interval:N", title="95 % interval"),
        alt.Tooltip("empty:N", title="not populated"),
    ]
    layers: list[alt.Chart] = [
        base.mark_area(opacity=0.22, clip=True).encode(x=x, y="low:Q", y2="high:Q", color=colour),
        base.mark_line(clip=True, strokeWidth=1.5).encode(x=x, y=y, color=colour, strokeDash=dash),
        base.mark_point(filled=True, size=36, opacity=1, clip=True).encode(
            x=x, y=y, color=colour, shape=shape, tooltip=tips
        ),
    ]
    subtitle = [f"{EACH[days.step].capitalize()}, {report.plan.rows}; band: 95 % interval."]
    if cutover is not None:
        layers.append(_rule(cutover, x))
    chart = sized(layered(*layers), width, 170)
    return finish(chart, daily_title(days, column), [*subtitle, *days.notes])


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
        return _nothing(report, f"No {report.plan.row} has a time in the calendar.", width)
    total = sum(rate.rows for rate in days.rates)
    values = [{"day": rate.day.isoformat(), "side": rate.side, "rows": rate.rows} for rate in days.rates]
    sides = [side for side in SIDES if any(value["side"] == side for value in values)]
    bars = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar(width={"expr": f"max(2, min(12, 0.7 * width / {max(len(values), 1)}))"})
        .encode(
            x=_x(None),
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


def sparkline(report: Report, column: str, *, width: int = 140) -> alt.LayerChart:
    """A column's rates over time as a small chart: 0 to 100 % from bottom to top, the cutover as a line."""
    cutover, days = report.plan.cutover, daily_counts(report, column, SPARKS)
    values = [_point(rate, days.step, cutover) for rate in days.rates] or [{}]
    values[-1]["last"] = True
    base = alt.Chart(alt.InlineData(values=values))
    x = alt.X("day:T", axis=None, scale=alt.Scale(type="utc"))
    y = alt.Y("rate:Q", axis=None, scale=alt.Scale(domain=[0, 1], padding=2))
    tips = [alt.Tooltip("when:N", title=days.step), alt.Tooltip("told:N", title=clean(column))]
    line = base.mark_line(color=INK, strokeWidth=1.5).encode(x=x, y=y, detail="side:N", tooltip=tips)
    last = base.mark_point(color=INK, filled=True, size=30, opacity=1, aria=False).encode(x=x, y=y, tooltip=tips)
    layers = [
        line,
        last.transform_filter("datum.last"),  # a side with one step has a point instead of a line
        *([_rule(cutover, x)] if cutover is not None and days.rates else []),
    ]
    words = daily_title(days, column) if days.rates else f"{clean(column)}: nothing to draw"
    chart = layered(*layers).properties(width=width, height=32)
    return finish(chart, "", [], words)


def _nothing(report: Report, reason: str, width: int | None) -> alt.LayerChart:
    """Instead of a chart: the reason, or that the report is of a version without counts by day."""
    if not report.daily and any(rate.rows for rate in report.rates):
        version = clean(report.tool.version, 20)
        reason = f"The report has no counts by day (it is of genreq-checks {version}): make it again from the snapshot."
    return nothing(reason, width)


def _x(window: Window | alt.Parameter | None) -> alt.X:
    scale = alt.Scale(type="utc", padding=8)
    if isinstance(window, tuple):
        scale = alt.Scale(type="utc", domain=[_moment(day) for day in window])
    elif window is not None:
        scale = alt.Scale(type="utc", domain=window, padding=8)
    return alt.X("day:T", title=None, scale=scale, axis=alt.Axis(labelOverlap=True, tickCount=6, grid=False))


def _moment(day: date) -> alt.DateTime:
    return alt.DateTime(year=day.year, month=day.month, date=day.day, utc=True)


def _rule(cutover: datetime, x: alt.X) -> alt.Chart:
    value = {"day": cutover.isoformat(), "name": f"cutover {cutover:%Y-%m-%d %H:%M} UTC"}
    base = alt.Chart(alt.InlineData(values=[value]))
    tips = [alt.Tooltip("name:N", title=" ")]
    rule: alt.Chart = base.mark_rule(color=INK, strokeDash=[6, 3], clip=True).encode(x=x, tooltip=tips)
    return rule


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

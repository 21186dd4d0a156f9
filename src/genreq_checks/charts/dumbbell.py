"""Rates before and after, per column: a mark with its interval, and beside it the rate and n in the side's colour."""

from __future__ import annotations

import altair as alt

from genreq_checks.charts.lines import QUARTERS, Row, tips
from genreq_checks.charts.style import (
    INK,
    QUIET,
    SIDES,
    SIGNS,
    Align,
    clean,
    finish,
    layered,
    nothing,
    room,
    sized,
    tone,
)
from genreq_checks.report import Rate, Report
from genreq_checks.text import bounds, percent, share

HEADING, SIDE, TOLD = 24, 38, 20  # pixels of a column's name, of a side with its mark, and of a side in words only
LONG_NAME = 30  # letters of a name that leave no room for the minimum beside it on a phone
ALIGNED: dict[Align, str] = {"left": "datum.rate < 0.5", "right": "datum.rate >= 0.5"}  # where there is more room
TEXT = 9  # pixels from a mark's line to the middle of the text above it and of the text below it


def rates(report: Report, width: int | None = None) -> alt.LayerChart:
    """Each column's population rate, before and after, with its interval and n; and the plan's minimum."""
    lines: list[Row] = []
    minimum, place = _minimums(report), 0
    for column in dict.fromkeys(rate.column for rate in report.rates):
        asked = minimum.get(column)
        lines.append({"heading": clean(column), "y": place + HEADING / 2})
        if asked is not None:
            place += TOLD if len(clean(column)) > LONG_NAME else 0
            lines.append({"minimum": asked, "asked": f"at least {100 * asked:g} % ▾", "y": place + HEADING / 2})
        place += HEADING
        for rate in (r for r in report.rates if r.column == column and (r.rows or r.side in ("before", "after"))):
            drawn = bool(rate.rows) and rate.side != "undated"
            height = SIDE if drawn else TOLD
            lines.append(_line(rate, drawn, asked) | {"y": place + height / 2})
            place += height
    if not lines:
        return nothing("No column was counted.", width)
    y = alt.Y("y:Q", scale=alt.Scale(domain=[place, 0], nice=False), axis=None)
    x = alt.X(
        "rate:Q",
        title=f"populated, of {report.plan.rows}",
        scale=alt.Scale(domain=[0, 1], padding=8, nice=False),
        axis=alt.Axis(format=".0%", values=QUARTERS.values, grid=False),
    )
    layers = _layers(lines, x, y, width)
    subtitle = [f"Of {report.plan.rows}, with 95 % Wilson intervals."]
    return finish(sized(layered(*layers), width, place), rates_title(report), subtitle, _said(report))


def _layers(lines: list[Row], x: alt.X, y: alt.Y, width: int | None) -> list[alt.Chart]:
    base = alt.Chart(alt.InlineData(values=lines))
    drawn = [side for side in SIDES if any(line.get("side") == side and "rate" in line for line in lines)]
    headings = base.transform_filter("isValid(datum.heading)")
    asked = base.transform_filter("isValid(datum.asked)")
    minima = base.transform_filter("isValid(datum.least)")
    measured = tips(
        column="column", side="side", told="populated", interval="95 % interval", least_told="the plan asks for"
    )
    layers = [
        headings.mark_text(align="left", fontWeight="bold", color=INK, limit=room(width)).encode(
            x=alt.value(0), y=y, text="heading:N"
        ),
        asked.mark_text(align="right", dx=4, dy=4, fontSize=11, color=INK).encode(x="minimum:Q", y=y, text="asked:N"),
        minima.mark_tick(thickness=2, size=8, color=INK, orient="vertical").encode(x="least:Q", y=y),
    ]
    for side in SIDES:
        words = base.transform_filter(f"datum.side == '{side}' && !isValid(datum.rate)")
        said = words.mark_text(align="left", color=tone(SIDES[side][0]), aria=False)
        layers.append(said.encode(x=alt.value(0), y=y, text="told:N"))
    for side in drawn:
        colour, shape = SIDES[side]
        marks = base.transform_filter(f"datum.side == '{side}' && isValid(datum.rate)")
        layers += [
            marks.mark_rule(strokeWidth=1, color=QUIET).encode(x="zero:Q", x2="rate:Q", y=y),
            marks.mark_rule(strokeWidth=6, opacity=0.45, color=colour).encode(x="low:Q", x2="high:Q", y=y),
            marks.mark_point(filled=True, size=90, opacity=1, color=colour, shape=shape).encode(
                x=x, y=y, tooltip=measured
            ),
        ]
        for align, where in ALIGNED.items():
            some, shift = marks.transform_filter(where), 9 if align == "left" else -9
            rate = some.mark_text(align=align, dx=shift, dy=-TEXT, color=tone(colour), fontWeight="bold")
            rows = some.mark_text(align=align, dx=shift, dy=TEXT, color=tone(colour))
            layers += [rate.encode(x=x, y=y, text="rate_told:N"), rows.encode(x=x, y=y, text="rows_told:N")]
    return layers


def _line(rate: Rate, drawn: bool, minimum: float | None) -> Row:
    """What is drawn of a side: its mark and two texts; without rows, and without a side in time, words only."""
    told: Row = {"column": clean(rate.column), "side": rate.side, "told": share(rate.populated, rate.rows)}
    if not drawn:
        words = told["told"] if rate.rows else "no rows"
        return told | {"told": f"{SIGNS[rate.side]} {rate.side}: {words}"}
    interval = f"{bounds(rate.low, rate.high)} %"
    least = minimum if rate.side in ("after", "all") else None
    return (
        told
        | {"zero": 0, "rate": rate.rate, "low": rate.low, "high": rate.high, "interval": interval, "least": least}
        | {"least_told": "no minimum" if least is None else f"at least {100 * least:g} %"}
        | {"rate_told": f"{percent(rate.populated, rate.rows)}  {bounds(rate.low, rate.high)}"}
        | {"rows_told": f"{rate.side} · {rate.populated:,} of {rate.rows:,}"}
    )


def rates_title(report: Report) -> str:
    """The finding in one line: the rate with the largest change beyond its interval, or the lowest rate."""
    sure = [c for c in report.changes if c.difference and (c.low is None or c.high is None or not c.low <= 0 <= c.high)]
    for change in sorted(sure, key=lambda c: -abs(c.difference or 0)):
        before, after = report.rate(change.column, "before"), report.rate(change.column, "after")
        if before and after:
            verb = "rose" if after.populated * before.rows > before.populated * after.rows else "fell"
            one, two = (percent(r.populated, r.rows) for r in (before, after))
            return f"{clean(change.column)} {verb} from {one} to {two}"
    judged = [r for r in report.rates if r.side in ("after", "all") and r.rate is not None]
    if report.changes and any(c.difference is not None for c in report.changes):
        return "No rate changed beyond its interval"
    if judged:
        lowest = min(judged, key=lambda r: r.rate or 0)
        return f"{clean(lowest.column)} is populated in {share(lowest.populated, lowest.rows)}, the lowest"
    if any(rate.rate is not None for rate in report.rates):
        return f"There are no {report.plan.rows} after{' the cutover' if report.plan.cutover else ''}"
    return f"There are no {report.plan.rows}"


def _minimums(report: Report) -> dict[str, float]:
    """Column → the plan's minimum, from the findings of population.*."""
    found: dict[str, float] = {}
    for check in report.checks:
        for finding in check.findings:
            if check.id.startswith("population.") and isinstance(finding.evidence.get("minimum"), float):
                found[check.id.removeprefix("population.")] = finding.evidence["minimum"]
    return found


def _said(report: Report) -> str:
    """All the numbers of the chart in words, for users who cannot see it."""
    return "; ".join(f"{clean(r.column)} {r.side}: {share(r.populated, r.rows)}" for r in report.rates)

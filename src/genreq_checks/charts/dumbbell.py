"""Rates before and after, per column, as a dumbbell."""

from __future__ import annotations

import altair as alt

from genreq_checks.charts.lines import HEIGHT, QUARTERS, Row, down, line_text, tips
from genreq_checks.charts.style import INK, QUIET, SIDES, clean, finish, layered, nothing, sized
from genreq_checks.report import Rate, Report
from genreq_checks.text import bounds, percent, share

SIGNS = {"before": "●", "after": "■", "all": "◆", "undated": "▲"}
DODGE = {"before": -5, "after": 5, "all": 0}  # pixels: equal rates are still two marks


def rates(report: Report, width: int | None = None) -> alt.LayerChart:
    """Each column's population rate, before and after, with its interval and n, as a dumbbell; and the minimum."""
    lines: list[Row] = []
    minimum = _minimums(report)
    for column in dict.fromkeys(rate.column for rate in report.rates):
        sides = [r for r in report.rates if r.column == column and (r.rows or r.side in ("before", "after"))]
        lines.append({"heading": clean(column)})
        lines.append({"column": clean(column), "minimum": minimum.get(column), "asked": _asked(minimum.get(column))})
        lines += [{"told": f"{SIGNS[r.side]} {r.side}: {_share(r)}"} for r in sides]
    if not lines:
        return nothing("No column was counted.", width)
    y = down(lines)
    places = {line["column"]: line["line"] for line in lines if "column" in line}
    points = [_rate_point(r) | {"line": places[clean(r.column)]} for r in report.rates if r.side in DODGE and r.rows]
    base, drawn = alt.Chart(alt.InlineData(values=lines)), alt.Chart(alt.InlineData(values=points))
    x = alt.X(
        "rate:Q",
        title=f"populated, of {report.plan.rows}",
        scale=alt.Scale(domain=[0, 1], padding=8, nice=False),
        axis=QUARTERS,
    )
    measured = tips(column="column", side="side", told="populated", interval="95 % interval")
    asked = tips(column="column", asked="the plan asks for")
    layers = [
        drawn.mark_line(strokeWidth=1.5, color=QUIET).encode(x=x, y=y, detail="column:N"),
        base.mark_tick(thickness=2, size=24, color=INK).encode(x="minimum:Q", y=y, tooltip=asked),
    ]
    for side, dodge in DODGE.items():
        some = drawn.transform_filter(f"datum.side == '{side}'")
        colour, shape = SIDES[side]
        layers += [
            some.mark_rule(strokeWidth=5, opacity=0.45, color=colour, yOffset=dodge).encode(
                x="low:Q", x2="high:Q", y=y
            ),
            some.mark_point(filled=True, size=100, opacity=1, color=colour, shape=shape, yOffset=dodge).encode(
                x=x, y=y, tooltip=measured
            ),
        ]
    layers += [line_text(base, y, "heading", "bold"), line_text(base, y, "told", "normal")]
    subtitle = [f"Of {report.plan.rows}, with 95 % Wilson intervals."]
    if minimum:
        subtitle.append("The upright stroke is the plan's minimum.")
    return finish(sized(layered(*layers), width, HEIGHT * len(lines)), rates_title(report), subtitle, _said(report))


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
    return f"There are no {report.plan.rows}"


def _rate_point(rate: Rate) -> Row:
    names = ("side", "rate", "low", "high")
    interval = f"{bounds(rate.low, rate.high)} %"
    numbers = {name: getattr(rate, name) for name in names}
    return numbers | {"column": clean(rate.column), "told": _share(rate), "interval": interval}


def _asked(minimum: float | None) -> str:
    return "no minimum" if minimum is None else f"at least {100 * minimum:g} %"


def _minimums(report: Report) -> dict[str, float]:
    """Column → the plan's minimum, from the findings of population.*."""
    found: dict[str, float] = {}
    for check in report.checks:
        for finding in check.findings:
            if check.id.startswith("population.") and isinstance(finding.evidence.get("minimum"), float):
                found[check.id.removeprefix("population.")] = finding.evidence["minimum"]
    return found


def _share(rate: Rate) -> str:
    return share(rate.populated, rate.rows)


def _said(report: Report) -> str:
    """All the numbers of the chart in words, for users who cannot see it."""
    return "; ".join(f"{clean(r.column)} {r.side}: {_share(r)}" for r in report.rates)

"""The trend as a chart: each column's rate, run by run, with its interval, and the outcomes of the runs."""

from __future__ import annotations

from typing import Any

import altair as alt

from genreq_checks.charts.lines import QUARTERS
from genreq_checks.charts.style import INK, clean, finish, layered, nothing, sized
from genreq_checks.history.folder import History
from genreq_checks.history.text import columns_of, shown_rate
from genreq_checks.outputs.verdict import MARKS, WORDS
from genreq_checks.text import bounds, percent, plural

# Okabe and Ito's colours; shapes and dashes distinguish the columns too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#808080")
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross")
DASHES = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2], [1, 4])
HEIGHT = 220


def trend(history: History, width: int | None = 640) -> alt.LayerChart:
    """The newest run's series: rates after the cutover (or of all rows), 95 % bands, and each run's outcome below."""
    if not history.runs:
        return nothing("There is no run.", width)
    runs = history.like(history.runs[-1])
    columns = columns_of(runs)[: len(COLOURS)]
    points: list[dict[str, Any]] = []
    for run in runs:
        for column in columns:
            rate = shown_rate(run, column)
            if rate is not None and rate.rate is not None:
                told = f"{percent(rate.populated, rate.rows)}, {rate.populated:,} of {rate.rows:,}"
                points.append(
                    {"at": run.at.isoformat(), "when": f"{run.at:%Y-%m-%d %H:%M} UTC", "column": clean(column)}
                    | {"rate": rate.rate, "low": rate.low, "high": rate.high, "told": told}
                    | {"interval": bounds(rate.low, rate.high)}
                )
    outcomes = [
        {"at": run.at.isoformat(), "when": f"{run.at:%Y-%m-%d %H:%M} UTC"}
        | {"mark": MARKS[run.outcome], "outcome": WORDS[run.outcome]}
        for run in runs
    ]
    names = [clean(column) for column in columns]
    axis = alt.Axis(format="%m-%d %H:%M", tickCount=5, labelOverlap=True, labelSeparation=12)
    x = alt.X("at:T", title=f"UTC, {runs[0].at:%Y}", scale=alt.Scale(type="utc", padding=14), axis=axis)
    y = alt.Y("rate:Q", title="populated", scale=alt.Scale(domain=[0, 1], padding=8, nice=False), axis=QUARTERS)
    size = len(names)
    colour = alt.Color("column:N", scale=alt.Scale(domain=names, range=list(COLOURS[:size])))
    shape = alt.Shape("column:N", scale=alt.Scale(domain=names, range=list(SHAPES[:size])))
    dash = alt.StrokeDash("column:N", scale=alt.Scale(domain=names, range=list(DASHES[:size])))
    tips = [alt.Tooltip(f"{name}:N") for name in ("when", "column", "told", "interval")]
    base = alt.Chart(alt.InlineData(values=points))
    strip = alt.Chart(alt.InlineData(values=outcomes))
    chart = layered(
        base.mark_area(opacity=0.15).encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour),
        base.mark_line(strokeWidth=1.5).encode(x=x, y=y, color=colour, strokeDash=dash),
        base.mark_point(filled=True, size=40, opacity=1).encode(x=x, y=y, color=colour, shape=shape, tooltip=tips),
        strip.mark_text(color=INK, fontWeight="bold").encode(
            x=x, y=alt.value(HEIGHT - 6), text="mark:N", tooltip=[alt.Tooltip("when:N"), alt.Tooltip("outcome:N")]
        ),
    )
    newest = runs[-1]
    title = f"{plural(len(runs), 'run')} of {clean(newest.plan.table, 130)}: the last is {WORDS[newest.outcome]}"
    return finish(
        sized(chart, width, HEIGHT), title, [f"Phase {newest.phase}; band: 95 % interval; below: {_legend(history)}."]
    )


def _legend(history: History) -> str:
    met = dict.fromkeys(run.outcome for run in history.like(history.runs[-1]))
    return ", ".join(f"{MARKS[outcome]} {WORDS[outcome]}" for outcome in met)

"""All charts of a report in one, for a file."""

from __future__ import annotations

import altair as alt

from genreq_checks.charts.classes import derivation, reasons
from genreq_checks.charts.dumbbell import rates
from genreq_checks.charts.panels import trends
from genreq_checks.charts.trend import timeline
from genreq_checks.report import Report

WIDTH = 640  # pixels; a file has no container with a width


def overview(report: Report) -> alt.VConcatChart:
    """Rates, rates over time, rows over time, reasons and derivation classes in one chart."""
    parts: list[alt.LayerChart | alt.Chart] = [rates(report, WIDTH), trends(report, WIDTH)]
    parts += [timeline(report, width=WIDTH), reasons(report, WIDTH)]
    parts += [derivation(report, WIDTH)] if report.derivation else []
    stacked = alt.vconcat(*map(_part, parts), spacing=36)
    whole: alt.VConcatChart = stacked.resolve_scale(color="independent", shape="independent")
    words = " ".join(str(part.description) for part in parts)
    look = {"background": parts[0].background, "usermeta": parts[0].usermeta, "config": parts[0].config}
    for name, value in look.items():
        whole[name] = value
    whole.description = words
    return whole


def _part(chart: alt.LayerChart | alt.Chart) -> alt.LayerChart | alt.Chart:
    """The chart without the properties that only a top-level chart may have."""
    part = chart.copy()
    part.config = part.background = part.usermeta = alt.Undefined
    return part

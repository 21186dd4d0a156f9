"""The dashboard's charts, drawn once for a reading and not for each viewer: a chart costs more than everything else."""

from __future__ import annotations

from dataclasses import dataclass

from genreq_checks import charts  # imported here: the reading thread must not import while sessions import
from genreq_checks.report import Report

SPARKLINE_WIDTH = 230


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart in the form that the page shows."""

    spec: str

    def _mime_(self) -> tuple[str, str]:
        """What marimo shows: a Vega-Lite specification."""
        return "application/vnd.vegalite.v6+json", self.spec


@dataclass(frozen=True, slots=True)
class Pictures:
    """A sparkline and a chart of the days per kept column, in the plan's order."""

    sparklines: dict[str, Picture]
    trends: tuple[Picture, ...]


def draw(report: Report) -> Pictures:
    """All charts of a reading."""
    columns = charts.columns(report)
    return Pictures(
        {column: _picture(charts.sparkline(report, column, width=SPARKLINE_WIDTH)) for column in columns},
        tuple(_picture(charts.daily(report, column)) for column in columns),
    )


def _picture(chart: charts.Chart) -> Picture:
    return Picture(chart.to_json(indent=None))

"""The dashboard's charts, drawn once for a reading and not for each viewer: a chart costs more than everything else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from genreq_checks import charts  # imported here: the reading thread must not import while sessions import
from genreq_checks.errors import UsageError
from genreq_checks.history import chart as history_chart
from genreq_checks.history.folder import read_history
from genreq_checks.report import Report


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart in the form that the page shows."""

    spec: str

    def _mime_(self) -> tuple[str, str]:
        """What marimo shows: a Vega-Lite specification."""
        return "application/vnd.vegalite.v6+json", self.spec


@dataclass(frozen=True, slots=True)
class Pictures:
    """A sparkline per kept column, the rates before and after, the rates over time, and the saved runs when there are any."""

    sparklines: dict[str, Picture]
    rates: Picture
    trends: Picture
    runs: Picture | None = None


def draw(report: Report, history: Path | None = None) -> Pictures:
    """All charts of a reading; `history` is the folder of the saved runs."""
    columns = charts.columns(report)
    return Pictures(
        {column: _picture(charts.sparkline(report, column)) for column in columns},
        _picture(charts.rates(report)),
        _picture(charts.trends(report)),
        _runs(history),
    )


def _runs(folder: Path | None) -> Picture | None:
    try:
        found = read_history(folder) if folder is not None else None
    except UsageError:
        return None  # there is no folder yet: the first run makes it
    return _picture(history_chart.trend(found, width=None)) if found is not None and found.runs else None


def _picture(chart: charts.Chart) -> Picture:
    return Picture(chart.to_json(indent=None))

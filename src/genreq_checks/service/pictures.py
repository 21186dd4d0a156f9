"""The dashboard's charts, drawn once for a reading and not once for each viewer: making one costs more than all the rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from genreq_checks import charts  # here, not late: the thread that reads must not import while sessions do
from genreq_checks.plan import Plan
from genreq_checks.snapshot import Snapshot

SPARKLINE_WIDTH = 230


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart as the page gets it."""

    spec: str

    def _mime_(self) -> tuple[str, str]:
        """What marimo shows: a Vega-Lite specification."""
        return "application/vnd.vegalite.v6+json", self.spec


@dataclass(frozen=True, slots=True)
class Pictures:
    """A sparkline and a chart of the days per kept column, in the plan's order."""

    sparklines: dict[str, Picture]
    trends: tuple[Picture, ...]


def draw(plan: Plan, now: Snapshot, baseline: Snapshot | None, cutover: datetime | None) -> Pictures:
    """All charts of a reading."""
    return Pictures(
        {
            column: _picture(charts.sparkline(plan, now, column, cutover, baseline=baseline, width=SPARKLINE_WIDTH))
            for column in plan.kept
        },
        tuple(_picture(charts.daily(plan, now, column, baseline, cutover)) for column in plan.kept),
    )


def _picture(chart: charts.Chart) -> Picture:
    return Picture(chart.to_json(indent=None))

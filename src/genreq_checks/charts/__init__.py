"""Charts of a report, as altair charts: the same in notebooks, the HTML report and files.

Every chart is a pure function of the report. `width` is in pixels; None fills the width of a notebook. A title says
what was found, tooltips have n, and no channel makes a link or loads an image from a value.
"""

from __future__ import annotations

from genreq_checks.charts.classes import derivation, reasons, statuses
from genreq_checks.charts.days import DayRate, columns, daily_counts, daily_rates
from genreq_checks.charts.dumbbell import rates
from genreq_checks.charts.files import SUFFIXES, Chart, check_suffix, save, svg
from genreq_checks.charts.overview import overview
from genreq_checks.charts.panels import trends
from genreq_checks.charts.trend import brush, daily, sparkline, timeline, window_of

__all__ = [
    "SUFFIXES",
    "Chart",
    "DayRate",
    "brush",
    "check_suffix",
    "columns",
    "daily",
    "daily_counts",
    "daily_rates",
    "derivation",
    "overview",
    "rates",
    "reasons",
    "save",
    "sparkline",
    "statuses",
    "svg",
    "timeline",
    "trends",
    "window_of",
]

"""The report as one HTML page that needs no network and runs no script, and its table for a notebook's cell."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from genreq_checks.outputs.figures import facts, meanwhile, provenance, rate_table
from genreq_checks.outputs.first_rows import csv_address
from genreq_checks.outputs.grid import causes, counted, families, first_rows, open_checks, passed, remedies, skipped
from genreq_checks.outputs.shown import shown
from genreq_checks.outputs.verdict import WORDS, headline, how_it_ran, standing
from genreq_checks.report import WORST_FIRST, Report
from genreq_checks.text import line

if TYPE_CHECKING:
    from jinja2 import Environment

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def render(report: Report) -> str:
    """The report as a complete page: verdict, what changed, checks, requirements, what was read."""
    return _templates().get_template("page.html").render(report=report)


def fragment(report: Report) -> str:
    """The verdict and the table of checks, for a notebook's cell."""
    return _templates().get_template("fragment.html").render(report=report)


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = Path(__file__).parent / "templates"
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        finalize=_one_line,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["number"] = lambda number: f"{number:,}"
    made.globals |= {
        "POLICY": POLICY,
        "WORDS": WORDS,
        "WORST_FIRST": WORST_FIRST,
        "rates_drawing": _rates_drawing,
    }
    for function in (
        causes, counted, csv_address, facts, families, first_rows, headline, how_it_ran, meanwhile, open_checks, passed,
        provenance, rate_table, remedies, shown, skipped, standing,
    ):  # fmt: skip
        made.globals[function.__name__] = function
    return made


def _one_line(value: object) -> object:
    """Text without line endings and control characters; markup is not changed."""
    from markupsafe import Markup

    return line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _rates_drawing(report: Report) -> str:
    """The rates as SVG. The table below has the numbers."""
    from genreq_checks import charts

    return charts.svg(charts.rates(report))

"""`genreq-checks history`: the trend over the runs in a folder."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from genreq_checks.cli.output import keep_files
from genreq_checks.errors import SourceError, UsageError, near

FORMATS = ("text", "json")
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder that 'check --history DIR' wrote to.")]
Format = Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help="text or json.")]
ChartFile = Annotated[
    Path | None, typer.Option("--chart", metavar="FILE", help="Draw the trend: FILE.svg, .png, .html or .json.")
]


def history(folder: Folder, fmt: Format = "text", chart: ChartFile = None) -> None:
    """Show the trend over the runs in a folder, and what changed since the last one."""
    from genreq_checks.history.folder import read_history
    from genreq_checks.history.text import passed_over, render_json, render_text

    if fmt not in FORMATS:
        raise UsageError(f"There is no format '{fmt[:40]}'.", near(fmt, FORMATS))
    if chart:
        from genreq_checks.charts import check_suffix, save

        check_suffix(chart)
        keep_files([chart])
    found = read_history(folder)
    if not found.runs:
        more = f" {passed_over(found.passed_over)}." if found.passed_over else ""
        raise SourceError(f"There is no run in {folder}.{more}", "Save one: genreq-checks check SOURCE --history DIR")
    terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    width = min(shutil.get_terminal_size((80, 24)).columns, 120) if terminal else 80
    text = render_text(found, width) if fmt == "text" else render_json(found)
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    if chart:
        from genreq_checks.history.chart import trend

        save(trend(found), chart)

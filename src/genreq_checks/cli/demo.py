"""`genreq-checks demo`: the complete clean-up on an embedded PostgreSQL, without configuration."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from genreq_checks.errors import UsageError

MARKER = ".genreq-demo"
Folder = Annotated[
    Path, typer.Option("--output", "-o", metavar="DIR", help="The folder for report, chart and archive.")
]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="The port of --serve; 0 selects a free one.")]
Serve = Annotated[bool, typer.Option("--serve", help="Then open the result in the dashboard.")]


def demo(output: Folder = Path("genreq-demo"), serve: Serve = False, port: Port = 2718) -> None:
    """Show the clean-up on an embedded PostgreSQL: before, archive, drop, generations, verdict, rollback, restore."""
    from genreq_checks import charts
    from genreq_checks.cli.output import print_text
    from genreq_checks.demo import tell_story
    from genreq_checks.files import write_text
    from genreq_checks.outputs.formats import renderer

    _take_folder(output)
    print("Starting an embedded PostgreSQL; it is removed at the end.", file=sys.stderr)
    story = tell_story(output, lambda name: print(f"  {name}…", file=sys.stderr))
    told, report = story.samples, story.report
    told.before.save(output / "before.json", replace=True)
    told.after.save(output / "after.json", replace=True)
    for name in ("json", "html"):
        write_text(output / f"report.{name}", renderer(name)(report))
    charts.save(charts.overview(report), output / "rates.svg")
    print_text(report)
    names = ", ".join(sorted(path.name for path in output.iterdir() if path.is_file() and path.name != MARKER))
    print(f"Written to {output}: {names}", file=sys.stderr)
    if serve:
        serve_snapshots(output / "after.json", output / "before.json", told.cutover, port)
    raise typer.Exit(report.exit_code())


def _take_folder(folder: Path) -> None:
    """Create the folder, or use one that a demo created. Raises: UsageError for one with other files."""
    marker = folder / MARKER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not marker.exists():
            if any(folder.iterdir()):
                raise UsageError(f"The folder {folder} holds files that are not from a demo.", "Name another: -o DIR.")
            marker.write_text(
                "A demo of genreq-checks created this folder; the next demo replaces its files.\n", "utf-8"
            )
    except OSError as error:
        raise UsageError(
            f"The folder {folder} could not be created: {error.strerror}.", "Name another: -o DIR."
        ) from None


def serve_snapshots(after: Path, before: Path, cutover: datetime, port: int) -> None:
    """Serve the dashboard of two saved snapshots until it is stopped."""
    import os

    from genreq_checks.cli.dashboard import serve
    from genreq_checks.dashboard.settings import to_environment

    os.environ |= {"GENREQ_PLAN": "", "GENREQ_TABLE": ""}  # the demo is about the built-in plan
    os.environ |= to_environment(str(after), str(before), cutover)
    serve(port=port)

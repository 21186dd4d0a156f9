"""`genreq-checks demo`: the whole story on an embedded PostgreSQL, with nothing to configure."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where the report and the chart go.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Where --serve serves; 0 takes a free one.")]
Serve = Annotated[bool, typer.Option("--serve", help="Then open the result in the dashboard.")]


def demo(output: Folder = Path("genreq-demo"), serve: Serve = False, port: Port = 2718) -> None:
    """Show the whole story on an embedded PostgreSQL: before, the drop, new generations, the verdict and its picture."""
    from genreq_checks.cli.output import print_text
    from genreq_checks.demo import sample_snapshots
    from genreq_checks.render.formats import renderer
    from genreq_checks.run import check
    from genreq_checks.snapshot import write_atomically

    print("Starting an embedded PostgreSQL; it is gone when this ends.", file=sys.stderr)
    told = sample_snapshots()
    report = check(told.plan, told.after, told.before, cutover=told.cutover)
    output.mkdir(parents=True, exist_ok=True)
    told.before.save(output / "before.json")
    write_atomically(output / "report.json", renderer("json")(report))
    print_text(report)
    print(f"Written to {output}: before.json (the baseline), report.json", file=sys.stderr)
    if serve:
        told.after.save(output / "after.json")
        serve_snapshots(output / "after.json", output / "before.json", told.cutover, port)
    raise typer.Exit(report.exit_code())


def serve_snapshots(after: Path, before: Path, cutover: datetime, port: int) -> None:
    """Serve the dashboard of two saved snapshots until it is stopped."""
    import os

    from genreq_checks.cli.dashboard import serve
    from genreq_checks.service.settings import to_environment

    os.environ |= {"GENREQ_PLAN": "", "GENREQ_TABLE": ""}  # the demo is about the built-in plan
    os.environ |= to_environment(str(after), str(before), cutover)
    serve(port=port)

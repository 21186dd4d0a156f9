"""`genreq-checks demo`: the whole story on an embedded PostgreSQL, with nothing to configure."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from genreq_checks.errors import UsageError

Folder = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where report, chart and archive go.")]


def demo(output: Folder = Path("genreq-demo")) -> None:
    """Show the whole story on an embedded PostgreSQL: before, archive, drop, generations, verdict, rollback, restore."""
    from genreq_checks import charts
    from genreq_checks.cli.output import print_text
    from genreq_checks.demo import tell_story
    from genreq_checks.render.formats import renderer
    from genreq_checks.snapshot import write_atomically

    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {output} could not be made: {error.strerror}.", "Name another: -o DIR.") from None
    print("Starting an embedded PostgreSQL; it is gone when this ends.", file=sys.stderr)
    story = tell_story(output, lambda name: print(f"  {name}…", file=sys.stderr))
    told, report = story.samples, story.report
    told.before.save(output / "before.json")
    told.after.save(output / "after.json")
    for name in ("json", "html"):
        write_atomically(output / f"report.{name}", renderer(name)(report))
    charts.save(charts.overview(report, told.plan, told.after, told.before, told.cutover), output / "rates.svg")
    print_text(report)
    names = ", ".join(sorted(path.name for path in output.iterdir() if path.is_file()))
    print(f"Written to {output}: {names}", file=sys.stderr)
    raise typer.Exit(report.exit_code())

"""`genreq-checks review`: the review notebooks in marimo's editor."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from genreq_checks.cli.options import Cutover, PlanFile, Source, read_cutover
from genreq_checks.errors import UsageError
from genreq_checks.resources import resource

NOTEBOOKS = ("population_rates.py", "dropped_columns.py")
Baseline = Annotated[
    str | None,
    typer.Option("--baseline", metavar="SOURCE", help="What the table was like before: a snapshot, usually."),
]
Folder = Annotated[
    Path, typer.Option("--folder", metavar="DIR", help="Where your copies of the notebooks are, made if they are not.")
]
Port = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Left out: a free one.")]
Headless = Annotated[bool, typer.Option("--headless", help="Do not open a browser.")]


def review(
    source: Source = None,
    baseline: Baseline = None,
    cutover: Cutover = None,
    plan: PlanFile = None,
    folder: Folder = Path("genreq-review"),
    port: Port = None,
    headless: Headless = False,
) -> None:
    """Open the review notebooks, to look at and to change: copies of your own, in a folder here."""
    from genreq_checks.plan import load_plan
    from genreq_checks.service.settings import to_environment

    moment, notes = read_cutover(cutover)
    for note in notes:
        print(note, file=sys.stderr)
    load_plan(plan)  # a mistake in it is told here, not in a notebook
    copy_notebooks(folder)
    told = to_environment(source, baseline, moment, plan)
    print(f"The notebooks in {folder} are yours; what you change stays there.", file=sys.stderr)
    command = [sys.executable, "-m", "marimo", "edit", str(folder)]
    command += ["--port", str(port)] if port else []
    command += ["--headless"] if headless else []
    try:
        done = subprocess.run(command, env=os.environ | told, check=False)
    except KeyboardInterrupt:  # marimo had it too, and has ended
        raise typer.Exit(0) from None
    raise typer.Exit(done.returncode)


def copy_notebooks(folder: Path) -> None:
    """Put the notebooks into a folder; what is there stays as it is. Raises: UsageError when the folder refuses."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in NOTEBOOKS:
            if not (folder / name).exists():
                shutil.copyfile(resource("notebooks", name), folder / name)
        settings = folder / "pyproject.toml"  # where marimo looks for how to show them
        if not settings.exists():
            shutil.copyfile(resource("notebooks", "marimo.toml"), settings)
    except OSError as error:
        raise UsageError(
            f"The folder {folder} cannot be used: {error.strerror}.", "Name another with --folder."
        ) from None

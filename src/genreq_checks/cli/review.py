"""`genreq-checks review`: the review notebooks in marimo's editor."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from genreq_checks.cli.options import Cutover, PlanFile, Source, read_cutover
from genreq_checks.errors import UsageError
from genreq_checks.files import resource

PATIENCE = 10.0  # seconds in which marimo ends by itself when it is told to
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
    from genreq_checks.dashboard.settings import to_environment
    from genreq_checks.plan import load_plan

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
    raise typer.Exit(run_editor(command, os.environ | told))


def run_editor(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run marimo until it ends, and return its exit code; where this process is ended first, it ends marimo before."""
    from genreq_checks.embedded.guardian import tie_to_parent

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    tie = tie_to_parent(signal.SIGTERM)  # safe, as this process has one thread
    editor = subprocess.Popen(command, env=environment, preexec_fn=tie)
    try:
        return editor.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        if editor.poll() is None:
            editor.terminate()
            try:
                editor.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                editor.kill()


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

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
from genreq_checks.errors import UsageError, libraries
from genreq_checks.files import resource

PATIENCE = 10.0  # seconds that marimo has to end after the signal
NOTEBOOKS = ("population_rates.py", "dropped_columns.py", "rehearsal_and_rollback.py")
Baseline = Annotated[
    str | None,
    typer.Option("--baseline", metavar="SOURCE", help="The table before the change: usually a snapshot."),
]
Folder = Annotated[
    Path,
    typer.Option("--folder", metavar="DIR", help="The folder of your copies of the notebooks; created if missing."),
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
    """Open the review notebooks, to read and to change: your own copies, in a folder here."""
    from genreq_checks.dashboard.settings import to_environment
    from genreq_checks.plan import load_plan

    moment, notes = read_cutover(cutover)
    for note in notes:
        print(note, file=sys.stderr)
    with libraries("marimo"):
        load_plan(plan)  # an error in it is reported here, not in a notebook
    copy_notebooks(folder)
    told = to_environment(source, baseline, moment, plan)
    print(f"The notebooks in {folder} are your copies; your changes stay there.", file=sys.stderr)
    command = [sys.executable, "-m", "marimo", "edit", str(folder)]
    command += ["--port", str(port)] if port else []
    command += ["--headless"] if headless else []
    raise typer.Exit(run_editor(command, os.environ | told))


def run_editor(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run marimo until it ends, and return its exit code; when this process is stopped first, it stops marimo."""
    from genreq_checks.embedded.guardian import tie_to_parent

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    tie = tie_to_parent(signal.SIGTERM)  # safe, since this process has one thread
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
    """Copy the notebooks into a folder; existing files do not change. Raises: UsageError when the folder is not writable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in NOTEBOOKS:
            if not (folder / name).exists():
                shutil.copyfile(resource("notebooks", name), folder / name)
        settings = folder / "pyproject.toml"  # marimo reads its display settings there
        if not settings.exists():
            shutil.copyfile(resource("notebooks", "marimo.toml"), settings)
    except OSError as error:
        raise UsageError(
            f"The folder {folder} cannot be used: {error.strerror}.", "Name another with --folder."
        ) from None

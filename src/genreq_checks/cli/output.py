"""The outputs of a report: stdout or files, in the requested formats."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genreq_checks.errors import UsageError

if TYPE_CHECKING:
    from genreq_checks.report import Report
    from genreq_checks.snapshot import Snapshot

Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        help="The report's format; repeatable, in pairs with --output. Default: text.",
    ),
]
Outputs = Annotated[
    list[Path] | None,
    typer.Option("--output", "-o", metavar="FILE", help="The file of that format; '-' or nothing is stdout."),
]

SUFFIXES = {".txt": "text", ".json": "json", ".xml": "junit", ".md": "markdown", ".sarif": "sarif", ".html": "html"}


def pairs(formats: list[str] | None, outputs: list[Path] | None) -> list[tuple[str, Path | None]]:
    """Each format with its file, None for stdout. Raises UsageError for an option without its pair, before any read."""
    from genreq_checks.outputs.formats import renderer

    names, files = formats or ["text"], outputs or []
    for name in names:
        renderer(name)
    if len(files) > len(names):
        raise UsageError(f"There are {len(files)} --output for {len(names)} --format.", "Give them in pairs.")
    found = [(name, files[i] if i < len(files) and str(files[i]) != "-" else None) for i, name in enumerate(names)]
    if sum(file is None for _, file in found) > 1:
        raise UsageError("Only one format can go to stdout.", "Give each other --format its --output FILE.")
    for name, file in found:
        meant = SUFFIXES.get(file.suffix.lower(), name) if file else name
        if meant != name and meant in names:
            hint = "Formats and outputs pair in their order: put the format that goes to stdout last."
            raise UsageError(f"--output {file} would get the format {name}, not {meant}.", hint)
        if file is not None and not file.parent.is_dir():
            raise UsageError(f"The folder {file.parent} of --output does not exist.", "Create it first.")
    return found


def keep_files(outputs: Iterable[Path | None], *inputs: str | Path | None) -> None:
    """Raises UsageError when an output would replace saved evidence, or a file that the call reads."""
    from genreq_checks.files import evidence_in

    read = [name for name in inputs if name is not None and os.path.exists(name)]
    for file in outputs:
        kind = evidence_in(file) if file is not None else None
        if kind:
            raise UsageError(f"The output {file} is {kind}, which it would replace.", "Name another file.")
        if file is not None and file.exists() and any(file.samefile(name) for name in read):
            raise UsageError(f"The output {file} is a file that this call reads.", "Name another file.")


def write(found: list[tuple[str, Path | None]], *reports: Report) -> None:
    """Write the reports to each place, files atomically; `github` adds the step summary in a GitHub job.

    Raises: UsageError when the step summary cannot be written, after everything else was.
    """
    from genreq_checks.files import write_text
    from genreq_checks.outputs.formats import renderer
    from genreq_checks.outputs.several import render_all

    for name, file in found:
        if file is not None:
            write_text(file, render_all(name, renderer(name), reports))
        else:
            text = render_all(name, for_this_terminal if name == "text" else renderer(name), reports)
            encoding = sys.stdout.encoding or "utf-8"
            sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    if any(name == "github" for name, _ in found):
        sys.stdout.flush()
        for report in reports:
            add_step_summary(report)


def add_step_summary(report: Report) -> None:
    """Add the Markdown report to the job's summary, within the rest of GitHub's limit; outside of a job, do nothing."""
    from genreq_checks.outputs.markdown import LIMIT, render

    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        print("genreq-checks: GITHUB_STEP_SUMMARY is not set; no step summary was written.", file=sys.stderr)
        return
    try:
        with open(file, "a", encoding="utf-8") as summary:
            summary.write(render(report, LIMIT - summary.tell()))
    except OSError as error:
        raise UsageError(
            f"The step summary {file} (GITHUB_STEP_SUMMARY) could not be written: {error.strerror}."
        ) from None


def tell_unread(*snapshots: Snapshot | None) -> None:
    """Print on stderr which source could not be read, for users who see only stderr."""
    for snapshot in snapshots:
        problem = snapshot.problem() if snapshot else None
        if problem:
            print(f"genreq-checks: {problem.text}", file=sys.stderr)


def for_this_terminal(report: Report) -> str:
    """The text report for stdout: as wide as the terminal, in colour on a terminal without NO_COLOR."""
    from genreq_checks.outputs.text import render

    terminal = sys.stdout.isatty()
    colour = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return render(report, width=min(shutil.get_terminal_size((80, 24)).columns, 140) if terminal else 80, colour=colour)


def print_text(report: Report) -> None:
    """The text report on stdout."""
    write([("text", None)], report)

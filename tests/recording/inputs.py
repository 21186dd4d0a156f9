"""What the states are made of: the sample table, its history, the clean-up's SQL, and the other files.

This is the one place that imports them from the program, so that a program that is laid out otherwise changes one file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import typer

from genreq_checks import __version__
from genreq_checks.checks import all_checks
from genreq_checks.cli import app, main
from genreq_checks.demo import apply, complete_generations
from genreq_checks.embedded import sample
from genreq_checks.files import resource
from genreq_checks.plan import Plan, load_plan
from genreq_checks.selftest.clean_files import DROPPED, MADE, keep_books, write_files
from recording.state import Place

VERSION, MAIN = __version__, main
BUILT_IN_PLAN = resource("plans", "generation_requests.toml")
# Every completed row has a time: without one, its side of the cutover is not known.
DATED = "UPDATE generation_requests SET completed_at = updated_at WHERE status = 'completed' AND completed_at IS NULL;"


def make_table(url: str) -> None:
    """The empty table as it was."""
    sample.create_table(url)


def make_history(url: str) -> None:
    """The table with its history, before the clean-up."""
    make_table(url)
    sample.load_history(url)
    apply(url, DATED)
    keep_books(url, load_plan(), [MADE])


def drop(place: Place) -> None:
    """The clean-up: the columns are dropped."""
    apply(place.url, load_plan().sql.forward)


def take_back(place: Place) -> None:
    """The way back: the columns are there again, empty."""
    apply(place.url, load_plan().sql.rollback)


def clean_up(place: Place) -> None:
    """The clean-up, its line in the migration tool's books, and 160 generations since."""
    drop(place)
    keep_books(place.url, load_plan(), [MADE, DROPPED])
    complete_generations(place.url)


def lay_files(place: Place) -> None:
    """The source code, migrations, messages and the saved generation, all without a fault."""
    write_files(place.folder, load_plan())


def lay_rows(place: Place) -> None:
    """The sample history as a file of rows."""
    (place.folder / "rows.csv").write_bytes(resource("data", "generation_requests.csv").read_bytes())


STARTS: Mapping[str, Callable[[str], None]] = {
    "nothing": lambda url: None,
    "table": make_table,
    "history": make_history,
}


def plan_in(file: Path) -> Plan:
    """The plan in a file."""
    return load_plan(file)


def check_names() -> list[str]:
    """The names of all checks."""
    return [one.name for one in all_checks()]


def command_names() -> list[str]:
    """The names of all commands."""
    return sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]

"""Files as this version writes them: later versions must still read them.

before.json, after.json    snapshots of the sample table, before the drop and after it
dropped.parquet            the archive of its dropped columns
history/                   two runs: before the drop, which failed, and after it
generation.json            what `generate --save` kept
plan.toml                  the built-in plan as it stands in this version
odd_plan.toml, odd.json, odd.parquet    a plan with odd names, and a snapshot and an archive of its table
"""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg

from recording.calling import call, connected
from recording.inputs import BUILT_IN_PLAN, STARTS, clean_up
from recording.state import CUTOVER, Place
from recording.states_odd import PLAN, TABLE
from recording.write import Server

CUT = ("--cutover", CUTOVER)


def write_files(server: Server, folder: Path) -> None:
    """Write the files into a new folder. Raises: RuntimeError when a command does not end as it should."""
    folder.mkdir(parents=True)
    shutil.copyfile(BUILT_IN_PLAN, folder / "plan.toml")
    shutil.copyfile(PLAN, folder / "odd_plan.toml")
    made = []
    try:
        for name in ("leo", "odd"):
            server.create_database(name)
            made.append(name)
        with connected(server.url()):
            _sample(Place(server.url("leo"), "leo", "", folder))
            _odd(server.url("odd"), folder)
            _call(folder, 0, "generate", "--save", "generation.json")
    finally:
        for name in made:
            server.drop_database(name)
    for file in folder.rglob("*"):
        file.chmod(0o755 if file.is_dir() else 0o644)  # an archive is its writer's alone, and git is not


def _sample(place: Place) -> None:
    url = f"postgresql:///{place.database}"  # the server is in the environment, so that no file names it
    STARTS["history"](place.url)
    _call(place.folder, 0, "snapshot", url, *CUT, "--output", "before.json")
    _call(place.folder, 0, "archive", url, "--output", "dropped.parquet")
    _call(place.folder, 1, "check", url, *CUT, "--history", "history")
    clean_up(place)
    _call(place.folder, 0, "check", url, *CUT, "--baseline", "before.json", "--history", "history")
    _call(place.folder, 0, "snapshot", url, *CUT, "--output", "after.json")


def _odd(url: str, folder: Path) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(TABLE.encode())
    _call(folder, 0, "snapshot", "postgresql:///odd", "--plan", "odd_plan.toml", "--output", "odd.json")
    _call(folder, 0, "archive", "postgresql:///odd", "--plan", "odd_plan.toml", "--output", "odd.parquet")


def _call(folder: Path, code: int, *arguments: str) -> None:
    given = call(arguments, folder)
    if given.code != code:
        raise RuntimeError(f"{' '.join(arguments)}: exit {given.code}\n{given.stdout}{given.stderr}")

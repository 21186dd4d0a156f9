"""The recording written: each state's database made, each of its calls made, each answer in files.

`STATE/CALL.call` has the command line, the exit code and stderr; `STATE/CALL.txt` (or .csv, .json) stdout;
`STATE/CALL.json`, `.md`, `.xml`, `.html`, `.github`, `.sarif` the report in the other formats.
"""

from __future__ import annotations

import shlex
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import psycopg
from psycopg import sql

from recording.calling import call, connected
from recording.inputs import STARTS, VERSION
from recording.normal import Run
from recording.state import SUFFIXES, URL, Call, Place, State

PASSWORD = "hunter2"  # of a call that has one; no file of a recording holds it


class Server(Protocol):
    """A server on which databases may be made."""

    def url(self, database: str = "postgres") -> str: ...
    def create_database(self, name: str, template: str | None = None) -> str: ...
    def drop_database(self, name: str) -> None: ...


def write(server: Server, states: Iterable[State], folder: Path, *, answers_only: bool = False) -> None:
    """Record the states into a folder, which is made. `answers_only`: exit codes and JSON, and no slow calls."""
    with ExitStack() as stack:
        starts = _Starts(server, stack)
        for state in states:
            with _place(server, starts.of(state.start)) as place, connected(server.url()):
                _record(state, place, Run(_now(), _words(server, place)), folder / state.name, answers_only)


class _Starts:
    """The databases that states start from, each made when it is first asked for."""

    def __init__(self, server: Server, stack: ExitStack) -> None:
        self._server, self._stack = server, stack
        self._made: dict[str, str] = {}

    def of(self, start: str) -> str:
        if start not in self._made:
            name = f"start{uuid4().hex[:8]}"
            STARTS[start](self._server.create_database(name))
            self._stack.callback(self._server.drop_database, name)
            self._made[start] = name
        return self._made[start]


@contextmanager
def _place(server: Server, start: str) -> Iterator[Place]:
    mark = uuid4().hex[:8]
    database, role = f"leo{mark}", f"role{mark}"
    with tempfile.TemporaryDirectory(prefix="recording-") as folder:
        url = server.create_database(database, start)
        try:
            yield Place(url, database, role, Path(folder))
        finally:
            server.drop_database(database)
            with psycopg.connect(server.url(), autocommit=True) as connection:
                connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


def _record(state: State, place: Place, run: Run, folder: Path, answers_only: bool) -> None:
    folder.mkdir(parents=True)
    urls = {
        URL: f"postgresql:///{place.database}",
        "{absent}": f"postgresql:///{place.database.replace('leo', 'absent')}",
        "{with_password}": f"postgresql://:{PASSWORD}@/{place.database}",
    }
    for step in state.steps:
        if isinstance(step, str):
            place.run(step)
        elif not isinstance(step, Call):
            step(place)
        elif not (answers_only and step.slow):
            _answer(step, urls, place, run, folder, answers_only)


def _answer(one: Call, urls: Mapping[str, str], place: Place, run: Run, folder: Path, answers_only: bool) -> None:
    formats = [name for name in one.formats if name == "json" or not answers_only]
    outputs = {name: place.folder / "report" / f"{one.name}.{SUFFIXES[name]}" for name in formats}
    (place.folder / "report").mkdir(exist_ok=True)
    more = [text for name, file in outputs.items() for text in ("-f", name, "-o", str(file))]
    more += ["-f", "text"] if more and not answers_only else []
    given = call([*(urls.get(text, text) for text in one.arguments), *more], place.folder)
    told = f"$ {shlex.join(['genreq-checks', *one.arguments])}\nexit {given.code}\n{given.stderr}"
    (folder / f"{one.name}.call").write_text(run.normal(told), "utf-8", newline="")
    if given.stdout and (not answers_only or one.suffix != "txt" or one.arguments[0] == "list"):
        (folder / f"{one.name}.{one.suffix}").write_text(run.normal(given.stdout), "utf-8", newline="")
    for file in outputs.values():
        if file.exists():
            (folder / file.name).write_text(run.normal(file.read_text("utf-8")), "utf-8", newline="")
    shutil.rmtree(place.folder / "report")


def _now() -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0)


def _words(server: Server, place: Place) -> dict[str, str]:
    """The texts that name this machine and this version."""
    with psycopg.connect(server.url()) as connection:
        host, user = connection.info.host, connection.info.user
    role = {f'"role": "{user}"': '"role": "genreq"', f" as {user}, ": " as genreq, "}
    return {str(place.folder): "/folder", host: "/socket"} | role | {VERSION: "X.Y.Z"}

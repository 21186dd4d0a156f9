"""What a command did on a copy, by the log of the copy's server: sessions, statements, and statements that failed."""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import psycopg
from psycopg import sql

from genreq_checks.sources.queries.server_log import read_jsonlog

SETTINGS = {
    "logging_collector": "on",
    "log_destination": "jsonlog",
    "log_directory": "log",
    "log_filename": "server.log",
    "log_rotation_age": "0",
    "log_rotation_size": "0",
    "log_connections": "on",
    "lc_messages": "C",
}
FILE = Path("data", "log", "server.json")  # in the server's folder
SECONDS = 30.0  # that the server may take to write what it was told
_CONNECTED = "connection authorized:"


@dataclass(frozen=True, slots=True)
class Failure:
    """An error of a statement as the log has it. `inner` is the statement of a function that failed, '' without one."""

    state: str
    message: str
    statement: str
    inner: str
    context: str


@dataclass(slots=True)
class CommandLog:
    """What the log has of one database, but for the sessions of the server's own superuser.

    `began` counts the statements that began to run, by text: one that was refused before that is only in `failures`.
    """

    sessions: int = 0
    began: Counter[str] = field(default_factory=Counter[str])
    failures: list[Failure] = field(default_factory=list[Failure])


def read_log(there: psycopg.Connection[Any], folder: Path, database: str) -> CommandLog:
    """End the sessions that are left in the database, and read what the log has of it.

    Raises: TimeoutError when the server does not write its log.
    """
    there.execute(
        "SELECT pg_catalog.pg_terminate_backend(pid, 5000) FROM pg_catalog.pg_stat_activity"
        " WHERE datname = %s AND pid <> pg_catalog.pg_backend_pid()",
        [database],
    )
    mark = f"genreq_checks {secrets.token_hex(8)}"
    there.execute(sql.SQL("DO $$ BEGIN RAISE LOG USING MESSAGE = {}; END $$").format(sql.Literal(mark)))
    with (folder / FILE).open(encoding="utf-8", errors="replace") as file:
        return _of_database(_until(file, mark), database, there.info.user)


def _until(file: TextIO, mark: str) -> Iterator[str]:
    """The lines of the log, up to the mark: entries arrive in the order in which they were written."""
    end, begun = time.monotonic() + SECONDS, ""
    while time.monotonic() < end:
        line = begun + file.readline()
        if not line.endswith("\n"):  # the server is still writing
            begun = line
            time.sleep(0.05)
            continue
        begun, end = "", time.monotonic() + SECONDS
        if mark in line:
            return
        yield line
    raise TimeoutError


def _of_database(lines: Iterable[str], database: str, superuser: str) -> CommandLog:
    found = CommandLog()
    for line in lines:
        entry = _entry(line)
        if entry.get("dbname") != database or entry.get("user") == superuser:
            continue
        if str(entry.get("message") or "").startswith(_CONNECTED):
            found.sessions += 1
        if entry.get("error_severity") == "ERROR":
            names = ("state_code", "message", "statement", "internal_query", "context")
            state, said, statement, inner, context = (str(entry.get(name) or "") for name in names)
            found.failures.append(Failure(state, said, statement, inner, context))
        elif entry.get("error_severity") == "LOG":
            found.began.update(one.text for one in read_jsonlog([line]) if one.text and one.calls)
    return found


def _entry(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}

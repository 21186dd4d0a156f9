"""What a command did on a copy, by the log of the copy's server: sessions, statements, and statements that failed."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from genreq_checks.sources.queries.entries import Entry
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

    `entries` are the statements that began to run: one that was refused before that is only in `failures`.
    """

    sessions: int = 0
    entries: list[Entry] = field(default_factory=list[Entry])
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
    lines = _until(folder / FILE, mark)
    return _of_database(lines, database, there.info.user)


def _until(file: Path, mark: str) -> list[str]:
    """The lines of the log, up to the mark: entries arrive in the order in which they were written."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        lines = file.read_text("utf-8", errors="replace").splitlines()
        if any(mark in line for line in lines):
            return lines
        time.sleep(0.05)
    raise TimeoutError


def _of_database(lines: Iterable[str], database: str, superuser: str) -> CommandLog:
    found = CommandLog()
    ours: list[str] = []
    for line, entry in _entries(lines):
        if entry.get("dbname") != database or entry.get("user") == superuser:
            continue
        message = str(entry.get("message") or "")
        if message.startswith(_CONNECTED):
            found.sessions += 1
        if entry.get("error_severity") == "ERROR":
            names = ("state_code", "message", "statement", "internal_query", "context")
            state, said, statement, inner, context = (str(entry.get(name) or "") for name in names)
            found.failures.append(Failure(state, said, statement, inner, context))
        elif entry.get("error_severity") == "LOG":
            ours.append(line)
    found.entries = [entry for entry in read_jsonlog(ours) if entry.text]
    return found


def _entries(lines: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield line, entry

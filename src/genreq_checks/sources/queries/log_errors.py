"""The errors in a server's log, with what surrounds them; and when the log was written."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from genreq_checks.facts.queries import SourceKind
from genreq_checks.sources.queries.entries import parse_time
from genreq_checks.sources.queries.server_log import FEWEST_COLUMNS, LINE

UNDEFINED_COLUMN = "42703"
_STATE = re.compile(r"\b[0-9A-Z]{5}\b")
_NO_COLUMN = re.compile(r'^(?:column .* does not exist|record ".*" has no field ".*")', re.DOTALL)
_DATABASE, _PROGRAM = re.compile(r"\bdb=([^\s,\]]+)"), re.compile(r"\bapp=([^\s,\]]+)")


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry: `message` is its first text; `around` is what names the place inside (a function, an inner query).

    `state` is the SQLSTATE; in plain text it is told by the English message where the prefix has none.
    """

    line: int
    at: datetime | None
    database: str = ""
    program: str = ""
    state: str = ""
    message: str = ""
    statement: str = ""
    around: str = ""


def read_entries(kind: SourceKind, lines: Iterable[str]) -> Iterator[LogEntry]:
    """All entries of a log of some kind; none of a file that is not a log."""
    if kind == "csvlog":
        return _of_csv(lines)
    if kind == "jsonlog":
        return _of_json(lines)
    return _of_text(lines) if kind == "stderr" else iter(())


def _of_csv(lines: Iterable[str]) -> Iterator[LogEntry]:
    reader, start = csv.reader(lines), 1
    for row in reader:
        if len(row) >= FEWEST_COLUMNS:
            around = f"{row[16]}\n{row[18]}"
            yield LogEntry(start, parse_time(row[0]), row[2], row[22], row[12], row[13], row[19], around)
        start = reader.line_num + 1


def _of_json(lines: Iterable[str]) -> Iterator[LogEntry]:
    for number, line in enumerate(lines, 1):
        try:
            found: Any = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            names = ("dbname", "application_name", "state_code", "message", "statement", "internal_query", "context")
            database, program, state, message, statement, inner, context = (
                str(found.get(name) or "") for name in names
            )
            at = parse_time(str(found.get("timestamp") or ""))
            yield LogEntry(number, at, database, program, state, message, statement, f"{inner}\n{context}")


def _of_text(lines: Iterable[str]) -> Iterator[LogEntry]:
    """Entries in plain text: STATEMENT, QUERY and CONTEXT belong to the error before, lines with a tab to the line before."""
    entry: LogEntry | None = None
    part = ""
    for number, line in enumerate(lines, 1):
        found = None if line.startswith("\t") else LINE.match(line.rstrip("\r\n"))
        if found is None:
            if entry is not None:
                entry = _with(entry, part, "\n" + line.rstrip("\r\n").removeprefix("\t"))
            continue
        part = found["kind"]
        if entry is None or part not in ("STATEMENT", "QUERY", "CONTEXT", "DETAIL", "HINT", "LOCATION", "BACKTRACE"):
            if entry is not None:
                yield _told(entry)
            prefix = found["prefix"]
            database, program, state = _DATABASE.search(prefix), _PROGRAM.search(prefix), _STATE.findall(prefix)
            entry = LogEntry(
                number,
                parse_time(prefix),
                database[1] if database else "",
                program[1] if program else "",
                UNDEFINED_COLUMN if UNDEFINED_COLUMN in state else "",
            )
        entry = _with(entry, part, found["rest"])
    if entry is not None:
        yield _told(entry)


def _with(entry: LogEntry, part: str, text: str) -> LogEntry:
    if part == "STATEMENT":
        return replace(entry, statement=entry.statement + text)
    if part in ("QUERY", "CONTEXT"):
        return replace(entry, around=entry.around + "\n" + text)
    return (
        entry if part in ("DETAIL", "HINT", "LOCATION", "BACKTRACE") else replace(entry, message=entry.message + text)
    )


def _told(entry: LogEntry) -> LogEntry:
    return replace(entry, state=UNDEFINED_COLUMN) if _NO_COLUMN.match(entry.message) else entry

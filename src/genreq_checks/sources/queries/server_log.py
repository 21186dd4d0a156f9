"""A server's log, as csvlog, jsonlog or plain text: the statements in it, and when it was written."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from genreq_checks.postgres.sql_lexer import statements
from genreq_checks.sources.queries.entries import Entry, parse_time

csv.field_size_limit(1 << 30)
FEWEST_COLUMNS = 23  # of a csvlog
CSVLOG = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ [\w+-]+,")
_SAID = re.compile(
    r"(?:duration: [\d.]+ ms +)?(?P<how>statement|execute|parse|bind)(?P<name> [^:]*)?: (?P<text>.*)", re.DOTALL
)
_PLAN = re.compile(r"duration: [\d.]+ ms +plan:\s*(.*)", re.DOTALL)
_PLAN_TEXT = re.compile(r"Query Text: (.*?)\n(?=[^\n]*\((?:cost=|actual )|Query (?:Parameters|Identifier):)", re.DOTALL)
LINE = re.compile(
    r"^(?P<prefix>.*?)(?P<kind>DEBUG[1-5]?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|STATEMENT|DETAIL|HINT|CONTEXT|QUERY"
    r"|LOCATION|BACKTRACE):  (?P<rest>.*)$"
)
_DATABASE, _PROGRAM = re.compile(r"\bdb=([^\s,\]]+)"), re.compile(r"\bapp=([^\s,\]]+)")


def read_csvlog(lines: Iterable[str]) -> Iterator[Entry]:
    """Every entry; one that holds no statement without a text."""
    reader = csv.reader(_counted(lines, count := [0]))
    start = 1
    for row in reader:
        if len(row) >= FEWEST_COLUMNS:
            program = row[22] if len(row) > FEWEST_COLUMNS - 1 else ""
            said = _with_prepared(row[13], row[14])
            yield from _entries(start, said, row[19], parse_time(row[0]), row[2], program)
        start = count[0] + 1


def _counted(lines: Iterable[str], count: list[int]) -> Iterator[str]:
    for line in lines:
        count[0] += 1
        yield line


def read_jsonlog(lines: Iterable[str]) -> Iterator[Entry]:
    """Every entry; one that holds no statement without a text."""
    for number, line in enumerate(lines, 1):
        try:
            found: Any = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            said = _with_prepared(str(found.get("message") or ""), str(found.get("detail") or ""))
            failed = str(found.get("statement") or "")
            at, database = parse_time(str(found.get("timestamp") or "")), str(found.get("dbname") or "")
            yield from _entries(number, said, failed, at, database, str(found.get("application_name") or ""))


def read_stderr(lines: Iterable[str]) -> Iterator[Entry]:
    """Every entry of a log in plain text. A line that begins with a tab belongs to the one before it."""
    start, head, body = 0, None, list[str]()
    for number, line in enumerate(lines, 1):
        line = line.rstrip("\r\n")
        found = None if line.startswith("\t") else LINE.match(line)
        if found is None:
            body.append(line.removeprefix("\t"))
            continue
        yield from _of_lines(start, head, body)
        start, head, body = number, found, [found["rest"]]
    yield from _of_lines(start, head, body)


def _of_lines(start: int, head: re.Match[str] | None, body: list[str]) -> Iterator[Entry]:
    if head is None:
        return
    database, program = _DATABASE.search(head["prefix"]), _PROGRAM.search(head["prefix"])
    is_statement = head["kind"] == "STATEMENT"
    text = "\n".join(body)
    said, failed = ("", text) if is_statement else (text, "")
    if head["kind"] in ("LOG", "STATEMENT"):
        where = (database[1] if database else "", program[1] if program else "")
        yield from _entries(start, said, failed, parse_time(head["prefix"]), *where)
    else:
        yield Entry(start, "", parse_time(head["prefix"]), database[1] if database else "")


def _with_prepared(said: str, detail: str) -> str:
    """Of an EXECUTE in SQL the log has what was prepared, beside it."""
    return f"statement: {detail.removeprefix('prepare: ')}" if detail.startswith("prepare: ") else said


def _entries(
    line: int, said: str, failed: str, at: datetime | None, database: str, program: str = ""
) -> Iterator[Entry]:
    """What a message says was run, or the statement of an error. A parse and a bind belong to an execute."""
    text, calls = failed, 1
    if found := _SAID.match(said):
        text, calls = found["text"], int(found["how"] in ("statement", "execute"))
    elif found := _PLAN.match(said):
        text, calls = _of_plan(found[1]), 0
    several = (statements(text) if ";" in text else (text.strip(),)) if text.strip() else ()
    for one in several:
        yield Entry(line, one, at, database, calls, program)
    if not several:
        yield Entry(line, "", at, database)


def _of_plan(plan: str) -> str:
    """The statement that auto_explain shows."""
    if plan.lstrip().startswith("{"):
        try:
            return str(json.loads(plan).get("Query Text") or "")
        except ValueError:
            return ""
    found = _PLAN_TEXT.search(plan + "\n")
    return found[1] if found else ""

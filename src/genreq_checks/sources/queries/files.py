"""A file of statements, whatever kind it is: SQL text, csvlog, jsonlog or a log in plain text; packed by gzip or not."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TextIO

from genreq_checks.errors import UsageError, near_file
from genreq_checks.facts.queries import SourceKind
from genreq_checks.sources.queries.entries import Entry
from genreq_checks.sources.queries.server_log import CSVLOG, LINE, read_csvlog, read_jsonlog, read_stderr
from genreq_checks.sources.queries.sql_file import read_sql
from genreq_checks.text import shown_path

LOOKED_AT = 50  # lines, by which the kind of a file is told


def require_files(paths: list[Path]) -> None:
    """Raises: UsageError for a path that is no file."""
    for path in paths:
        if not path.is_file():
            raise UsageError(f"There is no file {shown_path(str(path))} of statements.", near_file(path))


@contextmanager
def opened(path: Path) -> Iterator[tuple[SourceKind, Iterator[Entry]]]:
    """The kind of a file, and its entries as they are read. Raises: UsageError when it cannot be read."""
    with opened_lines(path) as (kind, lines):
        yield kind, _entries(kind, lines)


@contextmanager
def opened_lines(path: Path) -> Iterator[tuple[SourceKind, Iterator[str]]]:
    """The kind of a file, and its lines as they are read. Raises: UsageError when it cannot be read."""
    try:
        with path.open("rb") as raw:
            packed = raw.peek(2)[:2] == b"\x1f\x8b"
            stream = gzip.GzipFile(fileobj=raw) if packed else raw
            with io.TextIOWrapper(stream, "utf-8", errors="replace", newline="") as text:
                yield _kind(path, text)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise UsageError(f"The file {shown_path(str(path))} of statements could not be read: {reason}.") from None


def _kind(path: Path, text: TextIO) -> tuple[SourceKind, Iterator[str]]:
    first = list(islice(text, LOOKED_AT))

    def lines() -> Iterator[str]:
        yield from first
        yield from text

    some = [line for line in first if line.strip()]
    name = path.name.removesuffix(".gz").lower()
    if some and not name.endswith(".sql"):
        if some[0].startswith("{") and '"timestamp"' in some[0]:
            return "jsonlog", lines()
        if CSVLOG.match(some[0]):
            return "csvlog", lines()
        if LINE.match(some[0]) or sum(LINE.match(line) is not None for line in some) * 2 > len(some):
            return "stderr", lines()
    return "sql", lines()


def _entries(kind: SourceKind, lines: Iterator[str]) -> Iterator[Entry]:
    if kind == "sql":
        return read_sql("".join(lines).replace("\r\n", "\n"))
    readers = {"csvlog": read_csvlog, "jsonlog": read_jsonlog, "stderr": read_stderr}
    return readers[kind](lines)

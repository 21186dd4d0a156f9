"""A file of SQL text: its statements, each with the line on which it begins."""

from __future__ import annotations

import re
from collections.abc import Iterator

from genreq_checks.postgres.sql_lexer import statements, tokens
from genreq_checks.sources.queries.entries import Entry

_ROWS = re.compile(r"^\s*copy\b.*\bfrom\s+stdin\b.*;\s*$", re.IGNORECASE)
_META_COPY = re.compile(r"^\s*\\copy\b(.*?);?\s*$", re.IGNORECASE)


def read_sql(text: str) -> Iterator[Entry]:
    """Every statement, in order."""
    source = _plain(text.removeprefix("\ufeff"))
    place = 0
    for statement in statements(source):
        start = source.find(statement, place)
        place = start + len(statement)
        lead = 0
        for token in tokens(statement):
            if token.kind not in ("comment", "space"):
                break
            lead += len(token.source)
        yield Entry(source.count("\n", 0, start + lead) + 1, statement[lead:])


def _plain(text: str) -> str:
    """Without psql's own commands and the rows behind COPY … FROM stdin; every line keeps its number."""
    found: list[str] = []
    in_rows = False
    for line in text.split("\n"):
        if in_rows:
            in_rows = line.rstrip("\r") != "\\."
            found.append("")
        elif copy := _META_COPY.match(line):
            found.append(f"COPY{copy[1]};")
        elif line.startswith("\\"):
            found.append("")
        else:
            in_rows = _ROWS.match(line) is not None
            found.append(line)
    return "\n".join(found)

"""The comment by which this tool's own statements are known in pg_stat_statements, so that none is taken for a reader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa
from psycopg import sql
from psycopg.abc import Query

Row = TypeVar("Row", covariant=True)
MARKER = "/* genreq-checks */"
# At the end: PostgreSQL 18 drops a comment in front of a statement. On a line of its own, behind a `--` comment too.
_TAIL = f"\n{MARKER}"


class MarkedCursor(psycopg.Cursor[Row]):
    """A cursor whose statements end with the marker."""

    def execute(self, query: Query, *given: Any, **more: Any) -> MarkedCursor[Row]:
        """As psycopg's."""
        super().execute(_marked(query), *given, **more)
        return self

    def executemany(self, query: Query, *given: Any, **more: Any) -> None:
        """As psycopg's."""
        super().executemany(_marked(query), *given, **more)

    def stream(self, query: Query, *given: Any, **more: Any) -> Iterator[Row]:
        """As psycopg's."""
        return super().stream(_marked(query), *given, **more)

    def copy(self, statement: Query, *given: Any, **more: Any) -> Any:
        """As psycopg's."""
        return super().copy(_marked(statement), *given, **more)


def marked_text(statement: str) -> str:
    """A statement with the marker."""
    return statement + _TAIL


def own(query: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Is this text of pg_stat_statements one of our own statements? Version 0.1.0 marked none: its scan is known by its names."""
    return sa.or_(query.contains(MARKER, autoescape=True), query.like("%classified%code_0%"))


def _marked(query: Query) -> Query:
    if isinstance(query, bytes):
        return query + _TAIL.encode()
    if isinstance(query, sql.Composable):
        return sql.Composed([query, sql.SQL(_TAIL)])
    if isinstance(query, str):
        return query + _TAIL
    return query

"""The two statements of a restore: read the rows of some keys, and fill their columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from genreq_checks.archive.table import Place
from genreq_checks.postgres.connection import identifier

Texts = Sequence[Sequence[str | None]]
Found = dict[int, tuple[str | None, ...]]


class AmbiguousKeyError(Exception):
    """Two rows of the table have one key."""


def look(
    connection: psycopg.Connection[Any],
    place: Place,
    key: Sequence[str],
    columns: Sequence[str],
    keys: Texts,
    lock: bool,
) -> Found:
    """Each key's row (by its place among the keys) as the columns' text; keys without a row are left out.

    Raises: AmbiguousKeyError, psycopg.Error.
    """
    statement = sql.SQL(
        "SELECT u.n{values} FROM unnest({texts}) WITH ORDINALITY AS u ({names}, n) JOIN {table} AS t ON {match}{lock}"
    )
    rows = connection.execute(
        statement.format(
            values=_values(place, columns),
            texts=_texts(len(key)),
            names=_names("k", len(key)),
            table=identifier(place.facts.schema_name, place.facts.name),
            match=_match(place, key),
            lock=sql.SQL(" FOR NO KEY UPDATE OF t" if lock else ""),
        ),
        [list(texts) for texts in keys],
    ).fetchall()
    return _by_place(rows)


def fill(
    connection: psycopg.Connection[Any],
    place: Place,
    key: Sequence[str],
    columns: Sequence[str],
    keys: Texts,
    values: Texts,
) -> Found:
    """Write the values that are not None into the rows of the keys; returns the new values as text.

    Raises: AmbiguousKeyError, psycopg.Error.
    """
    changes = [
        sql.SQL("{name} = coalesce(CAST(u.{text} AS {type}), t.{name})").format(
            name=identifier(name), text=identifier(f"v{i}"), type=identifier(*place.types[name])
        )
        for i, name in enumerate(columns)
    ]
    statement = sql.SQL(
        "UPDATE {table} AS t SET {changes} FROM unnest({texts}) WITH ORDINALITY AS u ({keys}, {filled}, n) "
        "WHERE {match} RETURNING u.n{values}"
    )
    rows = connection.execute(
        statement.format(
            table=identifier(place.facts.schema_name, place.facts.name),
            changes=sql.SQL(", ").join(changes),
            texts=_texts(len(key) + len(columns)),
            keys=_names("k", len(key)),
            filled=_names("v", len(columns)),
            match=_match(place, key),
            values=_values(place, columns),
        ),
        [list(texts) for texts in (*keys, *values)],
    ).fetchall()
    return _by_place(rows)


def fits(connection: psycopg.Connection[Any], kind: tuple[str, str], texts: Sequence[str | None]) -> bool:
    """Whether a column of another type than the archived one restores each of these texts. Raises: psycopg.Error."""
    statement = sql.SQL(
        "SELECT count(*) FROM unnest(%s::text[]) AS u (v) "
        'WHERE CAST(CAST(u.v AS {}) AS text) COLLATE "C" IS DISTINCT FROM u.v COLLATE "C"'
    )
    row = connection.execute(statement.format(identifier(*kind)), [list(texts)]).fetchone()
    return row is not None and row[0] == 0


def _values(place: Place, columns: Sequence[str]) -> sql.Composed:
    """The columns as text, each after a comma; may be empty."""
    texts = (place.as_text(name, sql.SQL("t.{}").format(identifier(name))) for name in columns)
    return sql.SQL("").join(sql.SQL(", {}").format(text) for text in texts)


def _texts(count: int) -> sql.Composed:
    return sql.SQL(", ").join([sql.SQL("%s::text[]")] * count)


def _names(letter: str, count: int) -> sql.Composed:
    return sql.SQL(", ").join(identifier(f"{letter}{i}") for i in range(count))


def _match(place: Place, key: Sequence[str]) -> sql.Composed:
    return sql.SQL(" AND ").join(
        sql.SQL("t.{} = CAST(u.{} AS {})").format(identifier(name), identifier(f"k{i}"), identifier(*place.types[name]))
        for i, name in enumerate(key)
    )


def _by_place(rows: Sequence[tuple[Any, ...]]) -> Found:
    found = {row[0] - 1: row[1:] for row in rows}
    if len(found) != len(rows):
        raise AmbiguousKeyError
    return found

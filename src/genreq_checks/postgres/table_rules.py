"""What the table's own constraints prove: which columns are unique in every row, and which values a column can hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from genreq_checks.snapshot import Column, UniqueKey

# Only a unique index that covers every row counts: valid, not partial, without expressions. A column with a NOT NULL that
# was not validated (PostgreSQL 18) may have NULLs. Expressions are read of this table only: for another table the
# function would wait for that table's locks.
_RULES = sa.text("""
    SELECT 'unique' AS kind, NULL AS "column", NULL AS expression,
           ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.keys) ORDER BY a.attnum) AS columns,
           ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.keys)
                   AND (NOT a.attnotnull OR EXISTS (
                       SELECT FROM pg_catalog.pg_constraint n WHERE n.conrelid = a.attrelid AND n.contype = 'n'
                         AND n.conkey = ARRAY[a.attnum] AND NOT n.convalidated)) ORDER BY a.attnum) AS nullable
    FROM (SELECT x.*, (CAST(x.indkey AS int2[]))[0 : x.indnkeyatts - 1] AS keys FROM pg_catalog.pg_index x) i
    WHERE i.indrelid = CAST(:oid AS oid) AND i.indisunique AND i.indisvalid AND i.indislive
      AND i.indpred IS NULL AND i.indexprs IS NULL
    UNION ALL
    SELECT 'check', a.attname::text, pg_catalog.pg_get_expr(c.conbin, c.conrelid), NULL, NULL
    FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]
    LEFT JOIN pg_catalog.pg_collation k ON k.oid = a.attcollation
    WHERE c.conrelid = CAST(:oid AS oid) AND c.contype = 'c' AND c.convalidated AND NOT c.connoinherit
      AND coalesce(k.collisdeterministic, true)
    UNION ALL
    SELECT 'check', a.attname::text, pg_catalog.pg_get_expr(c.conbin, 0), NULL, NULL
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_constraint c ON c.contypid = a.atttypid AND c.contype = 'c'
    LEFT JOIN pg_catalog.pg_collation k ON k.oid = a.attcollation
    WHERE a.attrelid = CAST(:oid AS oid) AND a.attnum > 0 AND NOT a.attisdropped AND c.convalidated
      AND coalesce(k.collisdeterministic, true)
    ORDER BY 1, 2, 3, 4
""")
_VALUE = r"(?:'((?:[^'\\]|'')*)'::(?:text|character varying)|([0-9]+))"
_SUBJECT = r"\(?(?:VALUE|{column})\)?(?:::text)?"


def read_rules(connection: sa.Connection, oid: int) -> tuple[tuple[UniqueKey, ...], Mapping[str, tuple[str, ...]]]:
    """The table's unique keys, and for columns that a CHECK limits to a list the values that they can hold."""
    unique: list[UniqueKey] = []
    checks: list[tuple[str, str]] = []
    for row in connection.execute(_RULES, {"oid": oid}):
        if row.kind == "unique":
            unique.append(UniqueKey(columns=tuple(row.columns), nullable=tuple(row.nullable)))
        else:
            checks.append((row.column, row.expression))
    return tuple(unique), _limits(checks)


def with_limits(columns: Iterable[Column], limits: Mapping[str, tuple[str, ...]]) -> tuple[Column, ...]:
    """The columns, each with the values that a CHECK allows, where that is known."""
    return tuple(column.model_copy(update={"allowed": limits.get(column.name)}) for column in columns)


def _limits(checks: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Column → the values that all its CHECKs allow; only CHECKs that are a plain list of values count."""
    found: dict[str, tuple[str, ...]] = {}
    for column, expression in checks:
        values = listed_values(column, expression)
        if values is not None:
            found[column] = tuple(value for value in found.get(column, values) if value in values)
    return found


def listed_values(column: str, expression: str) -> tuple[str, ...] | None:
    """The values that a CHECK allows, if the expression, as the server writes it, is one value or a list; otherwise None."""
    quoted = re.escape('"{}"'.format(column.replace('"', '""')))
    subject = _SUBJECT.format(column=f"(?:{re.escape(column)}|{quoted})")
    for shape in (
        rf"\(?{subject} = (?P<values>{_VALUE})\)?",
        rf"\(?{subject} = ANY \(\(?ARRAY\[(?P<values>(?:{_VALUE}(?:, )?)+)\]\)?(?:::text\[\])?\)\)?",
    ):
        found = re.fullmatch(shape, expression)
        if found is not None:
            values = re.finditer(_VALUE, found["values"])
            return tuple(one[2] if one[1] is None else one[1].replace("''", "'") for one in values)
    return None

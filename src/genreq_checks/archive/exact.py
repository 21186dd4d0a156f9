"""Which types' text restores every value: known for some types, tested on every row for others, rejected for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

# Base types of PostgreSQL whose text, under the settings of table.TEXT_FORMS, is read back as exactly the same value,
# alone and within arrays, ranges and composites.
KNOWN = frozenset(
    (
        *("bool", "int2", "int4", "int8", "float4", "float8", "numeric", "money", "oid", "xid", "xid8", "cid", "tid"),
        *("text", "varchar", "bpchar", "name", "bytea", "bit", "varbit", "uuid", "json", "jsonb", "tsvector", "pg_lsn"),
        *("date", "time", "timetz", "timestamp", "timestamptz", "interval", "inet", "cidr", "macaddr", "macaddr8"),
        *("point", "line", "lseg", "box", "path", "polygon", "circle", "int2vector", "oidvector"),
        *("pg_snapshot", "txid_snapshot"),
    )
)
# Their text is the name of another object, found by the current search_path: reading it back may give another object.
NAMES_OF_OBJECTS = frozenset(("aclitem",))

_PARTS = sa.text("""
    WITH RECURSIVE part(name, type, typmod, whole) AS (
        SELECT a.attname, a.atttypid, a.atttypmod, true FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = CAST(:oid AS oid) AND a.attnum > 0 AND NOT a.attisdropped
        UNION
        SELECT p.name, inside.type, inside.typmod, p.whole AND t.typtype = 'd'
        FROM part p JOIN pg_catalog.pg_type t ON t.oid = p.type CROSS JOIN LATERAL (
            SELECT t.typbasetype AS type, t.typtypmod AS typmod WHERE t.typtype = 'd'
            UNION ALL SELECT t.typelem, -1 WHERE t.typtype = 'b' AND t.typelem <> 0 AND t.typlen = -1
            UNION ALL SELECT a.atttypid, a.atttypmod FROM pg_catalog.pg_attribute a
                      WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
            UNION ALL SELECT r.rngsubtype, -1 FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid
            UNION ALL SELECT r.rngtypid, -1 FROM pg_catalog.pg_range r -- before PostgreSQL 14 there is no rngmultitypid
                      WHERE CAST(pg_catalog.to_jsonb(r) ->> 'rngmultitypid' AS oid) = t.oid) inside)
    SELECT p.name, p.typmod, p.whole, t.typname AS type, t.typtype::text AS kind,
           n.nspname = 'pg_catalog' AS is_own, pg_catalog.format_type(t.oid, NULL) AS shown,
           t.typtype IN ('c', 'd', 'r', 'm') OR (t.typelem <> 0 AND t.typlen = -1) AS has_parts,
           p.whole AND EXISTS (
               SELECT FROM pg_catalog.pg_cast c WHERE c.castmethod = 'f' AND c.oid >= 16384 AND (c.castsource, c.casttarget)
               IN ((t.oid, CAST('text' AS regtype)), (CAST('text' AS regtype), t.oid))) AS is_cast
    FROM part p JOIN pg_catalog.pg_type t ON t.oid = p.type JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
""")


@dataclass(frozen=True, slots=True)
class Form:
    """How a column's values become text.

    `is_padded`: only the type's output function gives all of it, since a CAST to text removes trailing blanks.
    `is_tried`: every row must be tested, since the text may not restore the value. `is_cast`: a user-defined function
    converts it to or from text. `refused`: the type because of which it cannot be kept; '' when it can.
    """

    is_padded: bool = False
    is_tried: bool = False
    is_cast: bool = False
    refused: str = ""


def read_forms(connection: sa.Connection, oid: int) -> Mapping[str, Form]:
    """The form of each column of a table, from the types in it, including the parts of domains, arrays, ranges, composites."""
    found: dict[str, Form] = {}
    for part in connection.execute(_PARTS, {"oid": oid}):
        form = found.get(part.name, Form())
        known = part.has_parts or part.kind == "e" or (part.is_own and part.type in KNOWN)
        bound = part.is_own and (part.type.startswith("reg") or part.type in NAMES_OF_OBJECTS)
        found[part.name] = Form(
            # character(n) gets its blanks back from its length; bpchar without a length would lose them
            is_padded=form.is_padded or (part.whole and part.is_own and part.type == "bpchar" and part.typmod < 0),
            is_tried=form.is_tried or not known,
            is_cast=form.is_cast or part.is_cast,
            refused=form.refused or (part.shown if bound else ""),
        )
    return found

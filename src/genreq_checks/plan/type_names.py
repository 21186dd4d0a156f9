"""A column's type as people write it, compared with the spelling of PostgreSQL's format_type."""

from __future__ import annotations

import re

ALIASES = {
    "int": "integer",
    "int4": "integer",
    "serial": "integer",
    "serial4": "integer",
    "int2": "smallint",
    "smallserial": "smallint",
    "serial2": "smallint",
    "int8": "bigint",
    "bigserial": "bigint",
    "serial8": "bigint",
    "bool": "boolean",
    "varchar": "character varying",
    "char varying": "character varying",
    "char": "character",
    "decimal": "numeric",
    "dec": "numeric",
    "float": "double precision",
    "float8": "double precision",
    "float4": "real",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "time": "time without time zone",
    "timetz": "time with time zone",
    "varbit": "bit varying",
}
KNOWN = {
    *ALIASES.values(),
    *("text", "bpchar", "name", "uuid", "json", "jsonb", "xml", "bytea", "date", "interval", "money", "bit", "oid"),
    *("inet", "cidr", "macaddr", "macaddr8", "point", "line", "lseg", "box", "path", "polygon", "circle"),
    *("tsvector", "tsquery", "jsonpath", "pg_lsn", "regclass", "int4range", "int8range", "numrange", "tsrange"),
    *("tstzrange", "daterange"),
}
LENGTH_ONE = ("character", "bit")  # without a length, these have length 1
_WRITTEN = re.compile(
    r"([a-z][a-z0-9_ ]*?) ?(?:\( ?([0-9]+(?: ?, ?[0-9]+)?) ?\))?((?: with(?:out)? time zone)?)((?: ?\[[0-9]*\])*)"
)


def same_type(written: str, catalog: str) -> bool | None:
    """Is `written` the type that the catalog spells `catalog`? None when the spelling is not known here.

    A length or precision is part of the type: `varchar` is not `character varying(40)`. A name in the catalog that is
    not known here is a user's type, not a built-in one.
    """
    if " ".join(written.split()) == catalog:
        return True
    one = _spelled(written)
    return None if one is None else one == (_spelled(catalog) or catalog)


def _spelled(text: str) -> str | None:
    """The one spelling of a built-in type, or None for any other."""
    found = _WRITTEN.fullmatch(" ".join(text.lower().removeprefix("pg_catalog.").split()))
    if found is None:
        return None
    base, size, zone, dimensions = found.groups()
    name = ALIASES.get(base + zone, base + zone)
    if name not in KNOWN or (base == "float" and size):
        return None
    if size is None and name in LENGTH_ONE:
        size = "1"
    elif size is not None and name == "numeric" and "," not in size:
        size += ",0"
    modifier = f"({size.replace(' ', '')})" if size is not None else ""
    return f"{name}{modifier}{'[]' if dimensions else ''}"

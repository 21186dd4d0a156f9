"""The members of an extension of the source, from the live catalog: a clone without the extension needs stubs for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

_MEMBERS = sa.text("""
    SELECT d.classid::regclass::text AS class, pg_catalog.array_agg(d.objid::bigint) AS oids
    FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
    WHERE d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.deptype = 'e' AND e.extname = :name GROUP BY 1
""")
_EXTENSIONS = sa.text("""
    SELECT e.extname AS name, n.nspname AS schema
    FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace ORDER BY 1
""")
_SCHEMAS = sa.text("""
    SELECT n.nspname FROM pg_catalog.pg_namespace n WHERE n.oid = ANY (CAST(:oids AS oid[])) ORDER BY 1
""")
_TYPES = sa.text("""
    SELECT n.nspname AS schema, t.typname AS name, t.typtype AS kind, t.typcategory AS category,
           t.typcollation <> 0 AS collatable, t.typmodin <> 0 AS takes_modifier, t.typnotnull AS required,
           CASE WHEN t.typbasetype <> 0 THEN format_type(t.typbasetype, t.typtypmod) END AS base,
           ARRAY(SELECT g.enumlabel::text FROM pg_catalog.pg_enum g WHERE g.enumtypid = t.oid ORDER BY g.enumsortorder)
               AS labels,
           ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0
                 AND NOT a.attisdropped ORDER BY a.attnum) AS fields,
           ARRAY(SELECT format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS field_types,
           (SELECT format_type(r.rngsubtype, NULL) FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid) AS range_of
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE t.oid = ANY (CAST(:oids AS oid[])) AND t.typtype IN ('b', 'c', 'd', 'e', 'r')
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_type of WHERE of.typarray = t.oid)
      AND (t.typrelid = 0 OR (SELECT c.relkind FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid) = 'c')
    ORDER BY 1, 2
""")
_FUNCTIONS = sa.text("""
    SELECT p.oid::bigint AS oid, n.nspname AS schema, p.proname AS name, p.prokind AS kind,
           pg_catalog.pg_get_function_arguments(p.oid) AS arguments,
           pg_catalog.pg_get_function_identity_arguments(p.oid) AS identity,
           pg_catalog.pg_get_function_result(p.oid) AS result, format_type(p.prorettype, NULL) AS returns,
           p.proretset AS is_set, p.provolatile AS volatility, p.pronargs::int AS count,
           pg_catalog.oidvectortypes(p.proargtypes) AS types,
           p.prorettype IN (2281, 2275) OR p.proargtypes::oid[] && ARRAY[2281, 2275, 2276]::oid[] AS is_internal
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE p.oid = ANY (CAST(:oids AS oid[])) ORDER BY 1, 2, 4
""")  # 2281, 2275, 2276: internal, cstring and "any", which no function in SQL can take
_OPERATORS = sa.text("""
    SELECT n.nspname AS schema, o.oprname AS name, o.oprleft <> 0 AS has_left, format_type(o.oprleft, NULL) AS "left",
           format_type(o.oprright, NULL) AS "right", f.nspname AS function_schema, p.proname AS function
    FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
    JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode
    JOIN pg_catalog.pg_namespace f ON f.oid = p.pronamespace
    WHERE o.oid = ANY (CAST(:oids AS oid[])) AND o.oprright <> 0 ORDER BY 1, 2, 4, 5
""")
_CASTS = sa.text("""
    SELECT format_type(c.castsource, NULL) AS source, format_type(c.casttarget, NULL) AS target,
           c.castcontext AS context, CASE WHEN c.castfunc <> 0 THEN c.castfunc::regprocedure::text END AS function
    FROM pg_catalog.pg_cast c WHERE c.oid = ANY (CAST(:oids AS oid[])) ORDER BY 1, 2
""")
# By what values of a type are ordered and compared: without it nothing of that type has a key, an order or a group.
_CLASSES = sa.text("""
    SELECT n.nspname AS schema, o.opcname AS name, m.amname AS method, o.opcdefault AS is_default,
           format_type(o.opcintype, NULL) AS type,
           ARRAY(SELECT a.amopstrategy::int FROM pg_catalog.pg_amop a WHERE a.amopfamily = o.opcfamily AND a.amoppurpose = 's'
                 AND a.amoplefttype = o.opcintype AND a.amoprighttype = o.opcintype ORDER BY a.amopstrategy) AS strategies,
           ARRAY(SELECT s.nspname::text FROM pg_catalog.pg_amop a JOIN pg_catalog.pg_operator p ON p.oid = a.amopopr
                 JOIN pg_catalog.pg_namespace s ON s.oid = p.oprnamespace
                 WHERE a.amopfamily = o.opcfamily AND a.amoppurpose = 's' AND a.amoplefttype = o.opcintype
                 AND a.amoprighttype = o.opcintype ORDER BY a.amopstrategy) AS operator_schemas,
           ARRAY(SELECT p.oprname::text FROM pg_catalog.pg_amop a JOIN pg_catalog.pg_operator p ON p.oid = a.amopopr
                 WHERE a.amopfamily = o.opcfamily AND a.amoppurpose = 's' AND a.amoplefttype = o.opcintype
                 AND a.amoprighttype = o.opcintype ORDER BY a.amopstrategy) AS operators,
           ARRAY(SELECT p.oprcode::bigint FROM pg_catalog.pg_amop a JOIN pg_catalog.pg_operator p ON p.oid = a.amopopr
                 WHERE a.amopfamily = o.opcfamily AND a.amoppurpose = 's' AND a.amoplefttype = o.opcintype
                 AND a.amoprighttype = o.opcintype ORDER BY a.amopstrategy) AS functions,
           (SELECT a.amproc::bigint FROM pg_catalog.pg_amproc a WHERE a.amprocfamily = o.opcfamily AND a.amprocnum = 1
            AND a.amproclefttype = o.opcintype AND a.amprocrighttype = o.opcintype) AS support,
           (SELECT a.amproc::regprocedure::text FROM pg_catalog.pg_amproc a WHERE a.amprocfamily = o.opcfamily
            AND a.amprocnum = 1 AND a.amproclefttype = o.opcintype AND a.amprocrighttype = o.opcintype) AS support_name
    FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace
    JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod
    WHERE o.oid = ANY (CAST(:oids AS oid[])) AND m.amname IN ('btree', 'hash') ORDER BY 1, 2, 3
""")
_RELATIONS = sa.text("""
    SELECT n.nspname AS schema, r.relname AS name, r.relkind AS kind,
           ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a WHERE a.attrelid = r.oid AND a.attnum > 0
                 AND NOT a.attisdropped ORDER BY a.attnum) AS fields,
           ARRAY(SELECT format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS field_types
    FROM pg_catalog.pg_class r JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
    WHERE r.oid = ANY (CAST(:oids AS oid[])) AND r.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') ORDER BY 1, 2
""")
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class TypeMember:
    """A type: base (b), composite (c), domain (d), enum (e) or range (r)."""

    schema: str
    name: str
    kind: str
    category: str
    collatable: bool
    takes_modifier: bool
    required: bool
    base: str | None
    labels: list[str]
    fields: list[str]
    field_types: list[str]
    range_of: str | None


@dataclass(frozen=True, slots=True)
class FunctionMember:
    """A function, procedure or aggregate; `is_internal` when only C can pass its arguments or use its result."""

    oid: int
    schema: str
    name: str
    kind: str
    arguments: str
    identity: str
    result: str | None
    returns: str
    is_set: bool
    volatility: str
    count: int
    types: str
    is_internal: bool


@dataclass(frozen=True, slots=True)
class OperatorMember:
    """An operator, and the function behind it."""

    schema: str
    name: str
    has_left: bool
    left: str
    right: str
    function_schema: str
    function: str


@dataclass(frozen=True, slots=True)
class CastMember:
    """A cast; `context` is e (explicit), a (assignment) or i (implicit)."""

    source: str
    target: str
    context: str
    function: str | None


@dataclass(frozen=True, slots=True)
class ClassMember:
    """An operator class of a btree or a hash: its operators by strategy, with the functions behind them, and its support."""

    schema: str
    name: str
    method: str
    is_default: bool
    type: str
    strategies: list[int]
    operator_schemas: list[str]
    operators: list[str]
    functions: list[int]
    support: int | None
    support_name: str | None


@dataclass(frozen=True, slots=True)
class RelationMember:
    """A table, view or sequence (S)."""

    schema: str
    name: str
    kind: str
    fields: list[str]
    field_types: list[str]


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension of the source: its schema, and its members."""

    name: str
    schema: str
    schemas: tuple[str, ...]
    types: tuple[TypeMember, ...]
    functions: tuple[FunctionMember, ...]
    operators: tuple[OperatorMember, ...]
    casts: tuple[CastMember, ...]
    classes: tuple[ClassMember, ...]
    relations: tuple[RelationMember, ...]


def extensions(connection: sa.Connection) -> dict[str, str]:
    """The source's extensions: name → schema."""
    return {row.name: row.schema for row in connection.execute(_EXTENSIONS)}


def read_extension(connection: sa.Connection, name: str, schema: str) -> Extension:
    """An extension with its members; names are read with their schema, since the search_path has only pg_catalog.

    Raises: sqlalchemy.exc.DBAPIError when the catalog cannot be read.
    """
    of = {row[0].removeprefix("pg_catalog."): row[1] for row in connection.execute(_MEMBERS, {"name": name})}
    return Extension(
        name=name,
        schema=schema,
        schemas=tuple(row[0] for row in connection.execute(_SCHEMAS, {"oids": of.get("pg_namespace", [])})),
        types=_rows(connection, _TYPES, of.get("pg_type"), TypeMember),
        functions=_rows(connection, _FUNCTIONS, of.get("pg_proc"), FunctionMember),
        operators=_rows(connection, _OPERATORS, of.get("pg_operator"), OperatorMember),
        casts=_rows(connection, _CASTS, of.get("pg_cast"), CastMember),
        classes=_rows(connection, _CLASSES, of.get("pg_opclass"), ClassMember),
        relations=_rows(connection, _RELATIONS, of.get("pg_class"), RelationMember),
    )


def _rows(connection: sa.Connection, query: sa.TextClause, oids: list[int] | None, kind: type[Row]) -> tuple[Row, ...]:
    found: Any = connection.execute(query, {"oids": oids}).mappings() if oids else ()
    return tuple(kind(**row) for row in found)

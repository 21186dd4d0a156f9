"""The table of an archive or a restore: it exists, the role has the rights, and a key identifies its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from psycopg import sql

from genreq_checks.archive.exact import Form, read_forms
from genreq_checks.errors import SourceError
from genreq_checks.facts.identity import Identity
from genreq_checks.plan import Plan
from genreq_checks.postgres.catalog import find_table, hides_rows
from genreq_checks.postgres.foreign_code import foreign_code
from genreq_checks.postgres.identity import read_identity
from genreq_checks.scan.fusion import relation
from genreq_checks.snapshot import Column, TableFacts

KEY = "Name the key's columns in the plan (table.key)."
TEXT_FORMS = {  # with those of postgres/connection.py: the settings that determine how a value's text is written and read
    "array_nulls": "on",
    "bytea_output": "hex",
    "client_encoding": "UTF8",
    "lc_monetary": "C",
    "xmloption": "content",
}

_ALLOWED = sa.text("""
    SELECT a.attname AS name, t.typname AS type, n.nspname AS schema,
           pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'UPDATE') AS may_update
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE a.attrelid = CAST(:oid AS oid) AND a.attnum > 0 AND NOT a.attisdropped
""")
_UNIQUE = sa.text("""
    SELECT EXISTS (
        SELECT FROM pg_catalog.pg_index i
        WHERE i.indrelid = CAST(:oid AS oid) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
          AND (CAST(i.indkey AS int2[]))[0 : i.indnkeyatts - 1] <@ CAST(:positions AS int2[]))
""")


@dataclass(frozen=True, slots=True)
class Place:
    """The table in the catalog. `types` are the columns' types, each as schema and name, for casts of text;
    `forms` say how their values become text.
    """

    oid: int
    identity: Identity
    facts: TableFacts
    types: Mapping[str, tuple[str, str]]
    forms: Mapping[str, Form]
    may_update: frozenset[str]

    @property
    def identifier(self) -> sql.Identifier:
        """The table in a statement."""
        return sql.Identifier(self.facts.schema_name, self.facts.name)

    def column(self, name: str) -> Column:
        """The column in the catalog; an earlier check proved that it exists."""
        found = self.facts.column(name)
        assert found is not None
        return found

    def as_text(self, column: str, value: sql.Composable) -> sql.Composable:
        """A column's value as the text that restores it; NULL stays NULL."""
        if self.forms[column].is_padded:  # `concat` uses the type's output function, and reads NULL as ''
            return sql.SQL("CASE WHEN {0} IS NOT NULL THEN pg_catalog.concat({0}) END").format(value)
        return sql.SQL("CAST({} AS pg_catalog.text)").format(value)

    def is_generated(self, column: str) -> bool:
        """Whether it is a generated column."""
        found = self.facts.column(column)
        return found is not None and found.generated


def locate(connection: sa.Connection, plan: Plan) -> Place:
    """Find the plan's table. Raises: SourceError when it is missing, not a table, or row level security hides its rows."""
    if not plan.table.key:
        raise SourceError(
            f"The plan names no key of {plan.table.qualified}: no value could be put back into its row.", KEY
        )
    connection.execute(
        sa.select(*(sa.func.pg_catalog.set_config(name, value, True) for name, value in TEXT_FORMS.items()))
    )
    found = find_table(connection, plan.table)
    if found.problem is not None or found.oid is None or found.facts is None:
        raise SourceError(found.problem.text if found.problem else f"There is no table {plan.table.qualified}.")
    if hides_rows(connection, found.oid):
        raise SourceError(
            f"Row level security would hide rows of {plan.table.qualified} from this role.",
            "Connect as the table's owner or as a role with BYPASSRLS.",
        )
    danger = foreign_code(connection, found.oid, plan, plan.table.key)
    if danger is not None:
        raise danger
    rows = connection.execute(_ALLOWED, {"oid": found.oid}).all()
    types = {row.name: (row.schema, row.type) for row in rows}
    return Place(
        oid=found.oid,
        identity=read_identity(connection, found.oid),
        facts=found.facts,
        types=types,
        forms=read_forms(connection, found.oid),
        may_update=frozenset(row.name for row in rows if row.may_update),
    )


def require_readable(place: Place, plan: Plan, names: Sequence[str]) -> None:
    """Raises: SourceError when one of the columns does not exist, or the role may not read it."""
    table = plan.table.qualified
    for name in names:
        column = place.facts.column(name)
        if column is None:
            raise SourceError(
                f"{table} has no column '{name}'.", "Remove it from the plan (--plan FILE) if that is right."
            )
        if not column.privilege:
            raise SourceError(
                f"The role may not read {table}.{name}.", f"GRANT SELECT ON {plan.table.in_sql} to the role."
            )


def require_unique_key(connection: sa.Connection, place: Place, plan: Plan) -> None:
    """Raises: SourceError when two rows may have the same key: then a value could not be restored to its own row."""
    columns = [place.facts.column(name) for name in plan.table.key]
    positions = [column.position for column in columns if column]
    certain = not place.facts.children or place.facts.kind == "partitioned table"
    certain = certain and not any(column.nullable for column in columns if column)
    if certain and connection.execute(_UNIQUE, {"oid": place.oid, "positions": positions}).scalar_one():
        return
    key: list[sa.ColumnClause[Any]] = [sa.column(name) for name in plan.table.key]
    twice = sa.or_(sa.func.count() > 1, *(column.is_(None) for column in key))
    query = sa.select(sa.literal(1)).select_from(relation(plan.table)).group_by(*key).having(twice).limit(1)
    if connection.execute(query).first() is not None:
        raise SourceError(
            f"({', '.join(plan.table.key)}) is not a key of {plan.table.qualified}: it is NULL or not unique in some rows.",
            KEY,
        )

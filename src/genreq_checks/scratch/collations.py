"""Collations that the clone's server does not have, such as those of ICU: each is created there with its name, as "C"."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import sqlalchemy as sa

from genreq_checks.scratch.stand_ins import Stub
from genreq_checks.text import quote_name

# Those of ICU and the built-in provider, and every one that a column, domain or index of the database uses.
_USED = sa.text("""
    SELECT DISTINCT n.nspname AS schema, c.collname AS name
    FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
    WHERE n.nspname <> 'pg_catalog'
       OR c.oid IN (SELECT attcollation FROM pg_catalog.pg_attribute WHERE attcollation <> 0)
       OR c.oid IN (SELECT refobjid FROM pg_catalog.pg_depend WHERE refclassid = 'pg_collation'::regclass)
       OR (c.collprovider = 'i' AND c.oid IN (SELECT typcollation FROM pg_catalog.pg_type))
    ORDER BY 1, 2
""")


def used_collations(connection: sa.Connection) -> tuple[tuple[str, str], ...]:
    """The collations (schema, name) that the source's structure may name.

    Raises: sqlalchemy.exc.DBAPIError when the catalog cannot be read.
    """
    return tuple((row.schema, row.name) for row in connection.execute(_USED))


def stand_ins(wanted: Collection[tuple[str, str]], there: Collection[tuple[str, str]]) -> Iterator[Stub]:
    """The statements that create each missing collation."""
    for schema, name in wanted:
        if (schema, name) not in there:
            full = quote_name(schema, name)
            yield Stub(full, f"CREATE COLLATION {full} (provider = libc, locale = 'C')")

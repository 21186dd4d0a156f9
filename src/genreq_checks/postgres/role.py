"""What the reading role may do beyond reading: one note on it in the report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from genreq_checks.plan import Table

ENOUGH = "a role that may only read is enough: genreq-checks list --grants"
SUPERUSER = f"read as a superuser; {ENOUGH}"
REMARK = " (BYPASSRLS is not counted: it may be needed to see every row)"
ATTRIBUTES = {
    "creates_roles": "it may create and change roles (CREATEROLE)",
    "creates_databases": "it may create databases (CREATEDB)",
    "replicates": "it may copy the whole server (REPLICATION)",
}
MEMBERSHIPS = {
    "pg_write_all_data": "it may write every table",
    "pg_execute_server_program": "it may run programs on the server",
    "pg_write_server_files": "it may write files on the server",
}
WRITES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")

# Every role that the reading role is a member of counts, inherited or not: SET ROLE gives its rights. Predefined roles are
# found by name, since not every version has all of them. INSERT and UPDATE can be granted for single columns.
_RIGHTS = sa.text("""
    WITH RECURSIVE tree(oid) AS (
        SELECT CAST(:oid AS oid)
        UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN tree t ON i.inhparent = t.oid),
    place AS (SELECT c.oid, c.relowner FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.oid),
    mine AS (SELECT m.oid, m.rolname::text AS name, m.rolsuper, m.rolcreaterole, m.rolcreatedb, m.rolreplication,
                    m.rolbypassrls
             FROM pg_catalog.pg_roles m WHERE pg_catalog.pg_has_role(current_user, m.oid, 'MEMBER'))
    SELECT ARRAY(SELECT m.name FROM mine m WHERE m.rolsuper ORDER BY 1) AS superusers,
           ARRAY(SELECT m.name FROM mine m WHERE m.oid IN (SELECT p.relowner FROM place p) ORDER BY 1) AS owners,
           ARRAY(SELECT m.name FROM mine m WHERE m.name = ANY (CAST(:given AS text[])) ORDER BY 1) AS memberships,
           ARRAY(SELECT w.name FROM pg_catalog.unnest(CAST(:writes AS text[])) WITH ORDINALITY w(name, number)
                 WHERE EXISTS (
                     SELECT FROM mine m CROSS JOIN place p
                     WHERE CASE WHEN w.name IN ('INSERT', 'UPDATE')
                                THEN pg_catalog.has_any_column_privilege(m.oid, p.oid, w.name)
                                ELSE pg_catalog.has_table_privilege(m.oid, p.oid, w.name) END)
                 ORDER BY w.number) AS writes,
           (SELECT count(*) > 1 FROM place) AS has_parts,
           pg_catalog.bool_or(m.rolcreaterole) AS creates_roles, pg_catalog.bool_or(m.rolcreatedb) AS creates_databases,
           pg_catalog.bool_or(m.rolreplication) AS replicates, pg_catalog.bool_or(m.rolbypassrls) AS bypasses
    FROM mine m
""")


def notes_on_role(
    connection: sa.Connection, role: str, is_superuser: bool, oid: int | None, table: Table
) -> tuple[str, ...]:
    """The note on a role that may do more than read; none for the role that `list --grants` creates.

    `oid` is the table's, None when it was not found: then only what does not depend on it is judged.
    Raises: sqlalchemy.exc.DBAPIError when the connection is lost.
    """
    if is_superuser:
        return (SUPERUSER,)
    asked = {"oid": oid, "given": list(MEMBERSHIPS), "writes": list(WRITES)}
    try:
        with connection.begin_nested():
            row = connection.execute(_RIGHTS, asked).one()
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated:
            raise
        return (f"the rights of the role {role} beyond reading could not be read",)
    rights = list(_rights(row, role, table))
    if not rights:
        return ()
    remark = REMARK if row.bypasses else ""
    return (f"the role {role} may do more than a check needs: {', '.join(rights)}{remark}; {ENOUGH}",)


def _rights(row: sa.Row[Any], role: str, table: Table) -> Iterator[str]:
    """The rights of the role that no reading needs, in words."""
    if row.superusers:  # a superuser may do all of the rest
        yield f"it is a member of {', '.join(row.superusers)}, a superuser"
        return
    place = f"{table.qualified} or a part of it" if row.has_parts else table.qualified
    if role in row.owners:
        yield f"it owns {place}"
    others = [name for name in row.owners if name != role]
    if others:
        yield f"it is a member of {', '.join(others)}, which owns {place}"
    if row.writes and not row.owners:  # an owner may do all of them
        *first, last = row.writes
        yield f"it may {', '.join(first)} and {last} in {place}" if first else f"it may {last} in {place}"
    yield from (words for name, words in ATTRIBUTES.items() if row._mapping[name])
    yield from (f"{words} (member of {name})" for name, words in MEMBERSHIPS.items() if name in row.memberships)

"""Which database and table are being read, as reported by the server itself."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from genreq_checks.facts.identity import Identity

_HERE = sa.text("""
    SELECT pg_catalog.current_database()::text AS database,
           (SELECT d.oid::bigint FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
               AS database_oid,
           pg_catalog.host(pg_catalog.inet_server_addr()) AS server_address,
           pg_catalog.inet_server_port() AS server_port,
           CAST(pg_catalog.current_setting('server_version_num') AS int) AS server_version,
           pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
               AND pg_catalog.has_function_privilege('pg_catalog.pg_control_checkpoint()', 'EXECUTE') AS may_ask
""")
_CONTROL = sa.text("""
    SELECT s.system_identifier::text AS system_identifier, c.timeline_id AS timeline
    FROM pg_catalog.pg_control_system() s, pg_catalog.pg_control_checkpoint() c
""")
NOT_ALLOWED = (
    "the role may not execute pg_control_system() and pg_control_checkpoint(): it is not proved that it is one server"
)
NOT_ANSWERED = "the server does not answer pg_control_system(): it is not proved that it is one server"


def read_identity(connection: sa.Connection, table_oid: int | None) -> Identity:
    """The identity of the database and of the table with that OID; what the role may not read is in `unproved`.

    Raises: sqlalchemy.exc.DBAPIError when the connection is lost.
    """
    here = dict(connection.execute(_HERE).one()._mapping)
    may_ask = here.pop("may_ask")
    control = _read_control(connection) if may_ask else NOT_ALLOWED
    if isinstance(control, str):
        return Identity(**here, table_oid=table_oid, unproved=(control,))
    return Identity(**here, **control, table_oid=table_oid)


def _read_control(connection: sa.Connection) -> dict[str, Any] | str:
    """System identifier and timeline, or why they are not known."""
    try:
        with connection.begin_nested():
            return dict(connection.execute(_CONTROL).one()._mapping)
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated:
            raise
        return NOT_ANSWERED  # servers of the same protocol that are not PostgreSQL have no such function

"""An engine that sends no statements of SQLAlchemy's own, whose unqualified names a search_path could lead elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.types.string import TextLoader
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from genreq_checks.postgres.encoding import server_encoding

_DRIVER = "genreqchecks"
_TEXTS = ("text", "varchar", "bpchar", "name", '"char"')


class QuietDialect(PGDialect_psycopg):
    """SQLAlchemy's dialect without its first statements.

    At its first connection it would query the version, the current schema and a setting, outside of our transaction, by
    names that the database's search_path may lead to a user's functions.
    """

    supports_statement_cache = True

    def initialize(self, connection: sa.Connection) -> None:
        """Get from the driver what would otherwise be queried."""
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        version = driver.info.server_version
        self.server_version_info = (version // 10_000, version % 10_000)
        self.default_schema_name = None
        self.default_isolation_level = "READ COMMITTED"
        self._backslash_escapes = False  # standard_conforming_strings is pinned


registry.register(f"postgresql.{_DRIVER}", __name__, QuietDialect.__name__)


class LenientText(TextLoader):
    """Text whose bytes are not UTF-8, as in a database with the encoding SQL_ASCII: `�` for each such byte."""

    def load(self, data: Any) -> str:
        """The text in the bytes."""
        return bytes(data).decode("utf-8", "replace")


def make_engine(connect: Callable[[], psycopg.Connection[Any]]) -> sa.Engine:
    """An engine without a pool, whose connections decode text leniently."""

    def connected() -> psycopg.Connection[Any]:
        connection = connect()
        for name in _TEXTS:
            connection.adapters.register_loader(name, LenientText)
        return connection

    return sa.create_engine(
        f"postgresql+{_DRIVER}://",
        creator=connected,
        poolclass=sa.pool.NullPool,
        use_native_hstore=False,
        hide_parameters=True,
    )


def pin(connection: sa.Connection, settings: Mapping[str, str]) -> None:
    """Set each of the settings for this transaction alone, and make sure that it is in force.

    Raises: sqlalchemy.exc.DBAPIError; PinError when the server has another value than was set.
    """
    if server_encoding(connection) == "SQL_ASCII":  # with UTF8 the server would not send bytes that are not UTF-8
        settings = {**settings, "client_encoding": "SQL_ASCII"}
    names = list(settings)
    given = sa.select(*(sa.func.pg_catalog.set_config(name, settings[name], True) for name in names))
    connection.execute(given)
    asked = sa.select(*(sa.func.pg_catalog.current_setting(name) for name in (*PROVED, "transaction_read_only")))
    found = connection.execute(asked).one()
    wanted = (*(settings[name] for name in PROVED), "on")
    for name, value, want in zip((*PROVED, "transaction_read_only"), found, wanted, strict=True):
        if value != want:
            raise PinError(name)


PROVED = ("search_path", "row_security", "TimeZone")


class PinError(Exception):
    """A setting that is not in force although it was set."""

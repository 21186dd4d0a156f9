"""A real PostgreSQL for every test: the one that GENREQ_TEST_DATABASE_URL names, or the embedded one. Never a skip."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import conninfo, sql

from genreq_checks.embedded import sample, start
from genreq_checks.plan import Plan, load_plan

# A loaded machine is no fault, and a function's database is emptied by the tests that use it so.
# In CI the examples are the same each time: new ones are tried where a developer sees the result.
settings.register_profile(
    "here",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("here")


class Server(Protocol):
    def url(self, database: str = "postgres") -> str: ...
    def create_database(self, name: str, template: str | None = None) -> str: ...
    def drop_database(self, name: str) -> None: ...


@dataclass(frozen=True)
class GivenServer:
    """A server that the environment names; its role must be allowed to create databases."""

    given: str

    def url(self, database: str = "postgres") -> str:
        return conninfo.make_conninfo(self.given, dbname=database)

    def create_database(self, name: str, template: str | None = None) -> str:
        with psycopg.connect(self.given, autocommit=True) as connection:
            tail = sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
            connection.execute(sql.SQL("CREATE DATABASE {}{}").format(sql.Identifier(name), tail))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        with psycopg.connect(self.given, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server of this test process."""
    given = os.environ.get("GENREQ_TEST_DATABASE_URL")
    if given:
        yield GivenServer(given)
        return
    with start() as embedded:
        yield embedded


@pytest.fixture(scope="session")
def leo_template(server: Server) -> Iterator[str]:
    """A database with the empty table as it was, to copy from."""
    name = f"leo_template_{uuid.uuid4().hex[:8]}"
    sample.create_table(server.create_database(name))
    yield name
    server.drop_database(name)


@pytest.fixture
def database(server: Server, leo_template: str) -> Iterator[str]:
    """The URL of a separate database with the empty table as it was."""
    name = f"leo_{uuid.uuid4().hex[:8]}"
    yield server.create_database(name, leo_template)
    server.drop_database(name)


@pytest.fixture
def empty_database(server: Server) -> Iterator[str]:
    """The URL of a separate empty database."""
    name = f"empty_{uuid.uuid4().hex[:8]}"
    yield server.create_database(name)
    server.drop_database(name)


@pytest.fixture
def plan() -> Plan:
    """The built-in plan."""
    return load_plan()


@pytest.fixture(autouse=True)
def _no_database_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LEO_DATABASE_URL", "LEO_DATABASE_URL_POOLING"):
        monkeypatch.delenv(name, raising=False)

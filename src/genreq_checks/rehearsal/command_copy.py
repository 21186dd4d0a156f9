"""A copy of the rehearsed database for one command: as it was, or without the columns; and the command's way to it."""

from __future__ import annotations

import os
from dataclasses import dataclass

import psycopg
from psycopg import sql

from genreq_checks.plan import Plan
from genreq_checks.postgres.catalog import quoted
from genreq_checks.postgres.connection import Target
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.rehearsal.apply import apply
from genreq_checks.rehearsal.environment import Environment, environment
from genreq_checks.rehearsal.logins import Logins
from genreq_checks.rehearsal.sql_file import SqlFile
from genreq_checks.scratch.database import Scratch
from genreq_checks.sources.oracle.family import Member, family_of
from genreq_checks.sources.oracle.hidden_code import related_names

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

ORIGINAL = "as_it_was"  # the database from which each command has its own copy

_USES = """
    SELECT coalesce(sum(seq_scan + coalesce(idx_scan, 0) + n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint
    FROM pg_catalog.pg_stat_user_tables WHERE schemaname || '.' || relname = ANY (%s)
"""


def keep_original(scratch: Scratch) -> None:
    """Keep the copy as it is now, from which each command has its own. Nobody may be connected to it."""
    assert scratch.running is not None
    scratch.running.create_database(ORIGINAL, "rehearsal")


@dataclass(frozen=True, slots=True)
class CommandCopy:
    """A copy for one command."""

    plan: Plan
    target: Target
    scratch: Scratch
    admin: psycopg.Connection
    logins: Logins
    name: str
    search_path: str

    def make(self, forward: SqlFile | None, deadline: Deadline | None) -> str | None:
        """Create it, without the columns where there is forward SQL; returns the error of that."""
        assert self.scratch.running is not None
        url = self.scratch.running.create_database(self.name, ORIGINAL)
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as there:
            self.logins.own_database(there)
            there.execute("SELECT pg_catalog.set_config('search_path', %s, false)", [self.search_path])
            path = sql.SQL("ALTER DATABASE {} SET search_path FROM CURRENT")
            there.execute(path.format(sql.Identifier(self.name)))
        if forward is None:
            return None
        return apply(url, self.search_path, forward, quoted(self.plan.table).as_string(None), deadline).error

    def family(self) -> tuple[Member, ...]:
        """The table and what is under it, as they are now."""
        assert self.scratch.running is not None
        with psycopg.connect(self.scratch.running.url(self.name), autocommit=True, prepare_threshold=None) as there:
            return family_of(there, self.plan)

    def names(self) -> frozenset[str]:
        """The names of the table, its partitions and its views, in lower case."""
        assert self.scratch.running is not None
        with psycopg.connect(self.scratch.running.url(self.name), autocommit=True, prepare_threshold=None) as there:
            return related_names(there, self.plan)

    def uses(self) -> int:
        """How often the table, its partitions and children were read and written so far, by the server's counters."""
        assert self.scratch.running is not None
        with psycopg.connect(self.scratch.running.url(self.name), autocommit=True, prepare_threshold=None) as there:
            places = [f"{member.schema}.{member.name}" for member in family_of(there, self.plan)]
            row = there.execute(_USES, [places]).fetchone()
            return int(row[0]) if row else 0

    def environment(self) -> Environment:
        """The environment in which every PostgreSQL URL is that of this copy."""
        assert self.scratch.running is not None
        return environment(
            os.environ,
            self.scratch.running.port,
            self.name,
            lambda user: self.logins.login(self.admin, user),
            self.target,
        )

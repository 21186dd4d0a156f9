"""The clones that statements are put before: as the source is, without all dropped columns, without one of them.

They are made from one copy of the structure, without rows, in an embedded server that ends with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from genreq_checks.embedded import EmbeddedServer, start
from genreq_checks.errors import SourceError
from genreq_checks.plan import Plan
from genreq_checks.postgres.catalog import quoted
from genreq_checks.postgres.connection import Target
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.sql_lexer import statements
from genreq_checks.scratch.clone import finish, structure
from genreq_checks.scratch.database import Scratch
from genreq_checks.sources.oracle.family import SCHEMAS, Member, family_of, make_blind

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

BASE, WHOLE, WITHOUT = "base", "whole", "without"
BLIND = "genreq_blind"
SERVER = {"event_triggers": "off", "lc_messages": "C", "max_prepared_transactions": "0", "autovacuum": "off"}
SESSION = {  # an immutable function runs while a statement is planned: neither for long nor to write
    "statement_timeout": "5s",
    "plan_cache_mode": "force_generic_plan",
    "default_transaction_read_only": "on",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "lock_timeout": "5s",
    # plans are compared, and must not differ by an index that goes with a column, or by the width of a row
    "enable_indexscan": "off",
    "enable_indexonlyscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_material": "off",
    "enable_memoize": "off",
    "enable_hashagg": "off",
    "enable_incremental_sort": "off",
}
# Of a table that was never counted the planner takes the width of a row to guess how many there are.
_EMPTY = "UPDATE pg_catalog.pg_class SET reltuples = 0, relpages = 0 WHERE relkind IN ('r', 'm') AND oid > 16383"
_NAMESAKES = """
    SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = %s AND c.relkind IN ('r', 'p', 'v', 'm') ORDER BY 1
"""
_SEARCH_PATH = sa.text("SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'search_path'")


@dataclass(slots=True)
class Clones:
    """The clones and sessions in them. `family` is the plan's table with its partitions and children.

    `columns` are the dropped columns that the table has. `notes` say what of the clones is not as the source is.
    `own_path` is the search_path by which the table's bare name finds it, where other schemas have one of that name too.
    """

    server: EmbeddedServer
    plan: Plan
    search_path: str
    family: tuple[Member, ...]
    columns: tuple[str, ...]
    stand_ins: tuple[str, ...]
    refused: tuple[str, ...]
    notes: tuple[str, ...]
    own_path: str | None
    _stack: ExitStack
    _sessions: dict[tuple[str, str], psycopg.Connection[Any]] = field(default_factory=dict[tuple[str, str], Any])
    _made: set[str] = field(default_factory=set[str])
    _left: dict[str, tuple[Member, ...]] = field(default_factory=dict[str, tuple[Member, ...]])

    @property
    def whole(self) -> psycopg.Connection[Any]:
        """A session in the clone that is as the source is."""
        return self._session(WHOLE)

    def without(self, column: str | None = None) -> psycopg.Connection[Any]:
        """A session in the clone without all dropped columns, or without one of them only."""
        if column is None or len(self.columns) == 1:
            return self._session(WITHOUT)
        name = f"{WITHOUT}_{self.columns.index(column)}"
        if name not in self._made:
            url = self.server.create_database(name, BASE)
            with psycopg.connect(url, autocommit=True) as there:
                _drop(there, self.plan, [column])
            self._made.add(name)
        return self._session(name)

    def left(self, column: str | None = None) -> tuple[Member, ...]:
        """The table and what is under it, as they are without all dropped columns, or without one of them."""
        name = column or ""
        if name not in self._left:
            self._left[name] = family_of(self.without(column), self.plan)
        return self._left[name]

    def blind(self, column: str | None = None) -> psycopg.Connection[Any]:
        """A session as a role that may do everything in the whole clone but touch the dropped columns, or one of them."""
        blinded = self.columns if column is None else (column,)
        role = BLIND if column is None else f"{BLIND}_{self.columns.index(column)}"
        if role not in self._made:
            with psycopg.connect(self.server.url(WHOLE), autocommit=True) as there:
                make_blind(there, role, self.family, blinded)
            self._made.add(role)
        key = (role, self.search_path)
        if key not in self._sessions:
            session = self._open(WHOLE)
            session.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
            self._sessions[key] = session
        return self._sessions[key]

    @contextmanager
    def using(self, search_path: str) -> Iterator[None]:
        """With sessions that have another search_path."""
        before, self.search_path = self.search_path, search_path
        try:
            yield
        finally:
            self.search_path = before

    def _session(self, database: str) -> psycopg.Connection[Any]:
        key = (database, self.search_path)
        if key not in self._sessions:
            self._sessions[key] = self._open(database)
        return self._sessions[key]

    def _open(self, database: str) -> psycopg.Connection[Any]:
        session: psycopg.Connection[Any] = psycopg.connect(
            self.server.url(database), autocommit=True, prepare_threshold=None
        )
        self._stack.callback(session.close)
        for name, value in (SESSION | {"search_path": self.search_path}).items():
            session.execute("SELECT pg_catalog.set_config(%s, %s, false)", [name, value])
        return session


@contextmanager
def make_clones(
    connection: sa.Connection, target: Target, plan: Plan, deadline: Deadline | None = None
) -> Iterator[Clones]:
    """Clones of the source that `connection` reads.

    Raises: SourceError when there can be none; sqlalchemy.exc.DBAPIError when the source's catalog cannot be read.
    """
    search_path = str(connection.execute(_SEARCH_PATH).scalar_one())
    with start(SERVER) as server, ExitStack() as stack:
        scratch = Scratch(server.create_database(BASE), True, "an embedded PostgreSQL")
        with structure(connection, target, plan.table, scratch, deadline) as made:
            refused = [*made.refused, *finish(made, scratch)]
        notes: list[str] = []
        if not made.dump.whole:
            notes.append(f"the clone has the schema {plan.table.schema_name} only")
        with psycopg.connect(scratch.url, autocommit=True) as there:
            family = family_of(there, plan)
            there.execute(_EMPTY)
            namesakes = len(there.execute(_NAMESAKES, [plan.table.name]).fetchall())
            wide = [row[0] for row in there.execute(SCHEMAS) if row[0] not in ("pg_catalog", "information_schema")]
        if not family:
            raise SourceError(
                f"The table {plan.table.qualified} could not be made in a clone.",
                "The role must be allowed to read all of it; what else it needs stands in the report.",
            )
        columns = tuple(name for name in plan.dropped if name in family[0].columns)
        if not columns:
            raise SourceError(
                f"{plan.table.qualified} has none of the dropped columns any more: nothing can be told of statements.",
                "Ask before the drop.",
            )
        server.create_database(WHOLE, BASE)
        refusal = _go_forward(server.create_database(WITHOUT, BASE), plan, search_path, columns)
        if refusal:
            notes.append(
                f"the plan's forward SQL fails on the clone (SQLSTATE {refusal}): CASCADE drops the columns there"
            )
            server.drop_database(WITHOUT)
            with psycopg.connect(server.create_database(WITHOUT, BASE), autocommit=True) as there:
                _drop(there, plan, columns)
        shown = tuple(one.text for one in made.stand_ins)
        rejected = tuple(f"{one.label} ({one.reason})" for one in refused)
        path = ", ".join(dict.fromkeys([search_path, *(_quoted(name) for name in wide)]))
        own = f"{_quoted(plan.table.schema_name)}, {path}" if namesakes > 1 else None
        yield Clones(server, plan, path, family, columns, shown, rejected, tuple(notes), own, stack)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _go_forward(url: str, plan: Plan, search_path: str, columns: Sequence[str]) -> str:
    """Run the plan's own forward SQL, and drop what it leaves of the columns. The SQLSTATE when it fails, else ''."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as there:
        there.execute("SELECT pg_catalog.set_config('search_path', %s, false)", [search_path])
        try:
            for statement in statements(plan.forward_sql):
                there.execute(statement.encode())
        except psycopg.Error as error:
            return error.sqlstate or type(error).__name__
        there.rollback()
        family = family_of(there, plan)
        left = [name for name in columns if family and name in family[0].columns]
        if left:
            _drop(there, plan, left)
    return ""


def _drop(there: psycopg.Connection[Any], plan: Plan, columns: Sequence[str]) -> None:
    table = quoted(plan.table)
    drops = sql.SQL(", ").join(
        sql.SQL("DROP COLUMN IF EXISTS {} CASCADE").format(sql.Identifier(name)) for name in columns
    )
    try:
        there.execute(sql.SQL("ALTER TABLE {} {}").format(table, drops))
    except psycopg.Error as error:
        raise SourceError(
            f"The columns could not be dropped in a clone (SQLSTATE {error.sqlstate}), not even by CASCADE.",
            "Rehearse it: genreq-checks rehearse SOURCE",
        ) from None

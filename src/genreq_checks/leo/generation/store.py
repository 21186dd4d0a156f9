"""The reference server's database writes: start a request's generation, and write its completion, all or nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import psycopg
from psycopg import sql

from genreq_checks.errors import UsageError
from genreq_checks.leo.completion import AllWorkCompleteMessage, breaks_derivation, row_values
from genreq_checks.plan import Plan
from genreq_checks.postgres.connection import Target, identifier, parse

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

GENERATING = "generating"
SECONDS = 10  # for each statement, and for waiting on another transaction's lock

Written = Literal["written", "late", "no row"]


@dataclass(frozen=True, slots=True)
class Store:
    """Where the rows are: a database, the plan's table, and the one column of its key."""

    target: Target
    table: sql.Identifier
    key: sql.Identifier
    status: sql.Identifier


@dataclass(frozen=True, slots=True)
class Completion:
    """The result of a completion message: whether it was written, and whether the plan's defect cleared a column."""

    outcome: Written
    breaks_derivation: bool = False


def open_store(plan: Plan, url: str) -> Store:
    """The store for a plan's table. Raises: UsageError for an invalid URL or a key of several columns."""
    return Store(
        parse(url),
        identifier(plan.table.schema_name, plan.table.name),
        identifier(key_column(plan)),
        identifier(plan.cohort.status),
    )


def key_column(plan: Plan) -> str:
    """The column by which a request is named. Raises: UsageError when the plan's key has several."""
    if len(plan.table.key) != 1:
        raise UsageError(f"The key of {plan.table.qualified} has several columns.", "A generation needs a key of one.")
    return plan.table.key[0]


async def start_generation(store: Store, request: str) -> bool:
    """Mark a request as generating; False when there is no such row. Raises: psycopg.Error."""
    statement = sql.SQL("UPDATE {} SET {} = %s WHERE {} = %s").format(store.table, store.status, store.key)
    async with _transaction(store) as connection:
        cursor = await connection.execute(statement, [GENERATING, request])
        return cursor.rowcount == 1


async def write_completion(store: Store, request: str, message: AllWorkCompleteMessage) -> Completion:
    """Write what a message sets in its row, in one transaction, if the row is still generating.

    Raises: psycopg.Error, or UnicodeError for text that the database cannot store; then nothing is written.
    """
    values = row_values(message, datetime.now(UTC))
    look = sql.SQL("SELECT {}::text, github_url FROM {} WHERE {} = %s FOR UPDATE").format(
        store.status, store.table, store.key
    )
    assignments = sql.SQL(", ").join(sql.SQL("{} = %s").format(identifier(column)) for column in values)
    update = sql.SQL("UPDATE {} SET {} WHERE {} = %s").format(store.table, assignments, store.key)
    async with _transaction(store) as connection:
        row = await (await connection.execute(look, [request])).fetchone()
        if row is None:
            return Completion("no row")
        status, stored = row
        if status != GENERATING:
            return Completion("late")
        await connection.execute(update, [*values.values(), request])
    return Completion("written", breaks_derivation(message, stored))


@asynccontextmanager
async def _transaction(store: Store) -> AsyncIterator[psycopg.AsyncConnection[tuple[Any, ...]]]:
    """One transaction on a separate connection: committed at the end, rolled back on an error."""
    parameters: dict[str, Any] = {**store.target.parameters}
    async with await psycopg.AsyncConnection.connect(**parameters, prepare_threshold=None) as connection:
        await connection.execute(
            "SELECT set_config('lock_timeout', %(ms)s, true), set_config('statement_timeout', %(ms)s, true)",
            {"ms": f"{SECONDS * 1000}ms"},
        )
        yield connection

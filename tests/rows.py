"""Rows for the table in tests: name what matters, the rest is filled in."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from psycopg import sql

USER = "00000000-0000-4000-8000-000000000001"
REQUIRED = {"user_id": USER, "app_name": "app", "prompt": "p", "initial_prompt": "p"}


def insert(url: str, *rows: dict[str, Any], table: str = "generation_requests") -> None:
    """Insert rows into the table; `status` is completed unless a row says otherwise."""
    with psycopg.connect(url) as connection:
        for row in rows:
            values = REQUIRED | {"status": "completed"} | row
            connection.execute(
                sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                    sql.Identifier(*table.split(".")),
                    sql.SQL(", ").join(map(sql.Identifier, values)),
                    sql.SQL(", ").join(sql.Placeholder() for _ in values),
                ),
                list(values.values()),
            )


def execute(url: str, statement: str) -> None:
    """Run SQL that a test spells out, each statement by itself."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def flush_statistics(url: str) -> None:
    """Have the server's own statistics tell everything so far."""
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.info.server_version >= 150_000:
            connection.execute("SELECT pg_stat_force_next_flush()")
            return
    time.sleep(1.5)  # before, a process of the server gathers them; it is told at most twice a second

"""Prediction and what happens: the statements of the truth are run, on a database with the columns and on one without."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import psycopg
import pytest
from psycopg.pq import DiagnosticField, ExecStatus

from conftest import Server
from genreq_checks.plan import parse_plan
from genreq_checks.postgres.connection import parse, reading
from genreq_checks.sources.oracle import open_oracle
from oracle_grammar import Grammar
from oracle_truth import ORMS, PLAN, TRUTH
from test_oracle import truth
from test_oracle_bodies import FUNCTIONS, fill

DROP = "ALTER TABLE orders DROP COLUMN note CASCADE, DROP COLUMN legacy CASCADE"
ROWS = """
    INSERT INTO customers (id, name) VALUES (1, 'a'), (2, 'b'); INSERT INTO staging VALUES (1, 'n', 2);

    INSERT INTO orders (id, customer_id, note, total, legacy, created_at, tags)
    VALUES (1, 1, 'n', 5, '{"a": 1}', '2026-01-01', '{x}'), (5, 1, 'x', 7, NULL, '2026-01-02', '{y}');
    INSERT INTO items (order_id, sku, quantity, note) VALUES (5, 's', 1, 'n');

    REFRESH MATERIALIZED VIEW noted;
"""
GOOD = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)
# They fail only on rows or in branches that are not there, or the server sees to them when they are made.
NO_ROW = ("DELETE FROM orders WHERE id = $1",)
NOT_REACHED = frozenset(("else_branch", "handler", "in_case", "numbers_used"))


@pytest.fixture(scope="module")
def both(server: Server) -> Iterator[tuple[psycopg.Connection, psycopg.Connection]]:
    """Sessions in a database with the columns and in one without, both with a few rows."""
    urls = [server.create_database(f"really_{name}") for name in ("whole", "without")]
    for url, more in zip(urls, (ROWS, ROWS + DROP), strict=True):
        fill(url, more)
    with psycopg.connect(urls[0]) as whole, psycopg.connect(urls[1]) as without:
        for session in (whole, without):
            session.execute("SET statement_timeout = '2s'")  # one of them has no end
            session.commit()
        yield whole, without
    for name in ("whole", "without"):
        server.drop_database(f"really_{name}")


def run(connection: psycopg.Connection, statement: str) -> str:
    """Run a statement with NULL for its parameters, and take it back: '' or the SQLSTATE."""
    return outcome(connection, statement)[0]


def outcome(connection: psycopg.Connection, statement: str) -> tuple[str, list[object]]:
    """The SQLSTATE, or '' and the rows that it gives or the number of those that it writes."""
    wire = connection.pgconn
    wire.exec_(b"BEGIN")
    try:
        made = wire.prepare(b"really", statement.encode())
        if made.status in GOOD:
            nulls = [None] * wire.describe_prepared(b"really").nparams
            made = wire.exec_prepared(b"really", nulls)
        if made.status not in GOOD:
            return (made.error_field(DiagnosticField.SQLSTATE) or b"?").decode(), []
        rows = [[made.get_value(n, m) for m in range(made.nfields)] for n in range(made.ntuples)]
        return "", [sorted(rows, key=str), made.command_status]
    finally:
        wire.exec_(b"ROLLBACK")
        wire.exec_(b"DEALLOCATE ALL")


RUNNABLE = [
    (told, statement)
    for told, statement in (*TRUTH, *ORMS)
    if not told.startswith("unknown")
    and not statement.lstrip().upper().startswith(("COPY", "VACUUM", "DISCARD", "FETCH"))
]


def test_what_breaks_fails_and_what_does_not_goes_through(
    both: tuple[psycopg.Connection, psycopg.Connection],
) -> None:
    ran, wrong = 0, []
    for told, statement in RUNNABLE:
        before, after = (run(connection, statement) for connection in both)
        if before and before[:2] not in ("22", "23", "57"):  # not as it stands, or not in a transaction
            continue
        ran += 1
        breaks = "breaks" in truth(told).values()
        failed = bool(after) and after != before and after[:2] not in ("23", "57")
        if failed != breaks and statement not in NO_ROW:
            wrong.append((told, statement, before, after))
    assert wrong == []
    assert ran > 150


def test_what_is_untouched_gives_the_same_with_and_without_the_columns(
    both: tuple[psycopg.Connection, psycopg.Connection],
) -> None:
    whole, without = both
    compared, wrong = 0, []
    for told, statement in RUNNABLE:
        if (
            not set(truth(told).values()) <= {"untouched", "touches"}
            or "pg_class" in statement
            or statement.startswith("EXPLAIN")
        ):
            continue
        before, again, after = (outcome(session, statement) for session in (whole, whole, without))
        if before != again or before[0]:  # it gives something else each time, or cannot be run so
            continue
        compared += 1
        if before != after:
            wrong.append((told, statement, before, after))
    assert wrong == []
    assert compared > 60


def test_functions_in_plpgsql_do_as_was_told(both: tuple[psycopg.Connection, psycopg.Connection]) -> None:
    wrong = []
    for name, note, legacy, *_ in FUNCTIONS:
        before, after = (
            run(connection, f"SELECT body_{name}({1 + name.startswith('inserts')})") for connection in both
        )
        breaks = "breaks" in (note, legacy)
        if before or (
            bool(after) != breaks and not (breaks and name in NOT_REACHED) and "unknown" not in (note, legacy)
        ):
            wrong.append((name, note, legacy, before, after))
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_random_statements_do_as_was_told(
    server: Server, both: tuple[psycopg.Connection, psycopg.Connection], seed: int
) -> None:
    """No statement that is called untouched fails or gives something else; only unreached code is called broken and is not."""
    grammar, counted, wrong = Grammar(Random(seed)), Counter[str](), []
    target, plan = parse(server.url("really_whole")), parse_plan(PLAN, "notes")
    with reading(target) as connection, open_oracle(connection, target, plan) as oracle:
        for _ in range(2000):
            statement = grammar.statement()
            before, again, after = (outcome(session, statement) for session in (both[0], *both))
            if before[0]:  # no valid statement
                continue
            judged = oracle.judge(statement)
            counted[judged.worst] += 1
            failed = bool(after[0]) and after[0][:2] not in ("23", "57")  # another value may meet a constraint
            not_reached = any(" of public." in reason for reason in judged.reasons.values())
            same = before == after or before != again  # or it gives something else each time
            if failed != (judged.worst == "breaks") and (failed or not not_reached):
                wrong.append((statement, judged, after[0]))
            elif judged.worst in ("untouched", "touches") and not same:
                wrong.append((statement, judged, "another result"))
    assert wrong == []
    assert all(counted[fate] > 5 for fate in ("breaks", "changes", "touches", "untouched"))
    assert counted["unknown"] == 0

"""`values` and `pattern` of a kept column: the same answer from PostgreSQL, from files and from Python, and nothing raises."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from genreq_checks.errors import PlanError
from genreq_checks.plan import Plan, parse_plan
from genreq_checks.plan.value_pattern import checked
from genreq_checks.report import Report
from genreq_checks.run import check, observe
from rows import execute

PLAN = """
plan_version = 1
title = "Parts"
[table]
name = "parts"
key = ["id"]
[dropped.gone]
[kept.code]
{rule}
"""
SIGNS = st.sampled_from([*"aZ09_-.*+?|()[]{},^$\\ d", "\\d", "\\w", "\\.", "{2}", "{1,3}", "[a-z]", "(a|b)", "\n", "é"])


def plan(rule: str) -> Plan:
    return parse_plan(PLAN.format(rule=rule), "parts")


def judged(report: Report) -> tuple[str, dict[str, object]]:
    [one] = [one for one in report.checks if one.id == "population.code"]
    return one.outcome, dict(one.findings[0].evidence)


@pytest.mark.parametrize(
    ("column", "rule", "rows", "outcome", "other"),
    [
        ("text", 'values = ["a", "b"]', "('a'), ('b'), (NULL), ('  ')", "pass", 0),
        ("text", 'values = ["a", "b"]', "('a'), ('B'), ('a ')", "fail", 2),
        ("int", "values = [1, 2]", "(1), (2), (3)", "fail", 1),
        ("boolean", "values = [true]", "(true), (false)", "fail", 1),
        ("text", r"pattern = '[A-Z]{2}-\d+'", "('AB-1'), ('XY-22')", "pass", 0),
        ("text", r"pattern = '[A-Z]{2}-\d+'", "('AB-1 '), (E'AB-1\n'), ('xAB-1'), ('AB-1')", "fail", 3),
        ("text", "pattern = 'a|b'", "('a'), ('b'), ('ab')", "fail", 1),
        ("int", r"pattern = '\d{2}'", "(10), (9)", "fail", 1),
        ("text", 'values = ["a"]', "(NULL)", "unknown", None),
    ],
)
def test_each_value_is_one_that_the_plan_allows_also_in_files(
    empty_database: str, tmp_path: Path, column: str, rule: str, rows: str, outcome: str, other: int | None
) -> None:
    execute(empty_database, f"CREATE TABLE parts (id serial PRIMARY KEY, code {column}, gone text)")
    execute(empty_database, f"INSERT INTO parts (code) VALUES {rows}")
    said = judged(check(plan(rule), observe(plan(rule), empty_database)))
    assert (said[0], said[1].get("other")) == (outcome, other)
    if column != "boolean":  # COPY writes t and f
        file = tmp_path / "parts.csv"
        query = "COPY parts TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE (code))"
        with psycopg.connect(empty_database) as connection, connection.cursor().copy(query) as copied:
            file.write_bytes(b"".join(map(bytes, copied)))
        assert judged(check(plan(rule), observe(plan(rule), file))) == said


@settings(max_examples=60)
@given(st.lists(SIGNS, max_size=8).map("".join), st.lists(st.text("aZ09_-. \né", max_size=6), max_size=5))
@example("a{255}b{245}", ["a"])
@example("(a|b)*c+?", ["abc"])
def test_what_is_accepted_means_the_same_in_postgresql_and_python(
    oracle_connection: psycopg.Connection, pattern: str, values: list[str]
) -> None:
    try:
        checked(pattern)
    except ValueError:
        return
    query = 'SELECT v COLLATE "C" ~ %s FROM unnest(%s::text[]) WITH ORDINALITY u(v, n) ORDER BY n'
    found = [row[0] for row in oracle_connection.execute(query, [f"^({pattern})$", values]).fetchall()]
    assert found == [re.fullmatch(pattern, value, re.DOTALL | re.ASCII) is not None for value in values]


@pytest.fixture(scope="module")
def oracle_connection(server: object) -> object:
    with psycopg.connect(server.url(), autocommit=True) as connection:  # type: ignore[attr-defined]
        yield connection


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "a)",
        "[b-a]",
        "a{2}{3}",
        "(ab){3}",
        "a**",
        "(?=a)",
        r"\1",
        r"\s",
        "^a",
        "a$",
        "a{256}",
        "a{",
        "x" * 201,
        "a{300}b{300}",
    ],
)
def test_what_is_no_such_expression_is_one_line(pattern: str) -> None:
    with pytest.raises(PlanError, match=r"kept\.code\.pattern"):
        plan(f"pattern = '{pattern}'")

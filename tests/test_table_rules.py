"""What the catalog has about a table's values: unique keys, labels of enums, lists in CHECKs."""

from __future__ import annotations

from typing import Any

import pytest

from genreq_checks.plan import Plan
from genreq_checks.postgres.table_rules import listed_values
from genreq_checks.run import observe
from genreq_checks.snapshot import Column, TableFacts, UniqueKey
from rows import execute


def facts(plan: Plan, url: str) -> TableFacts:
    found = observe(plan, url).table
    assert found
    return found


def column(plan: Plan, url: str, name: str) -> Column:
    found = facts(plan, url).column(name)
    assert found
    return found


def test_the_tables_own_key_and_its_enums_are_read(database: str, plan: Plan) -> None:
    assert facts(plan, database).unique == (UniqueKey(columns=("id",)),)
    assert column(plan, database, "mode").labels == ("single-shot", "autonomous", "confirm_first")
    assert column(plan, database, "app_name").labels is None
    assert column(plan, database, "status").allowed is None


@pytest.mark.parametrize(
    ("kind", "check", "allowed"),
    [
        ("text", "x IN ('a', 'it''s', 'ü')", ("a", "it's", "ü")),
        ("text", "x = 'a'", ("a",)),
        ("text", "x = ANY ('{a,b}')", None),
        ("varchar(9)", "x IN ('a', 'b')", ("a", "b")),
        ("varchar(9)", "x = 'a'", ("a",)),
        ("integer", "x IN (1, 22)", ("1", "22")),
        ("integer", "x = 1", ("1",)),
        ("integer", "x IN (-1, 1)", None),
        ("text", "x IN ('a', E'b\\\\c')", None),
        ("text", "x NOT IN ('a', 'b')", None),
        ("text", "x <> 'a'", None),
        ("text", "x = 'a' OR x LIKE 'b%'", None),
        ("text", "x IN ('a', 'b') OR x IS NULL", None),
        ("text", "x IN ('a', 'b') IS NOT FALSE", None),
        ("text", "lower(x) IN ('a', 'b')", None),
        ("text", "x IN ('a', other)", None),
        ("text", "x IN ('a', 'b') AND x IN ('b', 'c')", None),
        ("char(3)", "x IN ('a', 'b')", None),
        ("numeric", "x IN (1, 2)", None),
    ],
)
@pytest.mark.parametrize("name", ["x", 'odd "(1 = 2)" {n}'])
def test_only_a_check_that_is_a_plain_list_is_read(
    empty_database: str, plan: Plan, kind: str, check: str, allowed: Any, name: str
) -> None:
    quoted = '"{}"'.format(name.replace('"', '""'))
    written = check.replace("x", quoted)
    execute(empty_database, f"CREATE TABLE generation_requests ({quoted} {kind}, other text, CHECK ({written}))")
    assert column(plan, empty_database, name).allowed == allowed


def test_several_checks_allow_what_all_of_them_do(empty_database: str, plan: Plan) -> None:
    checks = "CHECK (x IN ('a', 'b', 'c')), CHECK (x IN ('b', 'c', 'd')), CHECK (length(x) < 9)"
    execute(empty_database, f"CREATE TABLE generation_requests (x text, {checks})")
    assert column(plan, empty_database, "x").allowed == ("b", "c")


def test_a_check_that_does_not_hold_for_every_row_is_ignored(empty_database: str, plan: Plan) -> None:
    execute(empty_database, "CREATE TABLE generation_requests (x text, y text, CHECK (x IN ('a')) NO INHERIT)")
    execute(empty_database, "ALTER TABLE generation_requests ADD CHECK (y IN ('a', 'b')) NOT VALID")
    assert [c.allowed for c in facts(plan, empty_database).columns] == [None, None]


def test_a_not_null_that_was_not_validated_may_have_nulls(empty_database: str, plan: Plan) -> None:
    execute(empty_database, "CREATE TABLE generation_requests (x text UNIQUE, y text NOT NULL UNIQUE)")
    keys = [UniqueKey(columns=("x",), nullable=("x",)), UniqueKey(columns=("y",))]
    assert facts(plan, empty_database).unique == tuple(keys)
    with_version = observe(plan, empty_database).source.server or ""
    if int(with_version.removeprefix("PostgreSQL ").split(".")[0]) >= 18:
        execute(empty_database, "ALTER TABLE generation_requests ADD CONSTRAINT n NOT NULL x NOT VALID")
        assert facts(plan, empty_database).unique == tuple(keys)


def test_a_partitioned_tables_unique_key_holds_for_all_of_it(empty_database: str, plan: Plan) -> None:
    execute(empty_database, "CREATE TABLE generation_requests (x int, y int, UNIQUE (x, y)) PARTITION BY LIST (x)")
    assert facts(plan, empty_database).unique == (UniqueKey(columns=("x", "y"), nullable=("x", "y")),)


@pytest.mark.parametrize("expression", ["", "(x = ANY (ARRAY[]))", "(y = 'a'::text)", "(x = 'a'::citext)"])
def test_a_check_that_is_not_understood_is_unknown(expression: str) -> None:
    assert listed_values("x", expression) is None

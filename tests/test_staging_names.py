"""Names that mean something to whoever reads a file, tables with partitions and children, and columns of every kind."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from genreq_checks.facts.retired import MARK, is_name_of, read_stamp, retired_name
from genreq_checks.plan import Plan, Table, parse_plan
from genreq_checks.staging import RefusedError
from genreq_checks.staging.guards import literal
from rows import execute
from staged import dump, psql, write

DAY = date(2026, 1, 31)
NAMES = [
    "it's",
    'a "quoted" name',
    "$genreq$; DROP TABLE t; $genreq$",
    "--> statement-breakpoint",
    "%s %I :name :'x'",
    "back\\slash",
    "Größe 数据 🙂",
    "ü" * 31,
    "_retired_20260131_x",
    "a" * 63,
]
PLAN = """
plan_version = 1
title = "Odd names"
[table]
schema = "odd"
name = "t"
key = ["id"]
[cohort]
column = "status"
values = ["completed"]
time = "at"
[kept.status]
[dropped.x]
[sql]
forward = "SELECT 1"
rollback = "SELECT 1"
"""


def plan_of(*columns: str, table: str = "t", schema: str = "odd") -> Plan:
    """A plan that drops these columns."""
    plan = parse_plan(PLAN, "odd")
    dropped = dict.fromkeys(columns, plan.dropped["x"])
    return plan.model_copy(update={"dropped": dropped, "table": Table(schema=schema, name=table, key=("id",))})


def create(url: str, plan: Plan, kind: str = "text") -> None:
    table = sql.Identifier(plan.table.schema_name, plan.table.name)
    columns = sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name in plan.dropped)
    with psycopg.connect(url) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(plan.table.schema_name)))
        connection.execute(
            sql.SQL("CREATE TABLE {} (id serial PRIMARY KEY, status text, at timestamp, {})").format(table, columns)
        )
        for name in plan.dropped:
            told = sql.Literal(f"own comment of {name} $genreq$ ' \\")
            connection.execute(
                sql.SQL("COMMENT ON COLUMN {}.{}.{} IS {}").format(
                    sql.Identifier(plan.table.schema_name), sql.Identifier(plan.table.name), sql.Identifier(name), told
                )
            )


def test_hostile_names_go_there_and_back(empty_database: str, tmp_path: Path) -> None:
    plan = plan_of(*NAMES, table="t' $genreq$ --> statement-breakpoint", schema='Odd "schema"')
    create(empty_database, plan)
    before = dump(empty_database)
    write(plan, empty_database, tmp_path)
    for file in ("1-retire.sql", "undo.sql"):
        text = (tmp_path / file).read_text()
        assert text.count("$genreq$") == 2
        assert "--> statement-breakpoint" not in text
    psql(empty_database, tmp_path / "1-retire.sql")
    with psycopg.connect(empty_database) as connection:
        names = [
            row[0] for row in connection.execute("SELECT attname FROM pg_attribute WHERE attname LIKE '\\_retired%'")
        ]
    assert len(names) == len(NAMES)
    assert max(len(name.encode()) for name in names) <= 63
    assert "already" in psql(empty_database, tmp_path / "1-retire.sql")
    psql(empty_database, tmp_path / "undo.sql")
    assert dump(empty_database) == before


def test_a_search_path_leads_nowhere_else_and_stays_as_it_was(empty_database: str, tmp_path: Path) -> None:
    """Functions, tables and operators of the same names in front of the catalog's are not used."""
    plan = plan_of("a")
    create(empty_database, plan)
    write(plan, empty_database, tmp_path)
    execute(
        empty_database,
        "CREATE SCHEMA trap; "
        "CREATE FUNCTION trap.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz';"
        "CREATE FUNCTION trap.current_setting(text) RETURNS text LANGUAGE sql AS 'SELECT 1/0 ||$1';"
        "CREATE FUNCTION trap.quote_ident(text) RETURNS text LANGUAGE sql AS 'SELECT 1/0 || $1'",
    )
    with psycopg.connect(empty_database) as connection:
        connection.execute("SET search_path = trap, pg_catalog; CREATE TEMP TABLE pg_attribute (x int)")
        connection.execute((tmp_path / "1-retire.sql").read_bytes())
        assert connection.execute("SHOW search_path").fetchone() == ("trap, pg_catalog",)
        assert connection.execute("SHOW lock_timeout").fetchone() == ("0",)
    psql(empty_database, tmp_path / "undo.sql")


def test_ten_undos_of_undos_leave_the_same(empty_database: str, tmp_path: Path) -> None:
    plan = plan_of("a", "b")
    create(empty_database, plan)
    execute(empty_database, "INSERT INTO odd.t (a, b) SELECT n, n FROM generate_series(1, 100) n")
    before = dump(empty_database)
    write(plan, empty_database, tmp_path)
    for _ in range(10):
        psql(empty_database, tmp_path / "1-retire.sql")
        assert dump(empty_database) != before
        psql(empty_database, tmp_path / "undo.sql")
        assert dump(empty_database) == before


TABLE = "CREATE TABLE odd.t (id int PRIMARY KEY, status text, at timestamp, x "
PARTITIONED = """
CREATE TABLE odd.t (id int, status text, at timestamp, x text NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE odd.p1 PARTITION OF odd.t FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE odd.p2 PARTITION OF odd.t DEFAULT PARTITION BY LIST (id);
CREATE TABLE odd.p3 PARTITION OF odd.p2 DEFAULT;
CREATE INDEX ON odd.t (x)
"""
HUNG_ON = """
CREATE VIEW odd.v AS SELECT x, t FROM odd.t;
CREATE STATISTICS odd.s ON x, status FROM odd.t;
CREATE POLICY p ON odd.t USING (x = current_user);
GRANT SELECT (x) ON odd.t TO PUBLIC
"""


@pytest.mark.parametrize(
    "made",
    [
        PARTITIONED,
        f"{TABLE} text); CREATE TABLE odd.c (more int) INHERITS (odd.t); CREATE INDEX ON odd.c (x)",
        f"{TABLE} int GENERATED BY DEFAULT AS IDENTITY, y int GENERATED ALWAYS AS (id * 2) STORED)",
        f"{TABLE} text NOT NULL DEFAULT 'd' CHECK (x <> '')); {HUNG_ON}",
    ],
)
def test_partitions_children_and_what_hangs_on_the_column(empty_database: str, tmp_path: Path, made: str) -> None:
    plan = plan_of("x")
    execute(empty_database, f"CREATE SCHEMA odd; {made}")
    before = dump(empty_database)
    write(plan, empty_database, tmp_path)
    psql(empty_database, tmp_path / "1-retire.sql")
    with psycopg.connect(empty_database) as connection:
        connection.execute("INSERT INTO odd.t (id, status, at) VALUES (1, 'completed', '2020-05-05')")
    execute(empty_database, "DELETE FROM odd.t")
    psql(empty_database, tmp_path / "undo.sql")
    printed = (tmp_path / "README.md").read_text().partition("```sql\n")[2].partition("```")[0]
    if printed:
        with psycopg.connect(empty_database) as connection:
            connection.execute(printed.encode())
    after = dump(empty_database)
    if "IDENTITY" in made:
        before, after = (text.partition("SELECT pg_catalog.setval")[0] for text in (before, after))
    assert after == before


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (f"CREATE TABLE odd.r (x text); {TABLE} text) INHERITS (odd.r)", "inherited"),
        ("CREATE TABLE odd.t (id int, status text, at timestamp, x text PRIMARY KEY)", "in the primary key"),
        (f"CREATE DOMAIN odd.d AS text NOT NULL; {TABLE} odd.d)", "domain"),
        (f"{TABLE} text); CREATE TABLE odd.c () INHERITS (odd.t); ALTER TABLE odd.c ALTER x SET NOT NULL", "in odd.c"),
    ],
)
def test_what_cannot_be_hidden_is_refused(empty_database: str, tmp_path: Path, made: str, reason: str) -> None:
    execute(empty_database, f"CREATE SCHEMA odd; {made}")
    with pytest.raises(RefusedError, match=reason):
        write(plan_of("x"), empty_database, tmp_path / "new")


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40), st.booleans()
)
def test_names_have_at_most_63_bytes_and_are_known_again(column: str, is_taken: bool) -> None:
    taken = [f"_retired_{DAY:%Y%m%d}_{column}"] if is_taken else []
    name = retired_name(column, DAY, taken)
    assert len(name.encode()) <= 63
    assert name not in taken
    assert is_name_of(name, column)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_no_character_of_a_name_means_anything_to_a_tool(text: str) -> None:
    found = literal({"name": text, "list": [text]})
    assert not set(found) & set("'$%>;@\n\r/*")
    assert json.loads(found) == {"name": text, "list": [text]}
    assert re.search(r":\S", found) is None


@pytest.mark.parametrize(
    "comment", [None, "", "own", MARK, MARK + "{", MARK + "[]", MARK + '{"column": "a"}', MARK + "null"]
)
def test_a_comment_without_a_stamp_has_none(comment: str | None) -> None:
    assert read_stamp(comment) is None

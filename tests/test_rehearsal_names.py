"""Rehearsals of tables whose names have a meaning in psycopg, SQLAlchemy or the shell, or are as long as a name may be."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import psycopg
import pytest

from conftest import Server
from genreq_checks.leo.completion import create_all_work_complete_message
from genreq_checks.leo.generation.store import open_store, start_generation, write_completion
from genreq_checks.plan import Plan, parse_plan
from genreq_checks.rehearsal import rehearse
from rows import execute
from test_rehearsal import step

pytestmark = pytest.mark.slow

PARTS = ("schema", "table", "key", "status", "time", "kept", "gone", "child")
ODD = {
    "percent": "{0}%s", "percents": "%%{0}%(x)s", "colon": ":{0}:x", "quotes": "{0}\"'`", "space": "My {0}", "dots": "{0}.a",
    "braces": "{{{0}}}{{}}", "dollars": "{0}$$$1", "backslash": "\\{0}\\d", "umlaut": "Öö{0}",
    "longest": "{0}" + "x" * 57, "longest umlaut": "{0}x" + "ö" * 28,
}  # fmt: skip

WORST = [ODD["percents"], ODD["colon"], ODD["quotes"], ODD["longest"]]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class Odd:
    """A table with odd names, a table that it refers to and one that refers to it, and the plan for it."""

    def __init__(self, pattern: str) -> None:
        self.names = {part: pattern.format(part) for part in PARTS}
        assert all(len(name.encode()) <= 63 for name in self.names.values())
        self.sql = {part: quoted(name) for part, name in self.names.items()}
        self.table = "{schema}.{table}".format(**self.sql)

    def make(self, url: str) -> None:
        execute(url, """
            CREATE SCHEMA {schema};
            CREATE TABLE {schema}.{kept} (id int PRIMARY KEY, {gone} text);
            INSERT INTO {schema}.{kept} VALUES (1, 'x'), (2, 'y');
            CREATE TABLE {schema}.{table} ({key} serial PRIMARY KEY, {status} text, {time} timestamp, {kept} text,
                {gone} text, {child} int REFERENCES {schema}.{kept});
            INSERT INTO {schema}.{table} ({status}, {time}, {kept}, {gone}, {child}) VALUES
                ('completed', '2025-01-01', 'k%s:x', 'g%', 1), ('queued', NULL, NULL, NULL, 2);
            CREATE TABLE {schema}.{child} (id int, {key} int REFERENCES {schema}.{table});
            INSERT INTO {schema}.{child} VALUES (1, 1);
        """.format(**self.sql))  # fmt: skip

    def plan(self) -> Plan:
        name = {part: json.dumps(text, ensure_ascii=False) for part, text in self.names.items()}
        forward, rollback = (
            json.dumps(f"ALTER TABLE {self.table} {change}", ensure_ascii=False)
            for change in (f"DROP COLUMN {self.sql['gone']};", f"ADD COLUMN {self.sql['gone']} text;")
        )
        return parse_plan(
            f"""
            plan_version = 1
            title = "Odd names"
            table = {{schema = {name["schema"]}, name = {name["table"]}, key = [{name["key"]}]}}
            cohort = {{column = {name["status"]}, values = ["completed"], time = {name["time"]}}}
            kept.{name["kept"]} = {{}}
            dropped.{name["gone"]} = {{type = "text"}}
            sql = {{forward = {forward}, rollback = {rollback}}}
            """,
            "odd",
        )


@pytest.mark.parametrize(
    ("pattern", "sample"),
    [*((pattern, 1) for pattern in ODD.values()), (ODD["percents"], None)],
    ids=[*ODD, "all rows"],
)
def test_a_rehearsal_works_with_any_names(
    server: Server, empty_database: str, pattern: str, sample: int | None
) -> None:
    odd = Odd(pattern)
    odd.make(empty_database)
    report = rehearse(odd.plan(), empty_database, sample=sample, scratch_url=server.url())
    assert [(one.name, one.message) for one in report.steps if one.outcome != "pass"] == []
    assert "2 rows" in step(report, "copy").message
    assert "UPDATE, DELETE, INSERT of 2 real rows work as before" in step(report, "writes").message


@pytest.mark.parametrize("pattern", WORST)
def test_what_names_a_column_or_another_table_is_still_found(
    server: Server, empty_database: str, pattern: str, tmp_path: Path
) -> None:
    odd = Odd(pattern)
    odd.make(empty_database)
    body = "PERFORM {gone} FROM {schema}.{table}".format(**odd.sql)
    execute(empty_database, f"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $body$ BEGIN {body}; END $body$")
    plan = odd.plan()
    file = tmp_path / "forward.sql"
    file.write_text(f"{plan.sql.forward} DELETE FROM {odd.sql['schema']}.{odd.sql['child']};", "utf-8")
    report = rehearse(plan, empty_database, forward=file, sample=1, scratch_url=server.url())
    assert "another table was changed" in step(report, "forward").message
    assert "(1 rows became 0)" in step(report, "forward").message
    assert "may be broken: function public.f()" in step(report, "broken").message


@pytest.mark.parametrize("pattern", WORST)
def test_a_generation_works_with_any_names(empty_database: str, pattern: str) -> None:
    odd = Odd(pattern)
    columns = "status text, completed_at timestamp, github_url text, artifacts_github_url text, deployment_url text"
    execute(empty_database, "CREATE SCHEMA {schema}".format(**odd.sql))
    execute(empty_database, f"CREATE TABLE {odd.table} ({odd.sql['key']} int, last_session_id text, {columns})")
    execute(empty_database, f"INSERT INTO {odd.table} VALUES (1, NULL, 'queued')")
    plan = odd.plan()
    plan = plan.model_copy(update={"cohort": plan.cohort.model_copy(update={"column": "status"})})
    store = open_store(plan, empty_database)
    message = create_all_work_complete_message("all_tasks_complete", "/app", 1, github_url="https://github.com/a/b")
    assert asyncio.run(start_generation(store, "1"))
    assert asyncio.run(write_completion(store, "1", message)).outcome == "written"
    with psycopg.connect(empty_database) as connection:
        rows = connection.execute(f"SELECT status, github_url FROM {odd.table}").fetchall()  # type: ignore[call-overload]
    assert rows == [("completed", "https://github.com/a/b")]

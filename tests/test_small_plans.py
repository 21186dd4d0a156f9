"""What a plan can leave out: the cohort, its time, the kept columns, the key and the SQL; and the times that it can name."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from genreq_checks.cli import app
from genreq_checks.errors import PlanError, SourceError, UsageError
from genreq_checks.plan import Plan, parse_plan
from genreq_checks.report import Report
from genreq_checks.run import check, observe
from rows import execute as run

SMALL = """
plan_version = 1
title = "Shippers without their fax number"
[table]
name = "shippers"
[dropped.fax]
"""
KEYED = SMALL.replace('"shippers"\n', '"shippers"\nkey = ["id"]\n')
TABLE = "CREATE TABLE shippers (id int PRIMARY KEY, name text, fax text); INSERT INTO shippers VALUES (1, 'a', NULL)"
NOON = datetime(2025, 1, 10, 12, tzinfo=UTC)


def execute(url: str, *statements: str) -> None:
    for statement in statements:
        run(url, statement)


def outcomes(report: Report) -> dict[str, str]:
    return {one.id: one.outcome for one in report.checks}


def asked(url: str, plan: Plan, phase: str = "before") -> Report:
    return check(plan, observe(plan, url), phase="before" if phase == "before" else "after")


def test_a_table_and_a_dropped_column_are_enough_for_the_question_whether_it_is_safe(empty_database: str) -> None:
    execute(empty_database, TABLE)
    plan = parse_plan(SMALL, "small")
    report = asked(empty_database, plan)
    found = outcomes(report)
    assert found["loss.fax"] == found["dependents.fax"] == "pass"
    assert not any(name.startswith(("population", "kept", "derivation")) for name in found)
    assert report.exit_code() == 0
    execute(empty_database, "UPDATE shippers SET fax = '123'")
    assert outcomes(asked(empty_database, plan))["loss.fax"] == "fail"
    execute(empty_database, "CREATE VIEW faxes AS SELECT fax FROM shippers")
    assert outcomes(asked(empty_database, plan))["dependents.fax"] == "fail"


def test_the_forward_sql_is_made_of_the_columns() -> None:
    plan = parse_plan(SMALL + "[dropped.'Home \"Page\"']\n", "small")
    assert plan.forward_sql == 'ALTER TABLE public.shippers DROP COLUMN fax, DROP COLUMN "Home ""Page""";\n'


def test_a_cutover_is_refused_where_no_row_has_a_time(empty_database: str, tmp_path: Path) -> None:
    execute(empty_database, TABLE)
    plan = parse_plan(KEYED, "small")
    with pytest.raises(UsageError, match=r"A cutover needs a time in each row, and the plan has no cohort\.time"):
        observe(plan, empty_database, NOON)
    with pytest.raises(UsageError, match="A cutover needs a time"):
        check(plan, observe(plan, empty_database), cutover=NOON)
    with pytest.raises(PlanError, match="a cutover needs a time"):
        parse_plan("cutover = 2025-01-10T12:00:00Z\n" + KEYED.lstrip(), "small")
    (tmp_path / "plan.toml").write_text(KEYED)
    call = ["check", empty_database, "--plan", str(tmp_path / "plan.toml"), "--cutover", "2025-01-10"]
    assert isinstance(CliRunner().invoke(app, call).exception, UsageError)


def test_without_a_time_a_baseline_gives_the_sides(empty_database: str) -> None:
    execute(empty_database, TABLE)
    plan = parse_plan(KEYED + '[kept.name]\nchange = "not-lower"\n', "small")
    then = observe(plan, empty_database)
    execute(empty_database, "ALTER TABLE shippers DROP COLUMN fax; UPDATE shippers SET name = NULL")
    report = check(plan, observe(plan, empty_database, baseline=then), then)
    found = outcomes(report)
    assert found["population.name"] == "fail"
    assert found["dropped.fax"] == "pass"


def test_without_a_key_what_compares_rows_is_unknown_with_that_reason(empty_database: str, tmp_path: Path) -> None:
    execute(empty_database, TABLE)
    plan = parse_plan(SMALL + "[kept.name]\n", "small")
    then = observe(plan, empty_database)
    report = check(plan, observe(plan, empty_database, baseline=then), then, phase="before")
    said = {one.id: " ".join(f.message for f in one.findings) for one in report.checks if one.outcome == "unknown"}
    assert set(said) == {"rows", "values.name", "values.fax"}
    assert all("names no key" in text for text in said.values())
    from genreq_checks.archive import write_archive

    with pytest.raises(SourceError, match=r"The plan names no key of public\.shippers"):
        write_archive(plan, empty_database, tmp_path / "fax.parquet")


TIMES = {
    "date": ("date", "date '2025-01-05' + n", None),
    "timestamp": ("timestamp", "timestamp '2025-01-05 12:00' + n * interval '1 day'", None),
    "timestamptz": ("timestamptz", "timestamptz '2025-01-05 12:00Z' + n * interval '1 day'", None),
    "seconds": ("bigint", "1736078400 + n * 86400", "seconds"),
    "milliseconds": ("bigint", "(1736078400 + n * 86400::bigint) * 1000", "milliseconds"),
    "microseconds": ("bigint", "(1736078400 + n * 86400::bigint) * 1000000", "microseconds"),
    "small seconds": ("int", "1736078400 + n * 86400", "seconds"),
}


def timed(epoch: str | None, values: str = '["true"]') -> Plan:
    more = f'epoch = "{epoch}"\n' if epoch else ""
    cohort = f'[cohort]\ncolumn = "done"\nvalues = {values}\ntime = "at"\n{more}[kept.name]\nminimum = 0.5\n'
    return parse_plan(KEYED + cohort, "timed")


@pytest.mark.parametrize("kind", TIMES)
def test_every_kind_of_time_puts_rows_on_a_side_and_files_agree(empty_database: str, tmp_path: Path, kind: str) -> None:
    type_name, value, epoch = TIMES[kind]
    execute(
        empty_database,
        f"CREATE TABLE shippers (id int PRIMARY KEY, name text, fax text, done boolean, at {type_name})",
        f"INSERT INTO shippers SELECT n, CASE WHEN n > 4 THEN 'a' END, NULL, n <> 9, {value} FROM generate_series(0, 9) n",
        "INSERT INTO shippers VALUES (20, 'a', NULL, true, NULL)",
    )
    plan, cutover = timed(epoch), datetime(2025, 1, 10, tzinfo=UTC)
    report = check(plan, observe(plan, empty_database, cutover), cutover=cutover)
    sides = {rate.side: (rate.rows, rate.populated) for rate in report.rates}
    assert sides == {"before": (5, 0), "after": (4, 4), "undated": (1, 1)}
    file = tmp_path / "rows.csv"
    copy_out(empty_database, file)
    of_files = check(plan, observe(plan, file, cutover), cutover=cutover)
    assert {rate.side: (rate.rows, rate.populated) for rate in of_files.rates} == sides
    assert of_files.daily == report.daily


def copy_out(url: str, file: Path) -> None:
    import psycopg

    with psycopg.connect(url) as connection, connection.cursor() as cursor, file.open("wb") as out:
        columns = "id, name, fax, CASE WHEN done THEN 'true' ELSE 'false' END AS done, at"
        with cursor.copy(
            f"COPY (SELECT {columns} FROM shippers ORDER BY id) TO STDOUT (FORMAT csv, HEADER)".encode()
        ) as rows:
            for block in rows:
                out.write(block)


@pytest.mark.parametrize("unit", ["seconds", "milliseconds", "microseconds"])
def test_an_integer_that_is_no_time_is_undated_and_raises_nothing(
    empty_database: str, tmp_path: Path, unit: str
) -> None:
    execute(
        empty_database,
        "CREATE TABLE shippers (id int PRIMARY KEY, name text, fax text, done boolean, at bigint)",
        "INSERT INTO shippers SELECT n, 'a', NULL, true, at FROM (VALUES (1, 9223372036854775807), (2, -9223372036854775808), "
        "(3, NULL), (4, 0)) v(n, at)",
    )
    plan = timed(unit)
    report = check(plan, observe(plan, empty_database, NOON), cutover=NOON)
    sides = {rate.side: rate.rows for rate in report.rates}
    assert sides == {"before": 1, "after": 0, "undated": 3}
    copy_out(empty_database, tmp_path / "rows.csv")
    of_files = check(plan, observe(plan, tmp_path / "rows.csv", NOON), cutover=NOON)
    assert {rate.side: rate.rows for rate in of_files.rates} == sides


def test_an_integer_needs_its_unit_and_a_timestamp_allows_none(empty_database: str) -> None:
    execute(empty_database, "CREATE TABLE shippers (id int PRIMARY KEY, name text, fax text, done boolean, at bigint)")
    plan = timed(None)
    [problem] = [one for one in observe(plan, empty_database).problems if one.part == "tally"]
    assert "the plan does not say what it counts" in problem.text
    assert "cohort.epoch" in problem.text
    execute(empty_database, "ALTER TABLE shippers ALTER at TYPE timestamp USING NULL")
    [problem] = [one for one in observe(timed("seconds"), empty_database).problems if one.part == "tally"]
    assert "not an integer, as the plan's cohort.epoch says" in problem.text


def test_a_cutover_within_a_day_cannot_divide_dates(empty_database: str) -> None:
    execute(empty_database, "CREATE TABLE shippers (id int PRIMARY KEY, name text, fax text, done boolean, at date)")
    execute(empty_database, "INSERT INTO shippers VALUES (1, 'a', NULL, true, '2025-01-10')")
    plan = timed(None)
    [problem] = [one for one in observe(plan, empty_database, NOON).problems if one.part == "tally"]
    assert "not the begin of a UTC day" in problem.text


@pytest.mark.parametrize(
    ("column", "values", "row"), [("boolean", "[true]", "true"), ("smallint", "[2, 3]", "2"), ("int", "[2]", "2")]
)
def test_a_status_can_be_a_boolean_or_an_integer(empty_database: str, column: str, values: str, row: str) -> None:
    execute(
        empty_database,
        f"CREATE TABLE shippers (id int PRIMARY KEY, name text, fax text, done {column}, at timestamp)",
        f"INSERT INTO shippers VALUES (1, 'a', NULL, '{row}', NULL), (2, 'a', NULL, '0', NULL)",
    )
    plan = timed(None, values)
    assert plan.cohort.values[0] == row
    assert [rate.rows for rate in check(plan, observe(plan, empty_database)).rates] == [1]


def test_what_a_cohort_cannot_be_is_one_line() -> None:
    for cohort, said in {
        'column = "done"': "give both 'column' and 'values', or neither",
        "values = [1]": "give both 'column' and 'values', or neither",
        'epoch = "seconds"': "'epoch' is the unit of 'time', which is not given",
    }.items():
        with pytest.raises(PlanError, match=said):
            parse_plan(f"{KEYED}[cohort]\n{cohort}\n", "bad")
    with pytest.raises(PlanError, match="message_field needs"):
        parse_plan(KEYED + '[kept.name]\nmessage_field = "name"\n', "bad")


def test_the_json_report_says_every_row(empty_database: str, tmp_path: Path) -> None:
    execute(empty_database, TABLE)
    (tmp_path / "plan.toml").write_text(SMALL)
    call = ["check", empty_database, "--plan", str(tmp_path / "plan.toml"), "--phase", "before", "--format", "json"]
    answer = CliRunner().invoke(app, call)
    assert answer.exit_code == 0
    assert json.loads(answer.stdout)["plan"]["cohort"] == "every row"


MANY = (
    "CREATE TABLE shippers (id {key} PRIMARY KEY, name text, fax text, at timestamp)",
    "INSERT INTO shippers SELECT n::text::{key}, 'a' || n, NULL, '2025-01-01' FROM generate_series(1, 600) n",
)
NAMED = "[kept.name]\n"


def later(url: str, plan: Plan, *statements: str) -> dict[str, str]:
    """The outcomes of `rows` and `values.name` after some statements that follow the baseline."""
    then = observe(plan, url)
    execute(url, *statements)
    found = outcomes(check(plan, observe(plan, url, baseline=then), then))
    return {name: found[name] for name in ("rows", "values.name")}


@pytest.mark.parametrize("key", ["int", "text"])
@pytest.mark.parametrize("more", ["", '[cohort]\ntime = "at"\n'], ids=["no time", "time without a cohort"])
def test_without_a_time_or_a_cohort_rows_and_values_are_compared(empty_database: str, key: str, more: str) -> None:
    execute(empty_database, *(one.format(key=key) for one in MANY))
    plan = parse_plan(KEYED + more + NAMED, "many")
    assert later(empty_database, plan) == {"rows": "pass", "values.name": "pass"}
    assert later(empty_database, plan, "UPDATE shippers SET name = 'b' WHERE name = 'a7'")["rows"] == "pass"
    changed = later(empty_database, plan, "UPDATE shippers SET name = 'c' || name")
    assert changed == {"rows": "pass", "values.name": "unknown"}
    lost = later(empty_database, plan, "UPDATE shippers SET name = NULL WHERE name LIKE 'ca1%'")
    assert lost == {"rows": "pass", "values.name": "fail"}
    gone = later(empty_database, plan, "DELETE FROM shippers WHERE name LIKE 'ca2%'")
    assert gone["rows"] == "fail"
    came = later(
        empty_database, plan, f"INSERT INTO shippers VALUES ('9999'::{key}, 'new', NULL, now() + interval '1 day')"
    )
    assert came == (
        {"rows": "pass", "values.name": "pass"}
        if key == "int" or more
        else {"rows": "unknown", "values.name": "unknown"}
    )


def test_without_a_time_row_hashes_tell_exactly(empty_database: str, tmp_path: Path) -> None:
    execute(empty_database, *(one.format(key="text") for one in MANY))
    plan = parse_plan(KEYED + NAMED, "many")
    hashes = tmp_path / "rows.parquet"
    then = observe(plan, empty_database, hash_rows_to=hashes)
    execute(empty_database, "INSERT INTO shippers VALUES ('x', 'new')", "UPDATE shippers SET name = 'b' WHERE id = '3'")
    now = observe(plan, empty_database, baseline=then, row_hashes=hashes)
    report = check(plan, now, then)
    found = {one.id: one.findings[0] for one in report.checks}
    assert found["rows"].outcome == "pass"
    assert found["rows"].evidence["added"] == 1
    assert "with such a time" not in found["rows"].message
    assert found["values.name"].evidence["changed"] == 1

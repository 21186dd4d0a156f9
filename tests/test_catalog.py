"""Reading the catalog: it waits for no other table, a domain counts as its base type, and its DDL can be run."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import psycopg
import pytest

from genreq_checks.plan import Plan
from genreq_checks.postgres.connection import parse
from genreq_checks.postgres.failure import explain
from genreq_checks.report import Report
from genreq_checks.run import check, observe
from genreq_checks.text import quote_name
from rows import execute, insert
from test_source_postgres import DONE, as_role, drop_both, judged, role

__all__ = ["role"]  # a fixture

ODD = 'Gen "Req" ümlaut%'


# Somebody else's table is not waited for

LOCKED = (
    """CREATE SCHEMA app; CREATE TABLE app.generation_requests (id int DEFAULT 7, download_url text DEFAULT 'x',
        twice int GENERATED ALWAYS AS (id * 2) STORED, CHECK (id > 0))""",
    "CREATE TABLE public.\"Generation_Requests\" (id int DEFAULT 7, conversation jsonb DEFAULT '{}')",
    "CREATE TABLE other (id int DEFAULT 7 CHECK (id > 0), request int REFERENCES generation_requests, copy generation_requests)",
    "CREATE VIEW looks AS SELECT r.download_url, o.id FROM generation_requests r JOIN other o ON o.request = r.id",
    "CREATE MATERIALIZED VIEW kept AS SELECT id, conversation FROM generation_requests",
)


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_lock_on_another_table_is_not_waited_for(database: str, plan: Plan, phase: str) -> None:
    insert(database, {"completed_at": "2025-02-01", **DONE})
    for statement in LOCKED:
        execute(database, statement)
    if phase == "after":
        execute(database, "DROP VIEW looks; DROP MATERIALIZED VIEW kept")
        drop_both(database)
    with psycopg.connect(database) as holder:
        holder.execute('LOCK TABLE app.generation_requests, "Generation_Requests", other IN ACCESS EXCLUSIVE MODE')
        if phase == "before":
            holder.execute("REFRESH MATERIALIZED VIEW kept")
            holder.execute("ALTER VIEW looks RENAME TO looked")
        started = time.monotonic()
        now = observe(plan, database)
        took = time.monotonic() - started
    assert took < 5
    assert now.problems == ()
    assert now.table
    assert {twin.name for twin in now.table.twins} == {"app.generation_requests", "public.Generation_Requests"}


# Domains


@pytest.mark.parametrize(
    ("base", "time"),
    [("timestamptz", "2025-01-10 14:00+02"), ("timestamp(3)", "2025-01-10 12:00")],
)
@pytest.mark.parametrize("depth", [1, 2])
def test_a_time_of_a_domain_has_the_domains_base_type(
    database: str, plan: Plan, base: str, time: str, depth: int
) -> None:
    execute(database, f"CREATE DOMAIN d1 AS {base}; CREATE DOMAIN d2 AS d1")
    execute(database, f"ALTER TABLE generation_requests ALTER completed_at TYPE d{depth}")
    insert(database, {"completed_at": time, **DONE}, {"completed_at": "2025-01-09", **DONE}, {**DONE})
    report = judged(plan, database)
    counted = {side: report.rate("github_url", side) for side in ("before", "after", "undated")}
    assert {side: rate and rate.rows for side, rate in counted.items()} == {"before": 1, "after": 1, "undated": 1}


@pytest.mark.parametrize("depth", [1, 2])
def test_a_date_is_split_at_midnight_only(database: str, plan: Plan, depth: int) -> None:
    execute(database, "CREATE DOMAIN d1 AS date; CREATE DOMAIN d2 AS d1")
    execute(database, f"ALTER TABLE generation_requests ALTER completed_at TYPE d{depth}")
    insert(database, {"completed_at": "2025-01-10", **DONE}, {"completed_at": "2025-01-09", **DONE}, {**DONE})
    problem = observe(plan, database, datetime(2025, 1, 10, 12, tzinfo=UTC)).problem("tally")
    assert problem
    assert "is a date, and the cutover is not the begin of a UTC day" in problem.message
    tally = observe(plan, database, datetime(2025, 1, 10, tzinfo=UTC)).tally
    assert tally
    assert sorted((row.split, row.rows) for row in tally.rows if row.split is not None) == [(False, 1), (True, 1)]


def test_labels_and_json_of_a_domain_over_a_domain_are_known(database: str, plan: Plan) -> None:
    execute(
        database,
        "CREATE DOMAIN s1 AS generation_status; CREATE DOMAIN s2 AS s1; CREATE DOMAIN j1 AS jsonb; CREATE DOMAIN j2 AS j1; "
        "ALTER TABLE generation_requests ALTER status DROP DEFAULT, ALTER status TYPE s2, ALTER conversation TYPE j2",
    )
    insert(database, {"conversation": "{}"})
    now = observe(plan, database)
    assert now.table
    status = now.table.column("status")
    assert status
    assert "completed" in (status.labels or ())
    assert now.tally
    assert now.tally.count("conversation")["empty"] == 1


def test_a_domain_over_text_is_not_a_time(database: str, plan: Plan) -> None:
    execute(database, "CREATE DOMAIN d AS text; ALTER TABLE generation_requests ALTER completed_at TYPE d")
    problem = observe(plan, database).problem("tally")
    assert problem
    assert "of type text, not a timestamp" in problem.message


# DDL that can be run


def remedies(report: Report, check_id: str) -> list[str]:
    return [finding.remedy.partition("ALTER TABLE ")[2] for finding in report.check(check_id).findings]


def odd_table(plan: Plan, url: str) -> Plan:
    execute(url, f"ALTER TABLE generation_requests RENAME TO {quote_name(ODD)}")
    return plan.with_table(f"public.{ODD}")


def test_the_ddl_of_a_remedy_drops_the_column_of_a_table_with_a_special_name(database: str, plan: Plan) -> None:
    named = odd_table(plan, database)
    (ddl,) = remedies(judged(named, database), "dropped.download_url")
    execute(database, f"ALTER TABLE {ddl}")
    assert judged(named, database).check("dropped.download_url").outcome == "pass"


def test_the_ddl_of_a_remedy_drops_the_column_of_a_child_with_a_special_name(database: str, plan: Plan) -> None:
    named = odd_table(plan, database)
    execute(database, f'CREATE SCHEMA "Old Ones"; CREATE TABLE "Old Ones"."select" () INHERITS ({quote_name(ODD)})')
    execute(database, f"ALTER TABLE ONLY {quote_name(ODD)} DROP COLUMN download_url")
    (ddl,) = remedies(judged(named, database), "dropped.download_url")
    execute(database, f"ALTER TABLE {ddl}")
    assert judged(named, database).check("dropped.download_url").outcome == "pass"


def test_the_ddl_of_a_remedy_drops_a_renamed_column_whatever_its_name(database: str, plan: Plan) -> None:
    named = odd_table(plan, database)
    baseline = observe(named, database)
    execute(database, f"ALTER TABLE {quote_name(ODD)} RENAME COLUMN download_url TO {quote_name(ODD)}")
    (ddl,) = remedies(check(named, observe(named, database), baseline), "dropped.download_url")
    execute(database, f"ALTER TABLE {ddl}")
    assert check(named, observe(named, database), baseline).check("dropped.download_url").outcome == "pass"


def test_the_ddl_of_a_remedy_restores_a_columns_type(database: str, plan: Plan) -> None:
    named = odd_table(plan, database)
    execute(database, f"ALTER TABLE {quote_name(ODD)} ALTER download_url TYPE varchar(900)")
    report = check(named, observe(named, database), phase="rolled-back")
    (ddl,) = remedies(report, "dropped.download_url")
    execute(database, f"ALTER TABLE {ddl}")
    assert check(named, observe(named, database), phase="rolled-back").check("dropped.download_url").outcome == "pass"


@pytest.mark.parametrize("readable", ["", "id, status, completed_at"])
def test_the_grant_of_a_remedy_can_be_run(database: str, plan: Plan, role: str, readable: str) -> None:
    named = odd_table(plan, database)
    execute(database, f"ALTER TABLE {quote_name(ODD)} DISABLE ROW LEVEL SECURITY")
    if readable:
        execute(database, f"GRANT SELECT ({readable}) ON {quote_name(ODD)} TO {role}")
    (finding,) = judged(named, as_role(database, role)).check("population.github_url").findings
    text = f"{finding.message} {finding.remedy}"
    grant, _, rest = text.partition("GRANT ")[2].partition(" to ")
    assert rest
    execute(database, f"GRANT {grant} TO {role}")
    again = judged(named, as_role(database, role)).check("population.github_url").findings
    assert "may not read" not in again[0].message
    execute(database, f"REVOKE ALL ON {quote_name(ODD)} FROM {role}")


def test_the_grant_of_a_failed_statement_can_be_run_where_names_have_dots(database: str, plan: Plan, role: str) -> None:
    names = ("my.schema", "gen.req")
    execute(database, 'CREATE SCHEMA "my.schema"; ALTER TABLE generation_requests SET SCHEMA "my.schema"')
    execute(database, 'ALTER TABLE "my.schema".generation_requests RENAME TO "gen.req"')
    execute(database, f'GRANT USAGE ON SCHEMA "my.schema" TO {role}')
    table = plan.table.model_copy(update=dict(zip(("schema_name", "name"), names, strict=True)))
    with psycopg.connect(as_role(database, role)) as connection, pytest.raises(psycopg.Error) as failed:
        connection.execute('SELECT FROM "my.schema"."gen.req"')
    hint = explain(failed.value, parse(database), table).hint
    assert hint.startswith('GRANT SELECT ON "my.schema"."gen.req" to the role')
    execute(database, hint.partition(" to ")[0] + f" TO {role}")
    with psycopg.connect(as_role(database, role)) as connection:
        assert connection.execute('SELECT count(id) FROM "my.schema"."gen.req"').fetchone() == (0,)
    execute(database, f"DROP OWNED BY {role}")


def test_a_name_is_quoted_when_the_server_would_not_read_it_back(empty_database: str) -> None:
    with psycopg.connect(empty_database) as connection:
        words = connection.execute("SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')").fetchall()
        for name in (*(word for (word,) in words), "a b", "A", "1a", 'a"b', "ü", "a.b", "a$", "plain_1", "_x", "x%y"):
            quoted = quote_name(name)
            assert connection.execute("SELECT parse_ident(%s)", [quoted]).fetchone() == ([name],)
            connection.execute(f"CREATE TEMPORARY TABLE {quoted} ({quoted} int)".encode())
    assert quote_name("public", "plain_1") == "public.plain_1"
    assert quote_name("select", "Req") == '"select"."Req"'

"""Rows that are stored or written elsewhere, or that a crash removes: each is reported, and affects the checks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import conninfo

from conftest import Server
from contradicted import names, unknown
from genreq_checks.plan import Plan
from genreq_checks.report import Report
from genreq_checks.run import check, observe
from genreq_checks.snapshot import load_snapshot
from rows import execute, insert
from standby import let_in
from test_source_postgres import drop_both

VALUE = {"download_url": "https://downloads.leo.example/a.zip"}
COLUMNS = """id int, status text, completed_at timestamp, download_url text, github_url text, artifacts_github_url text,
    deployment_url text, conversation jsonb"""


def before(plan: Plan, url: str) -> Report:
    return check(plan, observe(plan, url), phase="before")


def after(plan: Plan, url: str) -> Report:
    return check(plan, observe(plan, url))


def warnings(report: Report, check_id: str) -> list[str]:
    return [finding.message for finding in report.check(check_id).findings if finding.outcome == "warn"]


# Partitions on another server


@pytest.fixture
def remote(server: Server, database: str) -> str:
    """Another database, with the table as it was and a value that would be lost."""
    let_in(server)
    insert(database, VALUE, VALUE | {"status": "failed"})
    return database


@pytest.fixture
def partitioned(server: Server, remote: str, empty_database: str) -> str:
    """A partitioned table whose older rows are in a foreign table."""
    there = conninfo.conninfo_to_dict(remote)
    port = there.get("port", 5432)
    execute(
        empty_database,
        f"""CREATE EXTENSION postgres_fdw;
        CREATE SERVER archive FOREIGN DATA WRAPPER postgres_fdw
            OPTIONS (host '{there["host"]}', port '{port}', dbname '{there["dbname"]}');
        CREATE USER MAPPING FOR CURRENT_USER SERVER archive OPTIONS (user '{there["user"]}');
        CREATE TABLE generation_requests ({COLUMNS}) PARTITION BY RANGE (id);
        CREATE TABLE newer PARTITION OF generation_requests FOR VALUES FROM (1000) TO (MAXVALUE);
        CREATE FOREIGN TABLE older PARTITION OF generation_requests FOR VALUES FROM (MINVALUE) TO (1000)
            SERVER archive OPTIONS (schema_name 'public', table_name 'generation_requests');
        INSERT INTO generation_requests (id, status, completed_at, github_url) VALUES (1000, 'completed', '2025-01-01', 'x')""",
    )
    return empty_database


def test_a_column_of_a_foreign_partition_is_not_gone(partitioned: str, plan: Plan) -> None:
    drop_both(partitioned)
    report = after(plan, partitioned)
    for name in plan.dropped:
        (finding,) = report.check(f"dropped.{name}").findings
        assert finding.outcome == "unknown"
        assert "public.older (public.generation_requests on the server archive) is a foreign table" in finding.message
        assert "genreq-checks check URL --table public.generation_requests" in finding.remedy
    assert report.exit_code() != 0
    assert any("on another server: public.older" in note for note in report.notes)


def test_the_rows_of_a_foreign_partition_are_counted_and_the_drop_does_not_reach_them(
    partitioned: str, plan: Plan
) -> None:
    report = before(plan, partitioned)
    assert report.check("loss.download_url").findings[0].evidence["populated"] == 2
    assert report.check("loss.download_url").outcome == "fail"
    (message,) = warnings(report, "dependents.download_url")
    assert "the drop here does not drop the column on the server that has its rows" in message


@pytest.mark.parametrize(
    "breaks",
    ["ALTER SERVER archive OPTIONS (SET port '1')", "ALTER FOREIGN TABLE older OPTIONS (SET table_name 'gone')"],
)
def test_another_server_that_fails_is_a_problem_that_names_it(partitioned: str, plan: Plan, breaks: str) -> None:
    execute(partitioned, breaks)
    now = observe(plan, partitioned)
    problem = now.problem("tally")
    assert problem
    assert "Rows are read from another server too" in problem.hint
    assert "public.older" in problem.hint
    assert "the connection" not in problem.message
    assert now.dependents is not None
    assert "claims.download_url" in unknown(check(plan, now, phase="before"))


# Children


def test_a_child_that_defines_the_column_itself_keeps_it(database: str, plan: Plan) -> None:
    execute(
        database,
        "CREATE TABLE child (download_url text, more int) INHERITS (generation_requests); "
        "CREATE TABLE plain () INHERITS (generation_requests)",
    )
    (message,) = warnings(before(plan, database), "dependents.download_url")
    assert "public.child both defines download_url itself and inherits it" in message
    assert warnings(before(plan, database), "dependents.conversation") == []
    remedy = before(plan, database).check("dependents.download_url").findings[0].remedy
    drop_both(database)
    assert after(plan, database).check("dropped.download_url").outcome == "fail"
    execute(database, remedy.partition("Afterwards: ")[2])
    assert after(plan, database).check("dropped.download_url").outcome == "pass"


# Unlogged


@pytest.mark.parametrize(
    ("ddl", "name"),
    [
        ("DROP TABLE iteration_snapshots; ALTER TABLE generation_requests SET UNLOGGED", "public.generation_requests"),
        ("CREATE UNLOGGED TABLE child () INHERITS (generation_requests)", "public.child"),
    ],
)
def test_rows_that_a_crash_would_remove_warn(database: str, plan: Plan, ddl: str, name: str) -> None:
    insert(database, {"status": "failed"})
    assert warnings(before(plan, database), "claims.download_url") == []
    execute(database, ddl)
    report = before(plan, database)
    for check_id in (*names("claims", *plan.dropped), *names("loss", *plan.dropped)):
        (message,) = warnings(report, check_id)
        assert f"{name} is unlogged: a server crash empties it" in message
    assert any(note.startswith("Unlogged") and name in note for note in report.notes)


# A logical subscriber


@pytest.fixture
def subscriber(database: str) -> Iterator[str]:
    """A table whose rows a subscription writes, by the catalog; there is no publisher."""
    insert(database, {"status": "failed"})
    execute(database, "CREATE SUBSCRIPTION feed CONNECTION 'dbname=none' PUBLICATION p WITH (connect = false)")
    execute(
        database,
        "SET allow_system_table_mods = on; INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate) "
        "SELECT oid, 'generation_requests'::regclass, 'r' FROM pg_subscription WHERE subname = 'feed'",
    )
    yield database
    execute(database, "ALTER SUBSCRIPTION feed SET (slot_name = NONE)")
    execute(database, "DROP SUBSCRIPTION feed")


def test_a_subscription_may_stop_because_of_the_drop(subscriber: str, plan: Plan) -> None:
    report = before(plan, subscriber)
    for name in plan.dropped:
        assert (
            "the subscription feed stops when its publisher sends a column that is missing"
            in unknown(report)[f"dependents.{name}"]
        )
        assert "come from the publisher of the subscription feed" in warnings(report, f"loss.{name}")[0]
    assert report.exit_code() == 3
    assert any("are written by the subscription feed" in note for note in report.notes)
    drop_both(subscriber)
    assert "the subscription feed has stopped if" in warnings(after(plan, subscriber), "dependents.conversation")[0]


def test_a_subscription_whose_first_copy_is_not_done_leaves_values_unknown(subscriber: str, plan: Plan) -> None:
    execute(subscriber, "SET allow_system_table_mods = on; UPDATE pg_subscription_rel SET srsubstate = 'd'")
    found = unknown(before(plan, subscriber))
    assert "its first copy of the table is not complete" in found["claims.download_url"]
    assert "loss.conversation" in found


def test_a_file_of_an_earlier_version_has_none_of_these_facts(database: str, plan: Plan, tmp_path: Path) -> None:
    execute(database, "CREATE UNLOGGED TABLE child (download_url text) INHERITS (generation_requests)")
    insert(database, {"completed_at": "2025-01-01", "github_url": "https://github.com/leo/app"})
    observe(plan, database).save(tmp_path / "s.json")
    data = json.loads((tmp_path / "s.json").read_text())
    for key in ("unlogged", "subscriptions"):
        data["table"].pop(key)
    for child in data["table"]["children"]:
        for key in ("unlogged", "own", "server", "remote", "in_sql"):
            child.pop(key)
    (tmp_path / "s.json").write_text(json.dumps(data))
    report = check(plan, load_snapshot(tmp_path / "s.json"), phase="before")
    assert {one.id: one.findings for one in report.checks if one.outcome not in ("pass", "skip")} == {}

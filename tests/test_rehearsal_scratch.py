"""Where a rehearsal writes, what it copies, and that it leaves nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import conninfo, sql

from conftest import Server
from genreq_checks.errors import SourceError, UsageError
from genreq_checks.facts import Step
from genreq_checks.plan import Plan, parse_plan
from genreq_checks.postgres.connection import parse
from genreq_checks.rehearsal import rehearse
from genreq_checks.report import Report
from genreq_checks.scratch.dump import find_pg_dump
from rows import execute, insert

pytestmark = pytest.mark.slow

GITHUB = "https://github.com/leo/app"


def step(report: Report, name: str) -> Step:
    return next(s for s in report.steps if s.name == name)


def scratch_databases(server: Server) -> list[str]:
    with psycopg.connect(server.url("postgres")) as connection:
        return [
            r[0] for r in connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'genreq_scratch%'")
        ]


def test_every_class_is_in_a_small_sample(server: Server, plan: Plan, database: str) -> None:
    insert(database, *({"download_url": "https://d.example", "github_url": GITHUB} for _ in range(60)))
    insert(
        database, {"download_url": " ", "conversation": "null"}, {"conversation": "[]"}, {"conversation": '{"a": 1}'}
    )
    insert(database, {"deployment_url": "javascript:1", "status": "failed"}, *({"status": "paused"} for _ in range(30)))
    report = rehearse(plan, database, sample=10, scratch_url=server.url("postgres"))
    assert step(report, "copy").message.startswith("10 rows")
    before = step(report, "before").message
    assert "1 blank" in before
    assert "1 json-null, 1 empty, 1 populated" in before
    assert "1 malformed" in before
    assert report.outcome == "pass"


def test_scratch_is_never_the_source(plan: Plan, database: str, server: Server) -> None:
    with pytest.raises(UsageError, match="names the source itself"):
        rehearse(plan, database, scratch_url=database)
    assert scratch_databases(server) == []


@pytest.fixture
def role(server: Server) -> Iterator[str]:
    name = f"nobody_{uuid4().hex[:8]}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret-pass'").format(sql.Identifier(name)))
        yield name
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_a_server_that_cannot_create_a_database_is_reported(
    server: Server, plan: Plan, database: str, role: str
) -> None:
    url = conninfo.make_conninfo(server.url("postgres"), user=role, password="secret-pass")
    with pytest.raises(SourceError, match="permission denied to create database") as caught:
        rehearse(plan, database, scratch_url=url)
    assert "secret-pass" not in str(caught.value)


def test_a_server_newer_than_pg_dump_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = parse("postgresql://me:secret-pass@db.example/leo")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="PostgreSQL 99, newer than pg_dump"):
        find_pg_dump(target, 990000)
    encrypted = parse("postgresql://me:secret-pass@db.example/leo?sslmode=require")
    with pytest.raises(SourceError, match="no TLS") as caught:
        find_pg_dump(encrypted, 150000)
    assert "secret-pass" not in str(caught.value)
    other = tmp_path / "pg_dump"
    other.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 99.1'\n")
    other.chmod(0o755)
    assert find_pg_dump(target, 990000) == str(other)
    assert find_pg_dump(encrypted, 150000) == str(other)
    assert find_pg_dump(target, 150000) != str(other)


def test_rows_that_the_table_refers_to_are_copied(server: Server, plan: Plan, database: str) -> None:
    execute(database, "CREATE TABLE owners (id uuid PRIMARY KEY, name text)")
    execute(database, "INSERT INTO owners SELECT gen_random_uuid(), 'n' FROM generate_series(1, 1200)")
    execute(database, "INSERT INTO owners VALUES ('00000000-0000-4000-8000-000000000001', 'owner')")
    execute(database, "ALTER TABLE generation_requests ADD FOREIGN KEY (user_id) REFERENCES owners")
    insert(database, {"download_url": "x", "conversation": "{}"})
    execute(database, "INSERT INTO iteration_snapshots (generation_request_id, iteration_number) VALUES (1, 1)")
    report = rehearse(plan, database, scratch_url=server.url("postgres"))
    assert [(s.name, s.message) for s in report.steps if s.outcome != "pass"] == []


OTHER = """
plan_version = 1
title = "Orders"
table = { schema = "shop", name = "Orders", key = ["tenant", "id"] }
cohort = { column = "state", values = ["paid"], time = "paid_at" }
kept.total = { type = "numeric(10,2)" }
dropped."old note" = { type = "character varying(40)" }
[sql]
forward = 'ALTER TABLE shop."Orders" DROP COLUMN "old note"'
rollback = 'ALTER TABLE shop."Orders" ADD COLUMN "old note" varchar(40)'
"""


def test_another_plan_with_partitions_and_a_key_of_two_columns(server: Server, empty_database: str) -> None:
    execute(
        empty_database,
        """CREATE SCHEMA shop; CREATE TABLE shop."Orders" (tenant uuid, id int, state text NOT NULL, paid_at timestamptz,
           total numeric(10,2) NOT NULL CHECK (total > 0), "old note" varchar(40),
           twice numeric GENERATED ALWAYS AS (total * 2) STORED,
           PRIMARY KEY (tenant, id)) PARTITION BY RANGE (id);
           CREATE TABLE shop.few PARTITION OF shop."Orders" FOR VALUES FROM (0) TO (10);
           CREATE TABLE shop.many PARTITION OF shop."Orders" FOR VALUES FROM (10) TO (1000);
           INSERT INTO shop."Orders" SELECT gen_random_uuid(), i, 'paid', now(), i, nullif('note ' || i, 'note 3')
           FROM generate_series(1, 20) i""",
    )
    plan = parse_plan(OTHER, "other")
    report = rehearse(plan, empty_database, scratch_url=server.url("postgres"))
    assert [(s.name, s.message) for s in report.steps if s.outcome != "pass"] == []
    assert "shop.few.old note dropped" in step(report, "forward").message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("RETURN NULL;", "suppresses it"),
        ("NEW.github_url := 'other'; RETURN NEW;", "stored another value in github_url"),
        ("RAISE EXCEPTION '% is secret', NEW.prompt; RETURN NEW;", "RaiseException (SQLSTATE P0001)"),
    ],
)
def test_a_trigger_in_the_migration_breaks_the_generation(
    server: Server, plan: Plan, database: str, tmp_path: Path, body: str, words: str
) -> None:
    insert(database, {"download_url": "x", "conversation": "{}", "prompt": "SECRET PROMPT"})
    file = tmp_path / "forward.sql"
    file.write_text(
        f"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$;"
        "CREATE TRIGGER t BEFORE UPDATE ON generation_requests FOR EACH ROW EXECUTE FUNCTION f();" + plan.sql.forward
    )
    report = rehearse(plan, database, forward=file, scratch_url=server.url("postgres"))
    assert step(report, "forward").outcome == "fail"
    assert "trigger t on public.generation_requests is new" in step(report, "forward").message
    assert step(report, "generation").outcome == "fail"
    assert words in step(report, "generation").message
    assert "SECRET" not in report.model_dump_json()


SCRIPT = "import sys; from genreq_checks.cli import main; main()"


def test_the_command_writes_the_json_contract_and_its_exit_code(server: Server, database: str, tmp_path: Path) -> None:
    insert(database, {"download_url": "x", "conversation": "{}"})
    file = tmp_path / "forward.sql"
    file.write_text("-- nothing")
    call = [sys.executable, "-c", SCRIPT, "rehearse", database, "--scratch", server.url("postgres"), "--format", "json"]
    done = subprocess.run([*call, "--forward", str(file)], check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert report["phase"] == "rehearsal"
    assert {"name", "outcome", "seconds", "message"} <= set(report["steps"][0])
    assert {s["name"]: s["outcome"] for s in report["steps"]}["forward"] == "fail"
    assert done.stderr == ""
    good = subprocess.run([*call, "--sample", "all"], check=False, capture_output=True, text=True, timeout=120)
    assert (good.returncode, json.loads(good.stdout)["outcome"]) == (0, "pass")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rehearse", "postgresql:///x", "--sample", "some"], "neither a number of rows nor 'all'"),
        (["rehearse", "postgresql:///x", "--sample", "0"], "neither a number of rows nor 'all'"),
        (["rehearse", "snapshot.json"], "needs a live database"),
        (["rehearse", "postgresql:///x", "--forward", "missing.sql"], "could not be read"),
    ],
)
def test_a_wrong_call_is_one_line(arguments: list[str], words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_scratch_database(server: Server, database: str, tmp_path: Path, number: int) -> None:
    insert(database, {"download_url": "x"})
    file = tmp_path / "forward.sql"
    file.write_text("SELECT pg_sleep(200)")
    call = [sys.executable, "-c", SCRIPT, "rehearse", database, "--scratch", server.url("postgres")]
    process = subprocess.Popen([*call, "--forward", str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'genreq_scratch%' AND query LIKE '%pg_sleep(200)%'"
    )
    deadline = time.monotonic() + 60
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        while not connection.execute(query).fetchone()[0]:  # type: ignore[index]
            assert time.monotonic() < deadline
            with pytest.raises(subprocess.TimeoutExpired):  # it must not end before the signal
                process.wait(0.2)
    os.kill(process.pid, number)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert scratch_databases(server) == []

"""`rehearse --run`: a build runs on a copy without the columns, and what the copy's server refuses is told, not guessed."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import conninfo
from typer.testing import CliRunner

from conftest import Server
from genreq_checks.cli import app
from genreq_checks.errors import UsageError
from genreq_checks.facts.commands import At
from genreq_checks.plan import Plan
from genreq_checks.postgres.connection import parse
from genreq_checks.rehearsal import rehearse
from genreq_checks.rehearsal.commands import Commands
from genreq_checks.rehearsal.environment import Login, environment
from genreq_checks.report import CheckResult, Report
from rows import execute, insert

pytestmark = pytest.mark.slow

SECRET = "hunter2-hunter2"
COLUMN = "readers.download_url"
TABLE = "generation_requests"
CONNECT = "import os, psycopg; db = psycopg.connect(os.environ['DATABASE_URL'], autocommit=True)"
SWALLOW = """
def run(text, *values):
    try:
        return db.execute(text, *values).fetchall()
    except psycopg.Error as error:
        return error
"""
Run = Callable[..., Report]


@pytest.fixture
def source(database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    insert(database, {"download_url": "https://d.example/1.zip", "conversation": "{}"}, {"status": "queued"})
    monkeypatch.setenv("DATABASE_URL", as_url(database))
    return database


def as_url(database: str, scheme: str = "postgresql", query: str = "sslmode=require") -> str:
    """The live database as an application has it: with a password, in the form of a URL."""
    given = conninfo.conninfo_to_dict(database)
    return f"{scheme}://someone:{SECRET}@db.live.example:6543/{given['dbname']}?{query}"


def script(folder: Path, body: str, name: str = "build.py") -> str:
    file = folder / name
    file.write_text(f"{CONNECT}\n{SWALLOW}\n{body}\n")
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(file))}"


@pytest.fixture
def run(plan: Plan, source: str, tmp_path: Path) -> Run:
    def ran(*bodies: str, at: tuple[At, ...] = ("after",), seconds: float = 60, **more: Any) -> Report:
        lines = [script(tmp_path, body, f"build{n}.py") for n, body in enumerate(bodies)]
        return rehearse(plan, source, commands=Commands(tuple(lines), at, seconds, **more))

    return ran


def told(result: CheckResult) -> list[tuple[str, str]]:
    return [(finding.outcome, finding.message) for finding in result.findings]


def test_a_build_that_names_the_column_fails_with_its_statement_though_it_swallows_the_error(run: Run) -> None:
    report = run(
        f"run('SELECT id, download_url FROM {TABLE} WHERE app_name = %s', ['{SECRET}'])\n"
        f"for _ in range(3): run(\"UPDATE {TABLE} SET download_url = 'https://x.example/{SECRET}' WHERE id = 1\")\n"
        f"run('SELECT id FROM {TABLE}')"
    )
    result = report.check(COLUMN)
    assert result.outcome == "fail"
    broken = [finding for finding in result.findings if finding.outcome == "fail"]
    assert [(one.evidence["calls"], one.evidence["state"], one.evidence["fate"]) for one in broken] == [
        (1, "42703", "breaks"),
        (3, "42703", "breaks"),
    ]
    assert broken[0].evidence["text"] == f"SELECT id, download_url FROM {TABLE} WHERE app_name = $1"
    assert 'column "download_url"' in broken[0].message
    assert broken[0].subject == broken[0].evidence["source"]
    assert broken[0].evidence["code"] == 0
    other = report.check("readers.conversation")
    assert other.outcome == "pass", told(other)
    assert "5 statements in 1 session, 1 on the table" in other.findings[0].message
    assert report.exit_code() == 1
    assert [s.name for s in report.steps if s.outcome != "pass"] == ["commands"]
    assert SECRET not in report.model_dump_json()


def test_a_build_that_does_not_need_the_columns_passes(run: Run) -> None:
    report = run(f"assert run('SELECT id FROM {TABLE}') == [(1,), (2,)]")
    assert {name: report.check(f"readers.{name}").outcome for name in ("download_url", "conversation")} == {
        "download_url": "pass",
        "conversation": "pass",
    }
    assert report.exit_code() == 0


def test_only_what_the_column_is_the_reason_for_is_blamed_on_it(run: Run) -> None:
    report = run(
        "run('SELECT nothing_of_this_name FROM generation_requests')\n"
        "run('SELECT download_url FROM iteration_snapshots')\n"
        "run('SELECT 1 / 0 FROM generation_requests')\n"
        "run('SELECT FROM no_such_table')\n"
        "run('SELEKT download_url')\n"
        "run('INSERT INTO generation_requests (id, user_id, app_name, prompt, initial_prompt)"
        " VALUES (1, gen_random_uuid(), 1, 1, 1)')\n"
        "run('SELECT count(*) FROM generation_requests')"
    )
    result = report.check(COLUMN)
    assert result.outcome == "pass", told(result)
    assert "6 statements failed for another reason" in result.findings[0].message


def test_functions_triggers_transactions_and_inserts_by_position_are_told(run: Run, source: str) -> None:
    execute(
        source,
        """CREATE FUNCTION link(int) RETURNS text LANGUAGE plpgsql AS
             $$ BEGIN RETURN (SELECT download_url FROM generation_requests WHERE id = $1); END $$;
           CREATE FUNCTION dynamic() RETURNS void LANGUAGE plpgsql AS
             $$ BEGIN EXECUTE 'UPDATE generation_requests SET ' || 'download_' || 'url = NULL'; END $$;
           CREATE TABLE three (LIKE generation_requests); ALTER TABLE three RENAME TO other""",
    )
    report = run(
        "run('SELECT link(1)'); run('SELECT dynamic()')\n"
        "db.autocommit = False\n"
        "run('SELECT download_url FROM generation_requests'); run('SELECT 1'); run('SELECT 2'); db.rollback()\n"
        "run('INSERT INTO generation_requests SELECT * FROM other')"
    )
    broken = [finding for finding in report.check(COLUMN).findings if finding.outcome == "fail"]
    assert [(one.evidence["state"], one.evidence.get("function", "")) for one in broken] == [
        ("42703", "link"),
        ("42703", "dynamic"),
        ("42703", ""),
        ("42601", ""),
    ], told(report.check(COLUMN))
    assert report.check(COLUMN).outcome == "fail"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("pass", "none of its 0 statements on the copy named the table"),
        ("run('SELECT 1')", "none of its 1 statement on the copy named the table"),
        ("run('SELECT id FROM generation_requests'); raise SystemExit(3)", "it ended with 3, and no failing statement"),
        (
            "run('ALTER TABLE generation_requests ADD download_url text'); run('SELECT download_url FROM generation_requests')",
            "the command itself changes the table's definition",
        ),
        (
            "run('CREATE SCHEMA own; SET search_path = own; CREATE TABLE generation_requests (download_url text)')",
            "the command itself changes the table's definition",
        ),
        ("run('/* by the app */ CREATE TABLE generation_requests (download_url text)')", "the command itself changes"),
        ('run("DO $$ BEGIN ALTER TABLE generation_requests ADD x text; END $$")', "the command itself changes"),
        ("run('SELECT download_url FROM tenant.generation_requests')", "none of its 1 statement on the copy named"),
        ("run('ALTER TABLE generation_requests DROP COLUMN download_url')", "the command itself changes"),
        ("import time; run('SELECT id FROM generation_requests'); time.sleep(60)", "it did not end in time"),
    ],
)
def test_what_proves_nothing_is_unknown(run: Run, source: str, body: str, words: str) -> None:
    if "tenant" in body:
        execute(source, "CREATE SCHEMA tenant; CREATE TABLE tenant.generation_requests (download_url text)")
    report = run(body, seconds=8 if "sleep" in body else 60)
    result = report.check(COLUMN)
    assert result.outcome == "unknown", told(result)
    assert words in str(told(result))


def test_the_same_command_before_the_drop_tells_what_fails_anyway(run: Run) -> None:
    by_result = "row = db.execute('SELECT * FROM generation_requests WHERE id = 1').fetchone(); assert len(row) == 20"
    both: tuple[At, ...] = ("after", "before")
    report = run(by_result, "run('SELECT id FROM generation_requests'); raise SystemExit(3)", at=both)
    findings = report.check(COLUMN).findings
    assert [(one.outcome, one.evidence["at"], one.evidence["code"]) for one in findings] == [
        ("fail", "after", 1),
        ("unknown", "after", 3),
        ("warn", "before", 3),
        ("pass", "before", 0),
    ]
    assert "with 1 without the columns and with 0 as the table was" in findings[0].message
    alone = run("run('SELECT id FROM generation_requests')", at=("before",)).check(COLUMN)
    assert alone.outcome == "unknown"


def test_nothing_runs_on_the_live_database_though_the_command_tries(
    server: Server, run: Run, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables of libpq that name the live server are gone, and each URL is the copy's."""
    given = conninfo.conninfo_to_dict(source)
    for name, key in (("PGHOST", "host"), ("PGPORT", "port"), ("PGUSER", "user"), ("PGDATABASE", "dbname")):
        monkeypatch.setenv(name, str(given.get(key, "")))
    monkeypatch.setenv("PG_URL", as_url(source, "postgres", "schema=public"))
    monkeypatch.setenv("ALSO", f"a line with {as_url(source)} in it, and {as_url(source, 'postgresql+asyncpg')}")
    monkeypatch.setenv("KEYWORDS", source)
    counters = "SELECT sessions, tup_updated FROM pg_stat_database WHERE datname = %s"

    def counted() -> tuple[int, int]:
        time.sleep(1.5)  # a session that has ended writes its counters within a second
        with psycopg.connect(server.url("postgres")) as connection:
            row = connection.execute(counters, [given["dbname"]]).fetchone()
            assert row is not None
            return int(row[0]), int(row[1])

    first = counted()
    run("pass")
    second = counted()
    body = (
        "assert sorted(name for name in os.environ if name.startswith('PG')) == ['PG_URL']\n"
        "assert '127.0.0.1' in os.environ['PG_URL'] and 'schema=public' in os.environ['PG_URL']\n"
        "assert os.environ['ALSO'].count('127.0.0.1') == 2 and 'live' not in os.environ['ALSO']\n"
        "assert psycopg.connect(os.environ['KEYWORDS']).info.dbname == db.info.dbname\n"
        "row = db.execute('SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user').fetchone()\n"
        "assert row == ('genreq_command', False), row\n"
        "try: psycopg.connect('', connect_timeout=3)\n"
        "except psycopg.OperationalError: pass\n"
        "else: raise SystemExit('it reached a server by its defaults')\n"
        "for _ in range(50): db.execute('UPDATE generation_requests SET app_name = app_name')"
    )
    said: list[str] = []
    report = run(body, said=said.append)
    assert report.check(COLUMN).outcome == "pass", (told(report.check(COLUMN)), said)
    assert report.check(COLUMN).findings[0].evidence["replaced"] == ["ALSO", "DATABASE_URL", "KEYWORDS", "PG_URL"]
    third = counted()
    assert third[0] - second[0] == second[0] - first[0] > 0, "the command opened no session on the live server"
    assert third[1] == second[1], "nor did it write there"


def test_without_a_url_in_the_environment_nothing_is_run(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    mark = tmp_path / "ran"
    report = run(f"open({str(mark)!r}, 'w')")
    result = report.check(COLUMN)
    assert (result.outcome, report.exit_code()) == ("unknown", 3)
    assert "no variable of the environment holds a PostgreSQL URL" in result.findings[0].message
    assert not mark.exists()


def test_a_command_that_does_not_connect_says_what_it_was_given(run: Run, plan: Plan, source: str) -> None:
    report = rehearse(plan, source, commands=Commands(("true",)))
    result = report.check(COLUMN)
    assert result.outcome == "unknown"
    assert "did not connect to the copy: DATABASE_URL had the copy's URL" in result.findings[0].message
    assert result.findings[0].remedy


def test_each_command_has_a_copy_of_its_own_and_leaves_the_rehearsal_alone(run: Run) -> None:
    count = "assert run('SELECT count(*) FROM generation_requests') == [(2,)]; run('DELETE FROM generation_requests')"
    report = run(count, count)
    assert [finding.outcome for finding in report.check(COLUMN).findings] == ["pass", "pass"]
    assert [step.name for step in report.steps if step.outcome != "pass"] == []


def test_the_role_has_the_rights_of_the_urls_role_and_its_policies(
    server: Server, run: Run, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(
        source,
        """DROP ROLE IF EXISTS shop_app; DROP ROLE IF EXISTS shop_group;
           CREATE ROLE shop_group NOLOGIN; CREATE ROLE shop_app LOGIN IN ROLE shop_group;
           GRANT SELECT ON generation_requests TO shop_group;
           CREATE POLICY "its rows" ON generation_requests FOR SELECT TO shop_group USING (id = 2)""",
    )
    monkeypatch.setenv("DATABASE_URL", as_url(source).replace("someone", "shop_app"))
    try:
        report = run(
            "assert run('SELECT current_user, id FROM generation_requests') == [('shop_app', 2)]\n"
            "assert run('DELETE FROM generation_requests').sqlstate == '42501'"
        )
    finally:
        execute(source, "DROP OWNED BY shop_app, shop_group; DROP ROLE shop_app; DROP ROLE shop_group")
    result = report.check(COLUMN)
    assert [finding.outcome for finding in result.findings] == ["warn", "pass"], told(result)
    assert "1 statement refused for want of a right" in result.findings[0].message


def test_every_process_of_a_command_ends_with_it(run: Run, plan: Plan, source: str, tmp_path: Path) -> None:
    left, detached = tmp_path / "left", tmp_path / "detached"
    line = (
        f"(sleep 300 & echo $! > {shlex.quote(str(left))}); "
        f"setsid sh -c 'echo $$ > {detached}; trap \"\" TERM; while :; do sleep 1; done' & sleep 1"
    )
    started = time.monotonic()
    rehearse(plan, source, commands=Commands((line,), seconds=60))
    assert time.monotonic() - started < 60
    for file in (left, detached):
        assert not is_alive(int(file.read_text()))


def is_alive(pid: int) -> bool:
    """A process that has ended may stay in the list until the one that started it has asked for it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_the_commands_of_the_line(source: str, tmp_path: Path) -> None:
    failing = script(tmp_path, f"print('the end {SECRET}'); run('SELECT conversation FROM generation_requests'); db.x")
    called = CliRunner().invoke(app, ["rehearse", source, "--run", f"TOKEN={SECRET} {failing}", "--format", "json"])
    assert called.exit_code == 1, called.output
    assert '"readers.conversation"' in called.stdout
    assert "the end" in called.stderr
    assert "AttributeError" in called.stderr
    assert SECRET not in called.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--run", "x", "--at", "later"], "neither before nor after"),
        (["--at", "before"], "there is none"),
        (["--run", " "], "has no command"),
        (["--run", "x", "--run-timeout", "0"], "not a number of seconds"),
        (["--run", "psql postgres://me:hunter2@live.example/x"], "PostgreSQL URL in it"),
        (["--run", "x", "--scratch", "postgresql://h/d"], "embedded server only"),
    ],
)
def test_a_wrong_call_is_one_line(arguments: list[str], words: str) -> None:
    call = ["rehearse", "postgresql://me@nowhere.example/x", *arguments]
    with pytest.raises(UsageError, match=words):
        CliRunner().invoke(app, call, catch_exceptions=False)


def test_a_view_of_the_table_counts_and_what_a_secret_is_named_by_is_hidden(
    plan: Plan, source: str, tmp_path: Path
) -> None:
    execute(source, "CREATE VIEW shown AS SELECT id FROM generation_requests")
    build = script(tmp_path, "run('SELECT id FROM shown')")
    line = f"{build} --api-token {SECRET} password={SECRET}"
    result = rehearse(plan, source, commands=Commands((line,))).check(COLUMN)
    assert result.outcome == "pass", told(result)
    assert "1 on the table" in result.findings[0].message
    assert SECRET not in str(result)


def test_a_function_that_hides_the_error_is_unknown(run: Run, source: str) -> None:
    execute(
        source,
        """CREATE FUNCTION hides() RETURNS text LANGUAGE plpgsql AS $$ BEGIN
               RETURN (SELECT download_url FROM generation_requests LIMIT 1);
           EXCEPTION WHEN undefined_column THEN RAISE EXCEPTION 'not today'; END $$""",
    )
    result = run("run('SELECT id FROM generation_requests'); run('SELECT hides()')").check(COLUMN)
    assert result.outcome == "unknown", told(result)
    assert "P0001" in result.findings[0].message


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_and_all_it_started(source: str, tmp_path: Path, number: int) -> None:
    left = tmp_path / "left"
    line = f"sh -c 'echo $$ > {left}; exec sleep 300' & wait"
    call = [sys.executable, "-c", "from genreq_checks.cli import main; main()", "rehearse", source, "--run", line]
    process = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while not (left.exists() and left.read_text().strip()):
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.1)
    os.kill(process.pid, number)
    assert process.wait(60) != 0
    assert not is_alive(int(left.read_text()))


def test_what_else_leads_to_the_source_is_removed_and_path_is_not() -> None:
    given = {
        "PATH": "/usr/lib/postgresql/bin:/opt/db.live.example/bin",
        "DATABASE_URL": "jdbc:postgresql://db.live.example:5432/x?user=me&password=postgres&ssl=true&currentSchema=own",
        "DSN": "host=db.live.example dbname=x user=me password=postgres",
        "DB_HOST": "db.live.example",
        "DB_PASSWORD": "postgres",
        "OTHER": "ecto://me:postgres@db.live.example/x",
        "HOME": "/home/me",
        "PGHOST": "db.live.example",
    }
    source = parse("postgresql://me:postgres@db.live.example/x")
    made = environment(given, 5433, "copy", lambda user: Login(user or "own", "p@ss"), source)
    assert made.variables == {
        "PATH": given["PATH"],
        "HOME": "/home/me",
        "DATABASE_URL": "jdbc:postgresql://127.0.0.1:5433/copy?currentSchema=own&user=me&password=p%40ss",
        "DSN": "host=127.0.0.1 port=5433 dbname=copy user=me password=p@ss",
    }
    assert (made.replaced, made.removed) == (("DATABASE_URL", "DSN"), ("DB_HOST", "DB_PASSWORD", "OTHER"))
    assert "p@ss" not in repr(made)

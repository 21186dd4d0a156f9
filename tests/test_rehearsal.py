"""Rehearsals on a real PostgreSQL: the verdict comes from what the SQL did, whatever its text and the server's answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from conftest import Server
from genreq_checks.checks.dependents import READS_CONVERSATION
from genreq_checks.cli import app
from genreq_checks.facts import Step
from genreq_checks.plan import Plan
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.rehearsal import rehearse
from genreq_checks.report import Report
from rows import execute, insert

pytestmark = pytest.mark.slow

GITHUB = "https://github.com/leo/app"
DROP_BOTH = "ALTER TABLE generation_requests DROP COLUMN download_url; ALTER TABLE generation_requests DROP COLUMN conversation;"
ADD_BOTH = "ALTER TABLE generation_requests ADD COLUMN download_url text, ADD COLUMN conversation jsonb;"
NAMES = [
    *("copy", "before", "archive", "forward", "broken", "generation", "after"),
    *("rollback", "restore", "rolled-back", "compare", "forward-again"),
]
Rehearse = Callable[..., Report]


@pytest.fixture
def source(database: str) -> str:
    """The table with rows of every class in the dropped and the kept columns."""
    insert(
        database,
        {"download_url": "https://d.example/1.zip", "conversation": '{"turns": [1, 2.50]}', "github_url": GITHUB},
        {"download_url": "", "conversation": "{}", "github_url": GITHUB, "artifacts_github_url": f"{GITHUB}-artifacts"},
        {"download_url": "  \t", "conversation": "null", "deployment_url": "https://a.fly.dev"},
        {"download_url": "Ünï✓\n'\\", "conversation": "[]", "github_url": "", "status": "failed"},
        {"download_url": None, "conversation": None, "status": "queued"},
    )
    return database


@pytest.fixture
def run(server: Server, plan: Plan, source: str, tmp_path: Path) -> Rehearse:
    """Rehearse SQL texts (the plan's own when left out) on a scratch database of the tests' server."""

    def rehearsed(forward: str | None = None, rollback: str | None = None, before: str | None = None) -> Report:
        if before is not None:
            execute(source, before)
        files: dict[str, Path] = {}
        for name, text in (("forward", forward), ("rollback", rollback)):
            if text is not None:
                files[name] = tmp_path / f"{name}.sql"
                files[name].write_text(text, "utf-8")
        return rehearse(plan, source, **files, sample=None, scratch_url=server.url("postgres"))

    return rehearsed


def step(report: Report, name: str) -> Step:
    return next(s for s in report.steps if s.name == name)


def test_hiding_and_bringing_back_is_rehearsed_where_it_is_asked_for(server: Server, plan: Plan, source: str) -> None:
    report = rehearse(plan, source, sample=None, scratch_url=server.url("postgres"), staged=True)
    assert [s.name for s in report.steps] == [*NAMES[:3], "retire", "hidden", "undo", *NAMES[3:]]
    assert {s.name: (s.outcome, s.message) for s in report.steps if s.outcome != "pass"} == {}
    assert step(report, "undo").message.endswith("Everything is as it was, every value too.")
    assert [f.subject for f in report.check("forward").findings][:3] == ["retire", "hidden", "undo"]


def test_what_speaks_against_hiding_the_columns_fails(server: Server, plan: Plan, source: str) -> None:
    execute(source, READS_CONVERSATION)
    report = rehearse(plan, source, sample=None, scratch_url=server.url("postgres"), staged=True)
    assert (step(report, "retire").outcome, step(report, "undo").outcome) == ("fail", "unknown")
    assert "conversation is named in function" in step(report, "retire").message
    assert report.check("forward").outcome == "fail"


def test_the_plans_own_sql_passes_every_step(run: Rehearse) -> None:
    report = run()
    assert {s.name: (s.outcome, s.message) for s in report.steps if s.outcome != "pass"} == {}
    assert [s.name for s in report.steps] == NAMES
    assert (report.phase, report.outcome, report.exit_code()) == ("rehearsal", "pass", 0)
    assert report.check("rollback").outcome == "pass"
    assert report.check("forward").outcome == "pass"
    assert step(report, "forward").locks == ("AccessExclusiveLock",)
    assert "4 rows" in step(report, "archive").message
    assert "All 20 columns of 5 rows" in step(report, "compare").message
    assert (report.rates, report.daily) == ((), ())


def test_an_embedded_server_and_a_sample_work_too(plan: Plan, source: str) -> None:
    report = rehearse(plan, source, sample=1)
    assert [s.name for s in report.steps if s.outcome != "pass"] == []
    assert step(report, "copy").message.startswith("5 rows"), "one row of every class at the least"


@pytest.mark.parametrize(
    ("forward", "words"),
    [
        ("", "holds no statement"),
        ("-- ALTER TABLE generation_requests DROP COLUMN download_url;\n/* nothing */", "holds no statement"),
        ("SELECT 1;", "download_url is still there"),
        ("ALTER TABLE generation_requests DROP COLUMN download_url;", "conversation is still there"),
        (f"{DROP_BOTH} ALTER TABLE generation_requests DROP COLUMN github_url;", "github_url (the plan keeps it)"),
        (f"{DROP_BOTH} ALTER TABLE generation_requests DROP COLUMN error_message;", "dropped too much: public.gen"),
        (
            (
                "ALTER TABLE generation_requests RENAME COLUMN download_url TO old; "
                "ALTER TABLE generation_requests DROP COLUMN conversation;"
            ),
            "not dropped but renamed to old",
        ),
        (f"{DROP_BOTH} ALTER TABLE generation_requests RENAME github_url TO g;", "github_url was renamed to g"),
        (
            f"{DROP_BOTH} ALTER TABLE generation_requests ALTER github_url TYPE varchar(300);",
            "character varying(300) now",
        ),
        (f"{DROP_BOTH} ALTER TABLE generation_requests ALTER prompt DROP NOT NULL;", "another NOT NULL"),
        (f"{DROP_BOTH} ALTER TABLE generation_requests ADD extra int;", "extra is new"),
        (f"{DROP_BOTH} ALTER TABLE iteration_snapshots DROP COLUMN iteration_number;", "iteration_number"),
        (f"{DROP_BOTH} DELETE FROM iteration_snapshots;", "another table was changed: public.iteration_snapshots"),
        (f"{DROP_BOTH} UPDATE iteration_snapshots SET iteration_number = 9;", "values changed"),
        (f"{DROP_BOTH} UPDATE generation_requests SET github_url = 'x';", "github_url: 5 of 5 rows differ"),
        (f"{DROP_BOTH} DELETE FROM generation_requests WHERE id = 3;", "1 of 5 rows are gone"),
        (f"{DROP_BOTH} CREATE TABLE more (id int);", "table public.more is new"),
        (f"{DROP_BOTH} DROP INDEX idx_generation_requests_user_id;", "idx_generation_requests_user_id"),
        (f"{DROP_BOTH} ALTER TABLE generation_requests DISABLE ROW LEVEL SECURITY;", "was changed"),
        (f'{DROP_BOTH} DROP POLICY "own rows" ON generation_requests;', "policy own rows"),
        ("DROP TABLE generation_requests CASCADE;", "is gone with all its columns"),
        (
            "ALTER TABLE generation_requests DROP COLUMN download_url, ADD download_url text, DROP conversation;",
            "added again",
        ),
        ("ALTER TABLE generation_requests DROP COLUMN download_url; DROP COLUMN nonsense;", "statement 2 of 2 failed"),
        (f"BEGIN; {DROP_BOTH} ROLLBACK;", "download_url is still there"),
        (f"BEGIN; {DROP_BOTH}", "download_url is still there"),
        (
            "DO $$ BEGIN ALTER TABLE generation_requests DROP COLUMN nope; EXCEPTION WHEN others THEN NULL; END $$;",
            "still there",
        ),
        (f"CREATE TEMP TABLE generation_requests (download_url text, conversation jsonb); {DROP_BOTH}", "still there"),
    ],
)
def test_a_forward_that_is_not_the_plan_fails(run: Rehearse, source: str, forward: str, words: str) -> None:
    execute(source, "INSERT INTO iteration_snapshots (generation_request_id, iteration_number) VALUES (1, 1), (2, 1)")
    report = run(forward)
    assert step(report, "forward").outcome == "fail", step(report, "forward").message
    assert words in step(report, "forward").message
    assert report.check("forward").outcome == "fail"
    assert report.exit_code() == 1
    assert report.check("rollback").outcome != "pass" or "gone" not in words


@pytest.mark.parametrize(
    "forward",
    [
        DROP_BOTH,
        f"BEGIN; {DROP_BOTH} COMMIT;",
        "ALTER TABLE public.generation_requests DROP COLUMN IF EXISTS download_url, DROP COLUMN conversation RESTRICT",
        f"DO $$ BEGIN {DROP_BOTH} END $$;",
        (
            "DO $$ BEGIN ALTER TABLE generation_requests DROP download_url; COMMIT; "
            "ALTER TABLE generation_requests DROP conversation; END $$;"
        ),
        (
            'ALTER TABLE "generation_requests" DROP COLUMN "download_url";--> statement-breakpoint\n'
            'ALTER TABLE "generation_requests" DROP COLUMN "conversation"; SELECT 1;'
        ),
        f"{DROP_BOTH} VACUUM generation_requests;",
    ],
)
def test_the_plan_in_other_words_passes(run: Rehearse, forward: str) -> None:
    report = run(forward)
    assert [(s.name, s.message) for s in report.steps if s.outcome != "pass"] == []


def test_a_file_that_fails_half_way_says_what_it_committed(run: Rehearse) -> None:
    plain = run("ALTER TABLE generation_requests DROP COLUMN download_url; SELECT 1/0; SELECT 2;")
    message = step(plain, "forward").message
    assert "statement 2 of 3 failed: DivisionByZero" in message
    assert "committed anyway: public.generation_requests.download_url dropped" in message
    assert step(plain, "rollback").outcome == "unknown"
    one = run("ALTER TABLE generation_requests DROP COLUMN download_url;--> statement-breakpoint\nSELECT 1/0;")
    assert "it changed nothing" in step(one, "forward").message
    inside = run("ALTER TABLE generation_requests DROP download_url; COMMIT;--> statement-breakpoint\nSELECT 1/0;")
    assert "download_url dropped" in step(inside, "forward").message
    assert step(inside, "forward").outcome == "fail"


TRIGGER = """
CREATE FUNCTION note_download() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN IF NEW.download_url IS NULL THEN NEW.error_message := NEW.error_message; END IF; RETURN NEW; END $$;
CREATE TRIGGER noted BEFORE UPDATE ON generation_requests FOR EACH ROW EXECUTE FUNCTION note_download();
"""


def test_a_trigger_that_reads_a_dropped_column_makes_every_update_fail(run: Rehearse) -> None:
    report = run(before=TRIGGER)
    generation = step(report, "generation")
    assert step(report, "forward").outcome == "pass"
    assert generation.outcome == "fail"
    assert "Every UPDATE of public.generation_requests fails (5 of 5 tested rows)" in generation.message
    assert "download_url" in generation.message
    assert "note_download" in generation.message
    assert "UPDATE to generating fails" in generation.message
    assert "note_download()" in step(report, "broken").message
    assert report.exit_code() == 1


@pytest.mark.parametrize("kind", ["timestamptz", "date", "text"])
def test_a_completed_at_of_another_type_is_no_fault_of_a_trigger(run: Rehearse, kind: str) -> None:
    report = run(before=f"ALTER TABLE generation_requests ALTER completed_at TYPE {kind}")
    assert step(report, "generation").outcome == "pass", step(report, "generation").message


def test_a_generation_that_never_worked_is_unknown(run: Rehearse) -> None:
    report = run(before=TRIGGER.replace("NEW.download_url", "NEW.nonsense"))
    assert step(report, "generation").outcome == "unknown"
    assert "before the forward SQL either" in step(report, "generation").message


def test_a_view_blocks_and_cascade_drops_it(run: Rehearse) -> None:
    report = run(before="CREATE VIEW downloads AS SELECT id, download_url FROM generation_requests")
    message = step(report, "forward").message
    assert step(report, "forward").outcome == "fail"
    assert "view downloads depends on column download_url" in message
    cascade = run(DROP_BOTH.replace(";", " CASCADE;"))
    assert "dropped too much: view public.downloads" in step(cascade, "forward").message
    assert step(cascade, "forward").outcome == "fail"
    mended = run(
        f"DROP VIEW downloads; {DROP_BOTH} CREATE VIEW downloads AS SELECT id FROM generation_requests;",
        f"DROP VIEW downloads; {ADD_BOTH} CREATE VIEW downloads AS SELECT id, download_url FROM generation_requests;",
    )
    assert (step(mended, "forward").outcome, step(mended, "rollback").outcome) == ("pass", "pass")
    assert "view public.downloads was defined again" in step(mended, "broken").message


def test_what_is_dropped_with_a_column_is_reported_and_missing_after_the_rollback(run: Rehearse) -> None:
    report = run(
        before="CREATE INDEX by_download ON generation_requests (lower(download_url));"
        "ALTER TABLE generation_requests ADD CONSTRAINT short CHECK (length(download_url) < 900);"
        "ALTER TABLE generation_requests ALTER download_url SET DEFAULT 'x';"
    )
    assert step(report, "forward").outcome == "pass"
    for name in ("by_download", "short"):
        assert name in step(report, "broken").message
        assert name in step(report, "rollback").message
    assert step(report, "broken").outcome == "warn"
    assert step(report, "rollback").outcome == "warn"
    assert "download_url is back without its default" in step(report, "rollback").message


def test_a_function_whose_text_reads_the_column_is_broken(run: Rehearse) -> None:
    report = run(
        before="CREATE FUNCTION newest() RETURNS text LANGUAGE sql AS 'SELECT download_url FROM generation_requests LIMIT 1'"
    )
    assert step(report, "broken").outcome == "fail"
    assert "broken: function public.newest()" in step(report, "broken").message


@pytest.mark.parametrize(
    ("rollback", "words"),
    [
        ("ALTER TABLE generation_requests ADD COLUMN download_url text;", "conversation is not back"),
        (ADD_BOTH.replace("jsonb", "json"), "was jsonb and is back as json"),
        (ADD_BOTH.replace("download_url text", "download_url varchar(5)"), "back as character varying(5)"),
        ("", "holds no statement"),
        ("-- later", "holds no statement"),
        ("SELECT 1/0", "DivisionByZero"),
        (f"{ADD_BOTH} ALTER TABLE generation_requests DROP error_message;", "error_message is gone"),
        (f"{ADD_BOTH} UPDATE generation_requests SET prompt = 'x';", "prompt: 5 of 5 rows differ"),
        (f"{ADD_BOTH} DROP TABLE iteration_snapshots;", "iteration_snapshots"),
        ("DO $$ BEGIN EXECUTE 'nonsense'; EXCEPTION WHEN others THEN NULL; END $$", "download_url is not back"),
    ],
)
def test_a_rollback_that_does_not_bring_the_old_state_back_fails(run: Rehearse, rollback: str, words: str) -> None:
    report = run(rollback=rollback)
    assert step(report, "forward").outcome == "pass"
    assert step(report, "rollback").outcome == "fail"
    assert words in step(report, "rollback").message
    assert report.check("rollback").outcome == "fail"
    assert report.check("forward").outcome in ("pass", "unknown", "fail")


def test_values_that_come_back_changed_are_found(run: Rehearse) -> None:
    """A trigger of the rollback's that rewrites what is restored: the structure alone would not tell."""
    report = run(
        rollback=f"{ADD_BOTH} ALTER TABLE generation_requests ALTER download_url SET DEFAULT 'kept', "
        "ALTER download_url SET STORAGE EXTERNAL; UPDATE generation_requests SET download_url = 'kept' WHERE id = 5;"
    )
    assert step(report, "compare").outcome == "fail"
    assert "download_url: " in step(report, "compare").message


def test_the_source_is_left_as_it_was(run: Rehearse, source: str) -> None:
    before = trace(source)
    report = run(f"{DROP_BOTH} DROP TABLE iteration_snapshots;")
    assert step(report, "forward").outcome == "fail"
    assert trace(source) == before


def test_the_scratch_database_is_gone_afterwards(server: Server, run: Rehearse) -> None:
    run("SELECT 1/0")
    with psycopg.connect(server.url("postgres")) as connection:
        left = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'genreq_scratch%'").fetchall()
    assert left == []


def test_an_empty_table_proves_nothing_about_values(server: Server, plan: Plan, database: str) -> None:
    report = rehearse(plan, database, scratch_url=server.url("postgres"))
    assert step(report, "forward").outcome == "pass"
    assert step(report, "generation").outcome == "pass"
    assert (step(report, "before").outcome, step(report, "compare").outcome) == ("unknown", "unknown")
    assert report.check("rollback").outcome == "unknown"
    assert report.exit_code() == 3


def test_a_source_without_the_table_or_its_columns_is_unknown(
    server: Server, plan: Plan, empty_database: str, source: str
) -> None:
    nothing = rehearse(plan, empty_database, scratch_url=server.url("postgres"))
    assert step(nothing, "copy").outcome == "unknown"
    assert "There is no table public.generation_requests" in step(nothing, "copy").message
    assert {s.outcome for s in nothing.steps} == {"unknown"}
    assert nothing.exit_code() == 3
    execute(source, DROP_BOTH)
    late = rehearse(plan, source, scratch_url=server.url("postgres"))
    assert "nothing to rehearse" in step(late, "copy").message


@pytest.fixture
def role(server: Server) -> Iterator[str]:
    """A role that sees no row of the table by its policies."""
    name = f"reader_{uuid4().hex[:8]}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret-pass'").format(sql.Identifier(name)))
        yield name
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_hidden_rows_are_unknown_and_never_a_pass(server: Server, plan: Plan, source: str, role: str) -> None:
    with psycopg.connect(source, autocommit=True) as connection:
        name = sql.Identifier(role)
        connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(name))
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA auth TO {}").format(name))
        url = psycopg.conninfo.make_conninfo(source, user=role, password="secret-pass")
        report = rehearse(plan, url, scratch_url=server.url("postgres"))
        connection.execute(sql.SQL("DROP OWNED BY {}").format(name))
    assert step(report, "copy").outcome == "unknown"
    assert "Row level security" in step(report, "copy").message
    assert "secret-pass" not in report.model_dump_json()


def trace(url: str) -> list[object]:
    """Everything of a database that a rehearsal could have touched: catalog, rows, locks, statistics of writes."""
    with psycopg.connect(url) as connection:
        queries = (
            """SELECT c.oid, relname, relfilenode, relacl FROM pg_class c
               WHERE relnamespace = 'public'::regnamespace ORDER BY 1""",
            """SELECT attrelid, attname, attnum, atttypid, attisdropped
               FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
               WHERE relnamespace = 'public'::regnamespace ORDER BY 1, 3""",
            "SELECT xmin::text, ctid::text, g::text FROM generation_requests g ORDER BY id",
            """SELECT relation, mode FROM pg_locks l JOIN pg_class c ON c.oid = relation
               JOIN pg_database d ON d.oid = database WHERE relnamespace = 'public'::regnamespace
               AND datname = current_database() AND pid <> pg_backend_pid() ORDER BY 1""",
            "SELECT last_value, is_called FROM generation_requests_id_seq",
            "SELECT rolname FROM pg_roles ORDER BY 1",
        )
        return [connection.execute(query).fetchall() for query in queries]


def test_a_deadline_ends_the_migration_that_runs_and_every_step_after_it(
    plan: Plan, database: str, server: Server, tmp_path: Path
) -> None:
    insert(database, {"download_url": "https://d.example"})
    (tmp_path / "slow.sql").write_text("SELECT pg_sleep(600);", "utf-8")
    started = time.monotonic()
    report = rehearse(
        plan,
        database,
        forward=tmp_path / "slow.sql",
        scratch_url=server.url("postgres"),
        deadline=Deadline.after(15),
    )
    assert time.monotonic() - started < 60
    outcomes = {step.name: step for step in report.steps}
    assert outcomes["copy"].outcome == "pass"
    assert outcomes["forward"].outcome == "unknown"
    assert "the deadline of 15 s passed" in outcomes["forward"].message
    assert {step.outcome for step in report.steps[report.steps.index(outcomes["forward"]) :]} == {"unknown"}
    assert report.exit_code() == 3
    with psycopg.connect(server.url("postgres")) as connection:
        assert connection.execute("SELECT FROM pg_database WHERE datname LIKE 'genreq_scratch%'").fetchall() == []


def test_a_deadline_that_has_passed_begins_no_step(database: str, server: Server) -> None:
    words = ["rehearse", database, "--scratch", server.url("postgres"), "--deadline", "0.001"]
    called = CliRunner().invoke(app, words)
    assert called.exit_code == 3, called.output
    assert "deadline of 0.001 s passed" in called.output

"""What can prevent the reading of the table: each is reported, with what to do, and is never a pass."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import conninfo

from conftest import Server
from genreq_checks.errors import UsageError
from genreq_checks.plan import Plan
from genreq_checks.postgres.connection import parse, reading
from genreq_checks.report import Report
from genreq_checks.run import check, observe
from rows import execute, insert

CUTOVER = datetime(2025, 1, 10, 12, 0, tzinfo=UTC)
GITHUB = "https://github.com/leo/app"
DONE = {"github_url": GITHUB, "artifacts_github_url": f"{GITHUB}-artifacts", "deployment_url": "https://a.fly.dev"}


def judged(plan: Plan, url: str) -> Report:
    return check(plan, observe(plan, url, CUTOVER), cutover=CUTOVER)


def said(report: Report, check_id: str = "dropped.download_url") -> str:
    result = report.check(check_id)
    assert result.outcome == "unknown", result
    return result.findings[0].message


def drop_both(url: str, table: str = "generation_requests") -> None:
    execute(url, f"ALTER TABLE {table} DROP COLUMN download_url, DROP COLUMN conversation")


@pytest.fixture
def role(server: Server) -> Iterator[str]:
    """A role that owns nothing, may log in and has no password."""
    name = f"reader_{uuid.uuid4().hex[:8]}"
    execute(server.url(), f"CREATE ROLE {name} LOGIN")
    yield name
    execute(server.url(), f"DROP ROLE {name}")


def as_role(url: str, role: str) -> str:
    return conninfo.make_conninfo(url, user=role)


def test_a_missing_table_is_unknown_and_says_where_it_may_be(empty_database: str, plan: Plan) -> None:
    execute(empty_database, "CREATE SCHEMA leo; CREATE TABLE leo.generation_requests (id int)")
    report = judged(plan, empty_database)
    assert report.exit_code() == 3
    assert "There is no table public.generation_requests" in said(report)
    assert "leo.generation_requests" in said(report)


def test_a_quoted_mixed_case_name_is_not_the_table(empty_database: str, plan: Plan) -> None:
    execute(empty_database, 'CREATE TABLE "Generation_Requests" (id int)')
    assert 'public."Generation_Requests"' in said(judged(plan, empty_database))


def test_a_misspelled_table_is_named(empty_database: str, plan: Plan) -> None:
    execute(empty_database, "CREATE TABLE generation_request (id int)")
    assert "public.generation_request?" in said(judged(plan, empty_database))


def test_every_check_of_an_empty_database_is_unknown(empty_database: str, plan: Plan) -> None:
    report = judged(plan, empty_database)
    assert {result.outcome for result in report.checks} <= {"unknown", "skip"}
    assert report.outcome == "unknown"


@pytest.mark.parametrize("kind", ["VIEW", "MATERIALIZED VIEW"])
def test_a_view_without_the_columns_proves_nothing(database: str, plan: Plan, kind: str) -> None:
    execute(database, "ALTER TABLE generation_requests RENAME TO requests")
    execute(
        database,
        f"CREATE {kind} generation_requests AS "
        "SELECT id, status, completed_at, github_url, artifacts_github_url, deployment_url FROM requests",
    )
    assert f"is a {kind.lower()}, not a table" in said(judged(plan, database))


def test_a_foreign_table_proves_nothing(empty_database: str, plan: Plan) -> None:
    execute(
        empty_database,
        "CREATE EXTENSION postgres_fdw; CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw; "
        "CREATE FOREIGN TABLE generation_requests (id int) SERVER s",
    )
    assert "is a foreign table, not a table" in said(judged(plan, empty_database))


def test_a_table_that_only_search_path_finds_is_not_the_plans(database: str, plan: Plan) -> None:
    drop_both(database)
    execute(
        database,
        "CREATE SCHEMA app; CREATE TABLE app.generation_requests (id int, download_url text, conversation jsonb); "
        f"ALTER DATABASE {conninfo.conninfo_to_dict(database)['dbname']} SET search_path = app, public",
    )
    result = judged(plan, database).check("dropped.download_url")
    assert result.outcome == "warn"
    assert "app.generation_requests still has it" in result.findings[0].message


def test_another_schema_or_name_can_be_named(empty_database: str, plan: Plan) -> None:
    execute(
        empty_database,
        'CREATE SCHEMA "Le o"; CREATE TABLE "Le o"."Gen Req" (id int, status text, completed_at timestamptz, github_url text)',
    )
    report = judged(plan.with_table("Le o.Gen Req"), empty_database)
    assert report.check("dropped.download_url").outcome == "pass"
    assert report.check("kept.artifacts_github_url").outcome == "fail"


def test_partitions_and_children_that_kept_the_column_fail(database: str, plan: Plan) -> None:
    execute(database, "CREATE TABLE old_requests () INHERITS (generation_requests)")
    execute(database, "ALTER TABLE ONLY generation_requests DROP COLUMN download_url")
    execute(database, "ALTER TABLE generation_requests DROP COLUMN conversation")
    report = judged(plan, database)
    assert report.check("dropped.download_url").outcome == "fail"
    assert report.check("dropped.download_url").findings[0].subject == "public.old_requests"
    assert report.check("dropped.conversation").outcome == "pass"


def test_a_partitioned_table_is_counted_completely(empty_database: str, plan: Plan) -> None:
    execute(
        empty_database,
        """CREATE TABLE generation_requests (id int, status text, completed_at timestamp, github_url varchar(200),
               artifacts_github_url text, deployment_url text) PARTITION BY RANGE (completed_at);
           CREATE TABLE p1 PARTITION OF generation_requests FOR VALUES FROM (MINVALUE) TO ('2025-01-10');
           CREATE TABLE p2 PARTITION OF generation_requests DEFAULT;
           INSERT INTO generation_requests SELECT i, 'completed', '2025-01-09'::timestamp + i * interval '12 hours', 'https://github.com/l/a'
               FROM generate_series(1, 5) i""",
    )
    report = judged(plan, empty_database)
    assert report.check("dropped.download_url").outcome == "pass"
    before, after = report.rate("github_url", "before"), report.rate("github_url", "after")
    assert before
    assert after
    assert (before.rows, after.rows) == (2, 3)
    assert report.check("kept.github_url").outcome == "warn"  # varchar, and the plan says text


def test_citext_is_compared_by_bytes(empty_database: str, plan: Plan) -> None:
    execute(
        empty_database,
        """CREATE EXTENSION citext;
           CREATE TABLE generation_requests (id int, status text, completed_at timestamp, github_url citext,
               artifacts_github_url citext, deployment_url citext);
           INSERT INTO generation_requests VALUES (1, 'completed', '2025-02-01', 'https://github.com/leo/app', 'https://github.com/leo/APP-artifacts'),
               (2, 'completed', '2025-02-01', 'https://github.com/leo/app', 'https://github.com/leo/app-artifacts')""",
    )
    report = judged(plan, empty_database)
    after = next(row for row in report.derivation if row.side == "after")
    assert (after.match, after.wrong) == (1, 1)


def test_a_nondeterministic_collation_is_compared_by_bytes(database: str, plan: Plan) -> None:
    """The embedded server has no ICU; `.ci/run` runs this on one that has."""
    try:
        execute(database, "CREATE COLLATION same (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("this server was built without ICU")
    for column in ("github_url", "artifacts_github_url"):
        execute(database, f"ALTER TABLE generation_requests ALTER {column} TYPE text COLLATE same")
    insert(database, {"completed_at": "2025-02-01", **DONE})
    insert(database, {"completed_at": "2025-02-01", **DONE, "artifacts_github_url": f"{GITHUB}-ARTIFACTS"})
    after = next(row for row in judged(plan, database).derivation if row.side == "after")
    assert (after.match, after.wrong) == (1, 1)


def test_row_level_security_that_would_filter_is_unknown_not_a_rate(database: str, plan: Plan, role: str) -> None:
    insert(database, {"completed_at": "2025-02-01", **DONE})
    drop_both(database)
    execute(database, f"GRANT SELECT ON generation_requests TO {role}")
    report = judged(plan, as_role(database, role))
    assert "Row level security would hide rows" in said(report, "population.github_url")
    assert report.rates == ()
    assert report.check("dropped.download_url").outcome == "pass"  # the catalog is open to all
    execute(database, f"REVOKE ALL ON generation_requests FROM {role}")


def test_a_missing_privilege_is_named(database: str, plan: Plan, role: str) -> None:
    execute(database, "ALTER TABLE generation_requests DISABLE ROW LEVEL SECURITY")
    assert "may not read public.generation_requests.status" in said(
        judged(plan, as_role(database, role)), "population.github_url"
    )
    execute(database, f"GRANT SELECT (status, completed_at, github_url) ON generation_requests TO {role}")
    insert(database, {"completed_at": "2025-02-01", **DONE})
    report = judged(plan, as_role(database, role))
    assert "may not read public.generation_requests.deployment_url" in said(report, "population.deployment_url")
    rate = report.rate("github_url", "after")
    assert rate
    assert rate.populated == 1
    execute(
        database,
        f"REVOKE ALL ON generation_requests FROM {role}; "
        f"REVOKE SELECT (status, completed_at, github_url) ON generation_requests FROM {role}",
    )


def test_the_session_time_zone_does_not_move_the_cutover(database: str, plan: Plan) -> None:
    name = conninfo.conninfo_to_dict(database)["dbname"]
    execute(
        database,
        f"ALTER DATABASE {name} SET timezone = 'Pacific/Kiritimati'; ALTER DATABASE {name} SET datestyle = 'German'",
    )
    insert(database, {"completed_at": "2025-01-10 11:59:59.999999"}, {"completed_at": "2025-01-10 12:00:00"})
    report = judged(plan, database)
    rates = [report.rate("github_url", side) for side in ("before", "after", "undated")]
    assert [rate.rows for rate in rates if rate] == [1, 1, 0]


def test_a_time_column_with_a_zone_is_read_in_utc(database: str, plan: Plan) -> None:
    execute(
        database,
        "ALTER TABLE generation_requests ALTER completed_at TYPE timestamptz USING completed_at AT TIME ZONE 'UTC'",
    )
    insert(database, {"completed_at": "2025-01-10 13:59+02"}, {"completed_at": "2025-01-10 14:00+02"})
    report = judged(plan, database)
    rates = [report.rate("github_url", side) for side in ("before", "after")]
    assert [rate.rows for rate in rates if rate] == [1, 1]


def test_instants_that_python_cannot_hold_are_counted(database: str, plan: Plan) -> None:
    times = ["infinity", "-infinity", "0044-03-15 BC", "20000-01-01", None]
    insert(database, *({"completed_at": at} for at in times))
    report = judged(plan, database)
    rates = [report.rate("github_url", side) for side in ("before", "after", "undated")]
    assert [rate.rows for rate in rates if rate] == [2, 2, 1]


def test_a_locked_table_is_unknown_within_the_lock_timeout(
    database: str, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genreq_checks.postgres import connection

    monkeypatch.setitem(connection.SETTINGS, "lock_timeout", "100ms")
    with psycopg.connect(database) as holder:
        holder.execute("LOCK TABLE generation_requests IN ACCESS EXCLUSIVE MODE")
        report = judged(plan, database)
    assert "is locked by another transaction" in said(report, "population.github_url")


def test_a_statement_over_its_time_limit_is_stopped(database: str, plan: Plan) -> None:
    execute(
        database,
        """INSERT INTO generation_requests (user_id, app_name, prompt, initial_prompt, status, completed_at, github_url)
           SELECT gen_random_uuid(), 'a', 'p', 'p', 'completed', '2025-01-01', repeat('x', 900) || i
           FROM generate_series(1, 60000) i""",
    )
    report = check(plan, observe(plan, database, CUTOVER, timeout=0.05), cutover=CUTOVER)
    assert "Raise it with --timeout" in said(report, "population.github_url")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://u:secret-word@127.0.0.1:1/x", "Check host and port"),
        ("postgres://u:secret-word@no-such-host.invalid/x", "Check the host's name"),
    ],
)
def test_an_unreachable_server_is_one_reason_without_the_password(plan: Plan, url: str, words: str) -> None:
    report = judged(plan, url)
    assert words in said(report)
    assert "secret-word" not in report.model_dump_json()


def test_a_database_that_does_not_exist_is_named(server: Server, plan: Plan) -> None:
    assert "does not exist" in said(judged(plan, server.url("no_such_database")))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://u:secr@et@host/x", "more than one '@'"),
        ("postgresql://u:secr#et@host/x", "'#'"),
        ("postgresql://u:secret@host/x?sslmod=require", "Did you mean 'sslmode'"),
        ("mysql://u:secret@host/x", "begins with postgresql://"),
        ("postgresql://u:secret@[::1/x", "host that cannot be read"),
        ("postgresql://u:secret@h/%zz", "neither a database URL"),
    ],
)
def test_an_invalid_url_is_rejected_without_showing_it(plan: Plan, url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        observe(plan, url)
    assert "secr" not in str(caught.value)


def test_parameters_of_other_clients_are_left_out_with_a_note() -> None:
    target = parse("postgres://u:p@h:6543/d?pgbouncer=true&connection_limit=1&sslmode=require&schema=public")
    assert target.parameters["sslmode"] == "require"
    assert not {"pgbouncer", "connection_limit", "schema"} & set(target.parameters)
    assert "pgbouncer, connection_limit, schema" in target.notes[0]
    assert target.location == "postgresql://u@h:6543/d"


def test_reading_cannot_write_and_leaves_no_setting_behind(database: str) -> None:
    from sqlalchemy import exc, text

    with reading(parse(database)) as connection, pytest.raises(exc.InternalError, match="read-only transaction"):
        connection.execute(text("CREATE TEMP TABLE t (x int)"))
    with reading(parse(database)) as connection:
        query = text("SELECT count(*) FROM pg_prepared_statements")
        assert connection.execute(query).scalar() == 0
        connection.rollback()
        assert connection.execute(text("SHOW row_security")).scalar() == "on"
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "0"


def test_one_instant_is_read_while_rows_are_inserted(database: str, plan: Plan) -> None:
    """All facets are of one statement, so that they agree while a writer is at work."""
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            insert(database, {"completed_at": "2025-02-01", **DONE})

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            tally = observe(plan, database, CUTOVER).tally
            assert tally
            totals = {sum(tally.count(facet.name).values()) for facet in tally.facets}
            assert len(totals) == 1
    finally:
        stop.set()
        writer.join()

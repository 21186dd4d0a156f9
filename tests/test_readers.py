"""`readers.*`: statements from files of SQL and from logs, and what they are worth."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from conftest import Server
from genreq_checks.archive import restore, write_archive
from genreq_checks.cli import app
from genreq_checks.embedded import start
from genreq_checks.errors import UsageError
from genreq_checks.facts.queries import JudgedStatement, Judgement, QueryFacts, QuerySource
from genreq_checks.plan import Plan, parse_plan
from genreq_checks.rehearsal import rehearse
from genreq_checks.report import CheckResult
from genreq_checks.run import check, observe
from genreq_checks.snapshot import Snapshot, load_snapshot
from genreq_checks.sources.oracle import Oracle
from genreq_checks.sources.queries import read, read_queries
from genreq_checks.sources.queries.files import opened
from genreq_checks.sources.queries.masking import masked
from oracle_fixtures import notes_go, oracle
from oracle_truth import PLAN, SCHEMA
from postgres15 import programs, run, running

__all__ = ["notes_go", "oracle"]  # fixtures

NOW = datetime.now(UTC).replace(microsecond=0)
SECRET = "hunter2"


@pytest.fixture(scope="module")
def source(server: Server) -> Iterator[str]:
    url = server.create_database("readers_source")
    with psycopg.connect(url) as connection:
        connection.execute(SCHEMA.encode())
        connection.execute("INSERT INTO orders (status) VALUES ('done')")
    yield url
    server.drop_database("readers_source")


@pytest.fixture
def one_clone(oracle: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    """One clone for many tests, in place of one for each reading."""
    monkeypatch.setattr(read, "open_oracle", lambda *_: nullcontext(oracle))


def readers(plan: Plan, facts: QueryFacts, source: str, column: str = "note") -> CheckResult:
    now = Snapshot.model_validate(
        {
            "tool_version": "0",
            "plan_fingerprint": plan.fingerprint,
            "plan_table": plan.table.qualified,
            "source": {"kind": "postgresql", "location": source, "read_at": NOW},
        }
    ).with_evidence(queries=facts)
    return check(plan, now, phase="before", only=["readers.*"]).check(f"readers.{column}")


def csv_line(at: datetime, message: str, database: str = "readers_source", program: str = "app", **more: str) -> str:
    row = [
        at.strftime("%Y-%m-%d %H:%M:%S.000 UTC"),
        "u",
        database,
        "1",
        "",
        "s",
        "1",
        "SELECT",
        "",
        "",
        "",
        "LOG",
        "00000",
    ]
    row += [message, "", "", "", "", "", more.get("query", ""), "", "", program, "client backend", "", "0"]
    return ",".join([row[0], *('"' + one.replace('"', '""') + '"' if one else "" for one in row[1:])]) + "\n"


def covering(*messages: str, days: float = 8, ends: datetime = NOW) -> str:
    """A csvlog with an entry every twelve hours, and the messages in the middle of it."""
    hours = range(0, int(days * 24) + 1, 12)
    lines = [csv_line(ends - timedelta(hours=days * 24 - n), "checkpoint starting: time") for n in hours]
    middle = ends - timedelta(days=days / 2)
    half = len(lines) // 2
    return "".join([*lines[:half], *(csv_line(middle, one) for one in messages), *lines[half:]])


# ------------------------------------------------------------------------------------------------ files of SQL


@pytest.mark.usefixtures("one_clone")
def test_a_file_of_sql_names_what_breaks_by_its_line_and_gives_no_green(
    source: str, notes_go: Plan, tmp_path: Path
) -> None:
    file = tmp_path / "queries.sql"
    file.write_text(
        "-- the nightly job\nSELECT id FROM orders;\n\n/* two */\nSELECT note\nFROM orders WHERE status = 'hunter2';\n"
        "SELECT * FROM orders;\nSELECT note FROM orders WHERE status = 'other';\n"
        "DO $$ BEGIN UPDATE orders SET note = ''; END $$;\n"
    )
    facts = read_queries(notes_go, source, [file])
    result = readers(notes_go, facts, source)
    assert result.outcome == "fail"
    told = {finding.subject: finding for finding in result.findings}
    breaks, changes, unknown = told["queries.sql:5"], told["queries.sql:7"], told["queries.sql:9"]
    assert (breaks.outcome, changes.outcome, unknown.outcome) == ("fail", "warn", "unknown")
    expected = {"fate": "breaks", "source": "queries.sql", "line": 5, "calls": 2, "since": None, "file": "queries.sql"}
    assert expected.items() <= breaks.evidence.items()
    assert breaks.message.endswith("column \"note\" does not exist. SELECT note FROM orders WHERE status = '…'")
    assert SECRET not in str(result)
    other = readers(notes_go, facts, source, "legacy")
    assert other.outcome == "unknown"
    assert "a file of SQL does not tell what else runs" in other.findings[-1].message


def test_the_command_takes_it_and_a_snapshot_keeps_it(source: str, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    (tmp_path / "one.sql").write_text("SELECT note FROM orders")
    (tmp_path / "two.sql").write_text("SELECT legacy FROM orders")
    plan, given = ["--plan", str(tmp_path / "plan.toml")], ["--queries", str(tmp_path / "one.sql")]
    more = ["--queries", str(tmp_path / "two.sql")]
    form = ["--phase", "before", "--only", "readers.*", "--format", "json"]
    done = CliRunner().invoke(app, ["check", source, *plan, *given, *more, *form])
    assert (done.exit_code, done.stderr) == (1, "")
    results = {one["id"]: one["findings"][0]["subject"] for one in json.loads(done.stdout)["checks"]}
    assert results == {"readers.note": "one.sql:1", "readers.legacy": "two.sql:1"}
    saved = tmp_path / "now.json"
    assert CliRunner().invoke(app, ["snapshot", source, *plan, *given, "-o", str(saved)]).exit_code == 0
    assert load_snapshot(saved).queries is not None
    again = CliRunner().invoke(app, ["check", str(saved), *plan, *form])
    assert [one["outcome"] for one in json.loads(again.stdout)["checks"]] == ["fail", "unknown"]


@pytest.mark.parametrize("given", ["nowhere.sql", "."])
def test_a_file_that_is_not_there_is_a_wrong_call(source: str, notes_go: Plan, tmp_path: Path, given: str) -> None:
    with pytest.raises(UsageError, match="There is no file"):
        read_queries(notes_go, source, [tmp_path / given])


def test_without_a_database_nothing_is_judged(notes_go: Plan, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("SELECT note FROM orders")
    facts = read_queries(notes_go, str(tmp_path / "before.json"), [tmp_path / "q.sql"])
    assert readers(notes_go, facts, "x").outcome == "unknown"


def test_a_table_without_the_columns_and_a_server_that_is_gone_are_unknown(
    empty_database: str, notes_go: Plan, tmp_path: Path
) -> None:
    (tmp_path / "q.sql").write_text("SELECT note FROM orders")
    run(empty_database, "CREATE TABLE orders (id int PRIMARY KEY, status text, total int, created_at timestamp)")
    for url in (empty_database, "postgresql://nobody@127.0.0.1:9/x"):
        facts = read_queries(notes_go, url, [tmp_path / "q.sql"])
        assert facts.problem
        assert readers(notes_go, facts, url).outcome == "unknown"


@pytest.mark.usefixtures("one_clone")
def test_no_statements_are_no_answer(source: str, notes_go: Plan, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("-- nothing\n")
    facts = read_queries(notes_go, source, [tmp_path / "q.sql"])
    result = readers(notes_go, facts, source)
    assert (result.outcome, "no statement was found" in result.findings[0].message) == ("unknown", True)
    skipped = readers(notes_go, None, source)  # type: ignore[arg-type]
    assert skipped.outcome == "skip"


# ------------------------------------------------------------------------------------------------ logs


def logged(source: str, plan: Plan, tmp_path: Path, text: str, *, logs_all: bool = True) -> CheckResult:
    file = tmp_path / "postgresql.csv"
    file.write_text(text)
    facts = read_queries(plan, source, [file])
    return readers(plan, replace(facts, logs_all="") if logs_all else facts, source)


@pytest.mark.usefixtures("one_clone")
def test_a_log_that_covers_the_time_gives_a_green(source: str, notes_go: Plan, tmp_path: Path) -> None:
    text = covering(
        "statement: SELECT id FROM orders", "duration: 0.1 ms  execute <unnamed>: SELECT 1 FROM orders WHERE id = $1"
    )
    result = logged(source, notes_go, tmp_path, text)
    assert (result.outcome, result.findings[0].message) == (
        "pass",
        "2 statements in 1 file: 2 untouched; the logs cover 7 days.",
    )


@pytest.mark.usefixtures("one_clone")
@pytest.mark.parametrize(
    ("text", "logs_all", "reason"),
    [
        (covering("statement: SELECT id FROM orders", days=6), True, "less than 7 days"),
        (
            covering("statement: SELECT id FROM orders", ends=NOW - timedelta(days=3)),
            True,
            "nothing is known of the time since",
        ),
        (covering("statement: SELECT id FROM orders"), False, "does not log every statement"),
        (
            csv_line(NOW - timedelta(days=9), "statement: SELECT id FROM orders")
            + csv_line(NOW, "statement: SELECT 1"),
            True,
            "a gap of 216 hours",
        ),
        (covering(), True, "no statement was found"),
        (covering("statement: DO $$ BEGIN UPDATE orders SET note = 1; END $$"), True, "cannot be judged"),
    ],
)
def test_a_log_that_does_not_cover_the_time_gives_no_green(
    source: str, notes_go: Plan, tmp_path: Path, text: str, logs_all: bool, reason: str
) -> None:
    result = logged(source, notes_go, tmp_path, text, logs_all=logs_all)
    assert result.outcome == "unknown"
    assert reason in str([finding.message for finding in result.findings])


@pytest.mark.usefixtures("one_clone")
def test_the_days_are_the_plan_s(source: str, tmp_path: Path) -> None:
    plan = parse_plan(PLAN.replace("title =", "readers_days = 2\ntitle ="), "notes")
    assert plan.fingerprint != parse_plan(PLAN, "notes").fingerprint
    assert logged(source, plan, tmp_path, covering("statement: SELECT id FROM orders", days=3)).outcome == "pass"


@pytest.mark.usefixtures("one_clone")
def test_a_reader_in_the_log_fails_with_its_calls_and_its_first_time(
    source: str, notes_go: Plan, tmp_path: Path
) -> None:
    text = covering(
        "statement: SELECT note FROM orders WHERE status = 'hunter2'",
        "duration: 1.5 ms  parse <unnamed>: SELECT id FROM orders WHERE note = $1",
        "duration: 1.5 ms  bind <unnamed>: SELECT id FROM orders WHERE note = $1",
        "duration: 1.5 ms  execute <unnamed>: SELECT id FROM orders WHERE note = $1",
        "statement: BEGIN; UPDATE orders SET note = 'a'; COMMIT",
    )
    text += csv_line(NOW, 'column "x" does not exist', query="SELECT note, x FROM orders")
    result = logged(source, notes_go, tmp_path, text)
    found = {finding.evidence["text"]: finding for finding in result.findings if finding.outcome == "fail"}
    assert set(found) == {
        "SELECT note FROM orders WHERE status = '…'",
        "SELECT id FROM orders WHERE note = $1",
        "UPDATE orders SET note = '…'",
    }
    assert {finding.evidence["calls"] for finding in found.values()} == {1}
    assert all("file" not in finding.evidence for finding in found.values())
    since = {finding.evidence["since"] for finding in found.values()}
    assert since == {(NOW - timedelta(days=4)).isoformat()}
    assert SECRET not in str(result)


@pytest.mark.usefixtures("one_clone")
def test_other_databases_and_what_is_made_from_the_catalog_are_passed_over(
    source: str, notes_go: Plan, tmp_path: Path
) -> None:
    text = covering("statement: SELECT id FROM orders")
    text += csv_line(NOW, "statement: SELECT note FROM orders", database="other")
    text += csv_line(NOW, "statement: COPY public.orders (id, note) TO stdout", program="pg_dump")
    text += csv_line(NOW, "statement: SELECT note FROM orders", program="genreq-checks")
    assert logged(source, notes_go, tmp_path, text).outcome == "pass"


LOGGING = (
    "-c logging_collector=on -c log_destination=csvlog,jsonlog,stderr -c log_statement={} -c log_min_duration_statement={} "
    "-c log_line_prefix=%m_[%p]_user=%u,db=%d,app=%a_ -c shared_preload_libraries=auto_explain "
    "-c auto_explain.log_min_duration={}"
)


@pytest.mark.usefixtures("one_clone")
@pytest.mark.skipif(programs() is None, reason="this machine has no PostgreSQL of its own")
@pytest.mark.parametrize("how", [("all", -1, -1), ("none", 0, -1), ("none", -1, 0)])
def test_a_real_server_s_own_logs_name_its_readers(notes_go: Plan, how: tuple[str, int, int]) -> None:
    found = programs()
    assert found
    with running(found, LOGGING.format(*how)) as url:
        run(url, *SCHEMA.split(";\n\n"))
        with psycopg.connect(url, autocommit=True) as connection:
            for _ in range(2):
                connection.execute("SELECT id FROM orders WHERE note = %s", ["hunter2"])
            connection.execute(f"SELECT note\nFROM orders\nWHERE status = '{SECRET}';")
            connection.execute("SELECT total FROM orders")
        folder = Path(url.partition("host=")[2], "data", "log")
        logs = {path.suffix: path for path in folder.iterdir()}
        assert set(logs) == {".csv", ".json", ".log"}
        told: dict[str, set[str]] = {}
        for suffix, log in logs.items():
            facts = read_queries(notes_go, url, [log])
            assert {one.kind for one in facts.sources} == {
                {".csv": "csvlog", ".json": "jsonlog", ".log": "stderr"}[suffix]
            }
            result = readers(notes_go, facts, url)
            failed = {str(f.evidence["text"]): f.evidence["calls"] for f in result.findings if f.outcome == "fail"}
            told[suffix] = {text for text in failed if not text.startswith("CREATE")}
            if how[2] < 0:
                assert failed["SELECT id FROM orders WHERE note = $1"] == 2
                assert "less than 7 days" in str(result)
            assert SECRET not in str(facts)
            assert (facts.logs_all == "") == (how[2] < 0)
    expected = {"SELECT id FROM orders WHERE note = $1", "SELECT note FROM orders WHERE status = '…'"}
    assert told == dict.fromkeys((".csv", ".json", ".log"), expected)


JSON_LINE = '{"timestamp":"2026-11-25 10:00:00.5 UTC","dbname":"d","message":%s,"application_name":"a"}\n'
STDERR = (
    "2026-11-25 10:00:00.000 CET [12] user=u,db=d LOG:  duration: 1 ms  statement: SELECT note\n"
    "\tFROM orders\n"
    "2026-11-25 10:00:01.000 CET [12] user=u,db=d ERROR:  column x does not exist at character 8\n"
    "2026-11-25 10:00:01.000 CET [12] user=u,db=d STATEMENT:  SELECT x FROM orders;\n"
    "2026-11-25 11:00:00.000 CET [12] LOG:  checkpoint starting: time\n"
    "2026-11-25 11:00:00.000 CET [12] user=u,db=d LOG:  duration: 2 ms  plan:\n"
    "\tQuery Text: SELECT id\n\tFROM orders\n\tSeq Scan on orders  (cost=0.00..1.00 rows=1 width=4)\n"
)


ROWS = "COPY t FROM stdin;\nSELECT\t1;\n\\.\n\\c other\nSELECT 2;"
OF_STDERR = [(1, "SELECT note\nFROM orders"), (4, "SELECT x FROM orders;"), (6, "SELECT id\nFROM orders")]
PLANNED = '"duration: 1 ms  plan:\\n{\\"Query Text\\": \\"SELECT 2\\"}"'
CSV = csv_line(NOW, "statement: SELECT 1\nFROM t") + csv_line(NOW, "execute s: SELECT 2")


@pytest.mark.parametrize(
    ("name", "text", "kind", "expected"),
    [
        ("a.sql", "\ufeffSELECT 1;\r\n\r\nSELECT 2", "sql", [(1, "SELECT 1;"), (3, "SELECT 2")]),
        ("a.txt", "SELECT 1; SELECT 2;", "sql", [(1, "SELECT 1;"), (1, "SELECT 2;")]),
        ("a.sql", ROWS, "sql", [(1, "COPY t FROM stdin;"), (5, "SELECT 2;")]),
        ("a.sql", "\\copy t TO 'file'\n", "sql", [(1, "COPY t TO 'file';")]),
        ("a.json", JSON_LINE % '"statement: SELECT 1"', "jsonlog", [(1, "SELECT 1")]),
        ("a.json", JSON_LINE % PLANNED, "jsonlog", [(1, "SELECT 2")]),
        ("a.log", STDERR, "stderr", OF_STDERR),
        ("a.log.gz", STDERR, "stderr", OF_STDERR),
        ("a.csv", CSV, "csvlog", [(1, "SELECT 1\nFROM t"), (3, "SELECT 2")]),
        ("empty.log", "", "sql", []),
    ],
)
def test_the_kinds_of_files(tmp_path: Path, name: str, text: str, kind: str, expected: Any) -> None:
    data = text.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    with opened(tmp_path / name) as (told, entries):
        assert (told, [(entry.line, entry.text) for entry in entries if entry.text]) == (kind, expected)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("SELECT 'hunter2', E'a\\'b', $$x$$ FROM \"T 3\" -- hunter2", "SELECT '…', '…', '…' FROM \"T 3\""),
        ("SELECT 1.5e3, 0x1F, 1_000, $1, t1.a2", "SELECT ?, ?, ?, $1, t1.a2"),
        ("select  1 ,\n 2 /* x */ ;", "select ? , ?"),
        ("SELECT a WHERE b IN (1, 2, 3) OR c IN ('a','b')", "SELECT a WHERE b IN (?, …) OR c IN ('…', …)"),
        ("SELECT a WHERE d IN ($1, $2) AND e = ANY ($3)", "SELECT a WHERE d IN ($1, …) AND e = ANY ($3)"),
        ("SELECT a[1:2], -5, a.b1, x=3", "SELECT a[?:?], -?, a.b1, x=?"),
        ("VALUES ($1,2,$12)", "VALUES ($1, …)"),
    ],
)
def test_a_statement_is_shown_without_its_literals(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.usefixtures("one_clone")
def test_what_is_not_understood_is_not_shown(source: str, notes_go: Plan, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("hunter2 likes orders and note; SELECT hunter2 FROM orders WHERE note = hunter2;")
    facts = read_queries(notes_go, source, [tmp_path / "q.sql"])
    assert [one.text for one in facts.statements] == ["…", "SELECT …"]
    assert SECRET not in str(facts)


@pytest.mark.usefixtures("one_clone")
def test_blocks_and_literals_that_name_the_column_are_not_one_statement(
    source: str, notes_go: Plan, tmp_path: Path
) -> None:
    (tmp_path / "q.sql").write_text(
        "DO $$ BEGIN PERFORM 1 FROM orders; END $$;\nDO $$ BEGIN UPDATE orders SET note = 1; END $$;\n"
        "SELECT query_to_xml('SELECT total FROM orders', true, false, '');\n"
        "SELECT query_to_xml('SELECT note FROM orders', true, false, '');\n"
        "PREPARE p AS SELECT note FROM orders WHERE id = $1; EXECUTE p (1); EXECUTE p (2);\nEXECUTE elsewhere (1);"
    )
    facts = read_queries(notes_go, source, [tmp_path / "q.sql"])
    told = {one.line: (one.judged.fates["note"], one.calls) for one in facts.statements}
    assert told == {2: ("unknown", 1), 4: ("unknown", 1), 5: ("breaks", 3), 6: ("unknown", 1)}
    assert facts.counted["note"] == {"untouched": 2, "unknown": 3, "breaks": 1}


def test_a_list_is_cut_and_the_counts_are_whole(notes_go: Plan) -> None:
    judged = Judgement({"note": "breaks", "legacy": "untouched"}, {"note": "r"})
    some = tuple(JudgedStatement("q.sql", n, 1, f"SELECT {n}", judged) for n in range(100))
    facts = QueryFacts(
        sources=(QuerySource("q.sql", "sql", 250, 250),),
        statements=some,
        counted={"note": {"breaks": 250, "untouched": 3}, "legacy": {"untouched": 253}},
    )
    result = readers(notes_go, facts, "x")
    assert (result.outcome, result.found, len(result.findings)) == ("fail", 251, 100)


def test_forward_sql_that_fails_on_the_clone_is_no_green(notes_go: Plan) -> None:
    log = QuerySource("a.csv", "csvlog", 9, 9, NOW - timedelta(days=9), NOW, 60)
    counted = {"note": {"untouched": 9}, "legacy": {"untouched": 9}}
    facts = QueryFacts(sources=(log,), counted=counted, read_at=NOW, logs_all="")
    assert readers(notes_go, facts, "x").outcome == "pass"
    noted = readers(notes_go, replace(facts, notes=("the plan's forward SQL fails on the clone",)), "x")
    assert (noted.outcome, noted.findings[0].message) == ("warn", "Note: the plan's forward SQL fails on the clone.")


@pytest.mark.parametrize("hours", [23, 25])
def test_logs_of_several_files_are_one_and_a_gap_between_them_counts(notes_go: Plan, hours: int) -> None:
    first = QuerySource("a.csv", "csvlog", 9, 9, NOW - timedelta(days=9), NOW - timedelta(days=4, hours=hours), 60)
    second = QuerySource("b.json", "jsonlog", 9, 9, NOW - timedelta(days=4), NOW, 60)
    counted = {"note": {"untouched": 9}, "legacy": {"untouched": 9}}
    facts = QueryFacts(sources=(second, first), counted=counted, read_at=NOW, logs_all="")
    assert readers(notes_go, facts, "x").outcome == ("pass" if hours < 24 else "unknown")


def test_observe_takes_queries(source: str, notes_go: Plan, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("SELECT note FROM orders")
    now = observe(notes_go, source, queries=tmp_path / "q.sql")
    assert check(notes_go, now, phase="before").check("readers.note").outcome == "fail"
    assert check(notes_go, now, phase="after").check("readers.note").outcome == "skip"


def test_pg_stat_statements_shows_what_ran_and_gives_no_green(notes_go: Plan) -> None:
    with start({"shared_preload_libraries": "pg_stat_statements"}) as server:
        url = server.create_database("stats")
        run(url, SCHEMA, "CREATE EXTENSION pg_stat_statements", "SELECT pg_stat_statements_reset()")
        with psycopg.connect(url, autocommit=True) as connection:
            for _ in range(3):
                connection.execute("SELECT id FROM orders WHERE note = %s AND status = 'hunter2'", ["x"])
            connection.execute("SELECT total FROM orders")
        facts = read_queries(notes_go, url, [Path("pg_stat_statements")])
        (one,) = [each for each in facts.statements if each.judged.worst == "breaks"]
        assert (one.source, one.calls) == ("pg_stat_statements", 3)
        assert one.since is not None
        assert one.line not in (0, 1)
        assert SECRET not in str(facts)
        assert "0 evictions" in facts.sources[0].note
        assert readers(notes_go, facts, url).outcome == "fail"
        other = readers(notes_go, facts, url, "legacy")
        assert (other.outcome, "pg_stat_statements does not tell what else runs" in other.findings[-1].message) == (
            "unknown",
            True,
        )


def test_pg_stat_statements_that_is_not_there_is_a_wrong_call(source: str, notes_go: Plan) -> None:
    with pytest.raises(UsageError, match="no extension pg_stat_statements"):
        read_queries(notes_go, source, [Path("pg_stat_statements")])


def test_what_this_tool_sends_itself_is_no_reader(notes_go: Plan, tmp_path: Path) -> None:
    with start({"shared_preload_libraries": "pg_stat_statements"}) as server:
        url = server.create_database("own")
        run(url, SCHEMA, "CREATE EXTENSION pg_stat_statements", "INSERT INTO orders (note) VALUES ('n')")
        run(url, "SELECT pg_stat_statements_reset()")
        observe(notes_go, url, hash_rows_to=tmp_path / "hashes.parquet")
        write_archive(notes_go, url, tmp_path / "archive.parquet")
        restore(notes_go, tmp_path / "archive.parquet", url)
        rehearse(notes_go, url, scratch_url=server.url("postgres"))
        with psycopg.connect(url) as connection:
            texts = [
                row[0]
                for row in connection.execute(
                    "SELECT query FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid AND d.datname = 'own'"
                    " WHERE query ~ 'note' AND query ~ 'orders' AND query !~ 'pg_attribute|pg_class|genreq_scratch'"
                ).fetchall()
            ]
        assert [text for text in texts if "/* genreq-checks */" not in text] == []
        assert any("COPY" in text for text in texts)
        assert len(texts) > 3
        facts = read_queries(notes_go, url, [Path("pg_stat_statements")])
        assert [one.text for one in facts.statements if one.judged.worst in ("breaks", "changes")] == []
        assert "of this tool left out" in facts.sources[0].note
        run(url, "SELECT note FROM orders")
        again = read_queries(notes_go, url, [Path("pg_stat_statements")])
        assert [one.text for one in again.statements if one.judged.worst == "breaks"] == ["SELECT note FROM orders"]


@pytest.mark.usefixtures("one_clone")
def test_what_runs_on_a_standby_is_in_no_log_of_the_primary(source: str, notes_go: Plan, tmp_path: Path) -> None:
    file = tmp_path / "postgresql.csv"
    file.write_text(covering("statement: SELECT id FROM orders"))
    facts = replace(read_queries(notes_go, source, [file]), logs_all="", standbys=1)
    result = readers(notes_go, facts, source)
    assert result.outcome == "unknown"
    assert "1 standby replays this server's changes" in result.findings[0].message
    said = parse_plan(PLAN.replace("title =", 'standby_readers = "It answers no queries."\ntitle ='), "notes")
    assert readers(said, facts, source).outcome == "pass"

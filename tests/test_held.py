"""The hold: whole or not, missed by somebody or not, and the file that drops, which comes last or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from genreq_checks.cli import app
from genreq_checks.demo import CUTOVER, complete_generations
from genreq_checks.embedded import EmbeddedServer, sample, start
from genreq_checks.facts.retired import MARK
from genreq_checks.outputs.verdict import headline
from genreq_checks.plan import Plan
from genreq_checks.report import Report
from genreq_checks.run import check, observe
from genreq_checks.selftest.clean import DATED
from genreq_checks.selftest.clean_held import log_of_the_hold, retire_for_days, written
from genreq_checks.snapshot import Snapshot
from genreq_checks.staging import FINALISE, RefusedError, stage_finalise
from rows import execute, insert
from staged import CATALOG, dump, psql, restamp, write

EIGHT_DAYS = timedelta(days=8)


@pytest.fixture
def baseline(database: str, plan: Plan) -> Snapshot:
    """The table with its history, before anything is hidden."""
    sample.load_history(database)
    execute(database, DATED)
    return observe(plan, database, CUTOVER)


def hold(database: str, plan: Plan, folder: Path, days: timedelta = EIGHT_DAYS) -> Path:
    """Retire the columns so long ago; the log of the time since."""
    since = datetime.now(UTC) - days
    retire_for_days(database, plan, since)
    complete_generations(database)
    log = folder / "server.json"
    log.write_text(log_of_the_hold(plan, since))
    return log


def judge(plan: Plan, url: str, baseline: Snapshot, log: Path | list[Path] | None) -> Report:
    now = observe(plan, url, CUTOVER, baseline=baseline, log=log)
    return check(plan, now, baseline, phase="held", cutover=CUTOVER)


def finalise(plan: Plan, url: str, report: Report, folder: Path) -> None:
    now = observe(plan, url, only=CATALOG, fingerprints="none")
    stage_finalise(plan, url, now, report, folder)


def outcomes(report: Report, *names: str) -> dict[str, str]:
    return {one.id: one.outcome for one in report.checks if one.id.split(".")[0] in names}


def test_from_the_hold_to_the_drop(database: str, plan: Plan, baseline: Snapshot, tmp_path: Path) -> None:
    log = hold(database, plan, tmp_path)
    report = judge(plan, database, baseline, log)
    assert set(outcomes(report, "held", "readers").values()) == {"pass"}
    assert report.outcome == "pass", headline(report)
    assert "Safe to finalise" in headline(report)
    (tmp_path / "held.json").write_text(report.model_dump_json())
    arguments = ["stage", database, "--finalise", str(tmp_path / "held.json"), "-o", str(tmp_path / "files")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert [path.name for path in (tmp_path / "files").iterdir()] == [FINALISE]
    assert "dropped: download_url, conversation" in psql(database, tmp_path / "files" / FINALISE)
    assert "already dropped" in psql(database, tmp_path / "files" / FINALISE)
    after = check(plan, observe(plan, database), baseline)
    assert set(outcomes(after, "dropped").values()) == {"pass"}


def test_the_day_is_told_before_it_has_come(database: str, plan: Plan, baseline: Snapshot, tmp_path: Path) -> None:
    log = hold(database, plan, tmp_path, timedelta(days=2))
    report = judge(plan, database, baseline, log)
    assert set(outcomes(report, "held").values()) == {"unknown"}
    day = f"{datetime.now(UTC) + timedelta(days=5):%Y-%m-%d}"
    assert f"The hold is over on {day}" in headline(report)
    with pytest.raises(RefusedError, match="must be held until"):
        finalise(plan, database, report, tmp_path / "files")


def test_a_retired_column_is_not_dropped(database: str, plan: Plan, baseline: Snapshot, tmp_path: Path) -> None:
    hold(database, plan, tmp_path)
    report = check(plan, observe(plan, database, baseline=baseline), baseline)
    found = report.check("dropped.download_url").findings[0]
    assert (found.outcome, "download_url is retired, not dropped" in found.message) == ("fail", True)


@pytest.mark.parametrize(
    ("change", "outcome", "reason"),
    [
        ("", "unknown", "no log of the hold was given"),
        ("other server", "unknown", "the log does not have the moment"),
        ("gap", "unknown", "a gap of"),
        ("missed", "fail", "failed 2 times (old build 2): select download_url from generation_requests"),
        ("another table", "warn", "it may be another one's column"),
    ],
)
def test_only_a_whole_log_without_a_failure_passes(
    database: str, plan: Plan, baseline: Snapshot, tmp_path: Path, change: str, outcome: str, reason: str
) -> None:
    log = hold(database, plan, tmp_path)
    lines = log.read_text().splitlines()
    error = {"state_code": "42703", "message": 'column "download_url" does not exist', "application_name": "old build"}
    missed = json.dumps(json.loads(lines[-1]) | error | {"statement": "select download_url from generation_requests"})
    elsewhere = json.dumps(json.loads(lines[-1]) | error | {"statement": "select download_url from files"})
    lines = {
        "": lines,
        "other server": lines[1:],
        "gap": [*lines[:3], *lines[6:]],
        "missed": [*lines, missed, missed],
        "another table": [*lines, elsewhere],
    }[change]
    log.write_text("\n".join(lines))
    report = judge(plan, database, baseline, log if change else None)
    found = report.check("readers.download_url").findings[0]
    assert (found.outcome, reason in found.message) == (outcome, True), found.message


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"phase": "before"}, "the report is of phase before"),
        ({"only": ("held.*",)}, "a part of the checks only"),
        ({"outcome": "unknown"}, "the report does not pass"),
        ({"checks": ()}, "the report has no passing held.download_url"),
        ({"sources": {}}, "does not say what was read"),
    ],
)
def test_a_report_that_does_not_prove_the_hold_is_refused(
    database: str, plan: Plan, baseline: Snapshot, tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    report = judge(plan, database, baseline, hold(database, plan, tmp_path))
    with pytest.raises(RefusedError, match=reason):
        finalise(plan, database, report.model_copy(update=change), tmp_path / "files")
    restamp(database, at=written(datetime.now(UTC) - timedelta(days=9)))
    with pytest.raises(RefusedError, match="about another hold of download_url"):
        finalise(plan, database, report, tmp_path / "files")
    old = report.sources["after"].model_copy(update={"read_at": datetime.now(UTC) - timedelta(days=2)})
    with pytest.raises(RefusedError, match="nothing is known of the time since"):
        finalise(plan, database, report.model_copy(update={"sources": {"after": old}}), tmp_path / "files")
    assert not (tmp_path / "files").exists()


def test_a_view_that_blocks_the_drop_is_named(database: str, plan: Plan, baseline: Snapshot, tmp_path: Path) -> None:
    execute(database, "CREATE VIEW v AS SELECT id, download_url FROM generation_requests")
    report = judge(plan, database, baseline, hold(database, plan, tmp_path))
    with pytest.raises(RefusedError, match=r"the drop is blocked by rule .*public\.v"):
        finalise(plan, database, report, tmp_path / "files")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("young", "must be held until"),
        ("another hold", "the report of the hold is about a hold since"),
        ("another plan", "was retired under another plan"),
        ("COMMENT ON COLUMN {} IS NULL", "has no stamp"),
        ("ALTER TABLE generation_requests ADD download_url text", "A new column download_url is there"),
        ("ALTER TABLE generation_requests ALTER {} TYPE varchar(99)", "download_url is now character varying"),
        ("CREATE INDEX i ON generation_requests ({})", "Something new depends on download_url: index public.i"),
    ],
)
def test_the_file_that_drops_refuses_what_differs(
    database: str, plan: Plan, baseline: Snapshot, tmp_path: Path, change: str, reason: str
) -> None:
    finalise(plan, database, judge(plan, database, baseline, hold(database, plan, tmp_path)), tmp_path)
    name = f"_retired_{datetime.now(UTC):%Y%m%d}_download_url"
    if change == "young":
        restamp(database, at=written(datetime.now(UTC) - timedelta(days=6)))
    elif change == "another hold":
        restamp(database, at=written(datetime.now(UTC) - timedelta(days=9)))
    elif change == "another plan":
        restamp(database, plan="0123456789ab")
    else:
        place = f"generation_requests.{name}" if change.startswith("COMMENT") else name
        execute(database, change.format(place))
    before = dump(database)
    assert reason in psql(database, tmp_path / FINALISE, code=3)
    assert dump(database) == before


def test_a_column_that_was_not_held_at_all_is_not_dropped(
    database: str, plan: Plan, baseline: Snapshot, tmp_path: Path
) -> None:
    """Even when the plan asks for no days: not in the transaction, and not in the session in which it was retired."""
    hasty = plan.model_copy(update={"hold_days": 0.0})
    finalise(hasty, database, judge(hasty, database, baseline, hold(database, hasty, tmp_path)), tmp_path)
    text = (tmp_path / FINALISE).read_bytes()
    with psycopg.connect(database) as connection:
        restamp(database, at=written(datetime.now(UTC)))
        with pytest.raises(psycopg.errors.RaiseException, match="retired after this session began"):
            connection.execute(text)
    with psycopg.connect(database) as connection:
        number = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
        stamp = {"column": "download_url", "plan": hasty.fingerprint, "at": "2020-01-01T00:00:00Z"}
        comment = MARK + json.dumps(stamp | {"transaction": number[0] if number else ""})
        name = f"_retired_{datetime.now(UTC):%Y%m%d}_download_url"
        connection.execute(f"COMMENT ON COLUMN generation_requests.{name} IS '{comment}'".encode())
        with pytest.raises(psycopg.errors.RaiseException, match="retired in this very transaction"):
            connection.execute(text)


def test_in_a_new_and_empty_database_all_files_run_at_once_where_it_is_said(
    database: str, empty_database: str, plan: Plan, baseline: Snapshot, tmp_path: Path
) -> None:
    write(plan, database, tmp_path)
    finalise(plan, database, judge(plan, database, baseline, hold(database, plan, tmp_path)), tmp_path)
    sample.create_table(empty_database)
    psql(empty_database, tmp_path / "1-retire.sql")
    psql(empty_database, tmp_path / FINALISE, code=3)
    execute(
        empty_database,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET genreq_checks.new_database = on', current_database()); END $$",
    )
    insert(empty_database, {"app_name": "a"})
    psql(empty_database, tmp_path / FINALISE, code=3)
    execute(empty_database, "TRUNCATE generation_requests CASCADE")
    assert "dropped" in psql(empty_database, tmp_path / FINALISE)


@pytest.fixture(scope="module")
def logging() -> Iterator[EmbeddedServer]:
    """A server that writes its log in three forms."""
    settings = {
        "logging_collector": "on",
        "log_destination": "csvlog,jsonlog,stderr",
        "log_line_prefix": "%m [%p] db=%d app=%a %e ",
    }
    with start(settings) as server:
        yield server


@pytest.mark.parametrize("form", ["csv", "json", "log"])
def test_the_log_of_a_real_server_tells_who_missed_the_columns(
    logging: EmbeddedServer, plan: Plan, tmp_path: Path, form: str
) -> None:
    url = logging.create_database(f"held_{form}")
    sample.create_table(url)
    sample.load_history(url)
    baseline = observe(plan, url)
    write(plan, url, tmp_path)
    psql(url, tmp_path / "1-retire.sql")
    for _ in range(3):
        with (
            psycopg.connect(url, application_name="old build") as connection,
            pytest.raises(psycopg.errors.UndefinedColumn),
        ):
            connection.execute("SELECT download_url FROM generation_requests WHERE app_name = 'secret'")
    logs = sorted((logging.folder / "data" / "log").glob(f"*.{form}"))
    report = judge(plan, url, baseline, logs)
    first = report.check("readers.download_url").findings[0]
    assert first.outcome == "fail"
    assert first.evidence["calls"] == 3
    assert sum(first.evidence["programs"].values()) == 3
    if form != "log":  # in a prefix a name ends at a space
        assert first.evidence["programs"] == {"old build": 3}
    assert "secret" not in report.model_dump_json()
    assert report.check("readers.conversation").outcome == "pass"
    execute(url, "ALTER TABLE generation_requests ADD download_url text")
    psql(url, tmp_path / "undo.sql", code=3)
    log = observe(plan, url, only=CATALOG, log=logs).log
    assert log is not None
    assert log.refused["undo"].startswith("A new column download_url is there: rename or drop it first")

"""A source that replays another server's changes: the report says how far it is behind, and this is judged."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import conninfo
from typer.testing import CliRunner

from conftest import Server
from contradicted import GONE, names, unknown
from genreq_checks.cli import app
from genreq_checks.facts.recovery import Recovery
from genreq_checks.outputs.text import render
from genreq_checks.plan import Plan, load_plan
from genreq_checks.postgres.connection import parse, reading
from genreq_checks.postgres.recovery import count_standbys
from genreq_checks.run import check, observe
from genreq_checks.snapshot import Snapshot, load_snapshot
from rows import execute, insert
from standby import SECONDS, Standby, start_standby
from test_source_postgres import DONE, as_role, role

__all__ = ["role"]  # a fixture
BEFORE = {
    *names("claims", *GONE, "github_url", "artifacts_github_url"),
    *names("loss", *GONE),
    *names("dependents", *GONE),
}
ENOUGH = 3600.0


@pytest.fixture(scope="module")
def standby(server: Server) -> Iterator[Standby]:
    with start_standby(server) as running:
        yield running


@pytest.fixture
def filled(database: str, standby: Standby) -> Iterator[str]:
    """The standby's URL of a separate database, fully replayed; in any case it replays at the end."""
    kept = {"github_url": DONE["github_url"], "deployment_url": DONE["deployment_url"]}
    insert(database, {"completed_at": "2025-02-01", **kept}, {"status": "failed"})
    standby.catch_up()
    yield standby.url(str(conninfo.conninfo_to_dict(database)["dbname"]))
    standby.run("SELECT pg_wal_replay_resume()")


@pytest.fixture
def paused(filled: str, database: str, standby: Standby) -> str:
    """A standby that does not know of a value that would be lost."""
    standby.run("SELECT pg_wal_replay_pause()")
    standby.wait("SELECT pg_is_wal_replay_paused()")
    insert(database, {"download_url": "https://downloads.leo.example/a.zip"})
    return filled


def recovery(snapshot: Snapshot) -> Recovery:
    assert snapshot.source.recovery
    return snapshot.source.recovery


def aged(snapshot: Snapshot, **keys: Any) -> Snapshot:
    """The snapshot as of a standby of which other things are known."""
    state = Recovery(**{"paused": False, "lag": 0.5} | keys)
    return snapshot.model_copy(update={"source": snapshot.source.model_copy(update={"recovery": state})})


def test_a_primary_is_not_in_recovery(database: str, plan: Plan) -> None:
    assert observe(plan, database).source.recovery is None


def test_a_paused_standby_proves_nothing(paused: str, database: str, plan: Plan) -> None:
    now = observe(plan, paused)
    assert recovery(now).paused
    report = check(plan, now, phase="before", max_lag=ENOUGH)
    assert set(unknown(report)) >= BEFORE
    assert "a standby whose replay is paused" in unknown(report)["claims.download_url"]
    assert "Read the primary server" in report.check("loss.download_url").findings[0].remedy
    assert report.exit_code() == 3
    assert check(plan, observe(plan, database), phase="before").check("loss.download_url").outcome == "fail"


def test_a_paused_standby_proves_no_success_either(paused: str, plan: Plan) -> None:
    report = check(plan, observe(plan, paused))
    assert {one.id: one.outcome for one in report.checks if one.outcome in ("pass", "warn")} == {}
    assert report.check("population.github_url").outcome == "unknown"
    assert report.check("kept.github_url").outcome == "unknown"


def test_the_report_names_a_paused_standby(paused: str, plan: Plan) -> None:
    report = check(plan, observe(plan, paused), phase="before")
    assert "The source is a standby whose replay is paused: it shows an earlier state" in render(report, width=400)
    assert json.loads(report.model_dump_json())["sources"]["after"]["recovery"]["paused"] is True


def test_the_report_names_a_snapshot_of_a_paused_standby(paused: str, tmp_path: Path) -> None:
    called = CliRunner().invoke(app, ["snapshot", paused, "-o", str(tmp_path / "s.json")])
    assert called.exit_code == 0, called.output
    assert "The source is a standby whose replay is paused" in called.stderr
    assert load_snapshot(tmp_path / "s.json").source.recovery


def test_a_standby_is_judged_when_its_lag_is_allowed(filled: str, plan: Plan, standby: Standby) -> None:
    standby.wait("SELECT status = 'streaming' FROM pg_stat_wal_receiver")
    now = observe(plan, filled)
    assert recovery(now).paused is False
    assert recovery(now).lag is not None
    assert unknown(check(plan, now, phase="before", max_lag=ENOUGH)) == {}
    report = check(plan, now, phase="before", max_lag=ENOUGH)
    assert {one.id: one.findings for one in report.checks if one.outcome not in ("pass", "skip")} == {}
    assert set(unknown(check(plan, now, phase="before"))) == BEFORE
    assert "no allowed lag is given" in unknown(check(plan, now, phase="before"))["claims.download_url"]
    assert set(unknown(check(plan, now, phase="before", max_lag=0))) >= BEFORE


def test_an_idle_primary_causes_no_lag_while_its_messages_arrive(filled: str, plan: Plan, standby: Standby) -> None:
    """The last change grows old although nothing is missing: then the primary's message about its WAL counts."""
    standby.wait("SELECT status = 'streaming' FROM pg_stat_wal_receiver")
    deadline = time.monotonic() + SECONDS
    while (state := recovery(observe(plan, filled))).heard_at is None:  # other tests may write to the same primary
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert state.replayed_at
    assert state.heard_at
    assert state.heard_at > state.replayed_at
    assert state.lag is not None
    assert state.lag < (datetime.now(UTC) - state.replayed_at).total_seconds()


def test_a_role_that_may_not_see_the_stream_has_the_age_of_the_last_change(
    filled: str, database: str, plan: Plan, role: str, standby: Standby
) -> None:
    execute(
        database,
        f"ALTER TABLE generation_requests DISABLE ROW LEVEL SECURITY; GRANT SELECT ON generation_requests TO {role}",
    )
    standby.catch_up()
    try:
        state = recovery(observe(plan, as_role(filled, role)))
    finally:
        execute(database, f"REVOKE ALL ON generation_requests FROM {role}")
    assert state.paused is False
    assert state.heard_at is None
    assert state.lag is not None
    assert "the role may not read pg_stat_wal_receiver (GRANT pg_read_all_stats)" in state.unproved


def test_an_unlogged_table_cannot_be_read_on_a_standby(
    filled: str, database: str, plan: Plan, standby: Standby
) -> None:
    execute(database, "DROP TABLE iteration_snapshots; ALTER TABLE generation_requests SET UNLOGGED")
    standby.catch_up()
    report = check(plan, observe(plan, filled), phase="before", max_lag=ENOUGH)
    assert "is unlogged, and a standby does not have its rows" in unknown(report)["claims.download_url"]
    assert report.exit_code() == 3


def test_the_option_and_the_plan_give_the_allowed_lag(
    filled: str, plan: Plan, tmp_path: Path, standby: Standby
) -> None:
    standby.wait("SELECT status = 'streaming' FROM pg_stat_wal_receiver")
    called = CliRunner().invoke(app, ["check", filled, "--phase", "before", "--max-lag", str(ENOUGH)])
    assert called.exit_code == 0, called.output
    called = CliRunner().invoke(app, ["check", filled, "--phase", "before"])
    assert called.exit_code == 3
    allowed = plan.model_copy(update={"max_lag": ENOUGH})
    now = observe(plan, filled)
    assert unknown(check(allowed, now, phase="before")) == {}
    assert set(unknown(check(allowed, now, phase="before", max_lag=0))) >= BEFORE


# Without a server: what follows from what is known


@pytest.mark.parametrize(
    ("state", "most", "words"),
    [
        ({"paused": True, "lag": 0.0}, 60, "replay is paused"),
        ({"paused": None, "lag": None, "unproved": ("it is hidden",)}, 60, "is not known: it is hidden"),
        ({"lag": None}, 60, "how far it is behind is not known"),
        ({"lag": 61.0}, 60, "may be 61.0 s behind; 60.0 s are allowed"),
        ({"lag": 60.0}, 60, None),
        ({"lag": 0.0}, 0, None),
        ({"lag": 5.0}, None, None),
    ],
)
def test_after_the_drop_a_standby_is_judged_unless_it_is_known_to_be_late(
    database: str, plan: Plan, state: dict[str, Any], most: float | None, words: str | None
) -> None:
    insert(database, {"completed_at": "2025-02-01", **DONE})
    execute(database, plan.sql.forward)
    found = unknown(check(plan, aged(observe(plan, database), **state), max_lag=most))
    assert ("dropped.download_url" in found) == (words is not None)
    assert words is None or words in found["dropped.download_url"]


def test_values_that_a_late_baseline_did_not_have_are_not_proved_kept(database: str, plan: Plan) -> None:
    insert(database, {"completed_at": "2025-02-01", **DONE})
    baseline = observe(plan, database)
    execute(database, plan.sql.forward)
    now = observe(plan, database)
    assert check(plan, now, baseline).check("loss.download_url").outcome == "pass"
    late = check(plan, now, aged(baseline, paused=True))
    assert "of the baseline: it is read from a standby" in unknown(late)["loss.download_url"]
    assert late.check("dropped.download_url").outcome == "pass"
    assert check(plan, now, aged(baseline)).check("loss.download_url").outcome == "unknown"
    assert check(plan, now, aged(baseline), max_lag=1).check("loss.download_url").outcome == "pass"


def test_a_failure_on_a_late_standby_is_still_a_failure(database: str, plan: Plan) -> None:
    insert(database, {"download_url": "x"})
    report = check(plan, aged(observe(plan, database), paused=True), phase="before")
    assert report.check("loss.download_url").outcome == "fail"


def test_the_state_of_a_standby_is_saved_in_the_file(database: str, plan: Plan, tmp_path: Path) -> None:
    moment = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(microseconds=1)
    taken = aged(observe(plan, database), replayed_at=moment, heard_at=moment, waiting=7, unproved=("x",))
    taken.save(tmp_path / "s.json")
    assert load_snapshot(tmp_path / "s.json").source.recovery == taken.source.recovery
    data = json.loads((tmp_path / "s.json").read_text())
    data["source"].pop("recovery")
    (tmp_path / "old.json").write_text(json.dumps(data))
    assert (
        unknown(check(plan, load_snapshot(tmp_path / "old.json"), phase="before"))
        .keys()
        .isdisjoint(names("dependents", *GONE))
    )


def test_the_key_of_the_plan_is_seconds_and_old_fingerprints_stay() -> None:
    built_in = load_plan()
    assert built_in.max_lag is None
    assert "max_lag" not in built_in.model_dump(exclude_defaults=True)


def test_a_primary_knows_of_its_standby_and_of_nothing_else(database: str, standby: Standby) -> None:
    standby.catch_up()
    with reading(parse(database)) as connection:
        assert count_standbys(connection) == 1
    with reading(parse(standby.url("postgres"))) as connection:
        assert count_standbys(connection) == 0


def test_a_role_that_may_not_see_the_stream_sees_that_there_is_one(database: str, standby: Standby, role: str) -> None:
    standby.catch_up()
    with reading(parse(as_role(database, role))) as connection:
        assert count_standbys(connection) == 1

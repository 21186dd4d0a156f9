"""What every output says above the verdict: a live table, a snapshot and its age, files, or sample data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from genreq_checks.demo import Samples, sample_snapshots
from genreq_checks.outputs.shown import age, shown
from genreq_checks.plan import Plan
from genreq_checks.run import check, observe
from genreq_checks.snapshot import load_snapshot

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


def test_a_live_table_is_named_with_database_table_and_plan(database: str, plan: Plan) -> None:
    now = observe(plan, database)
    found = shown(check(plan, now))
    assert found.word == "LIVE"
    assert f"read {now.source.read_at:%Y-%m-%d %H:%M:%S} UTC from {now.source.location}" in found.text
    assert f"table public.generation_requests, plan Clean-up of generation_requests ({plan.fingerprint})" in found.text


def test_a_snapshot_is_never_live_however_it_was_loaded(database: str, plan: Plan, tmp_path: Path) -> None:
    observe(plan, database).save(tmp_path / "now.json")
    for loaded in (load_snapshot(tmp_path / "now.json"), observe(plan, tmp_path / "now.json")):
        read_at = loaded.source.read_at
        found = shown(check(plan, loaded), read_at + timedelta(minutes=31))
        assert found.kind == "snapshot"
        assert (
            f"of {read_at:%Y-%m-%d %H:%M:%S} UTC (31 minutes old) from {loaded.source.location}, saved in now.json"
            in found.text
        )


def test_a_source_that_could_not_be_read_is_not_live(plan: Plan) -> None:
    found = shown(check(plan, observe(plan, "postgresql://nobody:pw-of-mine@127.0.0.1:1/none")))
    assert found.word == "NOT READ"
    assert "pw-of-mine" not in found.text


def test_row_files_are_not_a_database(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("id,status,completed_at,github_url\n1,completed,2025-01-02 10:00,\n")
    found = shown(check(plan, observe(plan, tmp_path / "rows.csv")))
    assert found.word == "FILES"
    assert "no database was asked" in found.text


@pytest.fixture(scope="module")
def samples() -> Samples:
    return sample_snapshots()


def test_sample_data_is_called_so_saved_and_loaded_too(samples: Samples, tmp_path: Path) -> None:
    samples.after.save(tmp_path / "after.json")
    for now in (samples.after, load_snapshot(tmp_path / "after.json")):
        found = shown(check(samples.plan, now, samples.before, cutover=samples.cutover), NOW)
        assert found.word == "SAMPLE DATA"
        assert "not your database" in found.text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, " (less than a minute old)"),
        (59.9, " (less than a minute old)"),
        (60, " (1 minute old)"),
        (7200, " (2 hours old)"),
        (86_400 * 3 + 5, " (3 days old)"),
        (-1, " (later than now)"),
    ],
)
def test_the_age_is_in_the_largest_unit_that_fits(seconds: float, words: str) -> None:
    assert age(NOW - timedelta(seconds=seconds), NOW) == words


def test_an_unknown_age_is_not_said() -> None:
    assert age(NOW, None) == ""

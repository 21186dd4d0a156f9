"""Files that a released version wrote stay readable: their content, and their use as evidence.

`python -m recording files tests/files-VERSION` writes those of a later version beside these. What is asserted is behaviour:
which format number a file has is nobody's business here.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from genreq_checks import check, load_plan, load_snapshot, observe
from genreq_checks.cli import app
from genreq_checks.errors import ArchiveError
from genreq_checks.plan import Plan
from genreq_checks.sources.archive import read_facts
from recording.inputs import STARTS, clean_up, drop, take_back
from recording.state import CUTOVER, Place
from recording.states_odd import TABLE
from rows import execute

FOLDERS = sorted(Path(__file__).parent.glob("files-*"))
BOTH = "SELECT id, download_url, conversation::text FROM generation_requests ORDER BY id"
ODD = 'SELECT "Key %one", "k:2", "Down%load", "Con:versation"::text FROM "Odd schema"."My ""Table"" 50%" ORDER BY 1, 2'
FORGET = """
UPDATE "Odd schema"."My ""Table"" 50%" SET "Down%load" = NULL, "Con:versation" = NULL,
    "a column whose name has as many bytes as a name can have: 63..." = NULL
"""
# What the two runs in history/ found, of each column after the cutover.
RATES = {"github_url": (157, 160), "artifacts_github_url": (157, 160), "deployment_url": (111, 160)}


@pytest.fixture(params=FOLDERS, ids=lambda folder: str(folder.name))
def files(request: pytest.FixtureRequest) -> Path:
    """The files of one version."""
    folder: Path = request.param
    return folder


@pytest.fixture
def old_plan(files: Path) -> Plan:
    """The plan under which they were made."""
    return load_plan(files / "plan.toml")


@pytest.fixture
def place(empty_database: str, tmp_path: Path) -> Iterator[Place]:
    """The sample table with its history."""
    STARTS["history"](empty_database)
    return Place(empty_database, "", "", tmp_path)


def called(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def query(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchall()  # type: ignore[call-overload,no-any-return]


def judged(report: Any) -> dict[str, str]:
    """The outcome of every check that was made."""
    return {one.id: one.outcome for one in report.checks if one.outcome != "skip"}


def test_there_are_files_of_the_first_version() -> None:
    assert "files-0.1.0" in [folder.name for folder in FOLDERS]


def test_a_snapshot_holds_what_was_read(files: Path) -> None:
    before, after = load_snapshot(files / "before.json"), load_snapshot(files / "after.json")
    assert before.tally
    assert after.tally
    assert (before.tally.total, after.tally.total) == (600, 760)
    assert before.plan_table == after.plan_table == "public.generation_requests"
    assert before.source.location == "postgresql://localhost/leo"
    assert before.table
    assert after.table
    assert len(before.table.columns) == 20
    gone = before.table.column("download_url"), before.table.column("conversation")
    assert [column.type for column in gone if column] == ["text", "jsonb"]
    assert len(after.table.columns) == 18
    assert before.problems == after.problems == ()


def test_two_snapshots_are_judged_without_a_database(files: Path, old_plan: Plan) -> None:
    before, after = load_snapshot(files / "before.json"), load_snapshot(files / "after.json")
    report = check(old_plan, after, before, cutover=_instant())
    without_identity = "warn" if before.format_version == 1 else "pass"
    assert judged(report).pop("identity") == without_identity
    # the plan of 0.1.0 says of download_url only that github_url is populated too: that proves only presence
    content = {name for name in judged(report) if name.split(".")[0] in ("rows", "values")}
    assert {judged(report)[name] for name in content} == {"unknown"}  # a baseline of that time has no fingerprints
    apart = {"identity", "loss.download_url", *content}
    others = {outcome for name, outcome in judged(report).items() if name not in apart}
    assert (others, judged(report)["loss.download_url"]) == ({"pass"}, "warn")
    assert len(judged(report)) >= 17
    for column, (populated, rows) in RATES.items():
        rate = report.rate(column, "after")
        assert rate
        assert (rate.populated, rate.rows) == (populated, rows)
    safe = judged(check(old_plan, before, phase="before"))
    presence = {"claims.download_url", "loss.download_url"}
    assert {outcome for name, outcome in safe.items() if name not in presence} == {"pass"}
    assert {safe[name] for name in presence} == {"warn"}
    assert {"claims.download_url", "loss.conversation", "dependents.download_url"} <= set(safe)
    early = judged(check(old_plan, before, cutover=_instant()))
    assert early["dropped.download_url"] == early["dropped.conversation"] == "fail"  # a control


def test_a_snapshot_is_a_baseline_for_a_live_database(files: Path, old_plan: Plan, place: Place) -> None:
    clean_up(place)
    before = load_snapshot(files / "before.json")
    outcomes = judged(check(old_plan, observe(old_plan, place.url, _instant()), before, cutover=_instant()))
    for name in ("population.github_url", "loss.conversation", "dropped.conversation", "kept.deployment_url"):
        assert outcomes[name] == "pass", name
    take_back(place)
    empty = judged(check(old_plan, observe(old_plan, place.url), before, phase="rolled-back"))
    assert empty["loss.download_url"] == "fail"  # 419 values then, none now


def test_a_snapshot_with_special_names_is_read(files: Path) -> None:
    plan, odd = load_plan(files / "odd_plan.toml"), load_snapshot(files / "odd.json")
    assert odd.tally
    assert (odd.tally.total, odd.plan_table) == (100, 'Odd schema.My "Table" 50%')
    outcomes = judged(check(plan, odd, phase="before"))
    assert (outcomes["loss.Con:versation"], outcomes["loss.Down%load"]) == ("fail", "warn")
    assert outcomes["kept.Git'Hub %s"] == "pass"


def test_an_archive_is_verified_by_its_digests(files: Path, tmp_path: Path) -> None:
    facts = read_facts(files / "dropped.parquet")
    assert (facts.rows, facts.verified, facts.table) == (419, True, "public.generation_requests")
    assert {name: (one.type, one.values) for name, one in facts.columns.items()} == {
        "download_url": ("text", 419),
        "conversation": ("jsonb", 0),
    }
    odd = read_facts(files / "odd.parquet")
    assert (odd.rows, odd.verified) == (57, True)
    assert [one.values for one in odd.columns.values()] == [50, 1, 14]
    content = (files / "dropped.parquet").read_bytes()
    place = content.index(b"https://downloads.leo.example/")
    (tmp_path / "damaged.parquet").write_bytes(content[:place] + b"https://Downloads" + content[place + 17 :])
    with pytest.raises(ArchiveError, match="the values of column 'download_url' are not the archived ones"):
        read_facts(tmp_path / "damaged.parquet")


def test_an_archive_beside_a_snapshot_is_unknown_since_its_values_were_not_compared(files: Path) -> None:
    calls = (
        "check",
        str(files / "odd.json"),
        "--phase",
        "before",
        "--plan",
        str(files / "odd_plan.toml"),
        "--format",
        "json",
    )
    for more, outcome in (((), "fail"), (("--archive", str(files / "odd.parquet")), "unknown")):
        report = json.loads(called(*calls, *more).stdout)
        loss = next(one for one in report["checks"] if one["id"] == "loss.Con:versation")
        assert loss["outcome"] == outcome


def test_an_archive_is_restored(files: Path, place: Place) -> None:
    values = query(place.url, BOTH)
    drop(place)
    take_back(place)
    assert query(place.url, BOTH) != values
    done = called(
        "restore",
        str(files / "dropped.parquet"),
        place.url,
        "--yes",
        "--other-database",
        "--plan",
        str(files / "plan.toml"),
    )
    assert (done.exit_code, done.stdout) == (0, "")
    assert "419 values placed" in done.stderr
    assert query(place.url, BOTH) == values


def test_an_archive_with_special_names_is_restored(files: Path, empty_database: str) -> None:
    execute(empty_database, TABLE)
    values = query(empty_database, ODD)
    execute(empty_database, FORGET)
    plan = str(files / "odd_plan.toml")
    done = called("restore", str(files / "odd.parquet"), empty_database, "--yes", "--other-database", "--plan", plan)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "65 values placed" in done.stderr
    assert query(empty_database, ODD) == values


def test_a_history_is_shown(files: Path) -> None:
    told = json.loads(called("history", str(files / "history"), "--format", "json").stdout)
    assert told["passed_over"] == []
    first, last = told["runs"]
    assert (first["outcome"], last["outcome"]) == ("fail", "pass")
    assert (first["counts"]["fail"], last["counts"]["pass"]) == (2, 16)
    rates = {one["column"]: (one["populated"], one["rows"]) for one in last["rates"] if one["side"] == "after"}
    assert rates == RATES
    recovered = {one["id"] for one in told["since_last"]["recovered"]}
    assert {"dropped.download_url", "dropped.conversation", "population.github_url"} <= recovered
    text = called("history", str(files / "history")).stdout
    assert text.startswith("2 runs of public.generation_requests, phase after")
    for line in ("157 of 160", "111 of 160", "recovered: dropped.download_url"):
        assert line in text


def test_a_history_is_added_to(files: Path, place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "history"
    shutil.copytree(files / "history", folder)
    clean_up(place)
    plan = ("--plan", str(files / "plan.toml"))
    assert called("check", place.url, "--cutover", CUTOVER, "--history", str(folder), *plan).exit_code == 0
    told = json.loads(called("history", str(folder), "--format", "json").stdout)
    assert [run["outcome"] for run in told["runs"]] == ["fail", "pass", "pass"]
    assert told["passed_over"] == []


def test_a_saved_generation_is_judged(files: Path) -> None:
    done = called(
        "check", str(files / "after.json"), "--generation", str(files / "generation.json"), "--format", "json"
    )
    generation = next(one for one in json.loads(done.stdout)["checks"] if one["id"] == "generation")
    assert generation["outcome"] == "unknown"
    assert "ran with the reference server: it proves nothing about yours" in generation["findings"][0]["message"]


def test_a_plan_has_the_same_meaning(files: Path) -> None:
    plan, odd = load_plan(files / "plan.toml"), load_plan(files / "odd_plan.toml")
    assert plan.table.qualified == "public.generation_requests"
    assert tuple(plan.kept) == ("github_url", "artifacts_github_url", "deployment_url")
    assert tuple(plan.dropped) == ("download_url", "conversation")
    assert plan.derivations() == {"artifacts_github_url": ("github_url", "-artifacts")}
    assert len(plan.requirements) == 15
    assert odd.table.key == ("Key %one", "k:2")
    assert [len(name) for name in odd.dropped] == [9, 13, 63]
    assert odd.cutover


def _instant() -> datetime:
    return datetime.fromisoformat(CUTOVER)

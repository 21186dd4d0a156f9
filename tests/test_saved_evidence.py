"""A snapshot carries all evidence: the report of a saved file is the report of what was read."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from conftest import Server
from genreq_checks.cli import app
from genreq_checks.demo import CUTOVER
from genreq_checks.errors import SnapshotError, UsageError
from genreq_checks.facts import EXAMPLES, CodeFacts
from genreq_checks.plan import DroppedColumn, Plan
from genreq_checks.report import Report
from genreq_checks.run import check, observe
from genreq_checks.selftest.clean import clean_states
from genreq_checks.snapshot import Snapshot, load_snapshot
from genreq_checks.sources.evidence import all_sources

SECRET = "s3cr3t-of-a-user"


def told(report: Report) -> dict[str, Any]:
    """The report without when and from where it was read."""
    whole = report.model_dump(mode="json")
    return {name: part for name, part in whole.items() if name not in ("sources", "notes")}


@pytest.fixture(scope="module")
def read(server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Snapshot, Snapshot, Path]:
    """The clean state after the drop with all evidence that there can be, and its baseline."""
    folder = tmp_path_factory.mktemp("evidence")
    with clean_states(server, folder) as clean:
        url = server.url(clean.databases["after"])
        (folder / "code" / "notes.md").write_text("download_url\n" * 350 + f"conversation {SECRET}\n")
        named = {"code": folder / "code", "migrations": folder / "drizzle", "generation": folder / "generation.json"}
        now = observe(clean.plan, url, CUTOVER, messages=folder / "messages.jsonl", **named)
        return clean.plan, now, clean.baseline, folder


def test_a_saved_snapshot_gives_the_report_of_what_was_read(
    read: tuple[Plan, Snapshot, Snapshot, Path], tmp_path: Path
) -> None:
    plan, now, baseline, _ = read
    now.save(tmp_path / "now.json")
    again = load_snapshot(tmp_path / "now.json")
    first, second = (check(plan, one, baseline, cutover=CUTOVER) for one in (now, again))
    assert told(first) == told(second)
    baseline.save(tmp_path / "before.json")
    assert told(check(plan, again, tmp_path / "before.json", cutover=CUTOVER)) == told(second)
    made = {one.id.split(".")[0] for one in first.checks if one.outcome != "skip"}
    assert made >= {"leftovers", "phases", "migrations", "generation", "reconciliation"}
    mentions = first.check("leftovers.download_url")
    assert mentions.found > len(mentions.findings) == EXAMPLES


def test_a_saved_snapshot_has_no_more_mentions_than_a_report_lists_and_no_text_of_a_message(
    read: tuple[Plan, Snapshot, Snapshot, Path], tmp_path: Path
) -> None:
    _, now, _, folder = read
    now.save(tmp_path / "now.json")
    saved = json.loads((tmp_path / "now.json").read_text())
    of_docs = [one for one in saved["code"]["mentions"] if one["column"] == "download_url" and one["cls"] == "docs"]
    assert len(of_docs) == EXAMPLES
    assert saved["code"]["counted"]["download_url"]["docs"] == 350
    sent = [json.loads(line).get("github_url") for line in (folder / "messages.jsonl").read_text().splitlines()]
    assert len(list(filter(None, sent))) > 100
    assert not any(url and url in json.dumps(saved["messages"]) for url in sent)


def test_evidence_that_was_not_requested_has_no_key(database: str, plan: Plan, tmp_path: Path) -> None:
    observe(plan, database).save(tmp_path / "now.json")
    saved = json.loads((tmp_path / "now.json").read_text())
    assert {one.name for one in all_sources()}.isdisjoint(saved)
    assert {"rehearsal", "probes"}.isdisjoint(saved)


def test_the_command_line_saves_its_evidence_and_the_file_is_enough(
    read: tuple[Plan, Snapshot, Snapshot, Path], database: str, tmp_path: Path
) -> None:
    *_, folder = read
    file = tmp_path / "now.json"
    done = CliRunner().invoke(app, ["snapshot", database, "-o", str(file), "--code", str(folder / "code")])
    assert done.exit_code == 0, done.output
    calls = (["check", database, "--code", str(folder / "code")], ["check", str(file)])
    one, two = (json.loads(CliRunner().invoke(app, [*call, "-f", "json"]).stdout)["checks"] for call in calls)
    assert [c for c in one if "leftovers" in c["id"]] == [c for c in two if "leftovers" in c["id"]]
    other = CliRunner().invoke(app, ["check", str(file), "--code", str(folder / "drizzle"), "-f", "json"])
    leftovers = next(c for c in json.loads(other.stdout)["checks"] if "leftovers" in c["id"])
    assert "0001_dropped.sql" in leftovers["findings"][-1]["message"]


def test_every_source_is_an_option_a_keyword_and_a_part_of_the_snapshot(database: str, plan: Plan) -> None:
    names = [one.name for one in all_sources()]
    assert names == [
        "messages",
        "migrations",
        "code",
        "queries",
        "log",
        "generation",
        "row_hashes",
        "archive",
        "probe_urls",
    ]
    for command in ("check", "snapshot"):
        told = CliRunner().invoke(app, [command, "--help"]).stdout
        assert all(
            f"--{name.replace('_', '-')} {one.metavar}" in told for name, one in zip(names, all_sources(), strict=True)
        )
    assert set(names) < Snapshot.model_fields.keys()
    with pytest.raises(TypeError, match="Did you mean 'migrations'"):
        observe(plan, database, migration="drizzle")


def test_a_snapshot_of_a_version_without_these_parts_is_read(tmp_path: Path) -> None:
    old = Path(__file__).parent / "files-0.1.0"
    found = [load_snapshot(file) for file in old.rglob("*.json") if "genreq-checks snapshot" in file.read_text()[:200]]
    assert found
    assert all(one.code is None and one.messages is None for one in found)


def test_facts_that_were_cut_count_as_before() -> None:
    whole = CodeFacts("r", 1, 1, {}, (), (), ())
    assert whole.cut() == whole


def test_code_that_was_read_for_another_plan_judges_nothing(
    read: tuple[Plan, Snapshot, Snapshot, Path], tmp_path: Path
) -> None:
    plan, now, _, folder = read
    (folder / "code" / "more.ts").write_text("db.update(generationRequests).set({ errorMessage: 2 });\n")
    now = observe(plan, now, code=folder / "code")
    now.save(tmp_path / "now.json")
    dropped = plan.dropped | {"error_message": DroppedColumn(type="text")}
    other = plan.model_copy(update={"dropped": dropped})
    assert check(other, observe(other, now, code=folder / "code")).check("leftovers.error_message").outcome == "fail"
    report = check(other, load_snapshot(tmp_path / "now.json"))
    for name in ("leftovers.error_message", "phases.server", "migrations"):
        (first, *_) = report.check(name).findings
        assert (first.outcome, "read under another plan" in first.message) == ("unknown", True), name


def test_messages_that_were_read_with_another_cutover_judge_nothing(
    read: tuple[Plan, Snapshot, Snapshot, Path], database: str
) -> None:
    plan, now, _, folder = read
    later = CUTOVER + timedelta(days=2)
    of_later = observe(plan, database, later, messages=folder / "messages.jsonl")
    (first, *_) = check(plan, of_later, cutover=CUTOVER).check("reconciliation.github_url").findings
    assert (first.outcome, "was read with the cutover" in first.message) == ("unknown", True)
    assert check(plan, now, cutover=CUTOVER).check("reconciliation.github_url").outcome != "unknown"
    (first, *_) = check(plan, now).check("reconciliation.github_url").findings
    assert first.outcome == "unknown"


def test_a_missing_recording_is_a_wrong_call_also_with_a_file_as_source(
    read: tuple[Plan, Snapshot, Snapshot, Path], tmp_path: Path
) -> None:
    plan, now, _, folder = read
    now.save(tmp_path / "now.json")
    with pytest.raises(UsageError, match=r"Did you mean 'messages\.jsonl'"):
        observe(plan, tmp_path / "now.json", messages=folder / "message.jsonl")
    with pytest.raises(SnapshotError, match=r"Did you mean 'now\.json'"):
        observe(plan, tmp_path / "nwo.json")

"""The ledger of dropped values: recoverable, archived, given up, or lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from genreq_checks.facts import ArchivedColumn, ArchiveFacts
from genreq_checks.plan import Plan, Reconstruction
from genreq_checks.report import Finding, Phase
from genreq_checks.run import check, observe
from genreq_checks.snapshot import Snapshot
from rows import execute, insert

GITHUB = "https://github.com/leo/app"
ZIP = "https://downloads.leo.example/a.zip"


def archive(values: int, **changes: Any) -> ArchiveFacts:
    columns = {
        name: ArchivedColumn(type="text", values=values, digest="d") for name in ("download_url", "conversation")
    }
    facts = {"path": "a.parquet", "table": "public.generation_requests", "rows": values, "verified": True}
    facts |= {"stale": dict.fromkeys(columns, 0)}
    made = facts | {"columns": columns, "created_at": datetime(2025, 1, 1, tzinfo=UTC)} | changes
    return ArchiveFacts(**made)


def loss(
    plan: Plan,
    now: Snapshot | str,
    column: str = "download_url",
    phase: Phase = "before",
    baseline: Snapshot | None = None,
    held: ArchiveFacts | None = None,
) -> Finding:
    snapshot = observe(plan, now) if isinstance(now, str) else now
    report = check(plan, snapshot.with_evidence(archive=held), baseline, phase=phase)
    (finding,) = report.check(f"loss.{column}").findings
    return finding


def with_dropped(plan: Plan, column: str, **changes: Any) -> Plan:
    return plan.model_copy(update={"dropped": plan.dropped | {column: plan.dropped[column].model_copy(update=changes)}})


@pytest.fixture
def planted(database: str) -> str:
    """Two values in download_url that are stored nowhere else, one that is redundant; one conversation, and two empty ones."""
    insert(
        database,
        {"download_url": ZIP, "github_url": GITHUB},
        {"download_url": ZIP, "github_url": ""},
        {"download_url": ZIP, "status": "failed", "conversation": Jsonb(None)},
        {"download_url": "", "conversation": Jsonb({})},
        {"conversation": Jsonb([1])},
    )
    return database


def test_values_that_are_stored_nowhere_else_fail_with_their_number_and_the_command_for_their_keys(
    planted: str, plan: Plan
) -> None:
    finding = loss(plan, planted)
    assert finding.outcome == "fail"
    assert "2 of 3 values in 5 rows (no content: 1 null, 1 blank) are stored nowhere else" in finding.message
    assert "genreq-checks rows loss.download_url" in finding.remedy
    wanted = {
        "rows": 5,
        "populated": 3,
        "recoverable": 0,
        "archived": 0,
        "given_up": 1,
        "lost": 2,
        "null": 1,
        "blank": 1,
    }
    assert {key: finding.evidence[key] for key in wanted} == wanted
    finding = loss(plan, planted, "conversation")
    assert finding.outcome == "fail"
    assert (finding.evidence["lost"], finding.evidence["json-null"], finding.evidence["empty"]) == (1, 1, 1)


def test_values_without_content_are_not_a_loss(database: str, plan: Plan) -> None:
    insert(database, {"download_url": "\n", "conversation": Jsonb([])}, {"conversation": Jsonb(None)})
    assert loss(plan, database).outcome == loss(plan, database, "conversation").outcome == "pass"


def test_a_value_beside_a_malformed_one_warns(database: str, plan: Plan) -> None:
    insert(database, {"download_url": ZIP, "github_url": "null"})
    assert loss(plan, database).outcome == "warn"


def test_a_value_that_the_plan_rebuilds_is_recoverable(database: str, plan: Plan) -> None:
    recipe = Reconstruction(column="github_url", suffix="/archive.zip")
    plan = with_dropped(plan, "download_url", claim=None, reconstruction=recipe)
    insert(database, {"download_url": f"{GITHUB}/archive.zip", "github_url": GITHUB})
    assert loss(plan, database).outcome == "pass"
    insert(database, {"download_url": ZIP, "github_url": GITHUB})
    finding = loss(plan, database)
    assert (finding.outcome, finding.evidence["lost"], finding.evidence["recoverable"]) == ("fail", 1, 1)


def test_what_the_plan_gives_up_passes_with_its_reason(planted: str, plan: Plan) -> None:
    finding = loss(with_dropped(plan, "conversation", given_up="Logs are kept elsewhere."), planted, "conversation")
    assert (finding.outcome, finding.evidence["given_up"]) == ("pass", 1)
    assert "Logs are kept elsewhere." in finding.message


@pytest.mark.parametrize(
    ("held", "outcome"),
    [
        (archive(4), "pass"),
        (archive(3), "fail"),
        (archive(4, verified=False, problem="The digest differs."), "fail"),
        (archive(4, table="public.other"), "fail"),
        (archive(4, columns={}), "fail"),
    ],
)
def test_only_a_verified_archive_of_every_value_counts(
    planted: str, plan: Plan, held: ArchiveFacts, outcome: str
) -> None:
    finding = loss(plan, planted, held=held)
    assert finding.outcome == outcome
    assert finding.evidence["archived"] == (3 if outcome == "pass" else 0)


def test_after_the_drop_only_a_baseline_decides(planted: str, plan: Plan) -> None:
    before = observe(plan, planted)
    execute(planted, plan.sql.forward)
    after = observe(plan, planted)
    assert loss(plan, after, phase="after").outcome == "skip"
    assert loss(plan, after, phase="after", held=archive(4)).outcome == "unknown"
    assert loss(plan, after, phase="after", baseline=after).outcome == "unknown"
    assert loss(plan, after, phase="after", baseline=before).evidence["lost"] == 2
    newer = archive(4, created_at=before.source.read_at)
    assert loss(plan, after, phase="after", baseline=before, held=newer).outcome == "pass"
    assert loss(plan, after, phase="before").outcome == "unknown"


def test_an_archive_that_is_older_than_the_baseline_counts_only_with_their_comparison(planted: str, plan: Plan) -> None:
    """Between the two every value may have been replaced, and the number is the same."""
    before = observe(plan, planted)
    execute(planted, plan.sql.forward)
    after = observe(plan, planted)
    older = archive(4, created_at=before.source.read_at - timedelta(seconds=1))

    def judged(compared: ArchiveFacts | None) -> Finding:
        return loss(plan, after, phase="after", baseline=before.with_evidence(archive=compared), held=older)

    assert judged(older).outcome == "pass"
    for compared in (
        None,
        older.model_copy(update={"stale": None}),
        older.model_copy(update={"stale": {"download_url": 1}}),
        archive(4, created_at=older.created_at - timedelta(days=1)),
    ):
        finding = judged(compared)
        assert finding.outcome == "unknown"
        assert "it is older, and the two were not compared" in finding.message
        assert "--archive FILE -o BASELINE" in finding.remedy


def test_a_rollback_with_empty_columns_is_not_the_old_state(planted: str, plan: Plan) -> None:
    before = observe(plan, planted)
    execute(planted, plan.sql.forward)
    execute(planted, plan.sql.rollback)
    assert loss(plan, planted, phase="rolled-back").outcome == "unknown"
    finding = loss(plan, planted, phase="rolled-back", baseline=before)
    assert finding.outcome == "fail"
    assert "4 values are not back" in finding.message
    execute(planted, f"UPDATE generation_requests SET download_url = '{ZIP}' WHERE id < 4")
    execute(planted, "UPDATE generation_requests SET download_url = '' WHERE id = 4")
    assert loss(plan, planted, phase="rolled-back", baseline=before).outcome == "pass"
    execute(planted, "DELETE FROM generation_requests WHERE id = 4")
    assert loss(plan, planted, phase="rolled-back", baseline=before).outcome == "warn"


def test_an_empty_or_unread_table_is_unknown(database: str, plan: Plan) -> None:
    assert loss(plan, database).outcome == "unknown"
    unread = observe(plan, database).model_copy(update={"tally": None})
    assert loss(plan, unread).outcome == "unknown"
    assert loss(plan, unread, phase="rolled-back", baseline=unread).outcome == "unknown"


def test_a_column_that_is_back_does_not_prove_that_it_is_dropped(planted: str, plan: Plan) -> None:
    before = observe(plan, planted)
    report = check(plan, before, before, phase="rolled-back")
    outcomes = {row.id: row.outcome for row in report.requirements}
    assert report.check("dropped.download_url").outcome == report.check("loss.download_url").outcome == "pass"
    assert outcomes["action:download_url"] == "skip"
    assert outcomes["rollback"] == "pass"
    assert report.check("rollback").outcome == "pass"
    after = check(plan, before, phase="after")
    assert {row.id: row.outcome for row in after.requirements}["rollback"] == "skip"


def test_an_archive_of_another_database_proves_nothing(database: str, plan: Plan) -> None:
    insert(database, {"download_url": ZIP})
    elsewhere = loss(plan, database, held=archive(1, location="postgresql://u@other-host/leo"))
    assert elsewhere.outcome == "unknown"
    assert "whether the archive is of this database" in elsewhere.message
    here = observe(plan, database)
    assert loss(plan, here, held=archive(1, location=here.source.location)).outcome == "pass"

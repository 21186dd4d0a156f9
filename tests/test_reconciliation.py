"""Recorded messages compared with the rows of a real table: exactly the planted mismatches are found."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from genreq_checks.cli import app
from genreq_checks.leo.completion import AllWorkCompleteMessage, row_values
from genreq_checks.leo.messages import reconcile
from genreq_checks.leo.reconcile import compare, difference, expected_values, rules_of
from genreq_checks.outputs.formats import renderer
from genreq_checks.plan import Plan, load_plan, parse_plan
from genreq_checks.report import Finding, Report
from genreq_checks.run import check, observe
from rows import execute, insert
from strategies import urls

START = datetime(2025, 1, 10, 12, 0, tzinfo=UTC)
COLUMNS = ("github_url", "artifacts_github_url", "deployment_url")


def record(path: Path, *messages: dict[str, Any] | bytes) -> Path:
    lines = [
        m
        if isinstance(m, bytes)
        else json.dumps({"type": "all_work_complete", "completion_reason": "done"} | m).encode()
        for m in messages
    ]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def judged(plan: Plan, url: str, *paths: Path, cutover: datetime | None = None) -> Report:
    found = reconcile(plan, url, list(paths), cutover)
    return check(plan, observe(plan, url, cutover).with_evidence(messages=found), cutover=cutover)


def findings(report: Report, column: str, kind: str) -> dict[str, Finding]:
    return {f.subject: f for f in report.check(f"reconciliation.{column}").findings if f.evidence.get("kind") == kind}


def outcomes(report: Report) -> dict[str, str]:
    return {column: report.check(f"reconciliation.{column}").outcome for column in COLUMNS}


def stored(number: int) -> dict[str, Any]:
    url = f"https://github.com/leo/app{number}"
    return {
        "id": number,
        "completed_at": START + timedelta(minutes=number),
        "github_url": url,
        "artifacts_github_url": f"{url}-artifacts",
        "deployment_url": f"https://app{number}.fly.dev",
    }


def sent(number: int) -> dict[str, Any]:
    return {
        "request_id": number,
        "received_at": (START + timedelta(minutes=number)).isoformat(),
        "github_url": f"https://github.com/leo/app{number}",
        "flyio_url": f"https://app{number}.fly.dev",
    }


def test_the_rate_among_the_rows_whose_message_had_the_field_stands_beside_the_plain_one(
    database: str, plan: Plan, tmp_path: Path
) -> None:
    """Of five new rows three had a message with flyio_url: one of them is blank, and another row has a value without it."""
    rows = {n: stored(n) for n in range(1, 7)}
    rows[1] |= {"completed_at": START - timedelta(days=1)}
    messages = [sent(n) for n in range(1, 7)]
    for n in (5, 6):
        messages[n - 1]["flyio_url"] = None if n == 5 else " "
    rows[2]["deployment_url"] = " "
    rows[5]["deployment_url"] = None
    insert(database, *rows.values())
    report = judged(plan, database, record(tmp_path / "m.jsonl", *messages), cutover=START)
    (among,) = report.rates_among
    assert (among.column, among.field, among.side) == ("deployment_url", "flyio_url", "after")
    assert (among.rows, among.populated) == (3, 2)
    plain = report.rate("deployment_url", "after")
    assert plain is not None
    assert (plain.rows, plain.populated) == (5, 3)
    assert "rates_among" not in check(plan, observe(plan, database)).model_dump_json()
    for name in ("text", "html", "markdown", "junit", "sarif", "json"):
        text = renderer(name)(report)
        assert "flyio_url" in text.replace("\\", ""), name
        assert "2 of 3" in text or name == "json", name
    assert Report.model_validate_json(renderer("json")(report)) == report


def test_two_hundred_messages_give_exactly_the_planted_mismatches(database: str, plan: Plan, tmp_path: Path) -> None:
    rows = {n: stored(n) for n in range(1, 201)}
    messages: list[dict[str, Any] | bytes] = [sent(n) for n in range(1, 201)]
    rows[10]["github_url"] += "/"
    rows[20]["artifacts_github_url"] = None
    rows[30]["artifacts_github_url"] = rows[30]["github_url"]
    rows[40]["deployment_url"] = "https://other.fly.dev"
    rows[50]["deployment_url"] = ""
    del messages[59]["github_url"]  # type: ignore[attr-defined]
    rows[60]["artifacts_github_url"] = None
    del messages[69]["flyio_url"]  # type: ignore[attr-defined]
    del rows[80]
    rows[201] = stored(201)
    rows[202] = stored(202) | {"status": "failed", "completed_at": None}
    messages[84] = sent(85) | {"github_url": None}
    bad = [
        b'{"type":"all_work_complete","request_id":',
        b"\xff",
        b"[]",
        b'{"type":"all_work_complete"}',
        b'{"type":"log"}',
    ]
    insert(database, *rows.values())
    report = judged(plan, database, record(tmp_path / "m.jsonl", *bad, *messages))

    differ = {column: findings(report, column, "differs") for column in COLUMNS}
    assert {column: sorted(map(int, found)) for column, found in differ.items()} == {
        "github_url": [10, 85],
        "artifacts_github_url": [20, 30, 85],
        "deployment_url": [40, 50],
    }
    assert differ["artifacts_github_url"]["20"].evidence == {
        "kind": "differs",
        "difference": "missing",
        "file": "m.jsonl",
        "line": 25,
        "expected": "https://github.com/***/***",
        "actual": "NULL",
    }
    assert set(outcomes(report).values()) == {"fail"}
    assert list(findings(report, "artifacts_github_url", "plan-defect")) == ["60"]
    for column in COLUMNS:
        assert list(findings(report, column, "message-without-row")) == ["80"]
        assert list(findings(report, column, "row-without-message")) == ["201"]
        lines = {f.subject: f.evidence["lines"] for f in findings(report, column, "lines").values()}
        assert lines == {
            "truncated": ["m.jsonl:1"],
            "invalid UTF-8": ["m.jsonl:2"],
            "not an object": ["m.jsonl:3"],
            "no request_id": ["m.jsonl:4"],
            "another type of message": ["m.jsonl:5"],
        }
        summary = report.check(f"reconciliation.{column}").findings[0].evidence
        assert (summary["messages"], summary["requests"]) == (200, 200)
    assert report.check("reconciliation.deployment_url").findings[0].evidence["not-set"] == 1


def test_rows_that_agree_with_their_messages_pass(database: str, plan: Plan, tmp_path: Path) -> None:
    insert(database, *(stored(n) for n in range(1, 4)))
    report = judged(plan, database, record(tmp_path / "m.jsonl", *(sent(n) for n in range(1, 4))))
    assert outcomes(report) == dict.fromkeys(COLUMNS, "pass")


def test_the_last_message_counts(database: str, plan: Plan, tmp_path: Path) -> None:
    insert(database, stored(1))
    old = sent(1) | {"github_url": "https://github.com/leo/old", "received_at": START.isoformat()}
    assert outcomes(judged(plan, database, record(tmp_path / "a.jsonl", sent(1), old)))["github_url"] == "pass"
    late = old | {"received_at": "2030-01-01T00:00:00Z"}
    assert outcomes(judged(plan, database, record(tmp_path / "b.jsonl", sent(1), late)))["github_url"] == "fail"


def test_a_cancelled_generation_is_a_paused_row(database: str, plan: Plan, tmp_path: Path) -> None:
    insert(database, {"id": 1, "status": "paused"})
    report = judged(plan, database, record(tmp_path / "m.jsonl", {"request_id": 1, "completion_reason": "cancelled"}))
    assert outcomes(report)["artifacts_github_url"] == "pass"
    assert outcomes(report)["github_url"] == "unknown"  # no message says anything about it


def test_rows_from_before_the_cutover_are_not_judged(database: str, plan: Plan, tmp_path: Path) -> None:
    old = {"completed_at": START - timedelta(days=1), "github_url": None}
    insert(
        database, stored(1), stored(2) | old, stored(3) | {"completed_at": None, "github_url": None}, {"id": 4} | old
    )
    lines = [sent(1), sent(2), sent(3) | {"received_at": (START - timedelta(days=1)).isoformat()}]
    recording = record(tmp_path / "m.jsonl", *lines)
    report = judged(plan, database, recording, cutover=START)
    assert outcomes(report)["github_url"] == "pass"
    assert report.check("reconciliation.github_url").findings[0].evidence["before_cutover"] == 2
    assert outcomes(judged(plan, database, recording))["github_url"] == "fail"


def verdicts(plan: Plan, fields: dict[str, str | None], row: dict[str, str | None]) -> dict[str, str]:
    rules = rules_of(plan)
    return dict(compare(rules, fields, expected_values(rules, fields), row))


def test_a_fixed_handler_is_not_a_defect(plan: Plan) -> None:
    row: dict[str, str | None] = {"github_url": "https://a/", "deployment_url": None}
    for artifacts, verdict in (("https://a-artifacts", "agrees"), (None, "plan-defect"), ("x", "unexpected")):
        assert verdicts(plan, {}, row | {"artifacts_github_url": artifacts})["artifacts_github_url"] == verdict
    nothing = row | {"github_url": "", "artifacts_github_url": None}
    assert verdicts(plan, {}, nothing)["artifacts_github_url"] == "agrees"


def test_more_than_a_hundred_are_counted_completely_and_listed_up_to_the_limit(
    database: str, plan: Plan, tmp_path: Path
) -> None:
    insert(database, *(stored(n) | {"github_url": None} for n in range(1, 131)))
    report = judged(plan, database, record(tmp_path / "m.jsonl", *(sent(n) for n in range(1, 131))))
    result = report.check("reconciliation.github_url")
    assert (len(result.findings), result.found) == (100, 131)
    assert result.findings[0].evidence["missing"] == 130


def test_no_usable_message_is_unknown_and_not_asked_for_is_skipped(database: str, plan: Plan, tmp_path: Path) -> None:
    empty = tmp_path / "m.jsonl"
    empty.touch()
    assert outcomes(judged(plan, database, empty)) == dict.fromkeys(COLUMNS, "unknown")
    assert outcomes(judged(plan, database, record(empty, b"oops"))) == dict.fromkeys(COLUMNS, "unknown")
    assert outcomes(check(plan, observe(plan, database))) == dict.fromkeys(COLUMNS, "skip")


def test_an_error_of_the_database_is_unknown(database: str, plan: Plan, tmp_path: Path) -> None:
    insert(database, stored(1))
    recording = record(tmp_path / "m.jsonl", sent(1))
    execute(database, "ALTER TABLE generation_requests RENAME COLUMN deployment_url TO elsewhere")
    assert outcomes(judged(plan, database, recording)) == {
        "github_url": "pass",
        "artifacts_github_url": "pass",
        "deployment_url": "unknown",
    }
    execute(database, "DROP TABLE generation_requests CASCADE")
    assert outcomes(judged(plan, database, recording)) == dict.fromkeys(COLUMNS, "unknown")


def test_row_security_is_never_mistaken_for_missing_rows(database: str, plan: Plan, tmp_path: Path) -> None:
    insert(database, stored(1))
    role = f"reader_{uuid.uuid4().hex[:8]}"
    execute(database, f"CREATE ROLE {role} LOGIN")
    try:
        execute(database, f"GRANT SELECT ON generation_requests TO {role}")
        as_reader = psycopg.conninfo.make_conninfo(database, user=role)
        found = reconcile(plan, as_reader, [record(tmp_path / "m.jsonl", sent(1))])
        assert "may not read" in found.problem
        assert found.without_row.count == 0
    finally:
        execute(database, f"DROP OWNED BY {role}")
        execute(database, f"DROP ROLE {role}")


@pytest.mark.parametrize("kind", ["uuid", "text", "bigint"])
def test_keys_of_other_types_are_looked_up_too(empty_database: str, tmp_path: Path, kind: str) -> None:
    known = {"uuid": "00000000-0000-4000-8000-000000000001", "text": "request-1", "bigint": "9007199254740991"}[kind]
    execute(
        empty_database,
        f'CREATE TABLE "T x" ("Key" {kind} PRIMARY KEY, state text, at timestamptz, site text, gone text);'
        f"INSERT INTO \"T x\" VALUES ('{known}', 'ok', '2025-01-10', 'https://a.example', NULL)",
    )
    plan = parse_plan(
        """
        plan_version = 1
        title = "t"
        table = { schema = "public", name = "T x", key = ["Key"] }
        cohort = { column = "state", values = ["ok"], time = "at" }
        kept.site = { message_field = "flyio_url" }
        dropped.gone = {}
        sql = { forward = "-", rollback = "-" }
        """,
        "t",
    )
    lines = [{"request_id": key, "flyio_url": "https://a.example"} for key in (known, "nobody", 99**30, "1")]
    found = reconcile(plan, empty_database, [record(tmp_path / "m.jsonl", *lines)], START - timedelta(days=2))
    assert found.problem == ""
    assert found.columns["site"].counts == {"agrees": 1}
    assert found.without_row.count == 3
    assert found.without_message.count == 0


def test_no_value_is_shown(database: str, plan: Plan, tmp_path: Path) -> None:
    insert(
        database, stored(1) | {"github_url": "https://user:hunter2@github.com/leo/secret", "deployment_url": "s3cret"}
    )
    report = judged(plan, database, record(tmp_path / "m.jsonl", sent(1) | {"flyio_url": "<b>tok_en</b>"}))
    text = report.model_dump_json()
    assert outcomes(report)["github_url"] == "fail"
    assert not any(secret in text for secret in ("hunter2", "s3cret", "tok_en", "leo/secret", "leo/app1"))


def test_the_command_reads_recordings_and_needs_a_database(database: str, plan: Plan, tmp_path: Path) -> None:
    insert(database, stored(1))
    recording = record(tmp_path / "m.jsonl", sent(1))
    run = CliRunner().invoke(app, ["check", database, "--messages", str(recording), "--format", "json"])
    report = Report.model_validate_json(run.stdout)
    assert outcomes(report) == dict.fromkeys(COLUMNS, "pass")
    observe(plan, database).save(tmp_path / "s.json")
    run = CliRunner().invoke(app, ["check", str(tmp_path / "s.json"), "--messages", str(recording), "--format", "json"])
    assert outcomes(Report.model_validate_json(run.stdout)) == dict.fromkeys(COLUMNS, "unknown")


_FIELDS = st.fixed_dictionaries({}, optional={"github_url": st.none() | urls(), "flyio_url": st.none() | urls()})


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_FIELDS)
def test_the_expected_values_are_those_of_the_executable_specification(fields: dict[str, str | None]) -> None:
    plan = load_plan()
    specified = row_values(AllWorkCompleteMessage(**fields), START)  # type: ignore[arg-type]
    assert expected_values(rules_of(plan), fields) == {name: specified[name] for name in COLUMNS if name in specified}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_FIELDS, urls())
def test_what_the_handler_wrote_always_agrees(fields: dict[str, str | None], before: str) -> None:
    plan = load_plan()
    row = dict.fromkeys(COLUMNS, before) | expected_values(rules_of(plan), fields)
    found = set(verdicts(plan, fields, row).values())
    assert found <= {"agrees", "not-set", "plan-defect"}
    assert ("plan-defect" in found) == ("github_url" not in fields and before != "")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(urls(), urls())
def test_a_difference_shows_no_part_of_a_value(one: str, two: str) -> None:
    assert not any(word in difference(one, two) for word in ("leo", "app", "http"))

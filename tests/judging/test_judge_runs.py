"""generation, reconciliation, forward, rollback of a rehearsal, and identity: what was run, recorded and compared."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from genreq_checks.facts import (
    ColumnMatch,
    Copied,
    Derived,
    Example,
    GenerationFacts,
    Lines,
    Listed,
    Reconciliation,
    Step,
)
from genreq_checks.report import Finding, Phase
from genreq_checks.run import check
from handmade import HERE, PLAN, THERE, archive, beside, judge, only, row, snapshot, tally, told

NOW = snapshot(tally(row(1)))
GOOD: dict[str, Any] = {"reached": True, "completed": True, "status": "completed", "seconds": 1.5}


# generation


def generation(*, phase: Phase = "after", copied: Any = (), derived: Any = (), **facts: Any) -> list[Finding]:
    given = {
        "run_at": datetime(2025, 1, 12, tzinfo=UTC),
        "table": "public.generation_requests",
        "request": "7",
        "server": "ws://h",
        "database": "postgresql://h/d",
    }
    made = GenerationFacts(**(given | GOOD | facts), copied=copied, derived=derived)
    return judge(NOW, "generation", phase, inputs=beside(generation=made))


def test_no_generation_is_not_asked_for() -> None:
    (finding,) = judge(NOW, "generation")
    assert (finding.subject, finding.outcome, bool(finding.remedy)) == ("generation", "skip", True)


def test_a_completed_run_passes_with_its_numbers() -> None:
    outcome, numbers = only(generation())
    assert outcome == "pass"
    assert numbers == {"request": "7", "reached": True, "completed": True, "status": "completed", "seconds": 1.5}
    assert told(generation(phase="generation", embedded=True)) == [("generation", "pass")]


COPIED = Copied(column="deployment_url", field="flyio_url", sent="https://a.fly.dev", stored="as sent", changed=True)


@pytest.mark.parametrize(
    ("facts", "outcome", "has_evidence", "has_remedy"),
    [
        ({"table": "public.other"}, "unknown", False, True),
        ({"embedded": True}, "unknown", False, True),
        ({"reached": False, "problem": "no answer.", "hint": "start it."}, "unknown", False, True),
        ({"reached": True, "problem": "closed.", "hint": "see."}, "fail", True, True),
        ({"problem": "closed."}, "fail", True, False),
        ({"unread": "no right."}, "unknown", True, False),
        ({"unread": "no right.", "problem": "closed."}, "unknown", True, False),
        ({"completed": False, "status": "queued"}, "fail", True, True),
        ({"completed": False, "status": None}, "fail", True, True),
        ({"reached": False}, "pass", True, False),
    ],
)
def test_the_possible_ends_of_a_run(facts: dict[str, Any], outcome: str, has_evidence: bool, has_remedy: bool) -> None:
    findings = generation(copied=(COPIED,), **facts)
    run = findings[0]
    assert (run.subject, run.outcome) == ("generation", outcome)
    assert (bool(run.evidence), bool(run.remedy)) == (has_evidence, has_remedy)
    assert len(findings) == (2 if outcome == "pass" else 1)


def test_a_row_that_was_completed_before_the_run_is_reported() -> None:
    (finding,) = generation(completed=False)
    assert "or was so before the run" in finding.message
    (finding,) = generation(completed=False, status="queued", events=("one", "two"))
    assert "or was so before" not in finding.message
    assert finding.remedy.endswith("The server reported: two")
    assert "The server reported" not in generation(completed=False)[0].remedy


@pytest.mark.parametrize(
    ("changes", "outcome", "has_remedy"),
    [
        ({}, "pass", False),
        ({"stored": "null"}, "fail", True),
        ({"stored": "another value"}, "fail", True),
        ({"sent": None, "changed": True, "stored": "null"}, "fail", True),
        ({"sent": None, "changed": False, "stored": "null"}, "unknown", True),
        ({"sent": None, "changed": False, "stored": "null", "lawful": True}, "skip", False),
        ({"sent": None, "changed": True, "stored": "null", "lawful": True}, "fail", True),
        ({"changed": False}, "pass", False),
    ],
)
def test_a_column_that_takes_a_field_as_it_is(changes: dict[str, Any], outcome: str, has_remedy: bool) -> None:
    one = COPIED.model_copy(update=changes)
    _, finding = generation(copied=(one,))
    assert (finding.subject, finding.outcome, bool(finding.remedy)) == ("deployment_url", outcome, has_remedy)
    assert finding.evidence == {
        "field": "flyio_url",
        "sent": one.sent is not None,
        "stored": one.stored,
        "changed": one.changed,
    }


@pytest.mark.parametrize(
    ("derivation", "defect", "outcome"),
    [
        ("match", False, "pass"),
        ("none", False, "unknown"),
        ("missing", False, "fail"),
        ("missing", True, "fail"),
        ("wrong", False, "fail"),
        ("unexpected", False, "fail"),
    ],
)
def test_a_column_that_is_derived(derivation: Any, defect: bool, outcome: str) -> None:
    one = Derived(column="artifacts_github_url", source="github_url", derivation=derivation, defect=defect)
    _, finding = generation(derived=(one,))
    assert (finding.subject, finding.outcome) == ("artifacts_github_url", outcome)
    assert finding.evidence == {"derivation": derivation, "source": "github_url", "defect_of_the_plan": defect}
    assert bool(finding.remedy) == (outcome == "fail")
    assert ("defect of the plan" in finding.remedy) == defect


def test_the_columns_are_in_the_plans_order() -> None:
    one = Derived(column="artifacts_github_url", source="github_url", derivation="match")
    first = COPIED.model_copy(update={"column": "github_url", "field": "github_url"})
    findings = generation(copied=(COPIED, first), derived=(one,))
    assert [f.subject for f in findings] == ["generation", "github_url", "artifacts_github_url", "deployment_url"]


# reconciliation


COLUMN = "deployment_url"


def match(
    different: tuple[Example, ...] = (), defects: tuple[Example, ...] = (), problem: str = "", **counts: int
) -> ColumnMatch:
    return ColumnMatch({n.replace("_", "-"): c for n, c in counts.items()}, different, defects, problem)  # type: ignore[arg-type]


def reconciled(one: ColumnMatch | None = None, **facts: Any) -> list[Finding]:
    given = {"files": 1, "lines": 9, "messages": 5, "requests": 4, "columns": {COLUMN: one} if one else {}} | facts
    return judge(NOW, f"reconciliation.{COLUMN}", inputs=beside(messages=Reconciliation(**given)))


def test_no_messages_are_not_asked_for() -> None:
    assert told(judge(NOW, f"reconciliation.{COLUMN}")) == [(COLUMN, "skip")]


def test_what_agrees_is_one_finding_with_the_numbers() -> None:
    outcome, numbers = only(reconciled(match(agrees=3, not_set=1), before_cutover=2, within=6))
    assert outcome == "pass"
    assert numbers == {
        "kind": "summary",
        "messages": 5,
        "requests": 4,
        "agrees": 3,
        "not-set": 1,
        "before_cutover": 2,
        "without_row": 0,
        "without_message": 0,
        "without_message_within_recording": 6,
    }


def test_a_recording_that_could_not_be_read_is_the_only_finding_and_unknown() -> None:
    """Without the question for `found.problem` this says that there is no message."""
    lines = (Lines("bad", "refused", 1, ("a:1",)),)
    (finding,) = reconciled(match(agrees=3), problem="no rows could be read.", remedy="do this.", peculiar=lines)
    assert (finding.outcome, finding.message) == ("unknown", "Not judged: no rows could be read.")
    assert finding.remedy == "do this."


def test_no_usable_message_is_unknown_and_the_lines_are_reported() -> None:
    lines = (Lines("bad", "refused", 1, ("a:1",)),)
    for found in (reconciled(match(agrees=3), messages=0, peculiar=lines), reconciled(None, peculiar=lines)):
        assert told(found) == [(COLUMN, "unknown"), ("bad", "warn")]
        assert found[0].remedy
    assert told(reconciled(match(agrees=3, problem="not there."))) == [(COLUMN, "unknown")]


@pytest.mark.parametrize(("fate", "outcome"), [("refused", "warn"), ("read", "pass"), ("passed", "pass")])
def test_a_rejected_line_warns_and_others_are_reported(fate: Any, outcome: str) -> None:
    _, line = reconciled(match(agrees=1), peculiar=(Lines("odd", fate, 7, ("a:1", "a:2")),))
    assert (line.subject, line.outcome, bool(line.remedy)) == ("odd", outcome, outcome == "warn")
    assert line.evidence == {"kind": "lines", "reason": "odd", "count": 7, "lines": ["a:1", "a:2"]}


WRONG = Example(key="1", file="a", line=2, expected="x", actual="y", verdict="wrong", note="n")
NONE = Example(key="2", file="b", line=3, verdict="plan-defect")


def test_each_request_that_differs_fails_and_a_defect_of_the_plan_warns() -> None:
    findings = reconciled(match((WRONG,), (NONE,), agrees=2, wrong=1, plan_defect=1))
    assert told(findings) == [(COLUMN, "pass"), ("1", "fail"), ("2", "warn")]
    assert all(one.remedy for one in findings[1:])
    assert findings[1].evidence == {
        "kind": "differs",
        "difference": "wrong",
        "file": "a",
        "line": 2,
        "expected": "x",
        "actual": "y",
    }
    assert findings[2].evidence["kind"] == "plan-defect"
    assert findings[2].evidence["file"] == "b"


@pytest.mark.parametrize("verdict", ["missing", "wrong", "unexpected"])
def test_where_nothing_agrees_the_summary_fails(verdict: str) -> None:
    outcome, numbers = only(reconciled(match(**{verdict: 2})))
    assert (outcome, numbers[verdict]) == ("fail", 2)
    assert only(reconciled(match(plan_defect=1)))[0] == "pass"


def test_where_no_message_says_anything_it_is_unknown() -> None:
    for one in (match(not_set=4), match()):
        outcome, numbers = only(reconciled(one))
        assert (outcome, numbers["kind"]) == ("unknown", "summary")


def test_what_has_no_counterpart_warns() -> None:
    inside = Example(key="8", note="within the recording")
    findings = reconciled(
        match(agrees=1), without_row=Listed(1, (NONE,)), without_message=Listed(2, (inside, Example(key="9")))
    )
    assert told(findings) == [(COLUMN, "pass"), ("2", "warn"), ("8", "warn"), ("9", "warn")]
    assert findings[1].evidence == {"kind": "message-without-row", "file": "b", "line": 3}
    assert findings[2].evidence == {"kind": "row-without-message", "within_recording": True}
    assert findings[3].evidence == {"kind": "row-without-message", "within_recording": False}
    assert all(one.remedy for one in findings[1:])
    assert findings[0].evidence["without_row"] == 1
    assert findings[0].evidence["without_message"] == 2


def test_examples_that_are_not_listed_are_counted() -> None:
    def found(one: ColumnMatch | None, **facts: Any) -> tuple[int, int]:
        given = {"messages": 5, "requests": 4, "columns": {COLUMN: one} if one else {}} | facts
        report = check(PLAN, NOW.with_evidence(messages=Reconciliation(**given)))
        result = report.check(f"reconciliation.{COLUMN}")
        return result.found, len(result.findings)

    assert found(match((WRONG,), (NONE,), agrees=2, wrong=1, plan_defect=1)) == (3, 3)
    assert found(match((WRONG,), (NONE,), agrees=2, wrong=11, plan_defect=1)) == (13, 3)
    assert found(match((WRONG,), (NONE,), agrees=2, wrong=1, plan_defect=101)) == (103, 3)
    assert found(match((), (), agrees=2), without_row=Listed(7, (NONE,))) == (8, 2)
    assert found(match((), (), agrees=2), without_message=Listed(5, (NONE,)), without_row=Listed(7, (NONE,))) == (13, 3)
    assert found(match((), (), agrees=2, missing=4, problem="not there.")) == (1, 1)
    assert found(None) == (1, 1)
    report = check(PLAN, NOW)
    assert report.check(f"reconciliation.{COLUMN}").found == 1


# The steps of a rehearsal


FORWARD = ("forward", "broken", "generation", "after", "forward-again")
BACK = ("archive", "rollback", "restore", "rolled-back", "compare")


@pytest.mark.parametrize(("check_id", "names"), [("forward", FORWARD), ("rollback", BACK)])
def test_each_step_of_the_rehearsal_is_a_finding(check_id: str, names: tuple[str, ...]) -> None:
    def steps(outcome: Any, *wanted: str) -> list[Finding]:
        made = tuple(Step(name=n, outcome=outcome, seconds=0.5, message="m", locks=("l",)) for n in reversed(wanted))
        return judge(NOW, check_id, "rehearsal", inputs=beside(rehearsal=made))

    for outcome in ("pass", "warn", "fail", "unknown", "skip"):
        findings = steps(outcome, *names)
        assert told(findings) == [(name, outcome) for name in names]
        assert all(one.evidence == {"seconds": 0.5, "locks": ["l"]} for one in findings)
        assert all(bool(one.remedy) == (outcome != "pass") for one in findings)
    assert [one.outcome for one in steps("pass", *names[1:])] == ["unknown", *["pass"] * 4]
    assert [one.outcome for one in steps("pass")] == ["unknown"] * 5
    assert all(one.remedy for one in steps("pass"))
    assert [one.outcome for one in judge(NOW, check_id, "rehearsal")] == ["unknown"] * 5


# identity


def identity(then: Any = None, now: Any = HERE, **more: Any) -> list[Finding]:
    baseline = snapshot(tally(row(1)), identity=then) if then != "none" else None
    return judge(snapshot(tally(row(1)), identity=now), "identity", baseline=baseline, **more)


def test_nothing_to_compare_with_is_not_asked_for() -> None:
    assert told(identity("none")) == [("source", "skip")]


@pytest.mark.parametrize(
    ("then", "outcome", "kind"),
    [
        (HERE, "pass", "same"),
        (THERE, "unknown", "other"),
        (HERE.model_copy(update={"timeline": 2}), "warn", "doubtful"),
        (None, "warn", "unproved"),
        (HERE.model_copy(update={"unproved": ("no right",)}), "warn", "unproved"),
    ],
)
def test_the_baseline_is_of_this_table_or_not(then: Any, outcome: str, kind: str) -> None:
    (finding,) = identity(then)
    assert (finding.subject, finding.outcome, finding.evidence["kind"]) == ("baseline", outcome, kind)
    assert bool(finding.evidence["reasons"]) == (kind != "same")
    assert bool(finding.remedy) == (outcome != "pass")
    (meant,) = identity(then, other_database=True)
    assert (meant.subject, meant.outcome, meant.evidence) == ("baseline", "skip", finding.evidence)


def test_where_the_role_may_not_read_the_identity_the_right_is_asked_for() -> None:
    closed = HERE.model_copy(update={"unproved": ("no right",)})
    assert "GRANT EXECUTE" in identity(closed)[0].remedy
    assert "GRANT EXECUTE" in identity(HERE, closed)[0].remedy
    assert "GRANT EXECUTE" not in identity(None)[0].remedy
    assert "GRANT EXECUTE" not in identity(HERE, None)[0].remedy


def test_baseline_and_archive_are_a_finding_each() -> None:
    findings = identity(HERE, inputs=beside(archive=archive(identity=THERE)))
    assert told(findings) == [("baseline", "pass"), ("archive", "unknown")]
    assert told(identity("none", inputs=beside(archive=archive()))) == [("archive", "pass")]
    assert "GRANT" not in identity("none", inputs=beside(archive=archive(identity=None)))[0].remedy

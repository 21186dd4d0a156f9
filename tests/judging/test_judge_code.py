"""leftovers and phases: what source code still names, and what it has of the plan's phases."""

from __future__ import annotations

from typing import Any

import pytest

from genreq_checks.errors import UsageError
from genreq_checks.facts import CLASSES, CodeFacts, CodePlace, Mention
from genreq_checks.report import Finding
from genreq_checks.run import check
from handmade import PLAN, beside, judge, plan, row, snapshot, tally, told

ZIP = "download_url"
NOW = snapshot(tally(row(1)))


def code(*found: Mention | CodePlace, **facts: Any) -> CodeFacts:
    mentions = tuple(one for one in found if isinstance(one, Mention))
    places = tuple(one for one in found if isinstance(one, CodePlace))
    given = {"root": "/src", "read": 9, "sources": 5, "passed_over": {}, "unreadable": ()} | facts
    return CodeFacts(mentions=mentions, places=places, **given)


def mention(
    cls: Any = "live_column", file: str = "a.ts", line: int = 1, certain: bool = True, column: str = ZIP
) -> Mention:
    return Mention(column=column, file=file, line=line, cls=cls, reason="r", text="t", certain=certain)


def leftovers(*found: Mention, by: Any = None, **facts: Any) -> list[Finding]:
    return judge(NOW, f"leftovers.{ZIP}", inputs=beside(code=code(*found, **facts)))


def test_no_code_is_not_asked_for() -> None:
    for check_id, subject in ((f"leftovers.{ZIP}", ZIP), ("phases.server", "server")):
        (finding,) = judge(NOW, check_id)
        assert (finding.subject, finding.outcome, bool(finding.remedy)) == (subject, "skip", True)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("certain", [True, False])
def test_only_a_live_use_fails_and_one_that_may_be_warns(cls: Any, certain: bool) -> None:
    findings = leftovers(mention(cls, certain=certain))
    mine = next(one for one in findings if one.subject == "a.ts:1")
    live = cls == "live_column"
    assert mine.outcome == ("pass" if not live else "fail" if certain else "warn")
    assert mine.evidence == {"class": cls, "file": "a.ts", "line": 1, "reason": "r", "text": "t", "certain": certain}
    assert bool(mine.remedy) == (not certain or cls in ("live_column", "build_output"))
    (summary,) = (one for one in findings if one.subject == ZIP)
    assert summary.outcome == "pass"
    counts = {name: int(name == cls) for name in CLASSES}
    numbers = {"files": 9, "sources": 5, "passed_over": {}, "classes": counts}
    assert summary.evidence == numbers | {"possible": int(live and not certain)}


def test_live_uses_come_first_then_doubts_the_summary_and_the_rest_by_file_and_line() -> None:
    findings = leftovers(
        mention("comment", "b.ts", 2),
        mention("comment", "b.ts", 1),
        mention("comment", "a.ts", 9),
        mention("message_field", "z.ts"),
        mention(file="q.ts", certain=False),
        mention(file="y.ts"),
        mention(file="x.ts", column="conversation"),
        unreadable=("/src/c",),
    )
    subjects = ["y.ts:1", "q.ts:1", ZIP, ZIP, "z.ts:1", "a.ts:9", "b.ts:1", "b.ts:2"]
    assert [one.subject for one in findings] == subjects
    assert [one.outcome for one in findings] == ["fail", "warn", "unknown", "pass", "pass", "pass", "pass", "pass"]
    assert findings[2].remedy
    assert findings[3].evidence["possible"] == 1
    assert findings[3].evidence["classes"]["live_column"] == 2


def test_without_source_code_leftovers_are_unknown() -> None:
    findings = leftovers(sources=0, passed_over={"binary": 2})
    assert told(findings) == [(ZIP, "unknown")]
    assert findings[0].remedy
    assert told(leftovers(sources=1)) == [(ZIP, "pass")]
    assert leftovers(passed_over={"binary": 2})[0].evidence["passed_over"] == {"binary": 2}


def test_mentions_that_are_not_listed_are_counted() -> None:
    counted = {ZIP: {"live_column": 3, "comment": 200, "possible": 1}}
    kept = (mention(), mention("comment"), mention("comment", column="conversation"))

    def found(column: str, **facts: Any) -> tuple[int, int]:
        report = check(PLAN, NOW.with_evidence(code=code(*kept, **facts)), only=[f"leftovers.{column}"])
        (result,) = report.checks
        return result.found, len(result.findings)

    assert found(ZIP, counted=counted) == (204, 3)  # the summary, and each mention
    assert found(ZIP) == (3, 3)
    assert found("conversation", counted=counted) == (2, 2)
    (summary,) = (one for one in leftovers(*kept, counted=counted) if one.subject == ZIP)
    assert summary.evidence["classes"]["comment"] == 200
    assert summary.evidence["possible"] == 1
    assert told(judge(NOW, f"leftovers.{ZIP}")) == [(ZIP, "skip")]


# phases


SERVER = ["artifacts_github_url derived from github_url", "deployment_url stored from flyio_url"]
FEATURES = {
    "protocol": ["class field flyio_url", "factory parameter flyio_url"],
    "client": ["call passes flyio_url"],
    "server": SERVER,
    "schema": [
        "table definition without download_url",
        "table definition without conversation",
        "validation schema without download_url",
        "validation schema without conversation",
    ],
}


def phases(phase: str, *places: CodePlace, **facts: Any) -> list[Finding]:
    return judge(NOW, f"phases.{phase}", inputs=beside(code=code(*places, **facts)))


def place(state: Any, feature: str = "call passes flyio_url", phase: Any = "client", line: int = 1) -> CodePlace:
    return CodePlace(phase=phase, feature=feature, state=state, file="a.ts", line=line, detail="d")


@pytest.mark.parametrize("phase", FEATURES)
def test_the_features_of_a_phase_and_unknown_where_there_is_no_such_code(phase: str) -> None:
    findings = phases(phase)
    assert told(findings) == [(feature, "unknown") for feature in FEATURES[phase]]
    assert all(one.evidence == {"state": "cannot tell", "places": []} and one.remedy for one in findings)


@pytest.mark.parametrize(
    ("states", "outcome", "state"),
    [
        (["found"], "pass", "found"),
        (["missing"], "fail", "not found"),
        (["unclear"], "unknown", "cannot tell"),
        (["found", "missing"], "pass", "found"),
        (["missing", "found"], "pass", "found"),
        (["unclear", "found"], "pass", "found"),
        (["unclear", "missing"], "fail", "not found"),
    ],
)
def test_one_place_where_it_is_found_is_enough(states: list[Any], outcome: str, state: str) -> None:
    (finding,) = phases("client", *(place(one, line=n) for n, one in enumerate(states, 1)))
    assert (finding.outcome, finding.evidence["state"]) == (outcome, state)
    assert bool(finding.remedy) == (outcome != "pass")
    told_of = {"pass": ("found", "missing"), "fail": ("missing",), "unknown": ("unclear",)}[outcome]
    lines = [n for one in told_of for n, here in enumerate(states, 1) if here == one]
    assert finding.evidence["file"] == "a.ts"
    assert finding.evidence["line"] == lines[0]
    assert finding.evidence["places"] == [f"a.ts:{line}: d" for line in lines]


def test_each_schema_definition_that_still_has_the_column_counts() -> None:
    feature = FEATURES["schema"][0]
    places = [place(state, feature, "schema") for state in ("found", "missing")]
    assert told(phases("schema", *places))[0] == (feature, "fail")
    assert told(phases("schema", places[0]))[0] == (feature, "pass")


def test_a_place_of_another_phase_or_feature_does_not_count() -> None:
    assert told(phases("client", place("found", phase="server"), place("found", "another"))) == [
        ("call passes flyio_url", "unknown")
    ]


def test_at_most_a_hundred_places_are_listed() -> None:
    (finding,) = phases("client", *(place("found", line=n) for n in range(101)))
    assert len(finding.evidence["places"]) == 100


def test_a_plan_without_messages_has_no_phases_and_one_without_a_derivation_fewer_features() -> None:
    by = plan({"kept": {"deployment_url": {"message_field": None}}})
    for phase in FEATURES:
        with pytest.raises(UsageError):
            judge(NOW, f"phases.{phase}", by=by)
    less = plan({"kept": {"artifacts_github_url": {"derived_from": None, "suffix": None}}})
    assert [one.subject for one in judge(NOW, "phases.server", by=less, inputs=beside(code=code()))] == SERVER[1:]

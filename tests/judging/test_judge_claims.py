"""claims.<column>: every kind of claim, held, broken and doubtful, in rows of all statuses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from genreq_checks.report import Finding
from handmade import CUTOVER, FACETS, NEW, PLAN, REBUILD, judge, only, plan, row, snapshot, table, tally

ZIP = {"download_url": "populated"}
BOTH = ZIP | {"github_url": "populated"}


def claim(column: str, *rows: tuple[Any, ...], by: Any = PLAN, cutover: datetime | None = None, **more: Any) -> Finding:
    (finding,) = judge(snapshot(tally(*rows, **more), table()), f"claims.{column}", "before", by=by, cutover=cutover)
    return finding


def numbers(finding: Finding, *names: str) -> dict[str, Any]:
    return {name: finding.evidence[name] for name in names}


def test_only_columns_with_a_claim_are_judged() -> None:
    assert list(PLAN.claims()) == [
        "download_url",
        "conversation",
        "github_url",
        "artifacts_github_url",
        "deployment_url",
    ]
    assert PLAN.kept["deployment_url"].claim is not None
    finding = claim("deployment_url", row(1, {"deployment_url": "populated"}), row(1))
    assert (finding.outcome, finding.subject, finding.remedy) == ("skip", "deployment_url", "")
    assert finding.evidence["claim"] == "any"


# redundant-with, presence is enough


@pytest.mark.parametrize(
    ("rows", "outcome", "against"),
    [
        ([row(3)], "pass", (0, 0)),
        ([row(3, BOTH), row(2, status="failed")], "pass", (0, 0)),
        ([row(3, BOTH), row(2, ZIP, status="failed")], "fail", (2, 0)),
        ([row(3, BOTH), row(1, ZIP | {"github_url": "blank"}, day=None)], "fail", (1, 0)),
        ([row(3, BOTH), row(1, ZIP | {"github_url": "malformed"})], "warn", (0, 1)),
        ([row(1, ZIP), row(1, ZIP | {"github_url": "malformed"})], "fail", (1, 1)),
        ([row(1, ZIP | {"github_url": "credentials"})], "pass", (0, 0)),
        ([row(1, {"download_url": "blank"}), row(1, {"github_url": "populated"})], "pass", (0, 0)),
    ],
)
def test_redundant_where_presence_is_enough(rows: Any, outcome: str, against: tuple[int, int]) -> None:
    finding = claim("download_url", *rows)
    assert finding.outcome == outcome
    assert (finding.evidence["alone"], finding.evidence["beside a malformed one"]) == against
    assert "not compared" not in finding.evidence
    assert bool(finding.remedy) == (outcome != "pass")


def test_the_numbers_are_of_every_row_in_any_status() -> None:
    finding = claim("download_url", row(3, BOTH), row(2, status="failed"), row(4, {"download_url": "blank"}, day=NEW))
    assert finding.evidence == {
        "claim": "redundant-with",
        "rows": 9,
        "null": 2,
        "blank": 4,
        "populated": 3,
        "alone": 0,
        "beside a malformed one": 0,
    }


def test_a_dropped_value_counts_on_both_sides_of_the_cutover() -> None:
    rows = (row(2, ZIP, day=NEW), row(1, ZIP), row(4, ZIP, day=None))
    assert claim("download_url", *rows, cutover=CUTOVER).evidence["alone"] == 7


# redundant-with, presence only


PRESENCE = plan({"dropped": {"download_url": {"claim": {"presence_is_enough": None}}}})


@pytest.mark.parametrize(
    ("rows", "outcome", "against"),
    [
        ([row(3)], "pass", (0, 0, 0)),
        ([row(1, BOTH)], "warn", (0, 0, 1)),
        ([row(1, ZIP | {"github_url": "malformed"})], "warn", (0, 1, 0)),
        ([row(1, ZIP), row(2, BOTH)], "fail", (1, 0, 2)),
        ([row(2, BOTH), row(1, ZIP | {"github_url": "malformed"})], "warn", (0, 1, 2)),
    ],
)
def test_presence_alone_proves_nothing_unless_the_plan_says_it_is_enough(
    rows: Any, outcome: str, against: tuple[int, int, int]
) -> None:
    finding = claim("download_url", *rows, by=PRESENCE)
    assert finding.outcome == outcome
    assert tuple(numbers(finding, "alone", "beside a malformed one", "not compared").values()) == against
    assert ("presence_is_enough" in finding.remedy) == (against[2] > 0)


# redundant-with, compared


HOW = plan({"dropped": {"download_url": {"claim": {"presence_is_enough": None, "how": {"suffix": ".zip"}}}}})
COMPARED = dict(FACETS) | {"follows.download_url": REBUILD}


@pytest.mark.parametrize(
    ("rows", "outcome", "against"),
    [
        ([row(3)], "pass", (0, 0)),
        ([row(3, BOTH | {"follows.download_url": "same"})], "pass", (0, 0)),
        (
            [row(3, BOTH | {"follows.download_url": "same"}), row(1, BOTH | {"follows.download_url": "other"})],
            "fail",
            (0, 1),
        ),
        ([row(2, ZIP | {"follows.download_url": "other"})], "fail", (2, 0)),
        ([row(1, ZIP | {"follows.download_url": "same"})], "pass", (0, 0)),
        ([row(2, ZIP | {"follows.download_url": "other", "github_url": "malformed"})], "fail", (0, 2)),
        (
            [row(1, ZIP | {"follows.download_url": "other"}), row(1, BOTH | {"follows.download_url": "other"})],
            "fail",
            (1, 1),
        ),
    ],
)
def test_compared_value_by_value_where_the_plan_says_how(rows: Any, outcome: str, against: tuple[int, int]) -> None:
    finding = claim("download_url", *rows, by=HOW, facets=COMPARED)
    assert finding.outcome == outcome
    assert (finding.evidence["alone"], finding.evidence["different"]) == against
    assert bool(finding.remedy) == (outcome == "fail")


# always-null


@pytest.mark.parametrize(
    ("classes", "outcome"), [("null", "pass"), ("json-null", "warn"), ("empty", "warn"), ("populated", "fail")]
)
def test_always_null(classes: str, outcome: str) -> None:
    finding = claim("conversation", row(5), row(1, {"conversation": classes}, status="cancelled"))
    assert finding.outcome == outcome
    assert finding.evidence["claim"] == "always-null"
    assert finding.evidence["rows"] == 6
    assert finding.evidence["content"] == (classes == "populated")
    assert finding.evidence["no content"] == (classes in ("json-null", "empty"))
    assert finding.evidence["populated"] == (classes == "populated")


# never-populated, of a kept column: a warning at worst


EARLY = {"artifacts_github_url": "populated"}


@pytest.mark.parametrize(
    ("rows", "cutover", "outcome", "against"),
    [
        ([row(1)], None, "pass", 0),
        ([row(1, EARLY, status="failed")], None, "warn", 1),
        ([row(1, EARLY)], CUTOVER, "warn", 1),
        ([row(1, EARLY, day=None)], CUTOVER, "warn", 1),
        ([row(1, EARLY, day="2025-01-10"), row(1)], CUTOVER, "pass", 0),
        ([row(1, EARLY, day=NEW), row(1, {"artifacts_github_url": "blank"})], CUTOVER, "pass", 0),
        ([row(1, {"artifacts_github_url": "malformed"})], CUTOVER, "warn", 1),
        ([row(1, {"artifacts_github_url": "credentials"})], CUTOVER, "warn", 1),
    ],
)
def test_never_populated_before_the_cutover(rows: Any, cutover: Any, outcome: str, against: int) -> None:
    finding = claim("artifacts_github_url", *rows, cutover=cutover)
    assert (finding.outcome, finding.evidence["has a value"]) == (outcome, against)


def test_a_claim_of_a_dropped_column_fails_where_one_of_a_kept_column_warns() -> None:
    by = plan({"dropped": {"conversation": {"claim": {"holds": "never-populated"}}}})
    assert claim("conversation", row(1, {"conversation": "populated"}), by=by).outcome == "fail"
    assert claim("conversation", row(1, {"conversation": "empty"}), by=by).outcome == "pass"


# populated


def share(populated: int, empty: int, **more: Any) -> list[tuple[Any, ...]]:
    return [row(populated, {"github_url": "populated"}, **more), row(empty, {"github_url": "blank"}, **more)]


@pytest.mark.parametrize(
    ("rows", "cutover", "outcome", "against"),
    [
        (share(95, 5), None, "pass", 5),
        (share(94, 6), None, "warn", 6),
        (share(949, 51), None, "warn", 51),
        ([*share(95, 5), *share(0, 9, status="failed")], None, "pass", 5),
        ([*share(95, 5), *share(0, 9, day=NEW)], CUTOVER, "pass", 5),
        ([*share(95, 5), *share(0, 9, day="2025-01-10")], CUTOVER, "pass", 5),
        ([*share(95, 5), *share(0, 1, day=None)], CUTOVER, "warn", 6),
    ],
)
def test_populated_as_often_as_the_minimum_says(rows: Any, cutover: Any, outcome: str, against: int) -> None:
    finding = claim("github_url", *rows, cutover=cutover)
    assert (finding.outcome, finding.evidence["not populated"]) == (outcome, against)


@pytest.mark.parametrize(
    ("rows", "cutover"),
    [(share(5, 0, status="failed"), None), (share(5, 0, day=NEW), CUTOVER), (share(0, 5, day=NEW), CUTOVER)],
)
def test_no_completed_row_before_the_cutover_is_unknown_and_not_a_pass(rows: Any, cutover: Any) -> None:
    """Without `every == 0` this passes: none of no rows is enough."""
    by = (
        plan({"cohort": {"values": ["completed", "failed"]}})
        if cutover
        else plan({"cohort": {"values": ["completed"]}})
    )
    (finding,) = [
        one
        for one in judge(snapshot(tally(*rows), None), "claims.github_url", "before", by=by, cutover=cutover)
        if "is not judged: there are no " in one.message
    ]
    assert finding.outcome == "unknown"


def test_populated_without_a_minimum_is_every_row() -> None:
    every = plan({"kept": {"github_url": {"minimum": None}}})
    assert claim("github_url", *share(99, 0), by=every).outcome == "pass"
    assert claim("github_url", *share(99, 1), by=every).outcome == "warn"
    gone = plan(
        {"dropped": {"download_url": {"claim": {"holds": "populated", "column": None, "presence_is_enough": None}}}}
    )
    assert claim("download_url", row(9, ZIP), by=gone).outcome == "pass"
    assert claim("download_url", row(9, ZIP), row(1), by=gone).outcome == "fail"


# What cannot be judged


def test_no_rows_no_counts_and_no_facet_are_unknown() -> None:
    def outcome(now: Any, by: Any = PLAN) -> tuple[str, Mapping[str, Any]]:
        return only(judge(now, "claims.download_url", "before", by=by))

    assert outcome(snapshot(tally(), table())) == ("unknown", {})
    assert outcome(snapshot(None, table())) == ("unknown", {})
    for missing in ("download_url", "github_url"):
        facets = {name: labels for name, labels in FACETS.items() if name != missing}
        assert outcome(snapshot(tally(row(1), facets=facets), table("id", "download_url"))) == ("unknown", {})
    assert outcome(snapshot(tally(row(1)), table()), HOW) == ("unknown", {})
    (finding,) = judge(snapshot(None, problems={"tally": "t."}), "claims.download_url", "before")
    assert finding.message == "Not judged: t."

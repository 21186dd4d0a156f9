"""What makes a verdict unknown although it was measured: identities, standbys, and a plan that its table contradicts."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import datetime
from typing import Any

import pytest

from genreq_checks.evidence.doubts import find_doubts, find_stale
from genreq_checks.facts import CodeFacts, ReadUnder
from genreq_checks.facts.identity import Comparison, Identity, compare
from genreq_checks.facts.recovery import Recovery
from genreq_checks.report import Phase
from genreq_checks.run import check
from genreq_checks.snapshot import Relation, Snapshot, Subscription
from handmade import CUTOVER, FACETS, HERE, NOON, PLAN, plan, row, snapshot, table, tally

# identity


def other(**changes: Any) -> Identity:
    return HERE.model_copy(update=changes)


FAR = {"server_address": "10.0.0.1", "server_port": 5432}


@pytest.mark.parametrize(
    ("one", "two", "kind", "reasons"),
    [
        (HERE, HERE, "same", 0),
        (None, HERE, "unproved", 1),
        (HERE, None, "unproved", 1),
        (None, None, "unproved", 1),
        (HERE, other(system_identifier="8"), "other", 1),
        (HERE, other(database_oid=1), "other", 1),
        (HERE, other(table_oid=1), "other", 1),
        (HERE, other(table_oid=None), "same", 0),
        (other(table_oid=None), HERE, "same", 0),
        (HERE, other(system_identifier=None), "unproved", 1),
        (other(system_identifier=None), HERE, "unproved", 1),
        (HERE, other(unproved=("a",)), "unproved", 1),
        (other(unproved=("a",)), other(unproved=("a", "b")), "unproved", 2),
        (other(unproved=("a",)), other(timeline=2), "unproved", 2),
        (HERE, other(timeline=2), "doubtful", 1),
        (HERE, other(timeline=None), "same", 0),
        (other(timeline=None), HERE, "same", 0),
        (other(**FAR), other(**FAR), "same", 0),
        (other(**FAR), HERE, "same", 0),
        (HERE, other(**FAR), "same", 0),
        (other(**FAR), other(server_address="10.0.0.2", server_port=5432), "doubtful", 1),
        (other(**FAR), other(server_address="10.0.0.1", server_port=5433), "doubtful", 1),
        (other(**FAR), other(server_address="10.0.0.2", timeline=2), "doubtful", 2),
        (other(system_identifier=None), other(database_oid=1), "other", 1),
        (other(unproved=("a",)), other(table_oid=1), "other", 1),
        (HERE, other(server_version=180000), "same", 0),
    ],
)
def test_whether_two_identities_are_the_same(one: Any, two: Any, kind: str, reasons: int) -> None:
    found = compare(one, two)
    assert (found.kind, len(found.reasons)) == (kind, reasons)
    assert bool(found.text) == (reasons > 0)


def test_an_identity_in_short_form() -> None:
    assert HERE.short == "leo (system 7, database 16384, table 99)"
    assert other(system_identifier=None, table_oid=None).short == "leo (database 16384)"
    assert Comparison("other", ("a", "b")).text == "a; b"
    with pytest.raises(FrozenInstanceError):
        Comparison("same").kind = "other"  # type: ignore[misc]


# Doubts about the source


VALUES, SOURCE = {"values"}, {"catalog", "rows", "key", "books"}
LATE, IN_TIME = Recovery(paused=False, lag=30.0), Recovery(paused=False, lag=1.0)
PAUSED, UNKNOWN = Recovery(paused=True), Recovery()


def doubts(now: Snapshot, phase: Phase = "after", then: Snapshot | None = None, lag: float | None = None) -> list[Any]:
    return [(one.outcome, one.facts, one.columns) for one in find_doubts(PLAN, phase, now, then, lag)]


COUNTED = tally(row(1))
AFTERWARDS = tally(row(1), facets={n: c for n, c in FACETS.items() if n != "download_url"})


@pytest.mark.parametrize(
    ("state", "lag", "before", "after"),
    [
        (None, None, None, None),
        (IN_TIME, None, False, None),
        (IN_TIME, 1.0, None, None),
        (IN_TIME, 0.9, True, True),
        (LATE, None, False, None),
        (LATE, 10.0, True, True),
        (LATE, 30.0, None, None),
        (PAUSED, None, True, True),
        (PAUSED, 99.0, True, True),
        (UNKNOWN, 99.0, True, True),
    ],
)
def test_a_standby(state: Any, lag: float | None, before: bool | None, after: bool | None) -> None:
    """None is no doubt; False is one about the values only; True one about everything that is read of the source."""
    now = snapshot(COUNTED, table(), recovery=state)
    early = VALUES | {"dependents"} | (SOURCE if before else set())
    assert doubts(now, "before", lag=lag) == ([] if before is None else [("unknown", early, None)])

    def late(*counted: str) -> list[Any]:
        return [] if after is None else [("unknown", SOURCE, None), ("unknown", VALUES, frozenset(counted))]

    assert doubts(now, "after", lag=lag) == late("download_url", "conversation")
    assert doubts(snapshot(AFTERWARDS, table(), recovery=state), lag=lag) == late("conversation")
    assert doubts(snapshot(None, table(), recovery=state), lag=lag) == late()
    assert all(one.about == "source" and one.remedy for one in find_doubts(PLAN, "before", now, None, lag))


@pytest.mark.parametrize(
    ("state", "lag", "wanted"), [(LATE, None, True), (LATE, 30, False), (LATE, 29, True), (None, None, False)]
)
def test_a_late_baseline_lacks_values(state: Any, lag: float | None, wanted: bool) -> None:
    then = snapshot(COUNTED, recovery=state)
    for phase in ("after", "rolled-back"):
        found = doubts(snapshot(COUNTED), phase, then, lag)  # type: ignore[arg-type]
        assert found == ([("unknown", {"earlier values"}, None)] if wanted else [])
    assert doubts(snapshot(COUNTED), "before", then, lag) == []
    assert doubts(snapshot(COUNTED), "after", None, lag) == []
    assert all(one.remedy and one.about == "source" for one in find_doubts(PLAN, "after", snapshot(COUNTED), then, lag))


def test_the_lag_that_is_allowed_is_the_calls_or_the_plans() -> None:
    now = snapshot(tally(row(1)), table(), recovery=LATE, dependents=())
    by = plan({"max_lag": 60})
    for given, lag, wanted in (
        (PLAN, None, "unknown"),
        (by, None, "pass"),
        (by, 10, "unknown"),
        (PLAN, 60, "pass"),
        (by, 0, "unknown"),
    ):
        report = check(given, now, phase="before", max_lag=lag)
        assert report.check("dependents.download_url").outcome == wanted
        assert report.check("kept.github_url").outcome == ("unknown" if lag in (10, 0) else "pass")


def test_unlogged_rows_and_subscriptions_before_the_drop() -> None:
    unlogged = table(unlogged=True)
    kid = Relation(name="public.kid", kind="partition", columns=(), unlogged=True)
    ready, not_ready = (Subscription(name="s", ready=ready) for ready in (True, False))
    assert doubts(snapshot(COUNTED, unlogged), "before") == [("warn", VALUES, None)]
    assert doubts(snapshot(COUNTED, table(children=(kid,))), "before") == [("warn", VALUES, None)]
    assert doubts(snapshot(COUNTED, table(subscriptions=(ready,))), "before") == [("warn", VALUES, None)]
    assert doubts(snapshot(COUNTED, table(subscriptions=(not_ready,))), "before") == [("unknown", VALUES, None)]
    both = table(unlogged=True, subscriptions=(ready, not_ready))
    assert doubts(snapshot(COUNTED, both), "before") == [
        ("warn", VALUES, None),
        ("warn", VALUES, None),
        ("unknown", VALUES, None),
    ]
    assert doubts(snapshot(COUNTED, both), "after") == []
    assert doubts(snapshot(COUNTED, None), "before") == []
    assert doubts(snapshot(COUNTED, table(subscriptions=())), "before") == []
    found = find_doubts(PLAN, "before", snapshot(COUNTED, both), None, None)
    assert all(one.remedy and one.about == "source" for one in found)


def test_the_report_says_where_the_rows_are_and_who_writes_them() -> None:
    far = [Relation(name=f"f{n}", kind="foreign table", columns=(), server="s", remote="r") for n in range(7)]
    near = Relation(name="near", kind="partition", columns=(), unlogged=True)
    facts = table(children=(*far, near), unlogged=True, subscriptions=(Subscription(name="sub", ready=True),))
    notes = check(PLAN, snapshot(COUNTED, facts)).notes
    assert len(notes) == 3
    assert "7 partitions or children" in notes[0]
    assert "f4 (r on the server s) and 2 more" in notes[0]
    assert "public.generation_requests, near" in notes[1]
    assert "sub" in notes[2]
    five = check(PLAN, snapshot(COUNTED, table(children=tuple(far[:5])))).notes
    assert "more" not in five[0]
    assert check(PLAN, snapshot(COUNTED, table())).notes == ()
    assert check(PLAN, snapshot(COUNTED, None)).notes == ()


# evidence that a snapshot carries


@pytest.mark.parametrize(
    ("under", "judged_at", "outcome", "words"),
    [
        ({}, None, "pass", ""),
        ({"plan": "another"}, None, "unknown", "read under another plan (another, now "),
        ({"cutover": NOON}, None, "pass", ""),  # code is not read by a cutover
        ({"by_cutover": True}, None, "pass", ""),
        ({"by_cutover": True, "cutover": NOON}, NOON, "pass", ""),
        ({"by_cutover": True, "cutover": NOON}, None, "unknown", "read with the cutover 2025-01-10 12:00 UTC"),
        ({"by_cutover": True}, NOON, "unknown", "read without a cutover"),
        ({"by_cutover": True, "cutover": NOON}, CUTOVER, "unknown", "read with the cutover 2025-01-10 12:00 UTC"),
    ],
)
def test_evidence_of_another_plan_or_cutover_judges_nothing(
    under: dict[str, Any], judged_at: datetime | None, outcome: str, words: str
) -> None:
    code = CodeFacts("root", 1, 1, {}, (), (), ())
    read = ReadUnder(**{"plan": PLAN.fingerprint} | under)
    now = snapshot(tally(row(1))).with_evidence(code=code, read_under={"code": read})
    (first, *_) = check(PLAN, now, cutover=judged_at).check("leftovers.download_url").findings
    assert (first.outcome, words in first.message) == (outcome, True)
    if outcome == "unknown":
        assert first.remedy == "Read them again: --code."


def test_each_part_of_the_evidence_is_judged_by_itself() -> None:
    right, wrong = ReadUnder(plan=PLAN.fingerprint), ReadUnder(plan="another")
    found = list(
        find_stale(PLAN, snapshot(tally(row(1))).with_evidence(read_under={"code": right, "messages": wrong}), None)
    )
    assert [(one.about, one.facts, one.outcome, one.columns) for one in found] == [
        ("source", {"messages"}, "unknown", None)
    ]

"""The report's numbers from the two sides: rates, changes, days, and why a column was not counted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from genreq_checks.evidence.sides import gather
from genreq_checks.run import check
from genreq_checks.snapshot import ProbeRows, Snapshot
from genreq_checks.tally import Tally
from handmade import (
    CUTOVER,
    FACETS,
    NEW,
    NOON,
    OLD,
    PLAN,
    columns,
    plan,
    row,
    snapshot,
    table,
    tally,
)

GOOD = {"github_url": "populated", "artifacts_github_url": "populated", "derivation.artifacts_github_url": "match"}
BARE = {"github_url": "populated", "derivation.artifacts_github_url": "missing"}
BY_DAY = tally(
    row(5, BARE),
    row(2, {"github_url": "blank"}, day="2025-01-10"),
    row(7, GOOD, day=NEW),
    row(3, BARE, day=None),
    row(50, GOOD, status="failed"),
)


def measured(now: Snapshot, baseline: Snapshot | None = None, cutover: datetime | None = None) -> dict[str, Any]:
    report = check(PLAN, now, baseline, cutover=cutover)
    return {
        "rates": {
            (r.column, r.side): (r.rows, r.populated, r.null, r.blank, r.malformed, r.rate) for r in report.rates
        },
        "derivation": {
            (d.column, d.side): (d.none, d.match, d.missing, d.wrong, d.unexpected) for d in report.derivation
        },
        "changes": {c.column: (c.before, c.after, c.difference, c.low, c.high) for c in report.changes},
        "meanwhile": [tuple(m.model_dump().values()) for m in report.meanwhile],
    }


def test_the_reports_numbers_of_one_side() -> None:
    counts = tally(
        row(1), row(2, {"github_url": "blank"}), row(4, {"github_url": "populated"}), row(8, {"github_url": "malformed"}),
        row(16, {"github_url": "credentials"}),
    )  # fmt: skip
    found = measured(snapshot(counts))
    assert found["rates"]["github_url", "all"] == (31, 28, 1, 2, 24, 28 / 31)
    assert set(found["rates"]) == {(name, "all") for name in PLAN.kept}
    assert found["changes"] == {}
    assert found["derivation"] == {("artifacts_github_url", "all"): (31, 0, 0, 0, 0)}
    assert found["meanwhile"] == []


def test_the_reports_numbers_of_a_cutover_have_intervals_where_there_are_rows() -> None:
    report = check(PLAN, snapshot(BY_DAY), cutover=CUTOVER)
    assert [(r.column, r.side) for r in report.rates] == [
        (name, side) for name in PLAN.kept for side in ("before", "after", "undated")
    ]
    rate = report.rate("artifacts_github_url", "after")
    assert rate is not None
    assert (rate.rows, rate.populated, rate.rate) == (9, 7, 7 / 9)
    assert rate.low == pytest.approx(0.4526, abs=1e-4)
    assert rate.high == pytest.approx(0.9368, abs=1e-4)
    change = next(c for c in report.changes if c.column == "artifacts_github_url")
    assert (change.before, change.after, change.difference) == (0.0, 7 / 9, 7 / 9)
    assert change.low == pytest.approx(0.2351, abs=1e-4)
    assert change.high == pytest.approx(0.9368, abs=1e-4)
    found = measured(snapshot(BY_DAY), cutover=CUTOVER)
    assert found["derivation"] == {
        ("artifacts_github_url", "before"): (0, 0, 5, 0, 0),
        ("artifacts_github_url", "after"): (2, 7, 0, 0, 0),
        ("artifacts_github_url", "undated"): (0, 0, 3, 0, 0),
    }


def test_no_rows_have_no_rate_and_no_change() -> None:
    found = measured(snapshot(tally(row(5, GOOD, day=NEW))), cutover=CUTOVER)
    assert found["rates"]["github_url", "before"] == (0, 0, 0, 0, 0, None)
    assert found["changes"]["github_url"] == (None, 1.0, None, None, None)
    none = measured(snapshot(tally(row(5, GOOD))), cutover=CUTOVER)
    assert none["changes"]["github_url"] == (1.0, None, None, None, None)
    report = check(PLAN, snapshot(tally()))
    assert [(r.rate, r.low, r.high) for r in report.rates] == [(None, None, None)] * 3


def test_a_baseline_alone_is_compared_exactly_and_a_column_that_one_side_lacks_is_left_out() -> None:
    less = {
        name: labels
        for name, labels in FACETS.items()
        if name not in ("deployment_url", "derivation.artifacts_github_url")
    }
    then = snapshot(tally(row(4, {"github_url": "populated"}), row(4), facets=less))
    found = measured(snapshot(BY_DAY), then)
    assert found["changes"] == {
        "github_url": (0.5, 15 / 17, 15 / 17 - 0.5, None, None),
        "artifacts_github_url": (0.0, 7 / 17, 7 / 17, None, None),
    }
    assert ("deployment_url", "after") in found["rates"]
    assert ("deployment_url", "before") not in found["rates"]
    assert set(found["derivation"]) == {("artifacts_github_url", "after")}
    assert found["meanwhile"] == []
    back = measured(snapshot(tally(row(4), facets=less)), snapshot(BY_DAY))
    assert set(back["changes"]) == {"github_url", "artifacts_github_url"}


def test_the_changes_of_the_earlier_rows_since_the_baseline() -> None:
    then = snapshot(tally(row(10, BARE)), read="2025-01-09T00:00Z")
    now = snapshot(tally(row(6, BARE), row(3, GOOD), row(9, GOOD, day=NEW)))
    found = measured(now, then, CUTOVER)
    assert found["meanwhile"] == [
        ("github_url", 10, 9, 10, 9),
        ("artifacts_github_url", 10, 9, 0, 3),
        ("deployment_url", 10, 9, 0, 0),
    ]
    less = {name: labels for name, labels in FACETS.items() if name != "deployment_url"}
    assert len(measured(now, snapshot(tally(row(1), facets=less)), CUTOVER)["meanwhile"]) == 2
    assert len(measured(snapshot(tally(row(1), facets=less)), then, CUTOVER)["meanwhile"]) == 2


def why(facet: str, now: Snapshot, by: Any = PLAN, baseline: Snapshot | None = None, check_id: str = "") -> str:
    report = check(by, now, baseline)
    return report.check(check_id or f"population.{facet}").findings[0].message


def test_why_a_column_was_not_counted() -> None:
    none = tally(row(1), facets={})
    assert "has no column 'github_url'" in why("github_url", snapshot(none, table("id")))
    assert "has no column 'github_url'" in why("github_url", snapshot(none))
    no_right = tuple(c.model_copy(update={"privilege": False}) for c in columns("github_url"))
    message = why("github_url", snapshot(none, table(columns=no_right)))
    assert "GRANT SELECT (github_url)" in message
    assert "was read without counting" in why("github_url", snapshot(none, table("github_url")))
    then = snapshot(none, table("id"), location="then.json")
    both = check(PLAN, snapshot(BY_DAY, table()), then).check("population.github_url")
    assert "has no column 'github_url'" in both.findings[-1].message
    after = check(PLAN, snapshot(none, table("github_url"), location="now.json"), then).check("population.github_url")
    assert "now.json was read without counting" in after.findings[0].message


def test_why_a_comparison_was_not_counted() -> None:
    by = plan({"dropped": {"download_url": {"claim": {"presence_is_enough": None, "how": {"suffix": ".zip"}}}}})
    facets = {"download_url": ("null", "blank", "populated"), "github_url": ("null", "blank", "populated")}

    def message(counts: dict[str, Any], *names: str) -> str:
        now = snapshot(tally(row(1), facets=counts), table(*names), location="now.json")
        return check(by, now, phase="before").check("claims.download_url").findings[-1].message

    assert "did not compare download_url with github_url" in message(facets, "id", "download_url", "github_url")
    assert "has no column 'github_url'" in message({"download_url": facets["download_url"]}, "id", "download_url")
    assert "has no column 'download_url'" in message({"github_url": facets["github_url"]}, "id", "github_url")


def test_undecodable_values_are_malformed_and_counted_separately() -> None:
    facets = {"github_url": ("null", "blank", "populated", "malformed", "credentials", "undecodable")}
    counts = tally(
        row(2, {"github_url": "undecodable"}), row(3, {"github_url": "malformed"}), row(5, {"github_url": "credentials"}),
        row(10, {"github_url": "populated"}), facets=facets,
    )  # fmt: skip
    finding = check(PLAN, snapshot(counts)).check("population.github_url").findings[0]
    numbers = {"rows": 20, "populated": 20, "null": 0, "blank": 0, "malformed": 10, "credentials": 5, "undecodable": 2}
    assert finding.evidence == {"rule": "minimum", "minimum": 0.95} | numbers
    plain = tally(row(2, {"github_url": "populated"}), facets={"github_url": ("null", "blank", "populated")})
    finding = check(PLAN, snapshot(plain)).check("population.github_url").findings[0]
    numbers = {"rows": 2, "populated": 2, "null": 0, "blank": 0, "malformed": 0, "credentials": 0}
    assert finding.evidence == {"rule": "minimum", "minimum": 0.95} | numbers
    text = {"github_url": ("null", "blank", "populated", "undecodable")}
    finding = check(PLAN, snapshot(tally(row(2, {"github_url": "undecodable"}), facets=text))).check(
        "population.github_url"
    )
    assert finding.findings[0].evidence["malformed"] == 0
    assert finding.findings[0].evidence["undecodable"] == 2


def test_the_days_of_the_sides_are_utc() -> None:
    assert datetime(2025, 1, 10, tzinfo=UTC) == CUTOVER
    assert (OLD, NEW) == ("2025-01-09", "2025-01-11")


def test_a_probe_of_a_side_must_be_of_the_same_cutover() -> None:
    rows: ProbeRows = ((1,),)
    halved = tally(row(1, split=True), split=CUTOVER)

    def answer(counts: Tally | None, cutover: datetime | None, name: str = "p", of_a_side: bool = True) -> Any:
        now = snapshot(counts, probes={"p": rows}, location="now.json")
        return gather(PLAN, "after", now, cutover=cutover).probe(name, of_a_side=of_a_side)

    assert answer(halved, CUTOVER) == rows
    assert answer(None, CUTOVER) == rows
    assert answer(tally(row(1)), None) == rows
    assert answer(halved, NOON) == "now.json was read with the cutover 2025-01-10 00:00."
    assert answer(tally(row(1)), CUTOVER) == "now.json was read without a cutover."
    assert answer(halved, NOON, of_a_side=False) == rows
    assert answer(halved, NOON, "q") == "now.json was read without asking for it."


def test_the_counts_of_each_day_in_the_order_of_the_days_and_the_undated_last() -> None:
    labels = {name: classes for name, classes in FACETS.items() if name != "github_url"}
    rows = (row(4, day=None), row(2, GOOD, day=NEW), row(1, day=OLD), row(8, GOOD, day=OLD))
    report = check(PLAN, snapshot(tally(*rows)))
    found = [(one.day, one.rows, one.populated, one.null) for one in report.daily if one.column == "github_url"]
    assert found == [(OLD, 9, 8, 1), (NEW, 2, 2, 0), (None, 4, 0, 4)]
    counted = [{**one[3]} for one in rows]
    plain = tuple(
        row(one[4], {n: c for n, c in of.items() if n in labels}, day=one[0])
        for one, of in zip(rows, counted, strict=True)
    )
    less = check(PLAN, snapshot(tally(*plain, facets=labels)))
    assert {one.column for one in less.daily} == {"artifacts_github_url", "deployment_url"}
    then = snapshot(tally(row(1, day=OLD)))
    both = check(PLAN, snapshot(tally(*rows)), then)
    assert {(one.side, one.day) for one in both.daily if one.column == "github_url"} == {
        ("before", OLD),
        ("after", OLD),
        ("after", NEW),
        ("after", None),
    }
    assert {(one.column, one.side) for one in both.rates} == {
        (n, side) for n in PLAN.kept for side in ("before", "after")
    }
    nothing = check(PLAN, snapshot(None), then)
    assert {one.side for one in nothing.daily} == {"before"}
    other = check(PLAN, snapshot(tally(*plain, facets=labels)), then)
    assert [one.column for one in other.changes] == ["artifacts_github_url", "deployment_url"]


def test_one_side_has_no_change() -> None:
    assert check(PLAN, snapshot(BY_DAY)).changes == ()

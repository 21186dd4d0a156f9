"""population, derivation and url-shape: each rule at its limit, each side, and what cannot be judged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from genreq_checks.checks.population import FEW
from genreq_checks.errors import UsageError
from genreq_checks.report import Finding
from handmade import CUTOVER, FACETS, NEW, OLD, PLAN, judge, only, plan, row, snapshot, table, tally, told

GITHUB, DERIVED = "github_url", "derivation.artifacts_github_url"


def rate(column: str, populated: int, rows: int, day: str | None, label: str = "populated") -> list[tuple[Any, ...]]:
    return [row(populated, {column: label}, day=day), row(rows - populated, day=day)]


def population(column: str, before: tuple[int, int], after: tuple[int, int], by: Any = PLAN) -> list[Finding]:
    counts = tally(*rate(column, *before, OLD), *rate(column, *after, NEW))
    return judge(snapshot(counts), f"population.{column}", by=by, cutover=CUTOVER)


# The minimum


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        ((95, 100), "pass"),
        ((94, 100), "fail"),
        ((19, 20), "pass"),
        ((949, 1000), "fail"),
        ((1, 1), "pass"),
        ((0, 1), "fail"),
    ],
)
def test_exactly_the_minimum_is_enough(after: tuple[int, int], outcome: str) -> None:
    minimum, _ = population(GITHUB, (100, 100), after)
    assert (minimum.subject, minimum.outcome, bool(minimum.remedy)) == (GITHUB, outcome, outcome == "fail")
    populated, rows = after
    numbers = {
        "rows": rows,
        "populated": populated,
        "null": rows - populated,
        "blank": 0,
        "malformed": 0,
        "credentials": 0,
    }
    assert minimum.evidence == {"rule": "minimum", "minimum": 0.95} | numbers


# The change


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        ((970, 1000), (970, 1000), "pass"),
        ((970, 1000), (969, 1000), "pass"),
        ((1000, 1000), (950, 1000), "fail"),
        ((1000, 1000), (999, 1000), "pass"),
        ((10, 10), (9, 10), "pass"),
        ((0, 10), (10, 10), "pass"),
    ],
)
def test_not_lower(before: tuple[int, int], after: tuple[int, int], outcome: str) -> None:
    change = population(GITHUB, before, after)[1]
    assert (change.outcome, bool(change.remedy)) == (outcome, outcome == "fail")
    assert change.evidence["rule"] == "not-lower"
    assert change.evidence["difference"] == pytest.approx(after[0] / after[1] - before[0] / before[1])
    assert (change.evidence["high"] < 0) == (outcome == "fail")
    assert change.evidence["low"] < change.evidence["high"]
    assert change.evidence["before"]["populated"] == before[0]
    assert change.evidence["after"]["populated"] == after[0]


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        ((100, 1000), (700, 1000), "pass"),
        ((100, 100), (100, 100), "pass"),  # what was complete and still is cannot get higher
        ((100, 100), (99, 100), "fail"),
        ((99, 100), (100, 100), "unknown"),
        ((500, 1000), (500, 1000), "fail"),  # equal rates
        ((3, 10), (4, 10), "unknown"),  # rose, but within the interval
        ((3, 10), (2, 9), "unknown"),  # fell, but nine rows are few
        ((3, 10), (2, 10), "fail"),  # ten are not
        ((0, 10), (0, 9), "unknown"),
        ((0, 10), (0, 10), "fail"),
        ((1000, 1000), (0, 9), "fail"),  # few, and surely lower
    ],
)
def test_higher(before: tuple[int, int], after: tuple[int, int], outcome: str) -> None:
    (change,) = population("deployment_url", before, after)
    assert (change.outcome, bool(change.remedy)) == (outcome, outcome != "pass")
    words = "Too few rows to tell: " if after[1] < FEW else "The rise is within the interval and may be chance: "
    assert change.message.startswith(words) == (outcome == "unknown")
    assert change.evidence["rule"] == "higher"


@pytest.mark.parametrize(
    ("then", "now", "higher", "not_lower"),
    [
        ((5, 10), (5, 10), "fail", "pass"),
        ((5, 10), (6, 10), "pass", "pass"),
        ((5, 10), (4, 10), "fail", "fail"),
        ((10, 10), (10, 10), "pass", "pass"),
    ],
)
def test_the_same_table_counted_twice_has_no_interval(then: Any, now: Any, higher: str, not_lower: str) -> None:
    def change(column: str, by: Any = PLAN) -> Finding:
        one, two = (snapshot(tally(*rate(column, *some, OLD))) for some in (then, now))
        return judge(two, f"population.{column}", baseline=one, by=by)[-1]

    assert change("deployment_url").outcome == higher
    lower = change(GITHUB)
    assert lower.outcome == not_lower
    assert (lower.evidence["low"], lower.evidence["high"]) == (None, None)
    assert lower.evidence["difference"] == pytest.approx((now[0] - then[0]) / 10)


def test_an_equal_rate_of_few_rows_is_not_higher() -> None:
    one = snapshot(tally(*rate("deployment_url", 2, 4, OLD)))
    (change,) = judge(one, "population.deployment_url", baseline=one)
    assert change.outcome == "fail"


@pytest.mark.parametrize("keys", [{"change": "any"}, {"change": None}])
def test_a_plan_without_a_rule_asks_no_rate(keys: Mapping[str, Any]) -> None:
    by = plan({"kept": {"deployment_url": keys}})
    outcome, numbers = only(population("deployment_url", (1, 2), (3, 4), by))
    assert outcome == "skip"
    assert numbers == {"rows": 4, "populated": 3, "null": 1, "blank": 0, "malformed": 0, "credentials": 0}


# No rows


def test_no_rows_after_are_unknown_and_the_undated_are_named() -> None:
    counts = tally(*rate(GITHUB, 5, 5, OLD), row(3, day=None))
    (finding,) = judge(snapshot(counts), f"population.{GITHUB}", cutover=CUTOVER)
    assert (finding.outcome, finding.evidence, bool(finding.remedy)) == ("unknown", {}, True)
    assert "3 completed rows are undated" in finding.message
    (finding,) = judge(snapshot(tally(*rate(GITHUB, 5, 5, OLD))), f"population.{GITHUB}", cutover=CUTOVER)
    assert "undated" not in finding.message
    (finding,) = judge(snapshot(tally()), f"population.{GITHUB}")
    assert finding.outcome == "unknown"


def test_no_rows_before_leave_the_change_unknown_and_not_the_minimum() -> None:
    assert told(population(GITHUB, (0, 0), (95, 100))) == [(GITHUB, "pass"), (GITHUB, "unknown")]
    assert told(population(GITHUB, (0, 0), (94, 100))) == [(GITHUB, "fail"), (GITHUB, "unknown")]
    assert population(GITHUB, (0, 0), (95, 100))[1].remedy


def test_no_counts_and_one_side_are_unknown() -> None:
    assert only(judge(snapshot(None), f"population.{GITHUB}")) == ("unknown", {})
    alone = judge(snapshot(tally(*rate(GITHUB, 95, 100, OLD))), f"population.{GITHUB}")
    assert told(alone) == [(GITHUB, "pass"), (GITHUB, "unknown")]
    assert "--cutover" in alone[1].message


# The derivation


def derived(*rows: tuple[Any, ...], cutover: datetime | None = CUTOVER, then: Any = None, **more: Any) -> list[Finding]:
    return judge(
        snapshot(tally(*rows), table()), "derivation.artifacts_github_url", baseline=then, cutover=cutover, **more
    )


MATCH = row(5, {DERIVED: "match"}, day=NEW)


@pytest.mark.parametrize("label", ["missing", "wrong", "unexpected"])
def test_one_row_that_breaks_the_derivation_after_the_cutover_fails(label: str) -> None:
    outcome, numbers = only(derived(MATCH, row(1, {DERIVED: label}, day=NEW), row(9, {DERIVED: "wrong"}, day=OLD)))
    wanted = {"rows": 6, "none": 0, "match": 5, "missing": 0, "wrong": 0, "unexpected": 0} | {label: 1}
    assert (outcome, numbers) == ("fail", wanted)
    (finding,) = derived(row(1, {DERIVED: label}, day=NEW))
    assert (finding.outcome, bool(finding.remedy)) == ("fail", True)


def test_every_row_derived_passes() -> None:
    outcome, numbers = only(derived(MATCH, row(2, day=NEW), row(9, {DERIVED: "wrong"})))
    assert (outcome, numbers["match"], numbers["none"]) == ("pass", 5, 2)


def test_nothing_to_derive_from_and_no_rows_are_unknown() -> None:
    outcome, numbers = only(derived(row(2, day=NEW)))
    assert (outcome, numbers["rows"], numbers["none"]) == ("unknown", 2, 2)
    assert only(derived(row(2, {DERIVED: "match"}))) == ("unknown", {})
    (finding,) = derived(row(2))
    assert finding.remedy


def test_without_a_cutover_broken_rows_may_be_old_ones() -> None:
    broken = row(2, {DERIVED: "missing"})
    (finding,) = derived(MATCH, broken, cutover=None)
    assert (finding.outcome, finding.evidence["missing"], bool(finding.remedy)) == ("unknown", 2, True)
    for earlier, outcome in ((1, "fail"), (2, "unknown"), (3, "unknown")):
        then = snapshot(tally(row(earlier, {DERIVED: "wrong"}), MATCH))
        assert derived(MATCH, broken, cutover=None, then=then)[0].outcome == outcome
    less = {name: labels for name, labels in FACETS.items() if name != DERIVED}
    assert derived(broken, cutover=None, then=snapshot(tally(row(1), facets=less)))[0].outcome == "unknown"
    assert derived(broken, cutover=None, then=snapshot(None))[0].outcome == "unknown"
    mixed = snapshot(tally(row(1, {DERIVED: "missing"}), row(1, {DERIVED: "unexpected"})))
    assert derived(MATCH, broken, cutover=None, then=mixed)[0].outcome == "unknown"


def test_the_column_that_was_not_counted_is_named() -> None:
    def message(*facets: str) -> str:
        counts = tally(row(1), facets={name: FACETS[name] for name in facets})
        (finding,) = judge(snapshot(counts, table("id")), "derivation.artifacts_github_url")
        assert finding.outcome == "unknown"
        return finding.message

    assert "'github_url'" in message("artifacts_github_url")
    assert "'artifacts_github_url'" in message("github_url")
    assert told(judge(snapshot(None), "derivation.artifacts_github_url")) == [("artifacts_github_url", "unknown")]
    # That of the baseline is not the one that is judged.
    both = judge(
        snapshot(tally(row(1), facets={}), table("id")),
        "derivation.artifacts_github_url",
        baseline=snapshot(tally(row(1))),
    )
    assert "public.generation_requests has no column" in both[0].message


# The shape of URLs


def shape(*rows: tuple[Any, ...], cutover: datetime | None = CUTOVER, **more: Any) -> list[Finding]:
    return judge(snapshot(tally(*rows, **more)), f"url-shape.{GITHUB}", cutover=cutover)


def url(label: str, count: int = 1, day: str | None = NEW) -> tuple[Any, ...]:
    return row(count, {GITHUB: label}, day=day)


def test_well_formed_values_pass() -> None:
    outcome, numbers = only(shape(url("populated", 3), url("null", 2), url("malformed", 1, OLD)))
    assert outcome == "pass"
    assert numbers == {"rows": 5, "populated": 3, "null": 2, "blank": 0, "malformed": 0, "credentials": 0}


def test_malformed_values_after_the_cutover_warn_with_the_command_that_lists_them() -> None:
    (finding,) = shape(url("populated", 3), url("malformed"))
    assert (finding.outcome, finding.evidence["malformed"], bool(finding.remedy)) == ("warn", 1, True)


@pytest.mark.parametrize("day", [OLD, NEW, None])
def test_credentials_fail_on_any_side_with_the_numbers_of_all_rows(day: str | None) -> None:
    findings = shape(url("populated", 3), url("credentials", day=day))
    assert told(findings) == [(GITHUB, "fail")]
    assert findings[0].evidence["rows"] == 4
    assert findings[0].evidence["credentials"] == 1
    assert findings[0].remedy


def test_credentials_and_malformed_values_are_two_findings() -> None:
    findings = shape(url("credentials", 2), url("malformed"), url("populated"))
    assert told(findings) == [(GITHUB, "fail"), (GITHUB, "warn")]
    assert findings[1].evidence["malformed"] == 3


def test_no_value_to_look_at_is_unknown() -> None:
    assert told(shape(url("null", 2))) == [(GITHUB, "unknown")]
    assert told(shape(url("credentials", day=OLD))) == [(GITHUB, "fail"), (GITHUB, "unknown")]
    assert told(judge(snapshot(None), f"url-shape.{GITHUB}")) == [(GITHUB, "unknown")]
    inside = datetime.fromisoformat("2025-01-10T12:00Z")
    assert told(shape(url("populated", day="2025-01-10"), cutover=inside)) == [(GITHUB, "unknown")]
    both = shape(url("credentials", day="2025-01-10"), cutover=inside)
    assert told(both) == [(GITHUB, "fail"), (GITHUB, "unknown")]


def test_undecodable_values_are_not_well_formed_urls() -> None:
    facets = {GITHUB: (*FACETS[GITHUB], "undecodable")}
    (finding,) = shape(url("undecodable", 2), url("populated"), facets=facets)
    assert (finding.outcome, finding.evidence["undecodable"]) == ("warn", 2)


def test_only_columns_with_a_shape_are_checked() -> None:
    by = plan({"kept": {GITHUB: {"url": None}}})
    with pytest.raises(UsageError):
        judge(snapshot(tally(row(1))), f"url-shape.{GITHUB}", by=by)
    assert judge(snapshot(tally(row(1))), "url-shape.deployment_url", by=by)

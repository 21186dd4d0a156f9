"""What each check needs and lists: the facts without which it is unknown, the rows behind it, and the facets that are counted."""

from __future__ import annotations

from typing import Any

from genreq_checks.checks import all_checks, checks_of, needs_of, rows_behind, with_rows
from genreq_checks.plan import Plan
from genreq_checks.scan.facets import Columns
from genreq_checks.scan.selection import Pick, count_picked
from handmade import CUTOVER, KEPT, NEW, PLAN, plan, row, tally

GITHUB, ARTIFACTS, DEPLOYMENT = KEPT
CONTENT = {"populated", "malformed", "credentials", "undecodable"}
EMPTY = {"null", "blank", "json-null", "empty"}
ZIP, TALK = "download_url", "conversation"
ALL = Columns(dict.fromkeys((*KEPT, ZIP), "text") | {TALK: "jsonb"})


def test_the_facts_that_a_check_needs() -> None:
    facts: dict[str, set[str]] = {}
    for one, subject in checks_of(PLAN):
        facts[one.id(subject)] = set(one.facts(PLAN, subject))
    rate = {"rows", "cohort"}
    wanted = {
        "identity": {"baseline"},
        f"claims.{ZIP}": {"values", "forward SQL"},
        f"claims.{TALK}": {"values", "forward SQL"},
        f"claims.{GITHUB}": {"values", "cohort"},
        f"claims.{ARTIFACTS}": {"values"},
        f"claims.{DEPLOYMENT}": {"values"},
        **{f"loss.{n}": {"values", "forward SQL", "rollback SQL", "baseline", "earlier values"} for n in (ZIP, TALK)},
        **{f"dependents.{name}": {"catalog", "dependents", "forward SQL"} for name in (ZIP, TALK)},
        **{f"dropped.{name}": {"catalog"} for name in (ZIP, TALK)},
        **{f"kept.{name}": {"catalog", "forward SQL"} for name in KEPT},
        "rows": rate | {"key", "baseline"},
        **{f"values.{name}": rate | {"key", "baseline"} for name in (*KEPT, ZIP, TALK)},
        **{f"population.{name}": rate | {"baseline"} for name in KEPT},
        f"derivation.{ARTIFACTS}": rate,
        **{f"url-shape.{name}": rate for name in KEPT},
        **{f"reconciliation.{name}": {"key", "messages"} for name in KEPT},
        "migrations": {"books", "migrations"},
        **{f"leftovers.{name}": {"code"} for name in (ZIP, TALK)},
        **{f"readers.{name}": {"queries", "log"} for name in (ZIP, TALK)},
        **{f"held.{name}": rate | {"catalog", "key", "baseline"} for name in (ZIP, TALK)},
        **{f"phases.{name}": {"code"} for name in ("protocol", "client", "server", "schema")},
        "rollback": {"rows", "key", "earlier values"},
    }
    assert {name: found for name, found in facts.items() if found} == wanted


def picks(check_id: str, by: Plan = PLAN) -> list[tuple[Any, ...]]:
    _, selection = rows_behind(by, check_id)
    return [(one.label, dict(one.classes), one.cohort, one.side) for one in selection.picks]


def test_the_rows_behind_a_rate_a_derivation_and_a_shape() -> None:
    name = f"derivation.{ARTIFACTS}"
    assert picks(f"population.{GITHUB}") == [(one, {GITHUB: {one}}, True, "after") for one in ("null", "blank")]
    assert picks(name) == [(one, {name: {one}}, True, "after") for one in ("missing", "wrong", "unexpected")]
    assert picks(f"url-shape.{GITHUB}") == [
        ("credentials", {GITHUB: {"credentials"}}, True, "any"),
        ("malformed", {GITHUB: {"malformed", "undecodable"}}, True, "after"),
    ]


def test_the_rows_against_a_claim_and_of_a_loss() -> None:
    doubtful = ("beside a malformed one", {ZIP: CONTENT, GITHUB: {"malformed", "undecodable"}}, False, "any")
    presence = plan({"dropped": {ZIP: {"claim": {"presence_is_enough": None}}}})
    beside = ("not compared", {ZIP: CONTENT, GITHUB: {"populated", "credentials"}}, False, "any")
    for check_id, label in ((f"claims.{ZIP}", "alone"), (f"loss.{ZIP}", "nowhere else")):
        alone = (label, {ZIP: CONTENT, GITHUB: EMPTY}, False, "any")
        assert picks(check_id) == [alone, doubtful]
        assert picks(check_id, presence) == [alone, doubtful, beside]
    how = plan({"dropped": {ZIP: {"claim": {"presence_is_enough": None, "how": {"suffix": ".zip"}}}}})
    other = {ZIP: CONTENT, f"follows.{ZIP}": {"other"}}
    assert picks(f"claims.{ZIP}", how) == [
        ("alone", other | {GITHUB: EMPTY}, False, "any"),
        ("different", other | {GITHUB: CONTENT}, False, "any"),
    ]
    assert picks(f"loss.{ZIP}", how) == [("nowhere else", other, False, "any")]
    assert picks(f"claims.{TALK}") == [
        ("content", {TALK: CONTENT}, False, "any"),
        ("no content", {TALK: EMPTY - {"null"}}, False, "any"),
    ]
    assert picks(f"claims.{GITHUB}") == [("not populated", {GITHUB: EMPTY}, True, "not-after")]
    assert picks(f"claims.{ARTIFACTS}") == [("has a value", {ARTIFACTS: CONTENT}, False, "not-after")]
    assert picks(f"loss.{TALK}") == [("nowhere else", {TALK: CONTENT}, False, "any")]


def test_a_picks_side_takes_the_rows_from_the_cutover_on_or_all_others() -> None:
    counts = tally(row(1), row(2, day="2025-01-10"), row(4, day=NEW), row(8, day=None))
    for side, wanted in (("any", 15), ("after", 6), ("not-after", 9)):
        pick = Pick("p", {GITHUB: frozenset(("null",))}, side=side)  # type: ignore[arg-type]
        assert count_picked(counts, pick, PLAN, CUTOVER) == wanted
        assert count_picked(counts, pick, PLAN) == 15


def test_the_columns_that_show_why() -> None:
    rebuilt = plan({"dropped": {ZIP: {"reconstruction": {"column": DEPLOYMENT}}}})
    shown = {name: rows_behind(PLAN, name)[1].columns for name in with_rows(PLAN)}
    assert shown == {
        f"claims.{ZIP}": (ZIP, GITHUB),
        f"claims.{TALK}": (TALK,),
        f"claims.{GITHUB}": (GITHUB,),
        f"claims.{ARTIFACTS}": (ARTIFACTS,),
        f"loss.{ZIP}": (ZIP, GITHUB),
        f"loss.{TALK}": (TALK,),
        **{f"population.{name}": (name,) for name in KEPT},
        f"derivation.{ARTIFACTS}": (GITHUB, ARTIFACTS),
        **{f"url-shape.{name}": (name,) for name in KEPT},
    }
    _, selection = rows_behind(rebuilt, f"loss.{ZIP}")
    assert selection.columns == (ZIP, DEPLOYMENT, GITHUB)
    assert selection.facets == (ZIP, f"rebuild.{ZIP}", GITHUB)
    unclaimed = plan({"dropped": {ZIP: {"claim": None, "reconstruction": {"column": DEPLOYMENT}}}})
    _, selection = rows_behind(unclaimed, f"loss.{ZIP}")
    assert selection.columns == (ZIP, DEPLOYMENT)
    assert picks(f"loss.{ZIP}", unclaimed) == [
        ("nowhere else", {ZIP: CONTENT, f"rebuild.{ZIP}": {"other"}}, False, "any")
    ]


def counted(name: str, columns: Columns = ALL, by: Plan = PLAN) -> list[str]:
    (one,) = (one for one in all_checks() if one.name == name)
    assert one.facets is not None
    return sorted({facet.name for facet in one.facets(by, columns)})


def without(*names: str) -> Columns:
    return Columns({name: kind for name, kind in ALL.types.items() if name not in names})


def test_the_facets_that_are_counted_for_each_check() -> None:
    derived = f"derivation.{ARTIFACTS}"
    assert counted("claims") == sorted([*KEPT, ZIP, TALK])
    assert counted("loss") == sorted([ZIP, TALK, GITHUB])
    assert counted("population") == counted("url-shape") == sorted(KEPT)
    assert counted("derivation") == sorted([GITHUB, ARTIFACTS, derived])
    assert counted("rollback") == sorted([ZIP, TALK])
    assert {one.name for one in all_checks() if one.facets} == {
        "claims",
        "loss",
        "population",
        "url-shape",
        "derivation",
        "rollback",
    }
    assert counted("derivation", without(GITHUB)) == []
    assert counted("derivation", without(ARTIFACTS)) == []
    assert counted("population", without(GITHUB)) == sorted([ARTIFACTS, DEPLOYMENT])
    assert counted("url-shape", by=plan({"kept": {GITHUB: {"url": None}}})) == sorted([ARTIFACTS, DEPLOYMENT])
    assert counted("loss", without(ZIP)) == sorted([TALK, GITHUB])
    assert counted("loss", by=plan({"dropped": {ZIP: {"claim": None}}})) == sorted([ZIP, TALK])
    unclaimed = plan({"kept": {GITHUB: {"claim": None}}})
    assert counted("claims", by=unclaimed) == counted("claims")  # what replaces a dropped value is counted too


def test_a_rebuilt_and_a_compared_value_are_counted_where_both_columns_are_there() -> None:
    how = plan({"dropped": {ZIP: {"claim": {"presence_is_enough": None, "how": {"suffix": ".zip"}}}}})
    rebuilt = plan({"dropped": {ZIP: {"reconstruction": {"column": DEPLOYMENT}}}})
    for columns, there in ((ALL, True), (without(ZIP), False), (without(GITHUB), False)):
        for name in ("claims", "loss"):
            assert (f"follows.{ZIP}" in counted(name, columns, how)) == there
            assert f"follows.{ZIP}" not in counted(name, columns)
    for columns, there in ((ALL, True), (without(ZIP), False), (without(DEPLOYMENT), False)):
        assert (f"rebuild.{ZIP}" in counted("loss", columns, rebuilt)) == there
    needs = needs_of(how)
    assert frozenset((ZIP, f"follows.{ZIP}", GITHUB)) in needs.together

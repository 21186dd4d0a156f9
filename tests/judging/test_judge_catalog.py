"""dropped, kept, dependents and rollback: judged by the catalog and the counts of two instants."""

from __future__ import annotations

from typing import Any

import pytest

from genreq_checks.report import Finding, Phase
from genreq_checks.snapshot import Dependent, Relation, Searched, Subscription
from handmade import FACETS, LEFT, PLAN, THERE, columns, judge, only, plan, row, snapshot, table, tally, told

ZIP = "download_url"


def child(name: str, *names: str, **facts: Any) -> Relation:
    return Relation(**({"name": name, "in_sql": name, "kind": "partition", "columns": names} | facts))


def dropped(facts: Any, phase: Phase = "after", then: Any = None, by: Any = PLAN, **more: Any) -> list[Finding]:
    return judge(snapshot(None, facts, **more), f"dropped.{ZIP}", phase, then, by=by)


# dropped


@pytest.mark.parametrize("phase", ["after", "rehearsal"])
def test_gone_or_still_present(phase: Phase) -> None:
    outcome, numbers = only(dropped(table(*LEFT, bytes=8192, dropped_slots=2, dropped_positions=(7,)), phase))
    assert (outcome, numbers) == ("pass", {"present": False, "table_bytes": 8192, "dropped_slots": 2})
    (finding,) = dropped(table(*LEFT, ZIP), phase)
    assert (finding.outcome, finding.evidence, bool(finding.remedy)) == (
        "fail",
        {"present": True, "type": "text"},
        True,
    )


def test_a_table_without_dropped_columns_is_reported() -> None:
    assert "ever dropped" in dropped(table(*LEFT))[0].message
    assert "ever dropped" not in dropped(table(*LEFT, dropped_positions=(7,)))[0].message


@pytest.mark.parametrize("kind", ["view", "materialized view", "foreign table"])
def test_a_relation_that_is_not_a_table_proves_nothing_gone(kind: str) -> None:
    assert told(dropped(table(*LEFT, kind=kind))) == [(ZIP, "unknown")]
    assert told(dropped(table(*LEFT, kind="partitioned table"))) == [(ZIP, "pass")]


def test_without_a_catalog_or_with_a_problem_it_is_unknown() -> None:
    assert told(dropped(None)) == [(ZIP, "unknown")]
    for part in ("connection", "table", "identity"):
        assert told(dropped(table(*LEFT), problems={part: "no."})) == [(ZIP, "unknown")]
    assert told(dropped(table(*LEFT), problems={"tally": "no."})) == [(ZIP, "pass")]


def test_children_that_still_have_it_fail_and_foreign_ones_are_unknown() -> None:
    one, two = child("public.a", "id", ZIP), child("public.b", "id")
    far = child("public.far", "id", kind="foreign table", server="s", remote="x.y")
    near = child("public.near", "id", ZIP, kind="foreign table")
    assert told(dropped(table(*LEFT, children=(one, two)))) == [("public.a", "fail")]
    assert dropped(table(*LEFT, children=(one,)))[0].remedy
    assert told(dropped(table(*LEFT, children=(two,)))) == [(ZIP, "pass")]
    assert told(dropped(table(*LEFT, children=(two, far)))) == [("public.far", "unknown")]
    assert "--table x.y" in dropped(table(*LEFT, children=(far,)))[0].remedy
    assert "--table" not in dropped(table(*LEFT, children=(far.model_copy(update={"remote": "y"}),)))[0].remedy
    assert "--table" not in dropped(table(*LEFT, children=(far.model_copy(update={"remote": None}),)))[0].remedy
    assert told(dropped(table(*LEFT, children=(near, one)))) == [("public.near", "fail"), ("public.a", "fail")]
    old = child("public.old", ZIP, in_sql="")
    assert "public.old" in dropped(table(*LEFT, children=(old,)))[0].remedy


def test_a_rename_keeps_the_place_that_the_baseline_knows() -> None:
    then = snapshot(None, table())
    place = table().column(ZIP)
    assert place is not None
    names = ["id", "status", "completed_at", "github_url", "artifacts_github_url", "deployment_url", "old_zip"]
    (finding,) = dropped(table(*names), then=then)
    assert finding.outcome == "fail"
    assert finding.evidence == {"present": True, "type": "text", "renamed_to": "old_zip", "position": place.position}
    assert "old_zip" in finding.remedy
    kids = (child("public.a", ZIP),)
    assert told(dropped(table(*names, children=kids), then=then)) == [(ZIP, "fail"), ("public.a", "fail")]
    # Without the baseline's table or its column, or of another table, a place says nothing.
    for other in (None, snapshot(None, None), snapshot(None, table(*LEFT)), snapshot(None, table(), identity=THERE)):
        assert told(dropped(table(*names), then=other)) == [(ZIP, "pass")]
    other = snapshot(None, table(), identity=THERE)
    (meant,) = judge(snapshot(None, table(*names)), f"dropped.{ZIP}", baseline=other, other_database=True)
    assert meant.outcome == "pass"  # places are comparable in one table only
    assert told(dropped(table(*LEFT), then=then)) == [(ZIP, "pass")]  # nothing is in its place
    # Where nothing proves that it is the same table, only a name that was not there can be the column.
    unproved = snapshot(None, table(), identity=None)
    assert told(dropped(table(*names), then=unproved)) == [(ZIP, "fail")]
    moved = table(*names[:6], "conversation")
    assert told(dropped(moved, then=unproved)) == [(ZIP, "pass")]
    assert told(dropped(moved, then=then)) == [(ZIP, "fail")]
    files = snapshot(None, table(), identity=None, kind="files")
    assert told(
        judge(snapshot(None, table(*names), identity=None, kind="files"), f"dropped.{ZIP}", baseline=files)
    ) == [(ZIP, "pass")]


def test_another_spelling_and_a_table_of_the_same_name_are_doubts() -> None:
    assert told(dropped(table(*LEFT, "downloadUrl"))) == [(ZIP, "unknown")]
    assert told(dropped(table(*LEFT, "DOWNLOAD_URL"))) == [(ZIP, "unknown")]
    assert dropped(table(*LEFT, "downloadUrl"))[0].remedy
    twins = (child("other.generation_requests", ZIP), child("third.generation_requests", "id"))
    (finding,) = dropped(table(*LEFT, twins=twins))
    assert (finding.subject, finding.outcome, bool(finding.remedy)) == ("other.generation_requests", "warn", True)
    both = dropped(table(*LEFT, "downloadUrl", twins=twins))
    assert [one.outcome for one in both] == ["unknown", "warn"]


def test_after_a_rollback_it_is_back_with_its_type() -> None:
    assert only(dropped(table(), "rolled-back")) == ("pass", {"present": True, "type": "text"})
    (finding,) = dropped(table(*LEFT), "rolled-back")
    assert (finding.outcome, finding.evidence, bool(finding.remedy)) == ("fail", {"present": False}, True)
    other = table(columns=columns(*LEFT, ZIP, download_url="character varying(10)"))
    (finding,) = dropped(other, "rolled-back")
    assert (finding.outcome, bool(finding.remedy)) == ("fail", True)
    assert finding.evidence == {"present": True, "type": "character varying(10)"}
    by = plan({"dropped": {ZIP: {"type": None}}})
    assert told(dropped(other, "rolled-back", by=by)) == [(ZIP, "pass")]


# kept


def kept(facts: Any, then: Any = None, phase: Phase = "after", by: Any = PLAN, **more: Any) -> list[Finding]:
    return judge(snapshot(None, facts, **more), "kept.github_url", phase, then, by=by)


@pytest.mark.parametrize(
    ("type_name", "earlier", "outcome"),
    [
        ("text", None, "pass"),
        ("text", "text", "pass"),
        ("citext", None, "warn"),
        ("character varying(200)", None, "warn"),
        ("integer", None, "fail"),
        ("integer", "text", "fail"),
        ("citext", "text", "fail"),
        ("integer", "integer", "pass"),  # as at the baseline, whatever the plan says
    ],
)
def test_the_type_of_a_kept_column(type_name: str, earlier: str | None, outcome: str) -> None:
    def facts(name: str) -> Any:
        return table(columns=columns("id", "github_url", github_url=name))

    (finding,) = kept(facts(type_name), snapshot(None, facts(earlier)) if earlier else None)
    assert (finding.outcome, finding.evidence) == (outcome, {"present": True, "type": type_name})
    assert bool(finding.remedy) == (outcome != "pass")


def test_a_plan_with_an_unknown_type_or_without_a_type() -> None:
    facts = table(columns=columns("id", "github_url"))
    assert told(kept(facts, by=plan({"kept": {"github_url": {"type": "integer"}}}))) == [("github_url", "fail")]
    assert told(kept(facts, by=plan({"kept": {"github_url": {"type": None}}}))) == [("github_url", "pass")]


def test_a_missing_kept_column_fails_and_an_unread_one_is_unknown() -> None:
    (finding,) = kept(table("id"))
    assert (finding.outcome, finding.evidence, bool(finding.remedy)) == ("fail", {"present": False}, True)
    assert told(kept(None)) == [("github_url", "unknown")]
    assert told(kept(table(), problems={"table": "no."})) == [("github_url", "unknown")]
    assert told(kept(table(), snapshot(None, None))) == [("github_url", "pass")]
    assert told(kept(table(), snapshot(None, table("id")))) == [("github_url", "pass")]


# dependents


def hanging(
    *found: Dependent, facts: Any = None, phase: Phase = "before", searched: Any = None, **more: Any
) -> list[Finding]:
    now = snapshot(None, facts or table(), dependents=found, searched=searched, **more)
    return judge(now, f"dependents.{ZIP}", phase)


def thing(fate: str, kind: str = "view", confidence: str = "certain", **facts: Any) -> Dependent:
    given = {"column": ZIP, "kind": kind, "name": "v", "fate": fate, "confidence": confidence} | facts
    return Dependent.model_validate(given)


@pytest.mark.parametrize(
    ("one", "before", "after"),
    [
        (thing("blocks", ddl="DROP VIEW v"), "fail", "fail"),
        (thing("blocks"), "fail", "fail"),
        (thing("blocks", "event trigger", confidence="possible"), "warn", "warn"),
        (thing("vanishes", "index"), "pass", "pass"),
        (thing("vanishes", "index", spans=("id",)), "warn", "warn"),
        (thing("vanishes", "check constraint", spans=("id",)), "warn", "warn"),
        (thing("vanishes", "check constraint"), "pass", "pass"),
        (thing("vanishes", "unique constraint", spans=("id",)), "warn", "warn"),
        (thing("vanishes", "primary key", spans=("id",)), "warn", "warn"),
        (thing("vanishes", "exclusion constraint", spans=("id",)), "warn", "warn"),
        (thing("vanishes", "foreign key", spans=("id",)), "warn", "warn"),
        (thing("vanishes", "statistics", spans=("id",)), "pass", "pass"),
        (thing("vanishes", "generated column", ddl="ALTER TABLE …"), "fail", "fail"),
        (thing("fine", "policy"), "pass", "pass"),
        (thing("breaks", "function", "textual"), "fail", "fail"),
        (thing("breaks", "function"), "fail", "fail"),
        (thing("breaks", "function", "possible"), "warn", "warn"),
    ],
)
def test_what_depends_on_the_column(one: Dependent, before: str, after: str) -> None:
    for facts, outcome, phase in ((table(), before, "before"), (table(*LEFT), after, "after")):
        findings = hanging(one, facts=facts, phase=phase)  # type: ignore[arg-type]
        mine = next(finding for finding in findings if finding.subject == "v")
        assert (mine.outcome, bool(mine.remedy)) == (outcome, outcome != "pass")
        wanted = {"kind": one.kind, "fate": one.fate, "confidence": one.confidence, "also": list(one.spans)}
        assert mine.evidence == wanted
        assert len(findings) == (2 if outcome == "pass" else 1)
        if outcome == "pass":
            assert findings[1].subject == ZIP
            assert findings[1].evidence == {"functions": 0, "statements": None, "harmless": 1}


def test_without_dependents_the_searched_places_are_listed() -> None:
    outcome, numbers = only(
        hanging(thing("blocks", column="conversation"), searched=Searched(functions=3, statements=9))
    )
    assert (outcome, numbers) == ("pass", {"functions": 3, "statements": 9, "harmless": 0})


def test_the_worst_findings_are_first() -> None:
    found = hanging(
        thing("fine"),
        thing("breaks", confidence="possible"),
        thing("blocks"),
        facts=table(subscriptions=(Subscription(name="s", ready=True),)),
    )
    assert [one.outcome for one in found] == ["fail", "unknown", "warn", "pass"]


def test_without_a_catalog_dependents_are_unknown() -> None:
    assert told(judge(snapshot(None, table()), f"dependents.{ZIP}", "before")) == [(ZIP, "unknown")]
    assert told(hanging(thing("fine"), problems={"dependents": "no."})) == [(ZIP, "unknown")]
    now = snapshot(None, None, dependents=(thing("breaks"),))
    (finding,) = judge(now, f"dependents.{ZIP}", "after")
    assert "is broken" in finding.message


def test_children_that_a_drop_does_not_reach_warn_while_the_column_is_there() -> None:
    own = child("public.own", ZIP, own=(ZIP,))
    inherits = child("public.inherits", ZIP)
    far = child("public.far", ZIP, kind="foreign table", own=(ZIP,))
    found = hanging(facts=table(children=(inherits, own, far)))
    assert told(found) == [("public.own", "warn"), ("public.far", "warn")]
    for one, kind in zip(found, ("partition", "foreign table"), strict=True):
        assert one.evidence == {"kind": kind, "fate": "fine", "confidence": "certain", "also": []}
        assert one.remedy
    assert "foreign table" in found[1].message
    assert told(hanging(facts=table(*LEFT, children=(own, far)), phase="after")) == [(ZIP, "pass")]
    assert told(hanging(facts=table(children=(inherits,)))) == [(ZIP, "pass")]


def test_a_subscription_stops_when_its_publisher_still_sends_the_column() -> None:
    subscriptions = (Subscription(name="s", ready=True),)
    numbers = {"kind": "subscription", "fate": "breaks", "confidence": "possible", "also": []}
    for facts, phase, outcome in (
        (table(subscriptions=subscriptions), "before", "unknown"),
        (table(*LEFT, subscriptions=subscriptions), "after", "warn"),
    ):
        (one,) = (f for f in hanging(facts=facts, phase=phase) if f.subject == "s")  # type: ignore[arg-type]
        assert (one.outcome, one.evidence, bool(one.remedy)) == (outcome, numbers, True)


# rollback


def rolled(now: Any, then: Any = None) -> list[Finding]:
    return judge(now, "rollback", "rolled-back", then)


def values(count: int, label: str = "populated", rows: int = 9, **more: Any) -> Any:
    return snapshot(tally(row(count, {ZIP: label}), row(rows - count)), table(), **more)


def test_as_many_values_as_in_the_baseline() -> None:
    findings = rolled(values(5), values(5))
    assert told(findings) == [(ZIP, "pass"), ("conversation", "pass")]
    assert findings[0].evidence == {"before": {"populated": 5}, "now": {"populated": 5}}
    assert findings[1].evidence == {"before": {}, "now": {}}
    assert not findings[0].remedy
    for here, outcome in ((4, "fail"), (6, "warn")):
        (one, _) = rolled(values(here), values(5))
        assert (one.outcome, bool(one.remedy)) == (outcome, True)
        assert one.evidence == {"before": {"populated": 5}, "now": {"populated": here}}
        assert ("restore" in one.remedy) == (outcome == "fail")
    assert rolled(values(5, "blank"), values(5))[0].outcome == "fail"
    assert rolled(values(0), values(1))[0].outcome == "fail"
    blank = row(1, {ZIP: "blank"})
    now, then = (snapshot(tally(blank, row(n, {ZIP: "populated"})), table()) for n in (6, 5))
    assert rolled(now, then)[0].outcome == "warn"
    assert rolled(values(0), values(5))[0].outcome == "fail"


def test_a_rollback_of_a_column_that_is_not_back_fails() -> None:
    counts = tally(row(9), facets={n: c for n, c in FACETS.items() if n != ZIP})
    findings = rolled(snapshot(counts, table(*LEFT, "conversation")), values(5))
    assert told(findings) == [(ZIP, "fail"), ("conversation", "pass")]
    assert (findings[0].evidence, bool(findings[0].remedy)) == ({"present": False}, True)


def test_a_rollback_that_cannot_be_judged() -> None:
    less = tally(row(9), facets={n: c for n, c in FACETS.items() if n != ZIP})
    cases = [
        (snapshot(None, table()), values(5)),
        (values(5, problems={"tally": "no."}), values(5)),
        (values(5), None),
        (values(5), snapshot(None, table())),
        (values(5), snapshot(less, table())),
        (snapshot(less, table()), values(5)),
        (snapshot(less, None), values(5)),
        (values(5), values(0, rows=0)),
    ]
    for now, then in cases:
        one = rolled(now, then)[0]
        assert (one.subject, one.outcome) == (ZIP, "unknown"), (now, then)
    assert told(rolled(values(1, rows=1), values(1, rows=1)))[0] == (ZIP, "pass")
    none = snapshot(tally(row(5, {ZIP: "populated"})), None)
    assert told(rolled(none, values(5, rows=5)))[0] == (ZIP, "pass")

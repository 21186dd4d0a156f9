"""The plan compared with its table and its own SQL: a contradiction makes the checks that need the fact unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from genreq_checks.checks import all_checks
from genreq_checks.evidence.contradictions import Contradiction, find_contradictions
from genreq_checks.facts.migrations import PlanSql, Statements
from genreq_checks.plan import Plan
from genreq_checks.report import Phase
from genreq_checks.run import check
from genreq_checks.snapshot import Column, Relation, Snapshot, UniqueKey
from handmade import LEFT, PLAN, columns, plan, row, snapshot, table, tally

COUNTED = tally(row(1))


# Contradictions between the plan and its table


def found(now: Snapshot, phase: Phase = "after", by: Plan = PLAN, sql: PlanSql | None = None) -> list[Any]:
    return [(one.about, one.facts, one.columns) for one in find_contradictions(by, phase, now, sql)]


KEY = ("key", {"key"}, None)
COHORT = ("cohort", {"cohort"}, None)


def keyed(*keys: UniqueKey, key: tuple[str, ...] = ("id",), **facts: Any) -> list[Any]:
    return found(snapshot(COUNTED, table(unique=keys, **facts)), by=plan({"table": {"key": list(key)}}))


def test_a_plan_that_agrees_with_its_table_contradicts_nothing() -> None:
    assert found(snapshot(COUNTED, table()), "before", sql=PlanSql(statements(), back())) == []
    assert found(snapshot(COUNTED, None)) == []


def test_a_key_that_no_unique_index_proves() -> None:
    one = UniqueKey(columns=("id",))
    assert keyed(one) == []
    assert keyed() == [KEY]
    assert keyed(UniqueKey(columns=("github_url",))) == [KEY]
    assert keyed(UniqueKey(columns=("id", "status"))) == [KEY]
    assert keyed(one, key=("id", "gone")) == [KEY]
    assert keyed(UniqueKey(columns=("id",), nullable=("id",))) == [KEY]
    assert keyed(one, key=("status",)) == [KEY]
    assert keyed(one, key=("id", "status")) == [KEY]  # status may be NULL
    assert found(snapshot(COUNTED, table(unique=None))) == []
    facts = table(unique=(), kind="view")
    assert found(snapshot(COUNTED, facts)) == []


def test_a_key_over_children_is_proved_by_no_index_of_the_table() -> None:
    one, kid = UniqueKey(columns=("id",)), Relation(name="kid", kind="table", columns=())
    assert keyed(one, children=(kid,)) == [KEY]
    assert keyed(one, children=(kid,), kind="partitioned table") == []
    message = find_contradictions(PLAN, "after", snapshot(COUNTED, table(children=(kid,))))[0]
    assert "inherit from it, such as kid" in message.problem
    assert "Unique are" not in message.remedy


def test_the_keys_that_are_unique_are_named() -> None:
    keys = (UniqueKey(columns=("id",)), UniqueKey(columns=("status",), nullable=("status",)))
    now = snapshot(COUNTED, table(unique=keys))
    message = find_contradictions(plan({"table": {"key": ["status"]}}), "after", now)[0]
    assert message.remedy.endswith("Unique are: (id).")


def with_status(counts: Any = COUNTED, **facts: Any) -> Snapshot:
    status = Column(name="status", type="text", position=2).model_copy(update=facts)
    return snapshot(counts, table(columns=(columns("id")[0], status, *columns(*LEFT[2:]))))


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        ({"labels": ("queued", "completed")}, False),
        ({"labels": ("queued", "done")}, True),
        ({"allowed": ("queued", "completed")}, False),
        ({"allowed": ("queued",)}, True),
        ({"type": "boolean"}, True),
        ({"labels": ("completed",), "allowed": ("queued",)}, True),
        ({}, False),
    ],
)
def test_a_value_of_the_cohort_that_no_row_can_have(facts: Mapping[str, Any], wanted: bool) -> None:
    assert found(with_status(**facts)) == ([COHORT] if wanted else [])


def test_a_boolean_cohort_and_one_of_two_values() -> None:
    for value in ("true", "false"):
        by = plan({"cohort": {"values": [value]}})
        assert found(with_status(tally(row(1, status=value)), type="boolean"), by=by) == []
    both = plan({"cohort": {"values": ["completed", "done"]}})
    assert found(with_status(labels=("completed",)), by=both) == [COHORT]


def test_a_cohort_without_a_row_where_there_are_others() -> None:
    assert found(snapshot(tally(row(3, status="failed")), table())) == [COHORT]
    assert found(snapshot(tally(), table())) == []
    assert found(snapshot(None, table())) == []
    assert found(snapshot(tally(row(3, status="failed"), row(1)), table())) == []

    def problem(*statuses: str | None) -> str:
        counts = tally(*(row(1, status=one) for one in statuses))
        (one,) = find_contradictions(PLAN, "after", snapshot(counts, table()))
        assert one.remedy
        return one.problem

    assert "'complete'" in problem("complete", None)
    assert "secret text" not in problem("secret text of a user")
    assert "'complete'" in problem("complete", *(f"s{n}" for n in range(23)))
    assert "'complete'" not in problem("complete", *(f"s{n}" for n in range(24)))


def test_both_problems_of_the_cohort_are_one() -> None:
    now = with_status(tally(row(3, status="failed")), labels=("failed",))
    assert found(now) == [COHORT]


# The plan's types and SQL, before the drop


def statements(**changes: Any) -> Statements:
    given = {
        "effects": {"download_url": "gone", "conversation": "gone"},
        "takes": {"download_url": "drops", "conversation": "drops"},
    }
    return Statements(**(given | changes))


def back(**changes: Any) -> Statements:
    given = {
        "effects": {"download_url": "there", "conversation": "there"},
        "types": {"download_url": "TEXT", "conversation": "JSONB"},
    }
    return Statements(**(given | changes))


def of_sql(
    forward: Statements | None = None, rollback: Statements | None = None, phase: Phase = "before", facts: Any = "table"
) -> list[Any]:
    now = snapshot(COUNTED, table() if facts == "table" else facts)
    return found(now, phase, sql=PlanSql(forward or statements(), rollback or back()))


def test_a_type_that_is_not_the_tables() -> None:
    here = table(columns=columns(*LEFT, "download_url", "conversation", download_url="integer"))
    of_it = ("type", {"values"}, {"download_url"})
    assert found(snapshot(COUNTED, here), "before") == [of_it]
    assert found(snapshot(COUNTED, here), "after") == []
    by = plan({"dropped": {"download_url": {"type": None}}})
    assert found(snapshot(COUNTED, here), "before", by) == []
    sql = PlanSql(statements(), back())
    assert found(snapshot(COUNTED, here), "before", by, sql) == [("type", {"rollback SQL"}, {"download_url"})]
    assert found(snapshot(COUNTED, here), "before", PLAN, sql) == [of_it]
    json = table(columns=columns(*LEFT, "download_url", "conversation", download_url="integer", conversation="json"))
    assert [one[0] for one in found(snapshot(COUNTED, json), "before")] == ["type", "type"]
    assert found(snapshot(COUNTED, table(*LEFT)), "before") == []
    assert of_sql(rollback=back(types={})) == []


def test_forward_sql_that_is_not_sql_or_drops_the_table() -> None:
    assert of_sql(statements(no_sql="x", takes_table="drops")) == [("sql", {"forward SQL", "values"}, None)]
    assert of_sql(statements(takes_table="drops")) == [("sql", {"forward SQL"}, set(PLAN.kept))]
    assert of_sql(statements(no_sql="x"), phase="after") == []


def test_forward_sql_that_drops_a_kept_column() -> None:
    takes = {"download_url": "drops", "conversation": "drops"}
    assert of_sql(statements(takes=takes | {"github_url": "drops"})) == [("sql", {"forward SQL"}, {"github_url"})]
    assert of_sql(statements(takes=takes | {"status": "renames"})) == [("sql", {"forward SQL"}, set(PLAN.kept))]
    assert of_sql(statements(takes=takes | {"nothing": "drops"})) == []
    assert of_sql(statements(takes=takes | {"status": "drops"}), facts=None) == []
    assert of_sql(statements(may_take=frozenset(("github_url", "download_url")))) == [
        ("sql", {"forward SQL"}, {"github_url"})
    ]


OF_ZIP = ("sql", {"forward SQL"}, {"download_url"})


def test_forward_sql_that_does_not_drop_a_column() -> None:
    rest: dict[str, Any] = {"effects": {"conversation": "gone"}}
    for more in ({}, {"unclear": "a DO block"}, {"takes": {"download_url": "renames"}}):
        assert of_sql(statements(**(rest | {"takes": {}} | more))) == [OF_ZIP]
    assert of_sql(statements(effects={"download_url": "there", "conversation": "gone"})) == [OF_ZIP]

    def problem(facts: Any = "table", **more: Any) -> str:
        now = snapshot(COUNTED, table() if facts == "table" else facts)
        sql = PlanSql(statements(**(rest | {"takes": {"downloadurl": "drops"}} | more)), back())
        (one,) = find_contradictions(PLAN, "before", now, sql)
        assert one.remedy
        return one.problem

    assert "it drops 'downloadurl', which the table does not have" in problem()
    assert "it drops" not in problem(None)
    assert "it drops" not in problem(takes={"download_url": "drops"})
    assert "is not certain" in problem(unclear="a DO block")
    assert "it renames" in problem(takes={"download_url": "renames"}, unclear="a DO block")


def test_each_column_is_compared_with_the_table_and_the_sql() -> None:
    """The first column that is as it should be ends nothing: the second may be wrong."""
    odd = table(columns=columns(*LEFT, "conversation", conversation="json"))
    assert found(snapshot(COUNTED, odd), "before") == [("type", {"values"}, {"conversation"})]
    both = table(columns=columns(*LEFT, "download_url", "conversation", download_url="integer", conversation="json"))
    assert [one[2] for one in found(snapshot(COUNTED, both), "before")] == [{"download_url"}, {"conversation"}]
    first = {"effects": {"download_url": "gone"}, "takes": {"download_url": "drops"}}
    assert of_sql(statements(**first)) == [("sql", {"forward SQL"}, {"conversation"})]
    back_first = back(effects={"download_url": "there"})
    assert of_sql(rollback=back_first) == [("sql", {"rollback SQL"}, {"conversation"})]


def test_rollback_sql_that_does_not_bring_a_column_back() -> None:
    assert of_sql(rollback=back(no_sql="x", effects={})) == [("sql", {"rollback SQL"}, None)]
    for more in ({}, {"unclear": "a DO block"}):
        assert of_sql(rollback=back(effects={"conversation": "there"}, **more)) == [
            ("sql", {"rollback SQL"}, {"download_url"})
        ]
    gone = {"download_url": "gone", "conversation": "there"}
    assert of_sql(rollback=back(effects=gone)) == [("sql", {"rollback SQL"}, {"download_url"})]
    now = snapshot(COUNTED, table())
    for more, word in (({}, "does not bring"), ({"unclear": "a DO block"}, "is not certain")):
        sql = PlanSql(statements(), back(effects={"conversation": "there"}, **more))
        assert word in find_contradictions(PLAN, "before", now, sql)[0].problem


def test_a_contradiction_makes_the_checks_that_need_the_fact_unknown() -> None:
    (one,) = find_contradictions(PLAN, "after", snapshot(COUNTED, table(unique=())))
    assert one.outcome == "unknown"
    assert one.concerns({"key", "rows"}, "a")
    assert not one.concerns({"rows"}, "a")
    some = Contradiction("type", "p", "r", frozenset({"values"}), frozenset({"a"}))
    assert some.concerns({"values"}, "a")
    assert not some.concerns({"values"}, "b")
    assert not some.concerns({"rows"}, "a")
    with pytest.raises(FrozenInstanceError):
        one.problem = ""  # type: ignore[misc]
    report = check(PLAN, snapshot(tally(row(3, status="failed")), table()), phase="before")
    assert report.check("claims.github_url").outcome == "unknown"
    assert report.check("claims.conversation").outcome == "pass"


def test_the_worst_outcome_of_each_check_except_identity_is_fail() -> None:
    assert {one.name: one.worst for one in all_checks() if one.worst != "fail"} == {"identity": "unknown"}


def test_in_which_phases_a_check_is_asked() -> None:
    asked: dict[str, set[str]] = {}
    for phase in ("before", "held", "after", "rolled-back", "rehearsal", "generation"):
        for result in check(PLAN, snapshot(COUNTED, table()), phase=phase).checks:  # type: ignore[arg-type]
            name = result.id.partition(".")[0]
            here = result.findings[0].message != f"Not asked for in phase {phase}."
            asked.setdefault(name, set()).update([phase] if here else [])
    assert asked == {
        "identity": {"before", "held", "after", "rolled-back"},
        "claims": {"before"},
        "loss": {"before", "after", "rolled-back"},
        "dependents": {"before", "after", "rehearsal"},
        "dropped": {"after", "rolled-back", "rehearsal"},
        "kept": {"before", "held", "after", "rolled-back", "rehearsal"},
        "rows": {"before", "held", "after", "rolled-back"},
        "values": {"before", "held", "after", "rolled-back"},
        "population": {"held", "after"},
        "derivation": {"held", "after"},
        "url-shape": {"held", "after"},
        "reconciliation": {"after"},
        "migrations": {"before", "held", "after", "rolled-back"},
        "generation": {"after", "generation"},
        "readers": {"before", "held"},
        "reachable": {"before", "after"},
        "held": {"held"},
        "leftovers": {"before", "after"},
        "phases": {"after"},
        "forward": {"rehearsal"},
        "rollback": {"rolled-back", "rehearsal"},
    }

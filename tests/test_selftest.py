"""The self-test: each fault changes exactly the expected checks, and every check has a fault."""

from __future__ import annotations

import dataclasses
from contextlib import nullcontext
from typing import Any

import pytest
from typer.testing import CliRunner

from conftest import Server
from genreq_checks import checks, embedded
from genreq_checks.checks import all_checks, all_faults
from genreq_checks.checks.claims import AGREES, COMPARES
from genreq_checks.checks.fault import Place, by_edit, by_sql, fault, together
from genreq_checks.cli import app
from genreq_checks.evidence.sides import Evidence
from genreq_checks.plan import Plan
from genreq_checks.report import Finding
from genreq_checks.selftest import run as selftest
from genreq_checks.selftest.run import Trial, sabotage, without_fault
from genreq_checks.selftest.text import line, verdict

FAULTS = all_faults()
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # the first test waits for all trials


@pytest.fixture(scope="module")
def trials(server: Server) -> list[Trial]:
    """Every trial, once for all tests."""
    return list(sabotage(server, FAULTS))


def test_each_fault_changes_exactly_the_expected_checks_and_clean_states_are_green(trials: list[Trial]) -> None:
    assert [line(trial) for trial in trials if not trial.caught] == []
    assert sum(trial.fault is not None for trial in trials) == len(FAULTS)
    assert [line(trial) for trial in trials if trial.fault and not trial.wanted] == []


def test_every_fault_changes_a_check_and_has_a_unique_name() -> None:
    assert all(one.turns or one.takes or one.doubts for one in FAULTS)
    assert len({(one.phase, one.name) for one in FAULTS}) == len(FAULTS)


def test_every_check_has_a_fault_that_it_must_detect(plan: Plan) -> None:
    assert without_fault(plan, FAULTS) == []


def test_a_new_check_without_a_fault_is_named(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    every = (*all_checks(), dataclasses.replace(all_checks()[0], name="novel"))
    monkeypatch.setattr(checks, "all_checks", lambda: every)
    assert {check.split(".")[0] for check in without_fault(plan, FAULTS)} == {"novel"}


def test_a_fault_that_only_warns_is_not_enough_for_a_check(plan: Plan) -> None:
    only_warnings = [one for one in FAULTS if "fail" not in one.turns.values()]
    assert {one.id(subject) for one in all_checks() for subject in one.subjects(plan)} - set(
        without_fault(plan, only_warnings)
    ) == {"identity", "claims.deployment_url", "values.artifacts_github_url"}
    # identity says unknown at worst; the plan asks the second nothing, and the third had no values to lose


def test_an_undetected_fault_is_not_caught(server: Server) -> None:
    nothing = fault("nothing at all", "before", by_sql("SELECT 1"), "claims.conversation")
    told = list(sabotage(server, [nothing]))
    assert not told[-1].caught
    assert line(told[-1]) == ("✗ before      nothing at all: nothing turned; expected: claims.conversation FAIL")
    assert verdict(told, []).startswith("0 of 1 fault caught")


def test_a_plan_that_compares_changes_no_check_where_the_values_agree(server: Server) -> None:
    control = fault("a claim that compares, and values that agree", "before", together(COMPARES, AGREES))
    assert list(sabotage(server, [control]))[-1].turned == {}


def test_a_check_that_detects_nothing_is_found(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(_: Evidence, column: str) -> list[Finding]:
        return [Finding(subject=column, outcome="pass", message="All is well.")]

    every = tuple(dataclasses.replace(one, judge=blind) if one.name == "url-shape" else one for one in all_checks())
    monkeypatch.setattr(checks, "all_checks", lambda: every)
    missed = [one for one in FAULTS if one.name == "an old row with a token in github_url"]
    *clean, trial = sabotage(server, missed)
    assert all(one.caught for one in clean)
    assert (trial.caught, dict(trial.turned)) == (False, {"values.github_url": "fail"})  # which it changes too


@pytest.mark.parametrize("turned", [{"a": "warn"}, {"a": "fail", "b": "fail"}, {}])
def test_another_outcome_or_an_additional_check_is_not_caught(turned: dict[str, Any]) -> None:
    assert not Trial("after", fault("x", "after", by_sql("SELECT 1"), "a"), turned, {"a": "fail"}).caught


def test_a_clean_state_that_is_not_green_is_not_caught() -> None:
    trial = Trial("after", None, {"kept.github_url": "fail"})
    assert not trial.caught
    assert "0 of 1 clean state green" in verdict([trial], [])


def test_an_edit_that_changes_nothing_is_an_error(tmp_path: Any) -> None:
    (tmp_path / "a").write_text("two two")
    for old in ("two", "three"):
        with pytest.raises(ValueError, match="a has"):
            by_edit("a", old, "x")(Place(tmp_path, print, print))


@pytest.mark.parametrize(("lost", "unproven", "code"), [(0, [], 0), (1, [], 1), (0, ["novel"], 1)])
def test_the_command_says_how_many_were_caught(
    trials: list[Trial], monkeypatch: pytest.MonkeyPatch, lost: int, unproven: list[str], code: int
) -> None:
    told = [
        dataclasses.replace(trial, turned={}) if i >= len(trials) - lost else trial for i, trial in enumerate(trials)
    ]
    monkeypatch.setattr(selftest, "sabotage", lambda *_: iter(told))
    monkeypatch.setattr(selftest, "without_fault", lambda *_: unproven)
    monkeypatch.setattr(embedded, "start", lambda: nullcontext())
    done = CliRunner().invoke(app, ["selftest"])
    assert done.exit_code == code
    last = done.stdout.splitlines()[-1]
    assert last.startswith(f"{len(FAULTS) - lost} of {len(FAULTS)} faults caught")
    assert ("no fault for novel" in last) == bool(unproven)

"""Files are used across versions: unknown keys are left out with a note, format 1 is read, a new key keeps old files valid."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from genreq_checks.errors import SnapshotError
from genreq_checks.facts.identity import Identity
from genreq_checks.history.folder import read_history
from genreq_checks.history.runs import keep, make_run
from genreq_checks.history.text import render_text
from genreq_checks.plan import KeptColumn, Plan, parse_plan
from genreq_checks.plan import fingerprint as plan_fingerprint
from genreq_checks.run import check, observe
from genreq_checks.snapshot import Snapshot, load_snapshot
from rows import insert
from test_before_after import DONE, snapshot

FINGERPRINT_0_1_0 = "19fd8db5da01"  # of the built-in plan, as version 0.1.0 computed it
HERE = Identity(system_identifier="7311", database="leo", database_oid=5, table_oid=9)


def changed(file: Path, change: Any) -> None:
    data = json.loads(file.read_text())
    change(data)
    file.write_text(json.dumps(data))


def test_keys_of_a_newer_version_are_left_out_with_a_note(database: str, plan: Plan, tmp_path: Path) -> None:
    insert(database, {}, {})
    taken = observe(plan, database)
    file = tmp_path / "newer.json"
    taken.save(file)

    def newer(data: dict[str, Any]) -> None:
        data["from_the_future"] = {"rows": [1, 2]}
        data["tool_version"] = "9.1"
        data["source"]["identity"]["provider"] = "somewhere"
        for column in data["table"]["columns"]:
            column["collation"] = "C"

    changed(file, newer)
    read = load_snapshot(file)
    *others, note = read.source.notes
    assert tuple(others) == taken.source.notes
    assert note == (
        "newer.json was written by genreq-checks 9.1; left out, since this version does not know them: "
        "source.identity.provider, table.columns.collation, from_the_future"
    )
    plain = read.model_copy(
        update={
            "source": read.source.model_copy(update={"notes": taken.source.notes, "saved_in": None}),
            "tool_version": "0.1.0",
        }
    )
    assert plain == taken.model_copy(update={"tool_version": "0.1.0"})


def test_an_unknown_key_hides_no_damage(plan: Plan, tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    snapshot(plan, ("2025-01-09", DONE, 3)).save(file)

    def damage(data: dict[str, Any]) -> None:
        data["surprise"] = 1
        data["tally"]["rows"][0][4] = -3

    changed(file, damage)
    with pytest.raises(SnapshotError, match="is damaged"):
        load_snapshot(file)


def test_a_run_of_a_newer_version_is_read_with_a_note(plan: Plan, tmp_path: Path) -> None:
    now = snapshot(plan, ("2025-01-09", DONE, 3))
    path = keep(make_run(check(plan, now), now, datetime(2025, 2, 1, tzinfo=UTC)), tmp_path)
    changed(path, lambda data: data.update(surprise=1))
    (run,) = read_history(tmp_path).runs
    assert "left out, since this version does not know them: surprise" in run.source.notes[-1]


def test_the_fingerprint_of_format_1_is_that_of_version_0_1_0(plan: Plan) -> None:
    assert plan.fingerprint_of(1) == FINGERPRINT_0_1_0
    assert plan.fingerprint == plan.fingerprint_of(2) != plan.fingerprint_of(1)


def test_a_new_optional_key_changes_no_fingerprint_until_it_is_set(plan: Plan) -> None:
    class Kept(KeptColumn):
        surprise: str | None = None

    class Newer(Plan):
        kept: dict[str, Kept] = Field(min_length=1)  # type: ignore[assignment]

    data = plan.model_dump(by_alias=True, exclude_defaults=True)
    newer = Newer.model_validate(data)
    assert [newer.fingerprint_of(n) for n in (1, 2)] == [plan.fingerprint_of(n) for n in (1, 2)]
    data["kept"]["github_url"]["surprise"] = "!"
    using = Newer.model_validate(data)
    assert using.fingerprint_of(1) == plan.fingerprint_of(1)
    assert using.fingerprint_of(2) != plan.fingerprint_of(2)


def test_a_key_with_its_default_value_counts_as_not_set() -> None:
    text = (
        'plan_version = 1\ntitle = "t"\n[table]\nname = "t"\nkey = ["id"]\n{}[cohort]\ncolumn = "s"\nvalues = ["x"]\n'
    )
    text += 'time = "at"\n[kept.a]\n[dropped.b]\n[sql]\nforward = "SELECT 1"\nrollback = "SELECT 1"\n'
    bare, spelt = parse_plan(text.format(""), "bare"), parse_plan(text.format('schema = "public"\n'), "spelt")
    assert bare.fingerprint == spelt.fingerprint
    assert parse_plan(text.format('schema = "other"\n'), "other").fingerprint != bare.fingerprint


def leaves(value: Any, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """The places of all values in nested data."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not items:
        yield path
    for name, inner in items:
        yield from leaves(inner, *path, name)


def test_every_value_of_the_plan_is_in_both_fingerprints(plan: Plan) -> None:
    for form, dump in ((1, {}), (2, {"exclude_defaults": True})):
        data = plan.model_dump(mode="json", by_alias=True, **dump)
        known = plan_fingerprint._only(data, plan_fingerprint._KEYS_0_1_0) if form == 1 else data
        whole = json.dumps(known)
        rule = plan_fingerprint.format_1 if form == 1 else plan_fingerprint.format_2
        assert rule(json.loads(whole)) == plan.fingerprint_of(form)
        for *path, last in leaves(json.loads(whole)):
            data = place = json.loads(whole)
            for name in path:
                place = place[name]
            place[last] = "changed"
            assert rule(data) != plan.fingerprint_of(form), (path, last)


def of_format_1(taken: Snapshot, plan: Plan) -> Snapshot:
    """The snapshot as version 0.1.0 would have saved it."""
    source = taken.source.model_copy(update={"identity": None})
    fingerprint = plan.fingerprint_of(1)
    return taken.model_copy(update={"format_version": 1, "plan_fingerprint": fingerprint, "source": source})


def test_a_baseline_of_format_1_is_read_and_warns_that_it_has_no_identity(
    database: str, plan: Plan, tmp_path: Path
) -> None:
    insert(database, {"github_url": "https://github.com/leo/app"})
    now = observe(plan, database)
    of_format_1(now, plan).save(tmp_path / "old.json")
    report = check(plan, now, load_snapshot(tmp_path / "old.json"))
    assert not [note for note in report.notes if "another plan" in note]
    (finding,) = report.check("identity").findings
    assert (finding.outcome, "carries no identity" in finding.message) == ("warn", True)
    assert report.check("population.github_url").outcome == "pass"
    other = plan.model_copy(update={"title": "Another"})
    assert "another plan" in check(other, now, load_snapshot(tmp_path / "old.json")).notes[0]


def run_of(plan: Plan, day: int, identity: Identity | None, populated: int) -> Any:
    now = snapshot(plan, ("2025-01-09", DONE, populated))
    now = now.model_copy(update={"source": now.source.model_copy(update={"identity": identity})})
    return make_run(check(plan, now), now, datetime(2025, 2, day, tzinfo=UTC))


def test_a_history_reports_another_database(plan: Plan, tmp_path: Path) -> None:
    keep(run_of(plan, 1, HERE, 500), tmp_path)
    keep(run_of(plan, 2, HERE.model_copy(update={"database_oid": 6}), 5), tmp_path)
    text = render_text(read_history(tmp_path), 200)
    assert "The earlier run is of another database or table: the database was leo (OID 5)" in text
    assert "drift" not in text


def test_runs_of_both_formats_are_in_one_history(plan: Plan, tmp_path: Path) -> None:
    old = run_of(plan, 1, None, 500)
    info = old.plan.model_copy(update={"fingerprint": FINGERPRINT_0_1_0})
    keep(old.model_copy(update={"format_version": 1, "plan": info}), tmp_path)
    keep(run_of(plan, 2, HERE, 500), tmp_path)
    text = render_text(read_history(tmp_path), 200)
    assert text.startswith("2 runs of")
    assert "The plan changed" not in text
    assert "It is not known whether the plan changed" in text

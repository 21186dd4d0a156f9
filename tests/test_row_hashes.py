"""Row hashes: exactly which rows and values of a baseline are gone, new or others, held against a full comparison in Python."""

from __future__ import annotations

import stat
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genreq_checks.errors import UsageError
from genreq_checks.plan import Plan
from genreq_checks.run import check, observe
from genreq_checks.snapshot import load_snapshot
from genreq_checks.sources.row_hashes import compare_rows, listed_changes
from memory import peak
from rows import execute
from test_same_rows import FILL, SHAPES, STATEMENTS, Shape, change, changing, covered, fill, outcomes, plan_of

__all__ = ["changing"]  # a fixture
COLUMNS = ("a", "b")


def listed(plan: Plan, url: str, file: Path, column: str | None, limit: int | None = None) -> set[tuple[Any, ...]]:
    with listed_changes(plan, url, file, column, limit, 300, None) as (header, rows):
        assert header[-1] == "finding"
        found = list(rows)
    assert len(found) == len(set(found))
    return set(found)


def truth_of(then: Any, now: Any, every: dict[tuple[Any, ...], Any], column: str | None) -> set[tuple[Any, ...]]:
    if column is None:
        absent = {(str(key[0]), "left" if key in every else "gone") for key in then.keys() - now.keys()}
        return absent | {(str(key[0]), "added") for key in now.keys() - then.keys()}
    place, found = COLUMNS.index(column), set[tuple[Any, ...]]()
    for key in then.keys() & every.keys():
        was, here = then[key][place], every[key][place]
        if was != here:
            found.add((str(key[0]), "backfilled" if was is None else "cleared" if here is None else "changed"))
    return found


def whole(url: str) -> dict[tuple[Any, ...], Any]:
    """All rows of the table, by key."""
    with psycopg.connect(url) as connection:
        return {row[:1]: row[1:] for row in connection.execute("SELECT id, a, b FROM orders").fetchall()}


@pytest.mark.slow
@settings(max_examples=60)
@given(statements=st.lists(STATEMENTS, max_size=6))
def test_counts_and_keys_are_those_of_a_full_comparison(
    changing: str, tmp_path_factory: pytest.TempPathFactory, statements: list[str]
) -> None:
    url, plan = changing, plan_of(SHAPES[0], stable=True)
    file = tmp_path_factory.mktemp("hashes") / f"{uuid.uuid4().hex}.parquet"
    execute(url, "TRUNCATE orders; INSERT INTO orders TABLE first")
    baseline, then = observe(plan, url, hash_rows_to=file), covered(url)
    change(url, statements)
    now, every = covered(url), whole(url)
    found = compare_rows(plan, url, file)
    assert (found.then, found.now) == (len(then), len(now))
    of_rows = truth_of(then, now, every, None)
    assert listed(plan, url, file, None) == of_rows
    for kind in ("gone", "left", "added"):
        assert getattr(found, kind) == sum(row[-1] == kind for row in of_rows)
    report = outcomes(check(plan, observe(plan, url, baseline=baseline, row_hashes=file), baseline))
    assert report["rows"] == ("fail" if found.gone else "warn" if found.left else "pass")
    for column in COLUMNS:
        differing = truth_of(then, now, every, column)
        assert listed(plan, url, file, column) == differing
        kinds = [row[-1] for row in differing]
        counts = found.columns[column]
        for kind in ("changed", "backfilled", "cleared"):
            assert getattr(counts, kind) == kinds.count(kind)
        inside = sum(kind != "backfilled" and (int(key),) in now for key, kind in differing)
        assert counts.in_left == counts.changed + counts.cleared - inside
        must_be_same = column == "a"  # stable
        fails = inside or (must_be_same and kinds)
        assert report[f"values.{column}"] == ("fail" if fails else "warn" if kinds else "pass")


@pytest.fixture(params=SHAPES, ids=lambda shape: shape.name)
def shape(request: pytest.FixtureRequest) -> Shape:
    found: Shape = request.param
    return found


def test_every_kind_of_key_and_the_plans_words(empty_database: str, shape: Shape, tmp_path: Path) -> None:
    fill(empty_database, shape)
    plan, file = plan_of(shape), tmp_path / "before.parquet"
    observe(plan, empty_database, hash_rows_to=file).save(tmp_path / "before.json")
    baseline = load_snapshot(tmp_path / "before.json")
    assert baseline.hashed is not None
    assert (baseline.hashed.name, baseline.hashed.rows) == ("before.parquet", pq.read_metadata(file).num_rows)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    execute(empty_database, "DELETE FROM orders WHERE a = 'a1'; UPDATE orders SET b = 'new' WHERE a = 'a2'")
    found = compare_rows(plan, empty_database, file)
    assert (found.gone, found.added, found.columns["b"].backfilled) == (1, 0, 1)
    (row,) = listed(plan, empty_database, file, None)
    assert (len(row), row[-1]) == (len(shape.columns) + 1, "gone")
    assert listed(plan, empty_database, file, "b", limit=0) == set()
    gaining = plan.model_copy(
        update={"kept": {**plan.kept, "b": plan.kept["b"].model_copy(update={"may_gain": "It is filled later."})}}
    )
    now = observe(gaining, empty_database, baseline=baseline, row_hashes=file)
    report = outcomes(check(gaining, now, baseline))
    assert (report["rows"], report["values.a"], report["values.b"]) == ("fail", "pass", "pass")


def test_values_that_were_overwritten_in_rows_that_got_a_later_time_are_told(
    empty_database: str, tmp_path: Path
) -> None:
    fill(empty_database, SHAPES[0])
    for stable, wanted in ((True, "fail"), (False, "warn")):
        plan, file = plan_of(SHAPES[0], stable=stable), tmp_path / f"{stable}.parquet"
        execute(empty_database, "TRUNCATE orders")
        execute(empty_database, FILL.format(key="i"))
        baseline = observe(plan, empty_database, hash_rows_to=file)
        execute(empty_database, "UPDATE orders SET a = 'one', done_at = '2025-03-01' WHERE state = 'done'")
        report = outcomes(check(plan, observe(plan, empty_database, baseline=baseline, row_hashes=file), baseline))
        assert (report["rows"], report["values.a"], report["values.b"]) == ("warn", wanted, "pass")


def test_hashes_that_are_not_the_baselines_prove_nothing(empty_database: str, tmp_path: Path) -> None:
    fill(empty_database, SHAPES[0])
    plan = plan_of(SHAPES[0])
    baseline = observe(plan, empty_database, hash_rows_to=tmp_path / "one.parquet")
    execute(empty_database, "DELETE FROM orders WHERE a = 'a1'")
    observe(plan, empty_database, hash_rows_to=tmp_path / "two.parquet")
    now = observe(plan, empty_database, baseline=baseline, row_hashes=tmp_path / "two.parquet")
    report = outcomes(check(plan, now, baseline))
    assert {report["rows"], report["values.a"], report["values.b"]} == {"unknown"}
    assert set(outcomes(check(plan, now)).values()) == {"skip"}


def test_a_wrong_file_is_one_clear_line(empty_database: str, tmp_path: Path) -> None:
    fill(empty_database, SHAPES[0])
    plan, file = plan_of(SHAPES[0]), tmp_path / "one.parquet"
    observe(plan, empty_database, hash_rows_to=file)
    with pytest.raises(UsageError, match="is there already, and row hashes replace nothing"):
        observe(plan, empty_database, hash_rows_to=file)
    for text in (b"no Parquet", file.read_bytes()[:500], b""):
        (tmp_path / "wrong").write_bytes(text)
        with pytest.raises(UsageError, match="is damaged or no file of row hashes"):
            compare_rows(plan, empty_database, tmp_path / "wrong")
    with pytest.raises(UsageError, match="could not be read"):
        compare_rows(plan, empty_database, tmp_path / "none")
    pq.write_table(pq.read_table(file).replace_schema_metadata({}), tmp_path / "other")
    with pytest.raises(UsageError, match="is no file of row hashes"):
        compare_rows(plan, empty_database, tmp_path / "other")
    elsewhere = plan.model_copy(update={"table": plan.table.model_copy(update={"key": ("a",)})})
    with pytest.raises(UsageError, match=r"has the hashes of public\.orders, by id"):
        compare_rows(elsewhere, empty_database, file)
    with pytest.raises(UsageError, match="has no hashes of nothing"):
        listed(plan, empty_database, file, "nothing")
    with pytest.raises(UsageError, match="Row hashes are made of the rows of a database"):
        observe(plan, observe(plan, empty_database), hash_rows_to=tmp_path / "never")
    assert not (tmp_path / "never").exists()
    with pytest.raises(UsageError, match="Row hashes are compared with a database"):
        observe(plan, observe(plan, empty_database), row_hashes=file)


@pytest.mark.slow
def test_the_command_line_finds_the_hashes_beside_the_baseline(database: str, tmp_path: Path) -> None:
    execute(
        database,
        "INSERT INTO generation_requests (user_id, app_name, prompt, initial_prompt, status, completed_at, github_url) "
        "SELECT gen_random_uuid(), '', '', '', 'completed', timestamp '2025-01-01' + i * interval '1 hour', "
        "'https://github.com/leo/app-' || i FROM generate_series(1, 30) i",
    )
    before, hashes = tmp_path / "before.json", tmp_path / "hashes.parquet"

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "genreq_checks", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert run("snapshot", database, "-o", before, "--row-hashes", hashes).returncode == 0
    execute(database, "UPDATE generation_requests SET github_url = 'https://github.com/leo/x' WHERE id IN (3, 5)")
    told = run("check", database, "--baseline", before, "--only", "values.github_url")
    assert told.returncode == 1
    assert "Of 30 completed rows: 2 changed." in told.stdout
    rows = run("rows", "values.github_url", database, "--row-hashes", hashes, "-f", "csv")
    assert rows.stdout.splitlines() == ["id,finding", "3,changed", "5,changed"]
    assert "'values.github_url'" in run("rows", "values.github_ur", database).stderr
    refused = run("rows", "values.github_url", database)
    assert (refused.returncode, "--row-hashes FILE" in refused.stderr) == (2, True)
    hashes.unlink()
    told = run("check", database, "--baseline", before, "--only", "values.github_url")
    assert "Values were changed in 1 day" in told.stdout  # stable: a difference that is proved fails without them too


@pytest.mark.slow
def test_memory_is_bounded(database: str, tmp_path: Path) -> None:
    execute(
        database,
        "INSERT INTO generation_requests (user_id, app_name, prompt, initial_prompt, status, completed_at, github_url) "
        "SELECT gen_random_uuid(), '', '', '', 'completed', timestamp '2020-01-01' + i * interval '1 minute', "
        "'https://github.com/leo/app-' || i FROM generate_series(1, 400000) i",
    )
    calls = (
        ["snapshot", database, "-o", tmp_path / "b.json", "--row-hashes", tmp_path / "b.parquet"],
        ["check", database, "--baseline", tmp_path / "b.json", "--only", "rows", "-o", tmp_path / "report.txt"],
    )
    for call, most in zip(calls, (170, 270), strict=True):
        assert peak(*call) < most * 1000  # kB; some 20 MB of it for modules that a first run compiles
    assert (tmp_path / "b.parquet").stat().st_size < 400_000 * 20 * 4

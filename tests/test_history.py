"""Runs saved in a folder: no run is lost, foreign files are skipped, and the trend says what changed."""

from __future__ import annotations

import json
import os
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from genreq_checks.cli import app
from genreq_checks.errors import SourceError, UsageError
from genreq_checks.history import runs as kept
from genreq_checks.history.changes import compare
from genreq_checks.history.chart import trend
from genreq_checks.history.folder import History, read_history
from genreq_checks.history.runs import CheckOutcome, Run, fold, keep, make_run
from genreq_checks.history.text import render_json, render_text, since_the_first
from genreq_checks.plan import Plan
from genreq_checks.report import Rate
from genreq_checks.run import check
from genreq_checks.tally import TallyRow
from genreq_checks.tally.intervals import wilson
from test_before_after import CUTOVER, DONE, OLD, snapshot

AT = datetime(2025, 2, 1, 8, 0, tzinfo=UTC)
MISSING = (2, 0, 2, 2)  # github_url there, artifacts_github_url not


def run_of(plan: Plan, *rows: tuple[str | None, tuple[int, ...], int], hours: int = 0) -> Run:
    now = snapshot(plan, ("2025-01-09", OLD, 100), *rows)
    return make_run(check(plan, now, cutover=CUTOVER), now, AT + timedelta(hours=hours))


@pytest.fixture
def good(plan: Plan) -> Run:
    return run_of(plan, ("2025-01-11", DONE, 160))


def rate(populated: int, rows: int) -> Rate:
    low, high = wilson(populated, rows) or (None, None)
    share = populated / rows if rows else None
    numbers: dict[str, Any] = {"null": rows - populated, "blank": 0, "malformed": 0}
    return Rate(column="a", side="after", rows=rows, populated=populated, rate=share, low=low, high=high, **numbers)


def test_a_run_is_saved_and_read_back_completely(good: Run, tmp_path: Path) -> None:
    path = keep(good, tmp_path / "history")
    assert path.name.startswith("2025-02-01T080000Z-")
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()
    assert [file.name for file in (tmp_path / "history").iterdir()] == [path.name]
    assert read_history(tmp_path / "history") == History((good,))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_runs_at_the_same_moment_are_all_kept(good: Run, tmp_path: Path) -> None:
    threads = [threading.Thread(target=keep, args=(good, tmp_path)) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_history(tmp_path).runs) == 40
    assert len(list(tmp_path.iterdir())) == 40


@pytest.mark.parametrize("hard_links", [True, False])
def test_an_existing_file_is_never_changed(
    good: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hard_links: bool
) -> None:
    parts = iter(["aaaa", "aaaa", "bbbb"])
    monkeypatch.setattr(kept, "token_hex", lambda _: next(parts))
    if not hard_links:
        monkeypatch.setattr(os, "link", _no_links)
    first = keep(good, tmp_path)
    content = first.read_bytes()
    second = keep(good.model_copy(update={"outcome": "fail"}), tmp_path)
    assert (first.name[-9:], second.name[-9:]) == ("aaaa.json", "bbbb.json")
    assert first.read_bytes() == content
    assert len(list(tmp_path.iterdir())) == 2


def _no_links(source: str, target: Path) -> None:
    raise FileExistsError if target.exists() else PermissionError


def test_a_run_is_small_and_its_rates_can_still_be_counted(plan: Plan) -> None:
    start = datetime(2015, 1, 1, tzinfo=UTC)
    days = [(start + timedelta(days=n)).date().isoformat() for n in range(3650)] + ["infinity", "0044-03-15 BC", None]
    now = snapshot(plan, *((day, classes, 3) for day in days for classes in (OLD, DONE, MISSING)))
    cutover = datetime(2020, 3, 15, tzinfo=UTC)
    whole = check(plan, now, cutover=cutover)
    run = make_run(whole, now, AT)
    assert len(run.model_dump_json()) < 40_000 < len(now.model_dump_json()) / 10
    assert run.snapshot
    again = check(plan, run.snapshot, cutover=cutover)
    assert (again.rates, again.derivation, again.changes) == (whole.rates, whole.derivation, whole.changes)


def test_a_tally_that_stays_big_is_left_out(plan: Plan) -> None:
    now = snapshot(plan, ("2025-01-11", DONE, 1))
    assert now.tally
    rows = tuple(TallyRow("2025-01-11", None, f"status {n}", DONE, 1) for n in range(kept.TALLY_ROWS + 1))
    big = now.model_copy(update={"tally": now.tally.model_copy(update={"rows": rows})})
    assert fold(big, None).tally is None
    assert fold(now, None).tally == now.tally.model_copy(
        update={"rows": (TallyRow("2025-01-01", None, "completed", DONE, 1),)}
    )


def test_damaged_and_foreign_files_are_skipped_and_named(good: Run, tmp_path: Path, plan: Plan) -> None:
    path = keep(good, tmp_path)
    text = path.read_text()
    (tmp_path / ".gitkeep").touch()
    (tmp_path / "README.md").write_text("ours")
    (tmp_path / "half.json").write_text(text[: len(text) // 2])
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe")
    (tmp_path / "newer.json").write_text(json.dumps(json.loads(text) | {"format_version": 3}))
    (tmp_path / "naive.json").write_text(json.dumps(json.loads(text) | {"at": "2025-01-01T00:00:00"}))
    (tmp_path / "wrong.json").write_text(json.dumps(json.loads(text) | {"outcome": "good"}))
    (tmp_path / "link.json").symlink_to(path)
    snapshot(plan, ("2025-01-11", DONE, 1)).save(tmp_path / "snapshot.json")
    found = read_history(tmp_path)
    assert found.runs == (good,)
    assert {file.name: file.reason for file in found.passed_over} == {
        "README.md": "not a run",
        "bytes.json": "damaged: not valid JSON",
        "deep.json": "damaged: not valid JSON",
        "half.json": "damaged: not valid JSON",
        "link.json": "not a plain file",
        "list.json": "not a run",
        "naive.json": "damaged: at",
        "newer.json": "of another version of genreq-checks",
        "snapshot.json": "not a run",
        "wrong.json": "damaged: outcome",
    }
    assert "10 files skipped: README.md (not a run), " in render_text(found)


def test_artefacts_in_folders_of_their_own_are_one_history(good: Run, tmp_path: Path) -> None:
    first = keep(good, tmp_path / "a")
    (tmp_path / "b").mkdir()
    shutil.copy(first, tmp_path / "b")
    keep(good.model_copy(update={"at": AT + timedelta(hours=1)}), tmp_path / "b")
    assert [run.at.hour for run in read_history(tmp_path).runs] == [8, 9]


def test_each_changed_check_is_in_exactly_one_list(good: Run) -> None:
    def of(**outcomes: Any) -> Run:
        return good.model_copy(update={"checks": tuple(CheckOutcome(id=k, outcome=v) for k, v in outcomes.items())})

    then = of(a="pass", b="fail", c="unknown", d="warn", e="pass", f="pass", g="skip", h="pass", i="pass")
    now = of(a="fail", b="pass", c="pass", d="pass", e="unknown", f="warn", g="fail", h="skip", j="pass")
    found = compare(then, now)
    assert [check.id for check in found.failing] == ["a", "g"]
    assert [check.id for check in found.recovered] == ["b", "c", "d"]
    assert [check.id for check in found.unknown] == ["e"]
    assert [check.id for check in found.warning] == ["f"]
    assert found.gone == ("h", "i")
    assert found.any
    assert not compare(then, then).any


@pytest.mark.parametrize(
    ("then", "now", "words"),
    [
        ((157, 160), (157, 160), None),
        ((157, 160), (176, 180), None),  # the 20 new rows are like those before
        ((157, 160), (163, 180), "30 % (6 of 20) of the 20 rows since, 98.1 % (157 of 160) of those before"),
        ((9_000, 10_000), (9_000, 10_020), "0 % (0 of 20) of the 20 rows since"),  # 89.8 %, within the old interval
        ((157, 160), (120, 160), "75 % (120 of 160) now, 98.1 % (157 of 160) earlier"),  # cleared
        ((0, 100), (90, 100), "90 % (90 of 100) now"),  # back-filled
        ((0, 0), (0, 40), None),
        ((5, 5), (0, 0), None),
    ],
)
def test_a_rate_drifts_when_new_rows_differ_or_it_leaves_its_interval(
    good: Run, then: tuple[int, int], now: tuple[int, int], words: str | None
) -> None:
    earlier, later = (good.model_copy(update={"rates": (rate(*side),)}) for side in (then, now))
    found = compare(earlier, later).drift
    assert len(found) == (words is not None)
    assert words is None or found[0].message.startswith(words)


def test_small_steps_add_up_since_the_first_run(good: Run) -> None:
    steps = [(150, 160), (147, 160), (144, 160), (141, 160), (138, 160)]
    runs = tuple(
        good.model_copy(update={"rates": (rate(*step),), "at": AT + timedelta(days=n)}) for n, step in enumerate(steps)
    )
    assert not compare(runs[-2], runs[-1]).drift
    first = since_the_first(History(runs))
    assert first
    assert first.then is runs[0]
    assert "Since the first run with this cutover, 2025-02-01" in render_text(History(runs))


def test_another_cutover_is_noted_and_not_compared(good: Run) -> None:
    other = good.model_copy(
        update={"plan": good.plan.model_copy(update={"cutover": AT, "fingerprint": "x"}), "rates": (rate(1, 160),)}
    )
    found = compare(good.model_copy(update={"rates": (rate(150, 160),)}), other)
    assert found.drift == ()
    assert [note.split()[1] for note in found.notes] == ["plan", "cutover"]


def test_the_text_says_what_fails_since_the_last_run_with_every_count(plan: Plan, good: Run) -> None:
    bad = run_of(plan, ("2025-01-11", DONE, 160), ("2025-01-12", MISSING, 40), hours=24)
    elsewhere = good.model_copy(update={"phase": "before"})
    text = render_text(History((elsewhere, good, bad)))
    assert max(map(len, text.splitlines()[1:6])) <= 80
    plain = " ".join(text.split())
    for words in (
        "2 runs of public.generation_requests, phase after",
        "160 of 200",
        "newly failing: derivation.artifacts_github_url: 40 rows of 200",
        "drift: artifacts_github_url after: 0 % (0 of 40) of the 40 rows since, 100 % (160 of 160) of those before",
        "Also 1 run of another table, phase or source.",
    ):
        assert words in plain
    back = good.model_copy(update={"at": AT + timedelta(hours=48)})
    assert "recovered: derivation.artifacts_github_url" in render_text(History((good, bad, back)))
    assert "nothing changed" in render_text(History((good, back)))
    assert "no earlier run" in render_text(History((good,)))


def test_the_json_has_all_runs_and_what_changed(plan: Plan, good: Run) -> None:
    bad = run_of(plan, ("2025-01-11", DONE, 160), ("2025-01-12", MISSING, 40), hours=24)
    told = json.loads(render_json(History((good, bad))))
    assert [run["outcome"] for run in told["runs"]] == [good.outcome, "fail"]
    assert "snapshot" not in told["runs"][0]
    assert "derivation.artifacts_github_url" in [one["id"] for one in told["since_last"]["failing"]]
    assert told["since_first"] is None


def test_hostile_text_moves_no_cursor(good: Run) -> None:
    value = "\x1b[2J\u202e\n<b>]]>|`" + "x" * 5_000
    checks = (CheckOutcome(id=value, outcome="fail", message=value),)
    source = good.source.model_copy(update={"location": value})
    bad = good.model_copy(update={"checks": checks, "source": source, "at": AT + timedelta(hours=1)})
    first = bad.model_copy(update={"checks": (), "at": AT})
    text = render_text(History((first, bad)))
    assert "newly failing" in text
    assert all(c.isprintable() for c in text.replace("\n", ""))


def test_the_chart_shows_each_rate_and_outcome(plan: Plan, good: Run, tmp_path: Path) -> None:
    bad = run_of(plan, ("2025-01-11", DONE, 160), ("2025-01-12", MISSING, 40), hours=24)
    spec = trend(History((good, bad))).to_dict()
    parts = [spec, *spec["layer"]]
    values = [value for part in parts for value in part.get("data", {}).get("values", [])]
    values += [value for data in spec.get("datasets", {}).values() for value in data]
    told = {(v["when"], v["column"]): v["told"] for v in values if "column" in v}
    assert told["2025-02-02 08:00 UTC", "artifacts_github_url"] == "80 %, 160 of 200"
    assert [v["outcome"] for v in values if "outcome" in v] == ["UNKNOWN", "FAIL"]
    assert "2 runs of public.generation_requests: the last is FAIL" in " ".join(spec["title"]["text"])


def test_the_commands_save_runs_and_show_them(plan: Plan, tmp_path: Path) -> None:
    now = snapshot(plan, ("2025-01-09", OLD, 100), ("2025-01-11", DONE, 160))
    now.save(tmp_path / "now.json")
    folder, chart = tmp_path / "history", tmp_path / "trend.svg"
    arguments = ["check", str(tmp_path / "now.json"), "--cutover", "2025-01-10Z", "--history", str(folder)]
    for _ in range(2):
        assert CliRunner().invoke(app, arguments).exit_code == 3  # a snapshot without its dependents
    assert len(list(folder.iterdir())) == 2
    shown = CliRunner().invoke(app, ["history", str(folder), "--chart", str(chart)])
    assert shown.exit_code == 0
    assert "2 runs of public.generation_requests" in shown.stdout
    assert "nothing changed" in shown.stdout
    assert "2 runs of public.generation_requests" in chart.read_text()
    assert json.loads(CliRunner().invoke(app, ["history", str(folder), "--format", "json"]).stdout)["passed_over"] == []


def test_a_run_that_could_read_nothing_is_kept_too(tmp_path: Path) -> None:
    arguments = ["check", "postgresql://u:hidden-word@127.0.0.1:1/x", "--history", str(tmp_path / "h")]
    assert CliRunner().invoke(app, arguments).exit_code == 3
    found = read_history(tmp_path / "h")
    assert [run.outcome for run in found.runs] == ["unknown"]
    assert "hidden-word" not in next((tmp_path / "h").iterdir()).read_text()
    assert "not a run" not in render_text(found)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (["history", "nowhere"], UsageError, "There is no folder nowhere"),
        (["history", "empty"], SourceError, "There is no run in empty"),
        (["history", "empty", "--format", "jsn"], UsageError, "Did you mean 'json'"),
        (["history", "empty", "--chart", "x.gif"], UsageError, "x.gif"),
        (["check", "postgresql://h/d", "--history", "file"], UsageError, "cannot be used"),
        (["check", "postgresql://h/d", "--history", "no/such/place"], UsageError, "cannot be used"),
    ],
)
def test_an_error_is_reported_before_anything_is_read(
    arguments: list[str], error: type[Exception], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, error)
    assert words in str(done.exception)

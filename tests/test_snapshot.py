"""Snapshot files: saved and loaded again they are the same; foreign and damaged ones are rejected in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from genreq_checks.errors import OutputError, SnapshotError
from genreq_checks.plan import Plan
from genreq_checks.snapshot import load_snapshot
from test_before_after import DONE, OLD, snapshot


def test_a_snapshot_is_read_back_unchanged(plan: Plan, tmp_path: Path) -> None:
    taken = snapshot(plan, ("2025-01-09", OLD, 100), ("0044-03-15 BC", DONE, 50), (None, OLD, 3))
    taken.save(tmp_path / "s.json")
    again = load_snapshot(tmp_path / "s.json")
    assert again.source.saved_in == "s.json"
    assert again.saved_in(None) == taken
    again.save(tmp_path / "s.json")
    assert "saved_in" not in (tmp_path / "s.json").read_text()
    assert [p.name for p in tmp_path.iterdir()] == ["s.json"]


def damage(plan: Plan, file: Path, kind: str) -> None:
    snapshot(plan, ("2025-01-09", OLD, 100)).save(file)
    text = file.read_text()
    data = json.loads(text)
    changes = {
        "truncated": text[: len(text) // 2],
        "not JSON": "hello",
        "a list": "[]",
        "foreign": '{"format": "other"}',
        "newer": json.dumps(data | {"format_version": 3}),
        "a class that is not there": text.replace("[2,0,2,0]", "[2,0,9,0]"),
        "a negative count": text.replace(",100]", ",-100]"),
    }
    assert changes[kind] != text
    file.write_text(changes[kind])


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("truncated", "not valid JSON"),
        ("not JSON", "not valid JSON"),
        ("a list", "not a snapshot of this tool"),
        ("foreign", "not a snapshot of this tool"),
        ("newer", "this version reads the formats 1 to 2"),
        ("a class that is not there", "is damaged, or of another version: tally"),
        ("a negative count", "is damaged, or of another version: tally"),
    ],
)
def test_a_file_that_is_not_a_complete_snapshot_is_rejected(plan: Plan, tmp_path: Path, kind: str, words: str) -> None:
    damage(plan, tmp_path / "s.json", kind)
    with pytest.raises(SnapshotError, match=words):
        load_snapshot(tmp_path / "s.json")


def test_binary_and_missing_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SnapshotError, match="not text"):
        load_snapshot(tmp_path / "b.json")
    with pytest.raises(SnapshotError, match="could not be read"):
        load_snapshot(tmp_path / "none.json")


def test_a_save_that_fails_leaves_the_old_file(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "s.json"
    snapshot(plan).save(file)
    old = file.read_text()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OutputError, match="No space left"):
        snapshot(plan).save(file)
    assert file.read_text() == old
    assert [p.name for p in tmp_path.iterdir()] == ["s.json"]

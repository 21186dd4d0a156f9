"""The program gives the recorded answers, except those in `recording/intended.toml`; and a change is detected."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
from collections.abc import Callable
from dataclasses import replace
from filecmp import cmpfiles
from pathlib import Path
from typing import Any

import pytest

from conftest import Server
from genreq_checks import checks
from genreq_checks.checks import kept
from genreq_checks.evidence.sides import Evidence
from genreq_checks.report import Finding
from recording.compare import Intended, compare, load_intended
from recording.states import STATES
from recording.write import PASSWORD, write

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
RECORDED = HERE / "recorded-0.1.0"
SLOW = [(state.name, call.name) for state in STATES for call in state.calls if call.slow]
AFTER = ("after-rows-gone", "check-after")


def named(name: str) -> Any:
    return next(state for state in STATES if state.name == name)


def test_the_answers_are_those_that_were_recorded(server: Server, tmp_path: Path) -> None:
    write(server, STATES, tmp_path / "new", answers_only=True)
    found = compare(RECORDED, tmp_path / "new", load_intended(), without=SLOW)
    assert not found.failed, "\n".join(found.lines(wording=False))


def test_each_call_has_a_unique_name() -> None:
    names = [(state.name, call.name) for state in STATES for call in state.calls]
    assert len(names) == len(set(names)) > 200


def test_two_recordings_of_one_version_are_equal_to_the_byte(server: Server, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write(server, [named("after")], tmp_path / folder)
    one, two = (tmp_path / folder / "after" for folder in ("one", "two"))
    names = sorted(file.name for file in one.iterdir())
    assert names == sorted(file.name for file in two.iterdir())
    assert len(names) > 30
    assert cmpfiles(one, two, names, shallow=False) == (names, [], [])


@pytest.fixture(scope="module")
def today(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One state as it is recorded today."""
    folder = tmp_path_factory.mktemp("today")
    write(server, [named(AFTER[0])], folder)
    return folder


@pytest.fixture
def old(today: Path, tmp_path: Path) -> Path:
    """A separate copy of that."""
    shutil.copytree(today, tmp_path / "old")
    return tmp_path / "old"


def test_a_check_with_another_verdict_is_found(
    server: Server, old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(evidence: Evidence, subject: str) -> list[Finding]:
        return [Finding(subject=subject, outcome="fail", message="Planted.")]

    planted = tuple(replace(one, judge=judge) if one.name == kept.CHECK.name else one for one in checks.all_checks())
    monkeypatch.setattr(checks, "all_checks", lambda: planted)
    write(server, [named(AFTER[0])], tmp_path / "new", answers_only=True)
    found = compare(old, tmp_path / "new")
    assert found.failed
    turned = {one.name[0] for one in found.answers if one.name[1] == "outcome"}
    assert {"kept.github_url", "kept.artifacts_github_url", "kept.deployment_url"} <= turned
    assert not {name for name in turned if not name.startswith(("kept.", "requirement "))}
    assert 'after-rows-gone / check-after: kept.github_url: outcome: "pass" -> "fail"' in "\n".join(
        found.lines()
    ).replace("  ", "")
    about = ("kept.*", "requirement action:*", "outcome", "counts", "exit")
    meant = Intended("after-*", "check-after", about, "*", "planted")
    assert not compare(old, tmp_path / "new", [meant]).failed
    assert compare(old, tmp_path / "new", [replace(meant, about=about[1:])]).failed


def edited(old: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A copy of the recording whose JSON report is changed."""
    new = old.parent / "new"
    shutil.copytree(old, new)
    file = new / AFTER[0] / f"{AFTER[1]}.json"
    data = json.loads(file.read_text("utf-8"))
    change(data)
    file.write_text(json.dumps(data), "utf-8")
    return new


def check_of(data: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in data["checks"] if one["id"] == name)
    return found


def finding_of(data: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = check_of(data, name)["findings"][0]
    return found


@pytest.mark.parametrize(
    ("about", "change"),
    [
        ("loss.download_url", lambda data: check_of(data, "loss.download_url").update(outcome="warn")),
        ("loss.download_url", lambda data: finding_of(data, "loss.download_url")["evidence"].update(rows=1)),
        ("loss.download_url", lambda data: finding_of(data, "loss.download_url")["evidence"].pop("rows")),
        ("loss.download_url", lambda data: check_of(data, "loss.download_url")["findings"].clear()),
        ("migrations", lambda data: data["checks"].remove(check_of(data, "migrations"))),
        ("rates github_url after", lambda data: data["rates"][1].update(populated=1)),
        ("changes github_url", lambda data: data["changes"][0].update(difference=0.5)),
        ("derivation artifacts_github_url after", lambda data: data["derivation"][1].update(match=0)),
        ("requirement rollback", lambda data: data["requirements"][-1].update(outcome="pass")),
        ("counts", lambda data: data["counts"].update(skip=0)),
        ("outcome", lambda data: data.update(outcome="unknown")),
    ],
)
def test_a_changed_answer_is_a_difference(about: str, change: Callable[[dict[str, Any]], object], old: Path) -> None:
    found = compare(old, edited(old, change))
    assert {one.name[0] for one in found.answers} == {about}
    assert found.failed


@pytest.mark.parametrize(
    "change",
    [
        lambda data: finding_of(data, "loss.download_url").update(message="Otherwise said."),
        lambda data: finding_of(data, "loss.download_url").update(remedy="Do otherwise."),
        lambda data: finding_of(data, "loss.download_url")["evidence"].update(a_further_key=1),
        lambda data: check_of(data, "loss.download_url").update(title="Another title"),
        lambda data: data["sources"]["after"].update(identity="7"),
        lambda data: data.update(a_further_key=[1]),
    ],
)
def test_other_wording_and_additional_keys_are_listed_and_do_not_fail(
    change: Callable[[dict[str, Any]], object], old: Path
) -> None:
    found = compare(old, edited(old, change))
    assert not found.failed
    assert len(found.wording) == 1


def test_another_exit_code_and_other_rows_are_answers(tmp_path: Path) -> None:
    state, listed = "after-url-shape", "rows-url-shape.github_url-csv"
    for folder in ("old", "new"):
        shutil.copytree(RECORDED / state, tmp_path / folder / state)
    for name, old, new in ((f"{listed}.csv", "654", "655"), (f"{listed}.call", "exit 0", "exit 1")):
        file = tmp_path / "new" / state / name
        file.write_text(file.read_text("utf-8").replace(old, new), "utf-8", newline="")
    (tmp_path / "new" / state / "snapshot.call").unlink()
    found = compare(tmp_path / "old", tmp_path / "new")
    assert {(one.called[1], one.name[0]) for one in found.answers} == {
        (listed, "exit"),
        (listed, "rows"),
        ("snapshot", "exit"),
    }


def test_what_is_intended_and_does_not_occur_fails(old: Path) -> None:
    new = edited(old, lambda data: None)
    assert not compare(old, new).failed
    here = Intended(*AFTER, ("loss.download_url",), "outcome", "planted")
    found = compare(old, new, [here])
    assert (found.idle, found.failed) == ([here], True)
    assert "intended, and did not occur: 1" in list(found.lines())
    nowhere = replace(here, state="no-such-state")
    assert compare(old, new, [nowhere]).idle == [nowhere]
    elsewhere = replace(here, state=SLOW[0][0], command=SLOW[0][1])
    assert not compare(old, new, [elsewhere], without=SLOW).idle  # the call was not made, so it is not known


@pytest.mark.parametrize("entry", ['state = "a"\ncommand = "b"\nabout = "c"', 'reason = "d"', 'reason = " "\nmore = 1'])
def test_an_intended_difference_has_a_reason(entry: str, tmp_path: Path) -> None:
    file = tmp_path / "intended.toml"
    file.write_text(f"[[intended]]\n{entry}\n", "utf-8")
    with pytest.raises(ValueError, match="reason"):
        load_intended(file)


@pytest.mark.parametrize("folder", [RECORDED, *sorted(HERE.glob("files-*"))], ids=lambda folder: folder.name)
def test_no_recorded_file_names_this_machine_or_holds_a_password(folder: Path) -> None:
    private = [
        socket.gethostname(),
        PASSWORD,
        str(HERE.parent),
        str(Path.home()),
        tempfile.gettempdir() + "/recording-",
    ]
    private = [text for text in private if len(text) > 5]  # a home folder / is everywhere
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert len(files) > 8
    for file in files:
        content = file.read_bytes()
        assert not [text for text in private if text.encode() in content], file

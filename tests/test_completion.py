"""The completion message, what is derived from it, and what it makes of a row."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from genreq_checks.errors import SourceError, UsageError
from genreq_checks.leo.completion import (
    AllWorkCompleteMessage,
    breaks_derivation,
    create_all_work_complete_message,
    derive_artifacts_github_url,
    detect_flyio_url,
    parse_message,
    row_values,
)
from javascript import HOSTILE_URLS, PLAN_EXPRESSION, derive_in_node, evaluate_in_node
from strategies import is_storable, urls

NOON = datetime(2025, 1, 2, 12, 0, tzinfo=UTC)
NOON_IN_THE_COLUMN = NOON.replace(tzinfo=None)
REPOSITORY = "https://github.com/leo/app"


def message(**fields: object) -> AllWorkCompleteMessage:
    """A message as it is received, with these fields in addition to the usual ones."""
    usual = {
        "type": "all_work_complete",
        "completion_reason": "all_tests_pass",
        "app_path": "/app",
        "total_iterations": 3,
    }
    return parse_message({**usual, **fields})


# --- the derivation


DERIVED: list[tuple[str | None, str | None]] = [
    (None, None),
    ("", None),
    (" ", " -artifacts"),
    ("/", "-artifacts"),
    ("a", "a-artifacts"),
    ("a/", "a-artifacts"),
    ("a//", "a/-artifacts"),
    ("a\n", "a\n-artifacts"),
    ("a/\n", "a/\n-artifacts"),
    ("a\n/", "a\n-artifacts"),
    ("a/\u2028", "a/\u2028-artifacts"),
    ("\x00/", "\x00-artifacts"),
    ("\ud800/", "\ud800-artifacts"),
    ("\U0001f600/", "\U0001f600-artifacts"),
    ("cafe\u0301/", "cafe\u0301-artifacts"),
    ("a-artifacts/", "a-artifacts-artifacts"),
    (f"{REPOSITORY}/", f"{REPOSITORY}-artifacts"),
]


@pytest.mark.parametrize(("github_url", "derived"), DERIVED)
def test_one_trailing_slash_is_removed_and_the_suffix_is_appended(github_url: str | None, derived: str | None) -> None:
    assert derive_artifacts_github_url(github_url) == derived


def test_the_plans_javascript_derives_the_same() -> None:
    assert derive_in_node([github_url for github_url, _ in DERIVED]) == [derived for _, derived in DERIVED]


def test_the_suffix_can_be_another() -> None:
    assert derive_artifacts_github_url("a/", suffix="-files") == "a-files"


def test_python_derives_from_the_hostile_list_what_the_plans_javascript_does() -> None:
    values = [None, *HOSTILE_URLS]
    assert [derive_artifacts_github_url(value) for value in values] == derive_in_node(values)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.none() | urls(), min_size=1, max_size=200))
def test_python_derives_what_the_plans_javascript_does(values: list[str | None]) -> None:
    assert [derive_artifacts_github_url(value) for value in values] == derive_in_node(values)


def test_javascript_derives_nothing_from_a_message_without_the_field() -> None:
    assert evaluate_in_node(PLAN_EXPRESSION, [{}]) == [None]
    assert row_values(message(), NOON)["artifacts_github_url"] is None


def test_without_node_the_comparison_is_skipped_but_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="Node is not installed"):
        derive_in_node(["a"])
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="Node is not installed"):
        derive_in_node(["a"])


@given(urls(storable=True))
def test_storable_texts_are_those_that_utf8_without_nul_can_carry(text: str) -> None:
    assert is_storable(text)
    assert text.encode().decode() == text


# --- the message


def test_the_parameters_are_in_the_plans_order() -> None:
    parameters = inspect.signature(create_all_work_complete_message).parameters
    assert list(parameters) == [
        "completion_reason",
        "app_path",
        "total_iterations",
        "session_id",
        "total_duration",
        "github_url",
        "s3_url",
        "flyio_url",
    ]
    assert [name for name, parameter in parameters.items() if parameter.default is None] == list(parameters)[3:]


def test_an_omitted_field_is_not_sent() -> None:
    created = create_all_work_complete_message("done", "/app", 3, flyio_url="https://x.fly.dev", s3_url="")
    assert json.loads(created.to_json()) == {
        "type": "all_work_complete",
        "completion_reason": "done",
        "app_path": "/app",
        "total_iterations": 3,
        "s3_url": "",
        "flyio_url": "https://x.fly.dev",
    }


def test_the_type_is_always_sent() -> None:
    assert AllWorkCompleteMessage(github_url=None).model_dump(exclude_unset=True) == {
        "type": "all_work_complete",
        "github_url": None,
    }


sent_fields = st.fixed_dictionaries(
    {"type": st.just("all_work_complete")},
    optional={
        **dict.fromkeys(
            [
                "completion_reason",
                "app_path",
                "session_id",
                "github_url",
                "flyio_url",
                "s3_url",
                "download_url",
            ],
            st.none() | urls(),
        ),
        "total_iterations": st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
        "total_duration": st.none() | st.integers(),
        "request_id": st.none() | st.booleans() | st.lists(urls(), max_size=2),
        "model_dump": urls(),
    },
)


@given(sent_fields)
def test_a_message_is_received_as_it_was_sent(sent: dict[str, object]) -> None:
    received = parse_message(sent)
    line = received.to_json()
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line) == sent
    assert received.model_fields_set == set(sent)
    assert parse_message(json.loads(line)) == received


def test_unknown_fields_are_kept() -> None:
    extra = message(request_id=7, steps=[{"name": "build"}]).model_extra
    assert extra == {"request_id": 7, "steps": [{"name": "build"}]}


def test_a_message_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        message().github_url = REPOSITORY  # pyright: ignore[reportAttributeAccessIssue]


SECRET = "ghp_0123456789"


@pytest.mark.parametrize("value", [7, True, 1.5, [SECRET], {SECRET: SECRET}])
@pytest.mark.parametrize("field", ["github_url", "flyio_url", "session_id", "completion_reason"])
def test_a_field_of_the_wrong_type_is_refused(field: str, value: object) -> None:
    with pytest.raises(SourceError, match=field):
        message(**{field: value})


@pytest.mark.parametrize("value", [SECRET, True, [1], float("nan"), float("inf")])
@pytest.mark.parametrize("field", ["total_iterations", "total_duration"])
def test_a_count_that_is_not_a_finite_number_is_rejected(field: str, value: object) -> None:
    with pytest.raises(SourceError, match=field):
        message(**{field: value})


def test_no_error_shows_a_value() -> None:
    fields: dict[str, object] = {
        "github_url": [SECRET],
        "total_iterations": SECRET,
        "session_id": {SECRET: 1},
    }
    with pytest.raises(SourceError) as refused:
        message(**fields)
    assert "github_url, session_id, total_iterations" in str(refused.value)
    assert SECRET not in str(refused.value)
    assert refused.value.__context__ is None
    with pytest.raises(ValidationError) as invalid:
        AllWorkCompleteMessage.model_validate({**fields, "type": SECRET})
    assert SECRET not in str(invalid.value)
    assert SECRET not in repr(invalid.value)


@pytest.mark.parametrize(
    "decoded", [None, 1, SECRET, [], {}, {"type": None}, {"type": "ready"}, {"type": ["all_work_complete"]}]
)
def test_anything_but_a_completion_message_is_rejected(decoded: object) -> None:
    with pytest.raises(SourceError, match="not an all_work_complete message") as refused:
        parse_message(decoded)
    assert SECRET not in str(refused.value)


# --- what it makes of a row


def test_a_full_message_completes_the_row() -> None:
    full = message(
        session_id="s-1",
        github_url=f"{REPOSITORY}/",
        flyio_url="https://x.fly.dev",
        download_url="d",
        s3_url="s",
    )
    assert row_values(full, NOON) == {
        "status": "completed",
        "completed_at": NOON_IN_THE_COLUMN,
        "github_url": f"{REPOSITORY}/",
        "deployment_url": "https://x.fly.dev",
        "last_session_id": "s-1",
        "artifacts_github_url": f"{REPOSITORY}-artifacts",
    }


def test_a_missing_field_does_not_change_its_column_but_clears_the_artifacts() -> None:
    assert row_values(message(), NOON) == {
        "status": "completed",
        "completed_at": NOON_IN_THE_COLUMN,
        "artifacts_github_url": None,
    }


@pytest.mark.parametrize("value", [None, ""])
def test_null_clears_and_the_empty_string_is_stored(value: str | None) -> None:
    values = row_values(message(github_url=value, flyio_url=value, session_id=value), NOON)
    del values["status"], values["completed_at"]
    assert values == {
        "github_url": value,
        "deployment_url": value,
        "last_session_id": value,
        "artifacts_github_url": None,
    }


def test_a_cancelled_generation_is_paused_and_not_completed() -> None:
    cancelled = message(completion_reason="cancelled", github_url=REPOSITORY)
    assert row_values(cancelled, NOON) == {
        "status": "paused",
        "github_url": REPOSITORY,
        "artifacts_github_url": f"{REPOSITORY}-artifacts",
    }


@pytest.mark.parametrize("reason", [None, "", "Cancelled", "cancelled ", "max_iterations"])
def test_any_other_reason_completes(reason: str | None) -> None:
    assert row_values(message(completion_reason=reason), NOON)["status"] == "completed"


def test_the_time_of_completion_is_in_utc_without_an_offset() -> None:
    in_tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    assert row_values(message(), in_tokyo)["completed_at"] == NOON_IN_THE_COLUMN


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(UsageError, match="no offset"):
        row_values(message(), NOON_IN_THE_COLUMN)


def test_the_row_gets_the_given_suffix() -> None:
    assert row_values(message(github_url="a/"), NOON, suffix="-files")["artifacts_github_url"] == "a-files"


@pytest.mark.parametrize(
    ("fields", "stored", "breaks"),
    [
        ({}, REPOSITORY, True),
        ({}, " ", True),
        ({}, "", False),
        ({}, None, False),
        ({"github_url": None}, REPOSITORY, False),
        ({"github_url": ""}, REPOSITORY, False),
        ({"github_url": "other"}, REPOSITORY, False),
    ],
)
def test_a_message_without_github_url_breaks_the_rule_on_a_row_that_has_one(
    fields: dict[str, object], stored: str | None, breaks: bool
) -> None:
    assert breaks_derivation(message(**fields), stored) is breaks


@given(st.fixed_dictionaries({}, optional={"github_url": st.none() | urls()}), st.none() | urls())
def test_the_updated_row_breaks_the_rule_as_predicted(fields: dict[str, object], stored: str | None) -> None:
    row = {"github_url": stored, **row_values(message(**fields), NOON)}
    github_url = row["github_url"]
    assert github_url is None or isinstance(github_url, str)
    kept = row["artifacts_github_url"] == derive_artifacts_github_url(github_url)
    assert breaks_derivation(message(**fields), stored) is not kept


# --- fly.toml


@pytest.mark.parametrize("name", ["a", "7", "leo-app", "3com", "a--b", "x" * 63])
def test_the_app_of_fly_toml_gives_the_address(tmp_path: Path, name: str) -> None:
    (tmp_path / "fly.toml").write_text(f'# made by fly\r\napp = "{name}"\r\n[build]\r\napp = "other"\r\n')
    assert detect_flyio_url(tmp_path) == f"https://{name}.fly.dev"


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "../x",
        "a b",
        "a.b",
        "evil.com/#",
        "evil.com?",
        "user@evil",
        "Leo",
        "leo_app",
        "-leo",
        "leo-",
        "leo\n",
        "leo\x00",
        "caf\u00e9",
        "\u0430pp",
        "\u0663",
        "<b>",
        "x" * 64,
    ],
)
def test_a_name_that_fly_does_not_accept_gives_no_address(tmp_path: Path, name: str) -> None:
    (tmp_path / "fly.toml").write_text(f"app = {json.dumps(name)}\n", encoding="utf-8")
    assert detect_flyio_url(tmp_path) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"app = ",
        b"app = 7",
        b"app = true",
        b'app = ["leo"]',
        b'[app]\nname = "leo"',
        b'[build]\napp = "leo"',
        b'App = "leo"',
        b'app = "leo"\napp = "leo"',
        b'app = "leo"\rx = 1',
        b'app = "\xff"',
        b'app = "leo"\nx = ' + b"1" * 5_000,
        b'app = "leo"\nx = ' + b"[" * 100_000,
        b"\x00\x01",
    ],
    ids=lambda content: repr(content[:24]),
)
def test_a_fly_toml_without_a_usable_name_gives_no_address(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "fly.toml").write_bytes(content)
    assert detect_flyio_url(tmp_path) is None


def test_without_a_readable_fly_toml_there_is_no_address(tmp_path: Path) -> None:
    assert detect_flyio_url(tmp_path) is None
    assert detect_flyio_url(tmp_path / "missing") is None
    (tmp_path / "fly.toml").mkdir()
    assert detect_flyio_url(tmp_path) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="No named pipes on this system.")
def test_a_named_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fly.toml")
    assert detect_flyio_url(tmp_path) is None


def test_an_unreadable_fly_toml_gives_no_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fly.toml").write_text('app = "leo"\n')

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    assert detect_flyio_url(tmp_path) is None


# --- the module


def test_the_module_imports_nothing_heavy() -> None:
    heavy = {"sqlalchemy", "pandas", "psycopg", "altair", "marimo", "duckdb", "pyarrow"}
    program = "import sys, genreq_checks.leo.completion; print(*{name.split('.')[0] for name in sys.modules})"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not heavy & set(finished.stdout.split())

"""Recordings: every line is used, skipped or rejected with its reason, as JavaScript reads it."""

from __future__ import annotations

import gzip
import json
import os
import stat
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genreq_checks.errors import UsageError
from genreq_checks.leo import message_lines
from genreq_checks.leo.message_index import open_index
from genreq_checks.leo.message_lines import LineCounts, Message, message_files, read_messages
from javascript import evaluate_in_node

USED = frozenset({"github_url", "flyio_url"})
GOOD = b'{"type":"all_work_complete","request_id":7,"github_url":"https://github.com/leo/app"}'


def read(path: Path) -> tuple[list[Message], dict[str, list[str]]]:
    counted = LineCounts()
    messages = list(read_messages(message_files([path]), USED, counted))
    return messages, {lines.reason: list(lines.places) for lines in counted.peculiar()}


def one(path: Path, line: bytes) -> tuple[list[Message], dict[str, list[str]]]:
    file = path / "m.jsonl"
    file.write_bytes(line)
    return read(file)


def message(**fields: object) -> bytes:
    return json.dumps({"type": "all_work_complete", "request_id": 7} | fields).encode() + b"\n"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (GOOD[:-10], "truncated"),
        (GOOD[:-1], "truncated"),
        (b'{"type":', "truncated"),
        (b"{", "truncated"),
        (GOOD + b" x", "invalid JSON"),
        (GOOD.replace(b"7", b"NaN"), "invalid JSON"),
        (GOOD.replace(b"7", b"-Infinity"), "invalid JSON"),
        (GOOD.replace(b"app", b"a\tb"), "invalid JSON"),
        (b"'x'", "invalid JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "invalid JSON"),
        (GOOD.replace(b"app", b"\xff"), "invalid UTF-8"),
        (b"[1]", "not an object"),
        (b'"text"', "not an object"),
        (b"{}", "no type"),
        (b'{"type":3}', "no type"),
        (b'{"type":"log","text":"hello"}', "another type of message"),
        (GOOD.replace(b'"request_id":7,', b""), "no request_id"),
        (GOOD.replace(b"7", b"null"), "no request_id"),
        (GOOD.replace(b"7", b'""'), "no request_id"),
        (GOOD.replace(b"7", b"7.5"), "request_id of the wrong type"),
        (GOOD.replace(b"7", b"true"), "request_id of the wrong type"),
        (GOOD.replace(b"7", b"[7]"), "request_id of the wrong type"),
        (GOOD.replace(b"7", rb'"a\u0000"'), "request_id of the wrong type"),
        (message(flyio_url=5), "flyio_url of the wrong type"),
        (message(github_url={"a": 1}), "github_url of the wrong type"),
        (message(github_url="a\x00b"), "NUL character in github_url, which PostgreSQL refuses"),
    ],
)
def test_a_bad_line_is_rejected_with_its_reason_and_hides_no_other(tmp_path: Path, line: bytes, reason: str) -> None:
    messages, peculiar = one(tmp_path, GOOD + b"\n" + line.rstrip(b"\n") + b"\n" + GOOD + b"\n")
    assert [found.line for found in messages] == [1, 3]
    assert peculiar == {reason: ["m.jsonl:2"]}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"\xef\xbb\xbf" + GOOD, "byte-order mark"),
        (GOOD + b"\r\n", "CRLF line end"),
        (message(received_at="yesterday"), "received_at not understood"),
        (message(received_at=[1]), "received_at not understood"),
    ],
)
def test_a_peculiar_line_is_read_and_reported(tmp_path: Path, line: bytes, reason: str) -> None:
    messages, peculiar = one(tmp_path, line)
    assert [found.key for found in messages] == ["7"]
    assert peculiar == {reason: ["m.jsonl:1"]}


def test_missing_null_and_empty_are_three_things(tmp_path: Path) -> None:
    lines = message() + message(github_url=None) + message(github_url="")
    messages, peculiar = one(tmp_path, lines)
    assert [found.fields for found in messages] == [{}, {"github_url": None}, {"github_url": ""}]
    assert peculiar == {}


def test_the_last_of_two_equal_keys_wins(tmp_path: Path) -> None:
    messages, _ = one(tmp_path, b'{"type":"log","github_url":"a",' + GOOD[1:])
    assert messages[0].fields == {"github_url": "https://github.com/leo/app"}


@pytest.mark.parametrize("key", [b"7", b'"7"', b'"007"', b"7.0", b"7e0"])
def test_a_number_is_the_same_key_however_it_is_written(tmp_path: Path, key: bytes) -> None:
    messages, _ = one(tmp_path, GOOD.replace(b"7", key, 1))
    assert [found.key for found in messages] == ["7"]


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("2025-01-01T00:00:00Z", 1735689600_000000),
        ("2025-01-01T01:00:00.000001+01:00", 1735689600_000001),
        ("2025-01-01T00:00:00", 1735689600_000000),
        (1735689600000, 1735689600_000000),
        (None, None),
    ],
)
def test_received_at_is_iso_or_milliseconds(tmp_path: Path, text: object, microseconds: int | None) -> None:
    messages, peculiar = one(tmp_path, message(received_at=text))
    assert messages[0].received == microseconds
    assert peculiar == {}


def test_gzip_files_folders_and_blank_lines_are_read(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.jsonl.gz").write_bytes(gzip.compress(GOOD + b"\n"))
    (tmp_path / "a.jsonl").write_bytes(b"\n" + GOOD + b"\n   \n")
    (tmp_path / "notes.txt").write_bytes(b"no recording")
    messages, peculiar = read(tmp_path)
    assert [(found.file, found.line) for found in messages] == [("a.jsonl", 2), ("b.jsonl.gz", 1)]
    assert peculiar == {}


def test_a_truncated_gzip_file_is_read_up_to_its_end(tmp_path: Path) -> None:
    packed = gzip.compress(b"".join(message(n=n, pad=os.urandom(60).hex()) for n in range(2_000)))
    messages, peculiar = one(tmp_path, packed[: len(packed) // 2])
    assert len(messages) > 100
    assert list(peculiar) == ["gzip file cut off or damaged"]


def test_a_line_that_is_too_long_is_rejected_without_being_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_lines, "LONGEST_LINE", 2**20)
    messages, peculiar = one(tmp_path, GOOD + b"\n" + b"x" * (3 * 2**20) + b"\n" + GOOD)
    assert [found.line for found in messages] == [1, 3]
    assert peculiar == {"line of more than 1 MB": ["m.jsonl:2"]}


def test_a_missing_path_is_a_wrong_call(tmp_path: Path) -> None:
    (tmp_path / "messages.jsonl").touch()
    with pytest.raises(UsageError, match=r"Did you mean 'messages\.jsonl'"):
        message_files([tmp_path / "mesages.jsonl"])


def test_a_key_or_a_file_name_that_is_not_unicode_does_not_stop_the_reading(tmp_path: Path) -> None:
    file = Path(os.fsdecode(bytes(tmp_path) + b"/\xff.jsonl"))
    file.write_bytes(GOOD.replace(b"7", rb'"\ud800"') + b"\n[]")
    messages, peculiar = read(file)
    assert [(found.key, found.file) for found in messages] == [("�", "�.jsonl")]
    assert peculiar == {"not an object": ["�.jsonl:2"]}
    with open_index() as index:
        index.put(messages)
        assert index.unknown(["�", "x"]) == {"x"}


def last(*messages: Message) -> dict[str, int]:
    with open_index() as index:
        index.put(messages)
        return {found.key: found.line for batch in index.batches() for found in batch}


def received(line: int, at: int | None, key: str = "7") -> Message:
    return Message(key, at, "m.jsonl", line, {})


def test_the_message_received_last_counts_and_otherwise_the_last_in_order() -> None:
    assert last(received(1, 20), received(2, 10)) == {"7": 1}
    assert last(received(1, 20), received(2, 20)) == {"7": 2}
    assert last(received(1, None), received(2, None)) == {"7": 2}
    assert last(received(1, 20), received(2, None)) == {"7": 2}
    assert last(received(1, 20), received(2, 10, "8"), received(3, None)) == {"7": 1, "8": 2}


def test_lone_surrogates_are_converted_as_in_node(tmp_path: Path) -> None:
    messages, _ = one(tmp_path, GOOD.replace(b"app", rb"\ud800\ud83d\ude00"))
    assert messages[0].fields["github_url"] == "https://github.com/leo/�\U0001f600"


def test_the_index_holds_no_more_than_a_batch_in_memory() -> None:
    pad = {"github_url": "x" * 500}
    with open_index() as index:
        tracemalloc.start()
        try:
            index.put(Message(str(n), n, "m", n, pad) for n in range(20_000))
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert index.requests == 20_000
    assert most < 8_000_000  # all of them would be over 16 MB


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks into /proc, which only Linux has")
def test_the_index_spills_into_an_unnamed_private_file() -> None:
    def spilled() -> list[tuple[str, os.stat_result]]:
        links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        return [(os.readlink(link), link.stat()) for link in links if "etilqs" in os.readlink(link)]

    with open_index() as index:
        index.put(Message(str(n), n, "m", n, {"github_url": "x" * 4_000}) for n in range(15_000))
        found = spilled()
        assert found
        assert all(name.endswith(" (deleted)") and not stat.S_IMODE(s.st_mode) & 0o077 for name, s in found)
    assert spilled() == []


@pytest.mark.node
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_line_is_json_exactly_when_it_is_for_javascript(data: st.DataObject) -> None:
    pieces = ['{"a":1}', '"', "\\u00", "NaN", "1e400", "-0", "{", "}", ",", "\t", " ", "\x0b", "﻿", "tru", "true", "[1]"]
    texts = data.draw(st.lists(st.lists(st.sampled_from(pieces), max_size=4).map("".join), min_size=20, max_size=60))
    expression = "(() => { try { return [JSON.parse(msg.text)] } catch { return null } })()"
    theirs = evaluate_in_node(expression, [{"text": text} for text in texts])
    for text, their in zip(texts, theirs, strict=True):
        ours = message_lines._decode(text.encode())
        is_object = isinstance(their, list) and isinstance(their[0], dict)
        assert isinstance(ours, dict) == is_object, text

"""Recorded messages, line by line: JSONL, plain or gzip, read as the server's JSON.parse would, in little memory.

A line that cannot be used is counted with its reason and its place, and hides no other.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BufferedIOBase
from pathlib import Path
from typing import Any, Final, Literal

from genreq_checks.errors import UsageError, near_file
from genreq_checks.facts import EXAMPLES, Lines
from genreq_checks.leo.completion import MESSAGE_TYPE

LONGEST_LINE = 16 * 2**20
SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
OTHER = "another type of message"
FATES: Final[dict[str, Literal["read", "passed"]]] = {
    "byte-order mark": "read",
    "CRLF line end": "read",
    "received_at not understood": "read",
    OTHER: "passed",
}

_BOM = b"\xef\xbb\xbf"
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_DIGITS = re.compile(r"-?[0-9]{1,19}")


@dataclass(frozen=True, slots=True)
class Message:
    """A completion message: its request, when received (microseconds since 1970, None unknown), and the used fields.

    A field that the message does not have is not a key of `fields`; null is None.
    """

    key: str
    received: int | None
    file: str
    line: int
    fields: dict[str, str | None]


@dataclass(slots=True)
class LineCounts:
    """What was found while reading: lines, completion messages, and the peculiar lines by reason."""

    files: int = 0
    lines: int = 0
    counts: dict[str, int] = field(default_factory=dict[str, int])
    places: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def note(self, reason: str, file: str, line: int) -> None:
        """Count a line under a reason, and keep its place if it is among the first."""
        self.counts[reason] = self.counts.get(reason, 0) + 1
        places = self.places.setdefault(reason, [])
        if len(places) < EXAMPLES:
            places.append(f"{file}:{line}")

    def peculiar(self) -> tuple[Lines, ...]:
        """The counts as data, the largest first."""
        reasons = sorted(self.counts, key=lambda reason: (-self.counts[reason], reason))
        return tuple(
            Lines(reason, FATES.get(reason, "refused"), self.counts[reason], tuple(self.places[reason]))
            for reason in reasons
        )


def message_files(paths: Sequence[Path]) -> list[Path]:
    """The files to read: each file as given, and of a folder all recordings in it, in the order of names.

    Raises: UsageError for a path that does not exist.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = (Path(top) / name for top, _, names in os.walk(path) for name in names)
            found += sorted(file for file in inside if file.name.endswith(SUFFIXES) and file.is_file())
        elif path.exists():
            found.append(path)
        else:
            raise UsageError(f"There is no file or folder {path} of messages.", near_file(path))
    return found


def read_messages(files: Sequence[Path], used: Collection[str], counted: LineCounts) -> Iterator[Message]:
    """The completion messages in the files, in order; everything else goes into `counted`.

    `used` names the message's fields that are needed: other fields are not read here.
    """
    for path in files:
        counted.files += 1
        number, file = 0, _storable(path.name)
        try:
            with path.open("rb") as raw:
                packed = raw.peek(2)[:2] == b"\x1f\x8b"
                for number, line in _numbered(gzip.GzipFile(fileobj=raw) if packed else raw):
                    counted.lines += 1
                    message = _message(line, file, number, used, counted)
                    if message is not None:
                        yield message
        except (EOFError, zlib.error, gzip.BadGzipFile):
            counted.note("gzip file cut off or damaged", file, number + 1)
        except OSError:
            counted.note("file that could not be read on", file, number + 1)


def _numbered(stream: BufferedIOBase) -> Iterator[tuple[int, bytes]]:
    """Each line with its number; of a line that is too long only the beginning, which is longer than LONGEST_LINE."""
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        yield number, line
        while len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            line = stream.readline(LONGEST_LINE + 1)


def _message(line: bytes, file: str, number: int, used: Collection[str], counted: LineCounts) -> Message | None:
    """The message in a line, or None, with the reason in `counted`."""
    if len(line) > LONGEST_LINE:
        counted.note(f"line of more than {LONGEST_LINE // 2**20} MB", file, number)
        return None
    if line.startswith(_BOM):
        counted.note("byte-order mark", file, number)
        line = line[len(_BOM) :]
    if line.endswith(b"\r\n"):
        counted.note("CRLF line end", file, number)
    if not line.strip():
        return None
    found = _decode(line)
    if not isinstance(found, str) and found.get("type") == MESSAGE_TYPE:
        found = _usable(found, used)
    elif not isinstance(found, str):
        found = OTHER if isinstance(found.get("type"), str) else "no type"
    if isinstance(found, str):
        counted.note(found, file, number)
        return None
    if found["received"] == "?":
        counted.note("received_at not understood", file, number)
        found["received"] = None
    return Message(found["key"], found["received"], file, number, found["fields"])


def _decode(line: bytes) -> dict[str, Any] | str:
    """The object in a line of JSON as JavaScript reads it, or the reason why it cannot be read."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return "invalid UTF-8"
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        ended = error.msg.startswith("Unterminated") or error.pos >= len(text.rstrip())
        return "truncated" if ended else "invalid JSON"
    except (ValueError, RecursionError):
        return "invalid JSON"
    return value if isinstance(value, dict) else "not an object"


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) < 16 else float(digits)  # JavaScript numbers are doubles


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_int=_number)


def _usable(message: dict[str, Any], used: Collection[str]) -> dict[str, Any] | str:
    """Key, time and used fields of a completion message, or the reason why it cannot be used."""
    key = _key(message.get("request_id"))
    if key is None:
        return "no request_id" if message.get("request_id") in (None, "") else "request_id of the wrong type"
    fields: dict[str, str | None] = {}
    for name in used:
        if name in message:
            value = message[name]
            if value is not None and not isinstance(value, str):
                return f"{name} of the wrong type"
            if value is not None and "\x00" in value:
                return f"NUL character in {name}, which PostgreSQL refuses"
            fields[name] = _storable(value) if value else value
    return {"key": key, "received": _instant(message.get("received_at")), "fields": fields}


def _storable(text: str) -> str:
    """Text with lone surrogates as Node encodes them into UTF-8."""
    return _SURROGATE.sub("�", text)


def _key(value: object) -> str | None:
    """A request's key as text: integers in plain decimal, whether they were sent as a number or as text."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, str)) or value == "":
        return None
    text = _storable(str(value))
    if "\x00" in text:
        return None
    return str(int(text)) if _DIGITS.fullmatch(text) else text[:200]


def _instant(value: object) -> int | str | None:
    """Microseconds since 1970 from an ISO time (UTC when it has no offset) or from milliseconds; '?' for anything else."""
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 9e15:
        return round(value * 1000)
    try:
        moment = datetime.fromisoformat(value)  # type: ignore[arg-type]
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return "?"
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds

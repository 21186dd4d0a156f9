"""Two recordings compared: which answers differ, which of them are intended, and where only the wording differs."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import unified_diff
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from recording.answers import Name, read

INTENDED = Path(__file__).with_name("intended.toml")
ABSENT = "(absent)"
KEYS = {"state", "command", "about", "path", "reason"}
Called = tuple[str, str]  # state and call


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact that is not what it was."""

    called: Called
    name: Name
    old: Any
    new: Any

    def __str__(self) -> str:
        about = ": ".join(filter(None, self.name))
        return f"{self.called[0]} / {self.called[1]}: {about}: {_short(self.old)} -> {_short(self.new)}"


@dataclass(frozen=True, slots=True)
class Intended:
    """A difference that is meant, with the reason. Each pattern may have * and ?; `about` is one of several."""

    state: str
    command: str
    about: tuple[str, ...]
    path: str
    reason: str

    def is_of(self, called: Called) -> bool:
        """Whether it speaks of this call."""
        return _fits(called[0], self.state) and _fits(called[1], self.command)

    def covers(self, found: Difference) -> bool:
        """Whether it is this difference."""
        about, path = found.name
        return self.is_of(found.called) and any(_fits(about, one) for one in self.about) and _fits(path, self.path)


@dataclass(slots=True)
class Comparison:
    """What differs. It fails when answers differ that are not intended, or when an intended difference did not occur."""

    answers: list[Difference] = field(default_factory=list)
    intended: list[tuple[Difference, Intended]] = field(default_factory=list)
    idle: list[Intended] = field(default_factory=list)
    wording: list[Difference] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether the recordings do not agree as they should."""
        return bool(self.answers or self.idle)

    def lines(self, *, wording: bool = True) -> Iterator[str]:
        """The comparison for people."""
        yield f"answers that differ: {len(self.answers)}"
        yield from (f"  {one}" for one in self.answers)
        yield f"answers that differ as intended: {len(self.intended)}"
        yield from (f"  {one} ({why.reason})" for one, why in self.intended)
        if self.idle:
            yield f"intended, and did not occur: {len(self.idle)}"
            yield from (f"  {one.state} / {one.command}: {', '.join(one.about)}: {one.path}" for one in self.idle)
        yield f"other wording: {len(self.wording)}"
        for one in self.wording if wording else ():
            yield from _told(one)


def compare(old: Path, new: Path, intended: Iterable[Intended] = (), *, without: Iterable[Called] = ()) -> Comparison:
    """Compare two recordings; `without` are calls that the new one does not have to have. Raises: OSError."""
    result, listed, left_out = Comparison(), list(intended), set(without)
    before, now = _calls(old), _calls(new)
    compared = [one for one in dict.fromkeys((*before, *now)) if one not in left_out]
    for called in compared:
        _compare_call(result, old, new, called)
    unlisted = []
    for found in result.answers:
        why = [one for one in listed if one.covers(found)]
        if why:
            result.intended += [(found, one) for one in why]
        else:
            unlisted.append(found)
    result.answers = unlisted
    occurred = {id(one) for _, one in result.intended}
    only_left_out = [one for one in listed if not any(map(one.is_of, compared)) and any(map(one.is_of, left_out))]
    result.idle = [one for one in listed if id(one) not in occurred and one not in only_left_out]
    return result


def load_intended(file: Path = INTENDED) -> list[Intended]:
    """The differences that are meant. Raises: ValueError for an entry without a reason, or with a key of no meaning."""
    found = []
    for entry in tomllib.loads(file.read_text("utf-8")).get("intended", []):
        if not {"state", "command", "about", "reason"} <= set(entry) <= KEYS or not entry["reason"].strip():
            raise ValueError(f"{file.name}: an entry has state, command, about, reason, and maybe path: {entry}")
        about = entry["about"]
        several = tuple(about) if isinstance(about, list) else (about,)
        found.append(Intended(entry["state"], entry["command"], several, entry.get("path", "*"), entry["reason"]))
    return found


def _calls(recording: Path) -> list[Called]:
    return [(file.parent.name, file.stem) for file in sorted(recording.glob("*/*.call"))]


def _compare_call(result: Comparison, old: Path, new: Path, called: Called) -> None:
    state, name = called
    then, now = read(old / state, name), read(new / state, name)
    for one in _differences(called, then.answers, now.answers):
        is_added = one.old is ABSENT and ".evidence." in f".{one.name[1]}"  # a further key is free
        (result.wording if is_added else result.answers).append(one)
    result.wording += _differences(called, then.wording, now.wording)


def _differences(called: Called, then: Mapping[Name, Any], now: Mapping[Name, Any]) -> Iterator[Difference]:
    for name in dict.fromkeys((*then, *now)):
        before, after = then.get(name, ABSENT), now.get(name, ABSENT)
        if not _same(before, after):
            yield Difference(called, name, before, after)


def _same(one: Any, other: Any) -> bool:
    """Equality, except in the last digits of a float, which depend on the processor."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other


def _fits(text: str, pattern: str) -> bool:
    return fnmatchcase(text, pattern.replace("[", "[[]"))  # a bracket is itself


def _told(one: Difference) -> Iterator[str]:
    """A difference of wording: of a text the lines, of anything else both values."""
    if isinstance(one.old, list) and isinstance(one.new, list) and all(isinstance(t, str) for t in one.old + one.new):
        yield f"  {one.called[0]} / {one.name[0]}"
        yield from (f"    {line}" for line in list(unified_diff(one.old, one.new, n=0, lineterm=""))[2:])
    else:
        yield f"  {one}"


def _short(value: Any) -> str:
    text = value if value is ABSENT else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else f"{text[:300]}…"

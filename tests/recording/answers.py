"""The result of a recorded call, as flat facts, in two groups: answers, and wording (everything else).

A fact is named by what it is about (a check's id, or a field of the report) and a path in it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Name = tuple[str, str]  # what it is about, and the path in it: ("loss.download_url", "findings[download_url].outcome")
IN_CHECK = ("outcome", "found")
IN_FINDING = ("outcome", "evidence")
IN_REQUIREMENT = ("outcome", "checks", "unproven")
MEASURED = ("rates", "derivation", "changes", "meanwhile")  # lists of numbers by column and side
WHOLE = ("outcome", "counts", "phase", "statuses")
LISTS = ("failing", "unknown", "warning", "recovered")  # of a history's changes: checks


@dataclass(slots=True)
class Told:
    """All facts of a call: `answers` by which a program decides, `wording` that people read."""

    answers: dict[Name, Any] = field(default_factory=dict)
    wording: dict[Name, Any] = field(default_factory=dict)

    def put(self, is_answer: bool, about: str, path: str, value: Any) -> None:
        """Add a fact."""
        (self.answers if is_answer else self.wording)[about, path] = value


def read(folder: Path, name: str) -> Told:
    """What the call `name` of the state in a folder told, all its files together."""
    told = Told()
    for file in sorted(one for one in folder.glob("*") if one.stem == name):
        text = file.read_text("utf-8")
        match file.suffix:
            case ".call":
                lines = text.splitlines()
                told.put(True, "exit", "", lines[1])
                told.put(False, file.name, "", [lines[0], *lines[2:]])
            case ".csv":
                told.put(True, "rows", "", text.splitlines())
            case ".json":
                _json(told, json.loads(text), file.name)
            case _:
                told.put(False, file.name, "", text.splitlines())
                if name == "list":
                    told.put(True, "list", "", [line.split("  ")[0] for line in text.splitlines()])
    return told


def _json(told: Told, data: Mapping[str, Any], name: str) -> None:
    if "schema_version" in data:
        report(told, data)
    elif data.get("format") == "genreq-checks history":
        _history(told, data)
    else:
        told.put(False, name, "", json.dumps(data, indent=2).splitlines())


def report(told: Told, data: Mapping[str, Any], prefix: str = "") -> None:
    """The facts of a report, or of a run that was kept."""
    for key, value in data.items():
        if key == "checks":
            for check in value:
                _check(told, check, prefix)
        elif key == "requirements":
            for one in value:
                _fields(told, IN_REQUIREMENT, f"{prefix}requirement {one['id']}", "", one)
        elif key == "steps":
            for place, one in _numbered(value, "name"):
                _fields(told, ("outcome",), f"{prefix}step {place}", "", one)
        elif key in MEASURED:
            for one in value:
                about = f"{prefix}{key} {one['column']} {one.get('side', '')}".rstrip()
                _fields(told, tuple(one), about, "", one)
        elif key in WHOLE:
            _leaves(told, True, f"{prefix}{key}", "", value)
        else:
            _leaves(told, False, f"{prefix}{key}", "", value)


def _check(told: Told, check: Mapping[str, Any], prefix: str) -> None:
    about = f"{prefix}{check['id']}"
    _fields(told, IN_CHECK, about, "", {key: value for key, value in check.items() if key != "findings"})
    for place, finding in _numbered(check.get("findings", ()), "subject"):
        _fields(told, IN_FINDING, about, f"findings[{place}].", finding)


def _history(told: Told, data: Mapping[str, Any]) -> None:
    for number, run in enumerate(data["runs"], 1):
        report(told, run, f"run {number}: ")
    for key in ("since_last", "since_first"):
        changes = data[key]
        told.put(True, key, "", changes and {name: [one["id"] for one in changes[name]] for name in LISTS})
        told.put(False, key, "", changes)


def _fields(told: Told, answers: Sequence[str], about: str, path: str, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        _leaves(told, key in answers, about, f"{path}{key}", value)


def _leaves(told: Told, is_answer: bool, about: str, path: str, value: Any) -> None:
    """An object's fields one by one, such as each key of the evidence; a list is one value."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            told.put(is_answer, about, f"{path}.{key}".lstrip("."), item)
    else:
        told.put(is_answer, about, path, value)


def _numbered(items: Sequence[Mapping[str, Any]], key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each item with its name; those of one name are numbered, so that an order between others is no difference."""
    seen: Counter[str] = Counter()
    for item in items:
        name = str(item[key])
        seen[name] += 1
        yield (name if seen[name] == 1 else f"{name} {seen[name]}"), item

"""What a fault is: where it is planted, how, and what each check must then say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from genreq_checks.results import Outcome, Phase


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fault is planted: a database of its own, and a folder of its own with the files that `check` is given."""

    url: str
    folder: Path


Plant = Callable[[Place], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that can be wrong, planted in the clean state of a phase.

    `turns` are the ids of the checks whose outcome it changes, with what they must then say; every other check must say
    what it says of the clean state. `state` is the clean state that it is planted in, when that is another phase's.
    """

    name: str
    phase: Phase
    turns: Mapping[str, Outcome]
    plant: Plant
    state: Phase | None = None


def fault(name: str, phase: Phase, plant: Plant, *fails: str, state: Phase | None = None, **others: str) -> Fault:
    """A fault that makes some checks fail, and others as the keywords `warn` and `unknown` list them, with spaces between."""
    turns: dict[str, Outcome] = dict.fromkeys(fails, "fail")
    for outcome in ("warn", "unknown"):
        turns |= dict.fromkeys(others.pop(outcome, "").split(), outcome)
    assert not others, others
    return Fault(name, phase, MappingProxyType(turns), plant, state)


def by_sql(*statements: str) -> Plant:
    """A plant that runs SQL in the place's database, all of it or nothing."""

    def plant(place: Place) -> None:
        import psycopg

        with psycopg.connect(place.url) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    return plant


def by_edit(name: str, old: str, new: str) -> Plant:
    """A plant that changes a text in one of the place's files. Raises: ValueError when the text is not in it once."""

    def plant(place: Place) -> None:
        file = place.folder / name
        text = file.read_text("utf-8")
        if text.count(old) != 1:
            raise ValueError(f"{name} has {old!r} {text.count(old)} times")
        file.write_text(text.replace(old, new), "utf-8", newline="")

    return plant


def together(*plants: Plant) -> Plant:
    """A plant that plants several, one after the other."""

    def plant(place: Place) -> None:
        for one in plants:
            one(place)

    return plant

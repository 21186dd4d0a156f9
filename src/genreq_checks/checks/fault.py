"""What a fault is: how it is planted in a clean state, and what each check must then say.

A fault is planted by the file of one check. When another check notices it too, that check's file says so by the
fault's name, without a plant. So a new check changes no other file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from genreq_checks.evidence.contradictions import Fact
from genreq_checks.facts import Outcome
from genreq_checks.report import Phase

# The files for `check` and `rehearse` in a clean state; code, migrations and messages have no fault.
CODE, GENERATION, MESSAGES, MIGRATIONS = "code", "generation.json", "messages.jsonl", "drizzle"
QUERIES = "queries.sql"  # not there in a clean state: statements are judged on a clone, which takes seconds
PROBED = "probed_urls.json"  # not there in a clean state: the URLs of the sample lead nowhere
LOG = "server.json"  # of the hold, in phase held
FORWARD, ROLLBACK, PLAN = "forward.sql", "rollback.sql", "plan.toml"
JOURNAL = f"{MIGRATIONS}/meta/_journal.json"
MADE, DROPPED = "0000_made", "0001_dropped"  # the migrations: the first creates the table, the second drops the columns
MADE_AT, DROPPED_AT = 1_727_000_000_000, 1_734_427_800_000  # milliseconds since 1970, as Drizzle counts


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fault is planted: a separate database, and a separate folder with the files for `check`.

    `run` runs statements in the database, all or none. `finish` does what follows the drop: it records the migration in
    the bookkeeping table and completes new generations.
    """

    folder: Path
    run: Callable[..., None]
    finish: Callable[[], None]


Plant = Callable[[Place], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that can be wrong, planted in the clean state of a phase.

    `turns` are the ids of the checks whose outcome it changes, with the outcome they must have. Each check that needs one
    of the facts in `takes` must be unknown, each that needs one in `doubts` must warn, unless it was not asked for. Every
    other check must have the outcome of the clean state. `state` is the clean state that it is planted in, when that is
    another phase's. Without a `plant` it is a fault of another check, which this check notices too.
    """

    name: str
    phase: Phase
    plant: Plant | None
    turns: Mapping[str, Outcome] = field(default_factory=dict[str, Outcome])
    takes: tuple[Fact, ...] = ()
    doubts: tuple[Fact, ...] = ()
    state: Phase | None = None


def fault(
    name: str,
    phase: Phase,
    plant: Plant | None,
    *fails: str,
    warn: str = "",
    unknown: str = "",
    takes: tuple[Fact, ...] = (),
    doubts: tuple[Fact, ...] = (),
    state: Phase | None = None,
) -> Fault:
    """A fault that makes some checks fail; `warn` and `unknown` list the checks that warn or are unknown, with spaces."""
    turns: dict[str, Outcome] = dict.fromkeys(fails, "fail")
    turns |= dict.fromkeys(warn.split(), "warn")
    turns |= dict.fromkeys(unknown.split(), "unknown")
    return Fault(name, phase, plant, MappingProxyType(turns), takes, doubts, state)


def noticed(name: str, phase: Phase, *fails: str, warn: str = "", unknown: str = "") -> Fault:
    """A fault that another check's file plants and that this check notices too."""
    return fault(name, phase, None, *fails, warn=warn, unknown=unknown)


def by_sql(*statements: str) -> Plant:
    """A plant that runs SQL in the place's database, in one transaction."""
    return lambda place: place.run(*statements)


def by_edit(name: str, old: str, new: str) -> Plant:
    """A plant that changes a text in one of the place's files. Raises: ValueError unless the file has the text once."""

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

"""What statements would meet without the dropped columns: judged by PostgreSQL itself, on a clone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

Fate = Literal["breaks", "changes", "touches", "untouched", "unknown"]
FATES: Final[tuple[Fate, ...]] = ("breaks", "unknown", "changes", "touches", "untouched")  # the worst first


@dataclass(frozen=True, slots=True)
class Judgement:
    """The fate of one statement for each dropped column, and why, in words that hold nothing of its literals.

    `breaks`: it fails. `changes`: it goes through and does or gives something else (another shape of result, an INSERT
    whose values move to other columns). `touches`: it reads the column, and nothing changes by it.
    """

    fates: Mapping[str, Fate]
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def worst(self) -> Fate:
        """The worst of its fates."""
        return min(self.fates.values(), key=FATES.index, default="untouched")


@dataclass(frozen=True, slots=True)
class JudgedStatement:
    """A statement of a source, once for each form that differs by more than its literals: `calls` times, first at `line`.

    `text` holds no literal. `since` is when it was first seen, where the source says so.
    """

    source: str
    line: int
    calls: int
    text: str
    judged: Judgement
    since: datetime | None = None


SourceKind = Literal["sql", "csvlog", "jsonlog", "stderr", "pg_stat_statements"]


@dataclass(frozen=True, slots=True)
class QuerySource:
    """One file of statements: how many it has, how many differ, and which time it is about (a log only).

    `gap` is the longest time in seconds without an entry. `passed_over` counts entries of other databases, those
    of pg_dump and of this tool, and those that hold no statement. `note` says what is known to be missing.
    """

    name: str
    kind: SourceKind
    statements: int
    distinct: int
    first: datetime | None = None
    last: datetime | None = None
    gap: float = 0.0
    passed_over: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class QueryFacts:
    """All that was judged. `statements` are those that are not untouched; `counted` has all: column → fate → statements.

    `logs_all` is '' where the server writes every statement into its log, else why not; None where it was not asked.
    `standbys` is how many servers replay this one's changes: their statements are in none of its logs.
    `stand_ins` are what the clone had in place of something else, `refused` what could not be made in it at all.
    `problem` says why nothing was judged.
    """

    sources: tuple[QuerySource, ...] = ()
    statements: tuple[JudgedStatement, ...] = ()
    counted: Mapping[str, Mapping[Fate, int]] = field(default_factory=dict[str, Mapping[Fate, int]])
    read_at: datetime | None = None
    logs_all: str | None = None
    standbys: int = 0
    stand_ins: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""
    remedy: str = ""

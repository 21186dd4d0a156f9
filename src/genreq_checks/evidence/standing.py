"""A migration's state, and what it is compared with: the bookkeeping and the table. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from genreq_checks.facts.migrations import Migration
from genreq_checks.snapshot import AppliedMigration

State = Literal[
    "applied",
    "pending",
    "skipped",
    "unlisted",
    "edited",
    "line-endings",
    "unrecorded",
    "contradicted",
    "unreadable",
    "failed",
]


@dataclass(frozen=True, slots=True)
class Database:
    """What the database shows: the bookkeeping's rows, whether the table exists (None: not known), and for each of
    the plan's dropped columns whether it exists (empty: not known).
    """

    applied: Sequence[AppliedMigration]
    table: bool | None
    columns: Mapping[str, bool]

    @property
    def newest(self) -> int | None:
        """The newest time in the bookkeeping: the migrator applies only newer migrations."""
        return max((row.created_at for row in self.applied if row.created_at is not None), default=None)


@dataclass(frozen=True, slots=True)
class Standing:
    """A migration's state, and the bookkeeping row that matches it.

    `again`: the migrator will run the file again, since the row has another time than the journal, or there is no row
    and the time is after the newest applied one's.
    """

    migration: Migration
    state: State
    row: AppliedMigration | None = None
    again: bool = False


def is_done(migration: Migration, database: Database) -> bool:
    """Does the table show the migration's changes? False also when that is not certain."""
    if migration.statements.makes_table:
        return database.table is True
    return any(effects := _seen(migration, database)) and all(effects)


def _seen(migration: Migration, database: Database) -> list[bool]:
    """For each dropped column that the migration changes, whether the table has it as the migration leaves it."""
    effects = migration.statements.effects
    return [(effects[name] == "there") == there for name, there in database.columns.items() if name in effects]

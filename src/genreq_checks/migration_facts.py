"""A folder of migrations as it was found: data only, read by `sources.migrations`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Effect = Literal["there", "gone"]
Taking = Literal["drops", "renames"]


@dataclass(frozen=True, slots=True)
class Statements:
    """What a migration's SQL does to the plan's table: evidence, not proof.

    `effects` says of each of the plan's columns that it touches whether the column is there or gone afterwards.
    `makes_table` is true when it creates the table. `unclear` says why not all of it could be understood (dynamic SQL,
    no SQL); '' when it could. `no_sql` says why it is no SQL at all; '' when it may be.

    `takes` are the table's columns, whether the plan names them or not, that it drops or renames, even if one of the name
    is there again at the end; `takes_table` is set when it does so with the table. `may_take` are columns of the plan in
    statements that could not be understood and drop or rename something. `types` are those with which it adds columns.
    """

    effects: Mapping[str, Effect] = field(default_factory=dict[str, Effect])
    makes_table: bool = False
    unclear: str = ""
    no_sql: str = ""
    takes: Mapping[str, Taking] = field(default_factory=dict[str, Taking])
    takes_table: Taking | None = None
    may_take: frozenset[str] = frozenset()
    types: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class PlanSql:
    """What the plan's own SQL says that it does."""

    forward: Statements
    rollback: Statements


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration of the folder.

    `tag` is its name (of a 1.0 folder: the folder's), `when` its time in the journal (milliseconds since 1970; of a
    1.0 folder: the time in its name). `hash` is the SHA-256 of the file as it is, `hashes` of it with LF and with CRLF.
    `byte_order_mark`: the file begins with one, and the server refuses its first statement.
    Without a readable file `hash` is None and `problem` says why.
    """

    tag: str
    when: int | None
    journaled: bool
    hash: str | None = None
    hashes: frozenset[str] = frozenset()
    statements: Statements = Statements()
    byte_order_mark: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class MigrationFolder:
    """A migrations folder: `journal` (Drizzle up to 0.x) applies by time, `folders` (1.0) by name.

    `problems` are what could not be read of the folder itself; with style `none` it holds no migrations at all.
    """

    location: str
    style: Literal["journal", "folders", "none"]
    migrations: tuple[Migration, ...] = ()
    problems: tuple[str, ...] = ()

"""A folder of migrations as it was found: data only, read by `sources.migrations`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Effect = Literal["there", "gone"]


@dataclass(frozen=True, slots=True)
class Statements:
    """What a migration's SQL does to the plan's table: evidence, not proof.

    `effects` says of each of the plan's columns that it touches whether the column is there or gone afterwards.
    `makes_table` is true when it creates the table. `unclear` says why not all of it could be understood (dynamic SQL,
    no SQL); '' when it could.
    """

    effects: Mapping[str, Effect] = field(default_factory=dict[str, Effect])
    makes_table: bool = False
    unclear: str = ""


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

"""Migrations as data: a folder of them, what each file does to the plan's table, and what the plan's own SQL does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Effect = Literal["there", "gone"]
Taking = Literal["drops", "renames"]
Staged = Literal["retire", "undo", "finalise"]


@dataclass(frozen=True, slots=True)
class Statements:
    """What a migration's SQL does to the plan's table: evidence, not proof.

    `effects` says for each of the plan's columns that it changes whether the column exists afterwards. `makes_table` is
    true when it creates the table. `unclear` says why not all of it could be understood (dynamic SQL, not SQL); '' when
    it could. `no_sql` says why it is not SQL at all; '' when it may be.

    `takes` are the table's columns, in the plan or not, that it drops or renames, even if a column of that name exists
    again at the end; `takes_table` is set when it drops or renames the table. `may_take` are columns of the plan in
    statements that could not be understood and drop or rename something. `types` are the types of added columns.
    `staged` is what a file of `genreq-checks stage` does; `effects` then has the names of hidden columns too.
    """

    effects: Mapping[str, Effect] = field(default_factory=dict[str, Effect])
    makes_table: bool = False
    unclear: str = ""
    no_sql: str = ""
    takes: Mapping[str, Taking] = field(default_factory=dict[str, Taking])
    takes_table: Taking | None = None
    may_take: frozenset[str] = frozenset()
    types: Mapping[str, str] = field(default_factory=dict[str, str])
    staged: Staged | None = None


@dataclass(frozen=True, slots=True)
class PlanSql:
    """What the plan's own SQL does, by its text."""

    forward: Statements
    rollback: Statements


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration of the folder.

    `tag` is its name (of a 1.0 folder: the folder's), `when` its time in the journal (milliseconds since 1970; of a
    1.0 folder: the time in its name). `hash` is the SHA-256 of the file unchanged, `hashes` of it with LF and with CRLF.
    `byte_order_mark`: the file begins with one, and the server rejects its first statement.
    Without a readable file `hash` is None and `problem` says why.

    Of other tools than Drizzle: `hash` is Flyway's checksum, `revision` Alembic's or golang-migrate's name of it, and
    `after` are the revisions on which Alembic's builds.
    """

    tag: str
    when: int | None
    journaled: bool
    hash: str | None = None
    hashes: frozenset[str] = frozenset()
    statements: Statements = Statements()
    byte_order_mark: bool = False
    problem: str = ""
    revision: str = ""
    after: tuple[str, ...] = ()


MigrationTool = Literal["drizzle", "alembic", "flyway", "golang-migrate"]


@dataclass(frozen=True, slots=True)
class MigrationFolder:
    """A migrations folder: `journal` (Drizzle up to 0.x) applies by time, `folders` (1.0) by name; the others are of
    the tool of that name. `heads` are Alembic's.

    `problems` say what could not be read in the folder itself; with style `none` it holds no migrations.
    """

    location: str
    style: Literal["journal", "folders", "alembic", "flyway", "golang-migrate", "none"]
    migrations: tuple[Migration, ...] = ()
    problems: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()

    @property
    def tool(self) -> MigrationTool:
        """The tool that applies them."""
        if self.style == "journal" or self.style == "folders" or self.style == "none":  # mypy narrows
            return "drizzle"
        return self.style

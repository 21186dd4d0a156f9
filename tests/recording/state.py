"""A database state and what is called on it: steps that change the database, and calls that are recorded."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

ALL = ("json", "markdown", "junit", "html", "github", "sarif")
FEW = ("json", "markdown", "junit", "html", "github")  # sarif says the same as github and is large
JSON = ("json",)
URL = "{url}"  # in a call's arguments: the address of the state's database
CUTOVER = "2024-12-17T09:30:00Z"
SUFFIXES = {"json": "json", "markdown": "md", "junit": "xml", "html": "html", "github": "github", "sarif": "sarif"}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the command line. `formats` are the report's, each in a file; the text report is on stdout.

    `suffix` is that of the file that stdout goes to. A `slow` call is recorded, but not made by the test.
    """

    name: str
    arguments: tuple[str, ...]
    formats: tuple[str, ...] = ()
    suffix: str = "txt"
    slow: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """The database and the folder in which a state's calls are made, and the name of a role that may be made there."""

    url: str
    database: str
    role: str
    folder: Path

    def run(self, statements: str) -> None:
        """Run SQL in the database, all of it or nothing."""
        with psycopg.connect(self.url) as connection:
            connection.execute(statements.encode())

    def become(self, granted: str) -> None:
        """From here on every connection is of a role with few rights; `granted` is SQL that names it ROLE."""
        role, database = sql.Identifier(self.role), sql.Identifier(self.database)
        with psycopg.connect(self.url) as connection:
            connection.execute(sql.SQL("CREATE ROLE {}").format(role))
            connection.execute(granted.replace("ROLE", role.as_string()).encode())
            connection.execute(sql.SQL("ALTER DATABASE {} SET role = {}").format(database, role))


Step = Call | str | Callable[[Place], None]


@dataclass(frozen=True, slots=True)
class State:
    """A state by name: which database it starts from, and its steps: SQL, a function, or a call that is recorded."""

    name: str
    start: str
    steps: tuple[Step, ...] = field(default=())

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls that are recorded."""
        return tuple(step for step in self.steps if isinstance(step, Call))


def check(name: str, *arguments: str, formats: tuple[str, ...] = FEW) -> Call:
    """`check` of the state's database, in several formats."""
    return Call(name, ("check", URL, *arguments), formats)


def before(name: str = "check-before", *arguments: str, formats: tuple[str, ...] = FEW) -> Call:
    """`check` in the phase before the drop."""
    return check(name, "--phase", "before", *arguments, formats=formats)


def after(name: str = "check-after", *arguments: str, formats: tuple[str, ...] = FEW) -> Call:
    """`check` in the phase after the drop, with the baseline that `SNAPSHOT` took."""
    return check(name, "--baseline", "before.json", "--cutover", CUTOVER, *arguments, formats=formats)


def rolled_back(name: str = "check-rolled-back", *arguments: str) -> Call:
    """`check` in the phase after the rollback, with the baseline."""
    return check(name, "--phase", "rolled-back", "--baseline", "before.json", *arguments, formats=FEW)


def rows(check_id: str, *arguments: str) -> tuple[Call, Call]:
    """`rows` behind a check, as a table and as CSV."""
    call = ("rows", check_id, URL, "--cutover", CUTOVER, *arguments)
    name = "rows-" + re.sub(r"[^\w.-]", "_", check_id)
    return (
        Call(f"{name}-table", (*call, "--limit", "5", "--show-values")),
        Call(f"{name}-csv", (*call, "--format", "csv"), suffix="csv"),
    )


SNAPSHOT = Call("snapshot", ("snapshot", URL, "--cutover", CUTOVER, "--output", "before.json"))
ARCHIVE = Call("archive", ("archive", URL, "--output", "dropped.parquet"))
RESTORE = Call("restore", ("restore", "dropped.parquet", URL, "--yes"), suffix="csv")
FILES = ("--messages", "messages.jsonl", "--migrations", "drizzle", "--code", "code", "--generation", "generation.json")

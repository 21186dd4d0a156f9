"""Everything read in one instant, as data, and as one JSON file that is a baseline later."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from genreq_checks.errors import SnapshotError
from genreq_checks.files import write_atomically
from genreq_checks.tally import Tally

FORMAT: Final = "genreq-checks snapshot"
FORMAT_VERSION: Final = 1
Part = Literal["connection", "table", "tally", "dependents", "bookkeeping"]


class Model(BaseModel):
    """Frozen data without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Problem(Model):
    """A part that could not be read: what happened and what to do. Checks that need the part are unknown."""

    part: Part
    message: str
    hint: str = ""

    @property
    def text(self) -> str:
        """Both in one line."""
        return f"{self.message} {self.hint}".strip()


class SourceInfo(Model):
    """What was read, by whom and when: `location` never holds a password, times are aware UTC."""

    kind: Literal["postgresql", "files", "snapshot"]
    location: str
    read_at: datetime
    seconds: float | None = None
    server: str | None = None
    database: str | None = None
    role: str | None = None
    notes: tuple[str, ...] = ()


class Column(Model):
    """A column as the catalog has it; `position` is attnum, `privilege` whether the role may read it.

    `labels` are those of its enum type; `allowed` are the only values that its CHECKs let in, where they are plain lists.
    Both are None when there is no such limit, or when it is not known.
    """

    name: str
    type: str
    nullable: bool = True
    default: str | None = None
    generated: bool = False
    position: int
    privilege: bool = True
    labels: tuple[str, ...] | None = None
    allowed: tuple[str, ...] | None = None


class UniqueKey(Model):
    """Columns that no two rows have alike, by a valid unique index over all rows; those in `nullable` may be NULL."""

    columns: tuple[str, ...]
    nullable: tuple[str, ...] = ()


class Relation(Model):
    """A partition or an inheritance child that still has columns of its own to look at."""

    name: str
    kind: str
    columns: tuple[str, ...]


class TableFacts(Model):
    """The table found by schema and name, by OID in pg_catalog: what it is, its columns and its children.

    `unique` is None when it was not read, as in files of version 0.1.0.
    """

    schema_name: str
    name: str
    kind: str
    columns: tuple[Column, ...]
    children: tuple[Relation, ...] = ()
    twins: tuple[Relation, ...] = ()
    bytes: int | None = None
    dropped_slots: int = 0
    row_security: bool = False
    unique: tuple[UniqueKey, ...] | None = None

    @property
    def is_table(self) -> bool:
        """An ordinary or a partitioned table: the only kinds of which "the column is gone" can be said."""
        return self.kind in ("table", "partitioned table")

    def column(self, name: str) -> Column | None:
        """The column of that very name, or None."""
        return next((column for column in self.columns if column.name == name), None)


class Dependent(Model):
    """Something that hangs on a dropped column: `fate` on the drop, `confidence` of our knowing it.

    `spans` are the table's other columns that it is about too; `ddl` makes way for the drop, where it blocks.
    """

    column: str
    kind: str
    name: str
    fate: Literal["blocks", "vanishes", "breaks", "fine"]
    confidence: Literal["certain", "textual", "possible"]
    detail: str = ""
    spans: tuple[str, ...] = ()
    ddl: str = ""


class Searched(Model):
    """Where the dependents were looked for: how many bodies and statements were read; `notes` say what could not be."""

    functions: int
    statements: int | None = None
    notes: tuple[str, ...] = ()


class AppliedMigration(Model):
    """A row of the migration tool's bookkeeping table."""

    id: int | None = None
    hash: str
    created_at: int | None = None
    name: str | None = None


class Books(Model):
    """The bookkeeping table as it was found: absent (and where one like it is), or there with its rows, oldest first."""

    table: str
    present: bool
    applied: tuple[AppliedMigration, ...] = ()
    elsewhere: tuple[str, ...] = ()


class Snapshot(Model):
    """All facts of one instant. A part that is None was not read; `problem(part)` says why."""

    format: Literal["genreq-checks snapshot"] = FORMAT
    format_version: Literal[1] = FORMAT_VERSION
    tool_version: str
    plan_fingerprint: str
    plan_table: str
    source: SourceInfo
    table: TableFacts | None = None
    tally: Tally | None = None
    dependents: tuple[Dependent, ...] | None = None
    searched: Searched | None = None
    books: Books | None = None
    problems: tuple[Problem, ...] = ()

    def problem(self, *parts: Part) -> Problem | None:
        """The first problem with one of the parts, or with what every part needs (the connection, the table)."""
        wanted: tuple[Part, ...] = ("connection", "table", *parts)
        return next((p for part in wanted for p in self.problems if p.part == part), None)

    def save(self, path: str | Path) -> None:
        """Write the snapshot to a file, atomically: the old file or the new one, never half of one."""
        write_atomically(Path(path), self.model_dump_json() + "\n")


def load_snapshot(path: str | Path) -> Snapshot:
    """The snapshot in a file.

    Raises: SnapshotError for a file that is missing, not a snapshot, damaged, or written by a newer version.
    """
    try:
        text = Path(path).read_text("utf-8")
    except OSError as error:
        raise SnapshotError(f"The snapshot {path} could not be read: {error.strerror}.", "Check the path.") from None
    except UnicodeDecodeError:
        raise SnapshotError(f"{path} is not a snapshot: it is not text.", _MAKE_ONE) from None
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        raise SnapshotError(f"{path} is damaged or no snapshot: it is not valid JSON.", _MAKE_ONE) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise SnapshotError(f"{path} is JSON, but not a snapshot of this tool.", _MAKE_ONE)
    if data.get("format_version") != FORMAT_VERSION:
        version = repr(data.get("format_version"))[:20]
        raise SnapshotError(
            f"{path} has snapshot format {version}, this version reads format {FORMAT_VERSION}.",
            "Use the version of genreq-checks that wrote it, or take a new snapshot.",
        )
    try:
        return Snapshot.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"][:4])
        raise SnapshotError(f"{path} is damaged: {place}: {first['msg']}.", _MAKE_ONE) from None


_MAKE_ONE = "Make one with 'genreq-checks snapshot SOURCE -o FILE'."

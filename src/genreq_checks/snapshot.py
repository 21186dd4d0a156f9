"""Everything read in one instant, as data, and as one JSON file that is a baseline later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, get_args

from pydantic import Field, ValidationError

from genreq_checks.errors import GenreqError, OutputError, SnapshotError, near_file
from genreq_checks.facts import (
    ArchiveFacts,
    CodeFacts,
    EvidenceName,
    GenerationFacts,
    ReadUnder,
    Reconciliation,
    SourceInfo,
    Step,
)
from genreq_checks.facts.commands import CommandRun
from genreq_checks.facts.file_format import Model, first_problem, note_on, read_model
from genreq_checks.facts.identity import compare
from genreq_checks.facts.migrations import MigrationFolder, MigrationTool
from genreq_checks.facts.probed_urls import ProbedUrls
from genreq_checks.facts.queries import QueryFacts
from genreq_checks.facts.retired import Stamp, is_name_of
from genreq_checks.facts.row_changes import HashedRows, RowChanges
from genreq_checks.facts.server_log import ServerLog
from genreq_checks.files import write_text
from genreq_checks.tally import Tally
from genreq_checks.tally.fingerprints import Fingerprints
from genreq_checks.text import plural, shown_path

FORMAT: Final = "genreq-checks snapshot"
FORMAT_VERSION: Final = 2
FORMATS_READ: Final = (1, 2)
EVIDENCE: tuple[EvidenceName, ...] = get_args(EvidenceName)  # the parts read beside the table
Part = Literal["connection", "identity", "table", "tally", "fingerprints", "probe", "dependents", "bookkeeping"]


def _is_none(value: object) -> bool:
    return value is None


def _is_empty(value: object) -> bool:
    return value == ()


class Problem(Model):
    """A part that could not be read: what happened and what to do. Checks that need the part are unknown."""

    part: Part
    message: str
    hint: str = ""

    @classmethod
    def of(cls, part: Part, error: GenreqError) -> Problem:
        """The problem that an error is."""
        return cls(part=part, message=error.message, hint=error.hint)

    @property
    def text(self) -> str:
        """Both in one line."""
        return f"{self.message} {self.hint}".strip()


class Column(Model):
    """A column as the catalog has it; `position` is attnum, `privilege` whether the role may read it.

    `labels` are those of its enum type; `allowed` are the only values that its CHECKs let in, where they are plain lists.
    Both are None when there is no such limit, or when it is not known. `retired` is the stamp of a column that was renamed
    away (docs/staging.md).
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
    retired: Stamp | None = Field(None, exclude_if=_is_none)


class UniqueKey(Model):
    """Columns that no two rows have alike, by a valid unique index over all rows; those in `nullable` may be NULL."""

    columns: tuple[str, ...]
    nullable: tuple[str, ...] = ()


class Relation(Model):
    """A partition, an inheritance child or a twin, with the columns that it has; `own` are those that it defines itself.

    `in_sql` is its name as SQL needs it; empty in files of version 0.1.0. `server` is where the rows of a foreign table
    are, by the server's name here, and `remote` its name there, where the foreign table's options say it.
    """

    name: str
    in_sql: str = ""
    kind: str
    columns: tuple[str, ...]
    own: tuple[str, ...] = ()
    unlogged: bool = False
    server: str | None = None
    remote: str | None = None

    @property
    def is_foreign(self) -> bool:
        """Are its rows on another server, where what is here says nothing of its columns?"""
        return self.kind == "foreign table"

    @property
    def place(self) -> str:
        """Its name, and where its rows are: `public.old (public.requests on the server archive)`."""
        there = f"{self.remote or 'a table'} on the server {self.server}" if self.server else ""
        return f"{self.name} ({there})" if there else self.name


class Subscription(Model):
    """A subscription of logical replication that writes rows into the table; `ready` when its first copy is done."""

    name: str
    ready: bool


class TableFacts(Model):
    """The table found by schema and name, by OID in pg_catalog: what it is, its columns and its children.

    `dropped_positions` are the attnums of columns that were dropped from it; `dropped_slots` is how many.
    `unique` and `subscriptions` are None when they were not read, as in files of version 0.1.0.
    """

    schema_name: str
    name: str
    kind: str
    columns: tuple[Column, ...]
    children: tuple[Relation, ...] = ()
    twins: tuple[Relation, ...] = ()
    bytes: int | None = None
    dropped_slots: int = 0
    dropped_positions: tuple[int, ...] = ()
    row_security: bool = False
    unique: tuple[UniqueKey, ...] | None = None
    unlogged: bool = False
    subscriptions: tuple[Subscription, ...] | None = None

    @property
    def is_table(self) -> bool:
        """An ordinary or a partitioned table: the only kinds of which "the column is gone" can be said."""
        return self.kind in ("table", "partitioned table")

    def column(self, name: str) -> Column | None:
        """The column of that very name, or None."""
        return next((column for column in self.columns if column.name == name), None)

    def held(self, name: str) -> Column | None:
        """The column of that name where it is renamed away, by its stamp or, without a readable one, by its name then."""
        if self.column(name) is not None:
            return None
        stamped = (column for column in self.columns if column.retired is not None and column.retired.column == name)
        named = (column for column in self.columns if column.retired is None and is_name_of(column.name, name))
        return next(stamped, None) or next(named, None)


class Dependent(Model):
    """Something that hangs on a dropped column: `fate` on the drop, `confidence` of our knowing it.

    `spans` are the table's other columns that it is about too; `ddl` makes way for the drop, where it blocks,
    or keeps what would vanish with it. `definition` is the hash of how it is defined (an index, a constraint, a trigger,
    statistics) or of its text (a comment); None where that was not read.
    """

    column: str
    kind: str
    name: str
    fate: Literal["blocks", "vanishes", "breaks", "changes", "fine"]
    confidence: Literal["certain", "textual", "possible"]
    detail: str = ""
    spans: tuple[str, ...] = ()
    ddl: str = ""
    definition: int | None = Field(None, exclude_if=_is_none)


class Searched(Model):
    """Where the dependents were looked for: how many bodies and statements were read; `notes` say what could not be.

    `unread` are places that may hold dependents and could not be read, so that nothing is known of them.
    """

    functions: int
    statements: int | None = None
    notes: tuple[str, ...] = ()
    unread: tuple[str, ...] = Field((), exclude_if=_is_empty)


class AppliedMigration(Model):
    """A row of the migration tool's bookkeeping table.

    `kind` is what it records: of Flyway also that the database began at a version (baseline) and that a migration was
    undone or deleted; failed: it did not finish.
    """

    id: int | None = None
    hash: str
    created_at: int | None = None
    name: str | None = None
    kind: Literal["applied", "failed", "undone", "baseline"] = Field(
        "applied", exclude_if=lambda kind: kind == "applied"
    )


class Books(Model):
    """The bookkeeping table as it was found: absent (and where one like it is), or there with its rows, oldest first.

    `problem` says why the rows of another tool than Drizzle could not be read.
    """

    table: str
    present: bool
    applied: tuple[AppliedMigration, ...] = ()
    elsewhere: tuple[str, ...] = ()
    tool: MigrationTool = Field("drizzle", exclude_if=lambda tool: tool == "drizzle")
    problem: str = Field("", exclude_if=lambda problem: not problem)


ProbeRows = tuple[tuple[bool | int | float | str | None, ...], ...]  # a text is a time in UTC, by ISO 8601


class Snapshot(Model):
    """All evidence: the facts of one instant of a table, and what was read beside it (from `code` on).

    A part that is None was not read, or not asked for; `problem(part)` says why.

    `books` is the bookkeeping table that the plan names, `other_books` are those of other migration tools.
    `plan_fingerprint` is by the rule of the file's format: `Plan.fingerprint_of` gives the plan's for each.
    """

    format: Literal["genreq-checks snapshot"] = FORMAT
    format_version: Literal[1, 2] = FORMAT_VERSION
    tool_version: str
    plan_fingerprint: str
    plan_table: str
    source: SourceInfo
    table: TableFacts | None = None
    tally: Tally | None = None
    fingerprints: Fingerprints | None = Field(None, exclude_if=_is_none)
    hashed: HashedRows | None = Field(None, exclude_if=_is_none)
    probes: Mapping[str, ProbeRows] = Field(default_factory=dict[str, ProbeRows], exclude_if=lambda probes: not probes)
    dependents: tuple[Dependent, ...] | None = None
    searched: Searched | None = None
    books: Books | None = None
    other_books: tuple[Books, ...] = Field((), exclude_if=lambda books: not books)
    code: CodeFacts | None = Field(None, exclude_if=_is_none)
    queries: QueryFacts | None = Field(None, exclude_if=_is_none)
    log: ServerLog | None = Field(None, exclude_if=_is_none)
    messages: Reconciliation | None = Field(None, exclude_if=_is_none)
    migrations: MigrationFolder | None = Field(None, exclude_if=_is_none)
    row_hashes: RowChanges | None = Field(None, exclude_if=_is_none)
    probe_urls: ProbedUrls | None = Field(None, exclude_if=_is_none)
    archive: ArchiveFacts | None = Field(None, exclude_if=_is_none)
    generation: GenerationFacts | None = Field(None, exclude_if=_is_none)
    rehearsal: tuple[Step, ...] | None = Field(None, exclude_if=_is_none)
    commands: tuple[CommandRun, ...] | None = Field(None, exclude_if=_is_none)
    read_under: Mapping[EvidenceName, ReadUnder] = Field(
        default_factory=dict[EvidenceName, ReadUnder], exclude_if=lambda under: not under
    )
    problems: tuple[Problem, ...] = ()

    def problem(self, *parts: Part) -> Problem | None:
        """The first problem with one of the parts, or with what every part needs (the connection, the right table)."""
        wanted: tuple[Part, ...] = ("connection", "identity", "table", *parts)
        return next((p for part in wanted for p in self.problems if p.part == part), None)

    def probe(self, name: str) -> ProbeRows | str:
        """The rows of a probe, or the reason why it was not read."""
        if name in self.probes:
            return self.probes[name]
        problem = self.problem("probe", "tally")
        return problem.text if problem else f"{self.source.location} was read without asking for it."

    def with_evidence(self, **evidence: object) -> Snapshot:
        """This snapshot with what was read beside the table, by the name of its part."""
        return self.model_copy(update={name: facts for name, facts in evidence.items() if facts is not None})

    def with_notes(self, *notes: str) -> Snapshot:
        """This snapshot with more notes on its source."""
        return self._from(notes=(*self.source.notes, *notes))

    def _from(self, **about: object) -> Snapshot:
        """This snapshot with something else said about its source."""
        return self.model_copy(update={"source": self.source.model_copy(update=about)})

    def as_sample(self) -> Snapshot:
        """This snapshot as one of the sample data; each report of it says so."""
        return self._from(sample=True)

    def saved_in(self, name: str | None) -> Snapshot:
        """This snapshot as loaded from a file of that name, or as just read."""
        return self._from(saved_in=name)

    def save(self, path: str | Path, *, replace: bool = False) -> None:
        """Write the snapshot to a file, atomically: the old file or the new one, never half of one.

        A snapshot that is there is only replaced by one of the same table that holds as much, or with `replace`.
        Raises: OutputError when the file cannot be written, or what is there must stay.
        """
        if not replace:
            _require_no_less(Path(path), self)
        code = self.code.cut() if self.code is not None else None
        kept = self.saved_in(None).model_copy(update={"code": code})
        write_text(Path(path), kept.model_dump_json() + "\n")

    @property
    def contents(self) -> str:
        """What it is of and how much it holds, in one line."""
        rows = f"{self.tally.total:,} rows" if self.tally is not None else "no counts"
        place = self.source.identity.short if self.source.identity else self.source.location
        return f"{rows} of {self.plan_table} in {place}, read {self.source.read_at:%Y-%m-%d %H:%M} UTC"


def load_snapshot(path: str | Path) -> Snapshot:
    """The snapshot in a file.

    Keys that this version does not know are left out; a note in the source says which.
    Raises: SnapshotError for a file that is missing, not a snapshot, damaged, or of a newer format.
    """
    try:
        text = Path(path).read_text("utf-8")
    except OSError as error:
        guess = near_file(Path(path), ".json") or "Check the path."
        place = shown_path(str(path))
        raise SnapshotError(f"The snapshot {place} could not be read: {error.strerror}.", guess) from None
    except UnicodeDecodeError:
        raise SnapshotError(f"{path} is not a snapshot: it is not text.", _MAKE_ONE) from None
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        raise SnapshotError(f"{path} is damaged or no snapshot: it is not valid JSON.", _MAKE_ONE) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise SnapshotError(f"{path} is JSON, but not a snapshot of this tool.", _MAKE_ONE)
    if data.get("format_version") not in FORMATS_READ:
        version = repr(data.get("format_version"))[:20]
        raise SnapshotError(
            f"{path} has snapshot format {version}, this version reads the formats 1 to {FORMAT_VERSION}.",
            "Use the version of genreq-checks that wrote it, or take a new snapshot.",
        )
    try:
        snapshot, unknown = read_model(Snapshot, text)
    except ValidationError as error:
        wrote = data.get("tool_version")
        hint = f"It says that genreq-checks {wrote[:20]} wrote it. {_MAKE_ONE}" if isinstance(wrote, str) else _MAKE_ONE
        raise SnapshotError(f"{path} is damaged, or of another version: {first_problem(error)}.", hint) from None
    notes = note_on(unknown, Path(path).name, snapshot.tool_version)
    snapshot = snapshot.saved_in(Path(path).name)
    return snapshot.with_notes(*notes) if notes else snapshot


def _require_no_less(path: Path, new: Snapshot) -> None:
    """Raises: OutputError when the file at the path is no snapshot, or one that holds something that the new one does not."""
    if not path.exists() or (path.is_file() and path.stat().st_size == 0):
        return
    hint = "Name another file, or add --replace if it may go."
    try:
        old = load_snapshot(path)
    except SnapshotError as error:
        raise OutputError(f"{path} was not replaced: {error.message}", hint) from None
    lost = _lost(old, new)
    if lost:
        message = f"{path} was not replaced: {', '.join(lost)}. It holds {old.contents}; the new one {new.contents}."
        raise OutputError(message, hint)


def _lost(old: Snapshot, new: Snapshot) -> list[str]:
    """What an older snapshot has and a newer one lacks; a newer one of something else lacks all of it."""
    comparison = compare(old.source.identity, new.source.identity)
    if old.plan_table != new.plan_table or comparison.kind == "other":
        return [f"it is of another database or table{f' ({comparison.text})' if comparison.kind == 'other' else ''}"]
    found: list[str] = []
    if old.tally is not None:
        here = new.tally or old.tally.model_copy(update={"rows": ()})
        if here.total < old.tally.total:
            found.append(f"the new one has {plural(old.tally.total - here.total, 'row')} fewer")
        for facet in old.tally.facets:
            had = old.tally.filled(facet.name)
            has = here.filled(facet.name) if here.has(facet.name) else 0
            if has < had:
                found.append(f"the new one has {has:,} of {had:,} values of {facet.name}")
    parts = {"table": "catalog", "dependents": "dependents", "books": "bookkeeping"}
    return found + [
        f"the new one has no {name}" for part, name in parts.items() if getattr(old, part) and not getattr(new, part)
    ]


_MAKE_ONE = "Make one with 'genreq-checks snapshot SOURCE -o FILE'."

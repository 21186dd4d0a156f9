"""All kinds of evidence, as data: what was read, when, and the result. Sources produce it, checks judge it.

The snapshot holds it. A source that was not asked for is None there; one that could not be read says so in its facts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from genreq_checks.facts.file_format import Location, Model
from genreq_checks.facts.identity import Identity
from genreq_checks.facts.recovery import Recovery
from genreq_checks.facts.searched import Searched

EXAMPLES = 100  # of each kind that are kept to be listed; counts are always whole
EvidenceName = Literal[
    "code",
    "queries",
    "log",
    "messages",
    "migrations",
    "row_hashes",
    "archive",
    "generation",
    "rehearsal",
    "commands",
    "probe_urls",
]
Outcome = Literal["pass", "warn", "fail", "unknown", "skip"]


class SourceInfo(Model):
    """What was read, by whom and when: `location` never holds a password, times are aware UTC.

    `identity` is None for row files, and in files of format 1. `recovery` is None for a server that replays no changes of
    another server, for row files, and in files of version 0.1.0.

    `saved_in` is the name of the snapshot's file that it was loaded from, None for what was just read. `sample`: it is the
    synthetic history of `demo`.
    """

    kind: Literal["postgresql", "files", "snapshot"]
    location: Location
    read_at: datetime
    seconds: float | None = None
    server: str | None = None
    database: str | None = None
    role: str | None = None
    identity: Identity | None = None
    recovery: Recovery | None = None
    notes: tuple[str, ...] = ()
    saved_in: str | None = Field(None, exclude_if=lambda name: name is None)
    sample: bool = Field(False, exclude_if=lambda sample: not sample)


class ReadUnder(Model):
    """The plan (its fingerprint) under which evidence was read and, where needed, the cutover; it holds only for these."""

    plan: str
    by_cutover: bool = False
    cutover: datetime | None = None


class Step(Model):
    """One step of a rehearsal."""

    name: str
    outcome: Outcome
    seconds: float
    message: str
    locks: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """The message, and which locks the step took on the table."""
        return f"{self.message} Locks on the table: {', '.join(self.locks)}." if self.locks else self.message


class ArchivedColumn(Model):
    """A column in the archive: its type in the database, how many rows have a value, and the values' SHA-256.

    `position` is its attnum, None in an archive of format 1.
    """

    type: str
    position: int | None = None
    values: int
    digest: str


class ArchiveFacts(Model):
    """An archive file: of which table, from when, and whether its contents were read again and found complete.

    `location` is the database without a password. `rows` counts the rows in the file: those with a value in at least one
    of `columns`, each with the values of `key`, which are unique. `identity` is None in an archive of format 1. `stale`
    has, by column, how many rows of the table hold another value than the archive; None where they were not compared.
    """

    path: str
    location: Location = ""
    identity: Identity | None = None
    table: str
    created_at: datetime
    rows: int
    verified: bool
    problem: str = ""
    columns: dict[str, ArchivedColumn]
    key: tuple[str, ...] = ()
    stale: dict[str, int] | None = Field(None, exclude_if=lambda stale: stale is None)
    notes: tuple[str, ...] = ()

    def is_same(self, other: ArchiveFacts) -> bool:
        """Is it the same archive, by its contents and the time when it was made, whatever its file's name is?"""
        mine, others = ((one.created_at, one.table, one.key, one.rows, one.columns) for one in (self, other))
        return mine == others


MentionClass = Literal["live_column", "message_field", "comment", "docs", "history", "build_output", "other_meaning"]
LIVE: Final = "live_column"
CLASSES: tuple[MentionClass, ...] = (
    LIVE, "message_field", "comment", "docs", "history", "build_output", "other_meaning",
)  # fmt: skip
State = Literal["found", "missing", "unclear"]
PhaseName = Literal["protocol", "client", "server", "schema"]


@dataclass(frozen=True, slots=True)
class Mention:
    """A line of a file that names a dropped column: `line` counts from 1, `text` is trimmed and holds no secret.

    `certain` is False where the syntax cannot decide whether it is the column; `reason` says what it is taken as.
    """

    column: str
    file: str
    line: int
    cls: MentionClass
    reason: str
    text: str
    certain: bool = True


@dataclass(frozen=True, slots=True)
class CodePlace:
    """Where one feature of a phase was found, is missing, or is unclear; `line` counts from 1."""

    phase: PhaseName
    feature: str
    state: State
    file: str
    line: int
    detail: str


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """The result of reading a folder. Counts are of files, and of folders where the reason says so.

    `sources` of the `read` files are in a language that is parsed; `unreadable` are paths that the system refused.
    `searched` is what each piece of the plan's evidence found. Where `mentions` were cut for a file, `counted` has their
    whole numbers: column → class → mentions, and "possible".
    """

    root: str
    read: int
    sources: int
    passed_over: Mapping[str, int]
    unreadable: tuple[str, ...]
    mentions: tuple[Mention, ...]
    places: tuple[CodePlace, ...]
    counted: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, Mapping[str, int]])
    searched: tuple[Searched, ...] = ()

    def counts(self, column: str) -> Mapping[str, int]:
        """The number of mentions of a column, by class; "possible" are the live ones that are not certain."""
        if column in self.counted:
            return self.counted[column]
        mentions = [mention for mention in self.mentions if mention.column == column]
        possible = sum(mention.cls == LIVE and not mention.certain for mention in mentions)
        return Counter(mention.cls for mention in mentions) | Counter({"possible": possible})

    def cut(self) -> CodeFacts:
        """The facts with at most as many mentions as a report lists for each class of each column, and the full counts."""
        kept: list[Mention] = []
        seen: Counter[tuple[str, str, bool]] = Counter()
        for mention in sorted(self.mentions, key=lambda one: (one.file, one.line)):
            kind = (mention.column, mention.cls, mention.certain)
            seen[kind] += 1
            if seen[kind] <= EXAMPLES:
                kept.append(mention)
        columns = dict.fromkeys(mention.column for mention in self.mentions)
        return replace(self, mentions=tuple(kept), counted={name: dict(self.counts(name)) for name in columns})


Stored = Literal["as sent", "null", "blank", "another value"]
Derivation = Literal["none", "match", "missing", "wrong", "unexpected"]


class Copied(Model):
    """A column that stores a field of the message unchanged.

    `sent` is None when the message had no such field; then `unsent` says why, and `lawful` whether that is allowed (an
    app without fly.toml has no address). `changed` says whether the column's value changed.
    """

    column: str
    field: str
    sent: str | None
    unsent: str = ""
    lawful: bool = False
    stored: Stored
    changed: bool


class Derived(Model):
    """A column that the server derives from another one, and the class of the row.

    `defect`: it is missing because the message had no field for the other column, which the row had kept: then the
    plan's own handler clears the derived column.
    """

    column: str
    source: str
    derivation: Derivation
    defect: bool = False


class GenerationFacts(Model):
    """One run, begun at `run_at` (UTC).

    `reached`: it reached the server; `problem`: what stopped it; `completed`: it completed its row, as far as is known.
    `unread` says why the row could not be read, and is '' when it could. Server and database are shown without
    passwords. `status` is the row's status at the end, None when it was not read. `seconds` are those until the row was
    completed. `embedded`: it ran with the reference server, which proves nothing about another server.
    """

    format: Literal["genreq-checks generation"] = "genreq-checks generation"
    run_at: datetime
    table: str
    embedded: bool = False
    request: str
    server: Location
    database: Location
    reached: bool = False
    problem: str = ""
    hint: str = ""
    unread: str = ""
    status: str | None = None
    completed: bool = False
    seconds: float = 0.0
    copied: tuple[Copied, ...] = ()
    derived: tuple[Derived, ...] = ()
    steps: tuple[Step, ...] = ()
    events: tuple[str, ...] = ()


Verdict = Literal["agrees", "not-set", "missing", "wrong", "unexpected", "plan-defect"]
DIFFERENT: tuple[Verdict, ...] = ("missing", "wrong", "unexpected")


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of the recordings with one peculiarity: how many, and where the first of them are (`file:line`).

    Its fate: the message was `read` anyway, the line was `refused` (rejected), or `passed` (skipped as another type).
    """

    reason: str
    fate: Literal["read", "refused", "passed"]
    count: int
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """One request to list: its key, the place of its message, and the shapes (never the text) of the two values."""

    key: str
    file: str | None = None
    line: int | None = None
    expected: str | None = None
    actual: str | None = None
    verdict: Verdict | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A full count, and its first examples."""

    count: int = 0
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnMatch:
    """One column: the number of requests by result, and examples of those that differ and of the plan's defect.

    `sent` requests have a message with a value in the column's field, and `stored` of their rows hold a value.
    """

    counts: Mapping[Verdict, int]
    different: tuple[Example, ...] = ()
    defects: tuple[Example, ...] = ()
    problem: str = ""
    sent: int | None = None
    stored: int | None = None

    @property
    def differing(self) -> int:
        """The requests whose row differs from the message."""
        return sum(self.counts.get(verdict, 0) for verdict in DIFFERENT)

    @property
    def judged(self) -> int:
        """The requests whose message sets the column."""
        return self.counts.get("agrees", 0) + self.differing + self.counts.get("plan-defect", 0)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Recorded messages compared with rows. `problem` says why there is no answer; then the rest is empty.

    `messages` counts usable completion messages, `requests` their requests: of each, the message received last counts
    and replaces the others. `before_cutover` requests were completed before the cutover and are not judged. `within`
    of the rows without a message were completed between the first and the last recorded message.
    """

    files: int = 0
    lines: int = 0
    messages: int = 0
    requests: int = 0
    before_cutover: int = 0
    peculiar: tuple[Lines, ...] = ()
    columns: Mapping[str, ColumnMatch] = field(default_factory=dict[str, ColumnMatch])
    without_row: Listed = Listed()
    without_message: Listed = Listed()
    within: int = 0
    problem: str = ""
    remedy: str = ""

"""Everything that evidence can be, as data: what was read, when, and what it said. Sources make it, checks judge it.

The snapshot carries it. A source that was not asked is None there; one that could not be read says so in its facts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

from genreq_checks.facts.file_format import Location, Model
from genreq_checks.facts.identity import Identity
from genreq_checks.facts.recovery import Recovery
from genreq_checks.facts.searched import Searched

EXAMPLES = 100  # of each kind that are kept to be listed; counts are always whole
EvidenceName = Literal["code", "queries", "messages", "migrations", "archive", "generation", "rehearsal"]
Outcome = Literal["pass", "warn", "fail", "unknown", "skip"]


class SourceInfo(Model):
    """What was read, by whom and when: `location` never holds a password, times are aware UTC.

    `identity` is None for row files, and in files of format 1. `recovery` is None for a server that replays nobody's
    changes, for row files, and in files of version 0.1.0.
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


class ReadUnder(Model):
    """Under which plan (its fingerprint) evidence was read, and for what `by_cutover` with which one: it judges no other."""

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
    """An archive file: of which table, from when, and whether its contents were read again and found whole.

    `location` is the database without a password. `rows` counts the rows in the file: those with a value in at least one
    of `columns`, each under the values of `key`, of which no two are the same. `identity` is None in an archive of format 1.
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
    notes: tuple[str, ...] = ()


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

    `certain` is False where the syntax cannot tell whether it is the column; `reason` says in words what it is taken for.
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
    """Where one feature of a phase was found, found missing, or could not be told; `line` counts from 1."""

    phase: PhaseName
    feature: str
    state: State
    file: str
    line: int
    detail: str


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """All that was read of a folder. Counts are of files, and of folders where the reason says so.

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
        """How many mentions of a column there are, by class; "possible" are the live ones of which it is not certain."""
        if column in self.counted:
            return self.counted[column]
        mentions = [mention for mention in self.mentions if mention.column == column]
        possible = sum(mention.cls == LIVE and not mention.certain for mention in mentions)
        return Counter(mention.cls for mention in mentions) | Counter({"possible": possible})

    def cut(self) -> CodeFacts:
        """The facts with no more mentions than a report lists, of each class of each column, and the whole counts."""
        kept: list[Mention] = []
        seen: Counter[tuple[str, str, bool]] = Counter()
        for mention in sorted(self.mentions, key=lambda one: (one.file, one.line)):
            kind = (mention.column, mention.cls, mention.certain)
            seen[kind] += 1
            if seen[kind] <= EXAMPLES:
                kept.append(mention)
        columns = dict.fromkeys(mention.column for mention in self.mentions)
        return replace(self, mentions=tuple(kept), counted={name: dict(self.counts(name)) for name in columns})


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


Stored = Literal["as sent", "null", "blank", "another value"]
Derivation = Literal["none", "match", "missing", "wrong", "unexpected"]


class Copied(Model):
    """A column that takes a field of the message as it is.

    `sent` is None when the message had no such field; then `unsent` says why, and `lawful` whether that may be (an app
    without fly.toml has no address). `changed` says whether the column differs from what it was before.
    """

    column: str
    field: str
    sent: str | None
    unsent: str = ""
    lawful: bool = False
    stored: Stored
    changed: bool


class Derived(Model):
    """A column that the server derives from another one, and which class the row falls into.

    `defect`: it is missing because the message had no field for the other column, which the row had kept: the plan's
    own handler clears the derived column then.
    """

    column: str
    source: str
    derivation: Derivation
    defect: bool = False


class GenerationFacts(Model):
    """One run, begun at `run_at` (UTC).

    It `reached` the server, was not stopped by a `problem`, and `completed` its row, as far as is known. `unread` says
    why the row could not be read, and is '' when it could. Server and database are shown without passwords. `status`
    is the row's at the end, None when it was not read. `seconds` are those until the row was completed.
    `embedded`: it was the reference server's own generation, which proves nothing of another server.
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

    Its fate: the message was `read` all the same, the line was `refused`, or `passed` over as another kind of message.
    """

    reason: str
    fate: Literal["read", "refused", "passed"]
    count: int
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """One request to list: its key, where its message stands, and the shapes (never the text) of the two values."""

    key: str
    file: str | None = None
    line: int | None = None
    expected: str | None = None
    actual: str | None = None
    verdict: Verdict | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A whole count, and its first examples."""

    count: int = 0
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnMatch:
    """One column: how many requests came out how, and examples of those that differ and that the plan breaks."""

    counts: Mapping[Verdict, int]
    different: tuple[Example, ...] = ()
    defects: tuple[Example, ...] = ()
    problem: str = ""

    @property
    def differing(self) -> int:
        """The requests whose row does not hold what the message says."""
        return sum(self.counts.get(verdict, 0) for verdict in DIFFERENT)

    @property
    def judged(self) -> int:
        """The requests whose message says something about the column."""
        return self.counts.get("agrees", 0) + self.differing + self.counts.get("plan-defect", 0)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Recorded messages against rows. `problem` says why there is no answer at all; then the rest is empty.

    `messages` counts usable completion messages, `requests` the requests that they are about: the message received
    last counts, the others are superseded. `before_cutover` requests were completed before the cutover and are not
    judged. `within` of the rows without a message were completed between the first and the last recorded message.
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

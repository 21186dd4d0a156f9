"""The plan of a clean-up, as data: the table, the cohort, the columns that stay and the columns that are dropped."""

from __future__ import annotations

import tomllib
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator

from genreq_checks.errors import PlanError, UsageError
from genreq_checks.plan import fingerprint as plan_fingerprint
from genreq_checks.plan import value_pattern
from genreq_checks.plan.code_evidence import CodeEvidence
from genreq_checks.plan.part import Identifier, Part, Text
from genreq_checks.plan.problems import explain
from genreq_checks.plan.table import Cohort as Cohort
from genreq_checks.plan.table import CohortValue
from genreq_checks.plan.table import Table as Table
from genreq_checks.text import quote_name, scrub

BUILT_IN = "generation_requests"
_DATE_AND_Z = len("2025-01-31Z")

Storable = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]  # what a text column can hold
Fraction = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Change = Literal["not-lower", "higher", "any"]
NO_TIME = "a cutover needs a time in each row, and the plan has no cohort.time"


class UrlShape(Part):
    """The form of a well-formed URL: its scheme, its hosts (`*` is any) and the least number of path segments."""

    schemes: tuple[Literal["https", "http"], ...] = Field(("https",), min_length=1)
    hosts: tuple[Annotated[str, StringConstraints(pattern=r"^(\*|(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*)$")], ...] = ("*",)
    segments: int = Field(0, ge=0, le=20)


class Comparison(Part):
    """How a value follows from another column's value in the same row; both are compared as text.

    Without a key it equals that value. `prefix` and `suffix` are added to it; `ignore_case` treats A–Z as a–z.
    `true_when`: it is a boolean, true where the other value is one of these and false otherwise. `map`: it is what the
    map has for the other value; from a value that is not in the map nothing follows.
    """

    prefix: Storable = ""
    suffix: Storable = ""
    ignore_case: bool = False
    true_when: Annotated[tuple[Storable, ...], Field(min_length=1)] | None = None
    map: Annotated[dict[Storable, Storable], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _is_one_rule(self) -> Comparison:
        given = [name for name in ("true_when", "map") if getattr(self, name) is not None]
        if given and (len(given) > 1 or self.prefix or self.suffix or self.ignore_case):
            raise ValueError(f"'{given[0]}' allows no other key of 'how'")
        return self

    def words(self, column: str) -> str:
        """The rule as a report says it."""
        if self.true_when is not None:
            return f"true where {column} is {' or '.join(map(repr, self.true_when))}, otherwise false"
        if self.map is not None:
            return f"by a map of {len(self.map)} values of {column}"
        parts = [repr(self.prefix) if self.prefix else "", column, repr(self.suffix) if self.suffix else ""]
        return " + ".join(part for part in parts if part) + (", ignoring the case of A–Z" if self.ignore_case else "")


class Claim(Part):
    """What the plan claims about a column before the change, in words (`text`) and as a rule (`holds`).

    `redundant-with` is compared when `how` says how a value follows from the other column's. Without it only presence
    is proved, which is not enough unless `presence_is_enough` says why.
    """

    holds: Literal["redundant-with", "always-null", "never-populated", "populated", "any"]
    column: Identifier | None = None
    text: Text
    how: Comparison | None = None
    presence_is_enough: Text | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Claim:
        if (self.holds == "redundant-with") != (self.column is not None):
            raise ValueError("holds = 'redundant-with' needs 'column', and no other claim allows it")
        if self.holds != "redundant-with" and (self.how is not None or self.presence_is_enough is not None):
            raise ValueError("'how' and 'presence_is_enough' need holds = 'redundant-with'")
        if self.how is not None and self.presence_is_enough is not None:
            raise ValueError("give either 'how' or 'presence_is_enough', not both")
        return self


class KeptColumn(Part):
    """A column that stays: its type, what is expected of its population rate, its shape and its derivation.

    Each of its values is one of `values` and matches the `pattern` as a whole, where these are given.
    `backfilled` is the reason why the forward SQL may give it values where it was NULL, `may_gain` why others may, and
    `may_change` why values that it had may become others or go. `stable`: none of these, in a row that was there before.
    """

    type: Text | None = None
    change: Change = "any"
    minimum: Fraction | None = None
    values: Annotated[tuple[CohortValue, ...], Field(min_length=1, max_length=1000)] | None = None
    pattern: Annotated[Text, AfterValidator(value_pattern.checked)] | None = None
    url: UrlShape | None = None
    derived_from: Identifier | None = None
    suffix: Text | None = None
    message_field: Identifier | None = None
    backfilled: Text | None = None
    may_gain: Text | None = None
    may_change: Text | None = None
    stable: bool = False
    claim: Claim | None = None

    @model_validator(mode="after")
    def _derivation_is_whole(self) -> KeptColumn:
        if (self.derived_from is None) != (self.suffix is None):
            raise ValueError("give both 'derived_from' and 'suffix', or neither")
        given = [name for name in ("backfilled", "may_gain", "may_change") if getattr(self, name) is not None]
        if self.stable and given:
            raise ValueError(f"'stable' says that no value changes: '{given[0]}' is not allowed with it")
        return self


class Reconstruction(Part):
    """How a dropped column's value can be rebuilt: prefix, another column's value, suffix."""

    column: Identifier
    prefix: str = ""
    suffix: str = ""


class DroppedColumn(Part):
    """A column to drop: its type (for the rollback), the claim that allows the drop, and how its values are kept."""

    type: Text | None = None
    claim: Claim | None = None
    reconstruction: Reconstruction | None = None
    given_up: Text | None = None
    code_names: tuple[Identifier, ...] = ()


class Sql(Part):
    """The clean-up's own statements, forward and rollback; a rehearsal runs them unchanged.

    One that is left out is made from the catalog, where it is needed. `after_restore` is what of the rollback needs the
    columns' values first, such as NOT NULL.
    """

    forward: Text | None = None
    rollback: Text | None = None
    after_restore: Text | None = None


class Bookkeeping(Part):
    """The bookkeeping table of the migration tool."""

    schema_name: Identifier = Field("drizzle", alias="schema")
    table: Identifier = "__drizzle_migrations"


class Requirement(Part):
    """One sentence of the clean-up's text, the ids of the checks that prove it, and the phases of those checks."""

    id: Text
    text: Text
    checks: tuple[Text, ...] = Field(min_length=1)
    phases: tuple[Literal["before", "after", "rolled-back", "rehearsal"], ...] = ("before", "after", "rehearsal")


class Plan(Part):
    """The whole clean-up. Two plans are the same when their `fingerprint` is. `max_lag` is how old a standby may be.

    `readers_days` is how many days of logs must be without a statement that needs a dropped column, `hold_days` how long
    a column is held under another name before it may be dropped (docs/staging.md). `standby_readers` is why nothing that
    runs on a standby needs the columns.
    """

    plan_version: Literal[1]
    title: Text
    cutover: datetime | None = None
    max_lag: Seconds | None = None
    standby_readers: Text | None = None
    readers_days: Annotated[float, Field(gt=0, le=3650, allow_inf_nan=False)] = 7
    hold_days: Annotated[float, Field(ge=0, le=3650, allow_inf_nan=False)] = 7
    table: Table
    cohort: Cohort = Cohort()
    kept: dict[Identifier, KeptColumn] = Field(default_factory=dict)
    dropped: dict[Identifier, DroppedColumn] = Field(min_length=1)
    sql: Sql = Sql()
    migrations: Bookkeeping = Bookkeeping()
    evidence: tuple[CodeEvidence, ...] = Field((), max_length=100)
    requirements: tuple[Requirement, ...] = ()

    @model_validator(mode="after")
    def _columns_fit(self) -> Plan:
        problems = [f"'{name}' is both kept and dropped" for name in self.kept if name in self.dropped]
        for name, column in self.kept.items():
            if column.derived_from is not None and column.derived_from not in self.kept:
                problems.append(f"kept.{name}.derived_from names '{column.derived_from}', which is not a kept column")
        for name, gone in self.dropped.items():
            if gone.claim and gone.claim.column and gone.claim.column not in self.kept:
                problems.append(f"dropped.{name}.claim.column names '{gone.claim.column}', which is not a kept column")
            if gone.reconstruction and gone.reconstruction.column in self.dropped:
                problems.append(f"dropped.{name}.reconstruction reads a column that is dropped too")
        fixed = {*self.table.key, *self.cohort.columns} & set(self.dropped)
        problems += [f"'{name}' is dropped, but is the key or the cohort's column" for name in sorted(fixed)]
        said = Counter((one.phase, one.title) for one in self.evidence)
        problems += [
            f"evidence: '{title}' of phase '{phase}' is there twice" for (phase, title), n in said.items() if n > 1
        ]
        if self.takes_messages and (len(self.cohort.columns) < 2 or not self.table.key):
            problems.append("message_field needs table.key, and a cohort with 'column', 'values' and 'time'")
        if self.cutover is not None and self.cohort.time is None:
            problems.append(NO_TIME)
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def require_time(self, cutover: datetime | None) -> None:
        """Raises: UsageError for a cutover, where no column of the plan tells which rows are before it."""
        if cutover is not None and self.cohort.time is None:
            raise UsageError(f"{NO_TIME[0].upper()}{NO_TIME[1:]}.", "Give --baseline SNAPSHOT instead, or cohort.time.")

    @property
    def forward_sql(self) -> str:
        """The forward SQL; where the plan has none, the statement that drops the columns."""
        drops = ", ".join(f"DROP COLUMN {quote_name(name)}" for name in self.dropped)
        return self.sql.forward or f"ALTER TABLE {self.table.in_sql} {drops};\n"

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits that change when anything in the plan does; a key that has its default counts as not set."""
        return self.fingerprint_of(2)

    def fingerprint_of(self, format_version: int) -> str:
        """The fingerprint as files of that format have it."""
        if format_version == 1:
            return plan_fingerprint.format_1(self.model_dump(mode="json", by_alias=True))
        return plan_fingerprint.format_2(self.model_dump(mode="json", by_alias=True, exclude_defaults=True))

    def derivations(self) -> dict[str, tuple[str, str]]:
        """Derived column → (the column it is derived from, the suffix)."""
        return {n: (c.derived_from, c.suffix) for n, c in self.kept.items() if c.derived_from and c.suffix}

    def claims(self) -> dict[str, Claim]:
        """Column → the plan's claim about it before the change; the dropped columns first."""
        found = {name: gone.claim for name, gone in self.dropped.items()}
        found |= {name: kept.claim for name, kept in self.kept.items()}
        return {name: claim for name, claim in found.items() if claim is not None}

    @property
    def takes_messages(self) -> bool:
        """Does a message of the application set a kept column? Only then the application's checks are made."""
        return any(column.message_field for column in self.kept.values())

    def require_messages(self, asked: str) -> None:
        """Raises: UsageError if the plan has no messages: what was `asked` for would judge nothing."""
        if not self.takes_messages:
            what = f"{asked} needs the application's messages, but no kept column of the plan has a message_field."
            raise UsageError(what, "Give a column's message_field in the plan, or leave the option out.")

    def comparisons(self) -> dict[str, tuple[str, Comparison]]:
        """Column with a compared claim → (the other column, how its value follows from that one's)."""
        return {n: (c.column, c.how) for n, c in self.claims().items() if c.column and c.how is not None}

    def proves(self, check_id: str) -> str | None:
        """The ids of the requirements that a check proves, joined by a comma, or None."""
        return ", ".join(r.id for r in self.requirements if check_id in r.checks) or None

    def with_table(self, qualified: str) -> Plan:
        """This plan for a table of another schema or name, given as `schema.name` or `name`."""
        schema, dot, name = qualified.rpartition(".")
        table = Table(schema=schema if dot else self.table.schema_name, name=name, key=self.table.key)
        return self.model_copy(update={"table": table})


def load_plan(path: str | Path | None = None) -> Plan:
    """The plan in a TOML file, or the built-in clean-up of `generation_requests` when no file is named.

    Raises: PlanError, naming every problem in the file at once.
    """
    if path is None:
        return _built_in()
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise PlanError(
            f"The plan {path} could not be read: {error.strerror}.", "Give the path of a TOML file."
        ) from None
    except UnicodeDecodeError:
        raise PlanError(f"The plan {path} is not UTF-8 text.", "Save it as UTF-8.") from None
    return parse_plan(text, str(path))


def parse_plan(text: str, name: str) -> Plan:
    """A plan from TOML text; `name` is its name in error messages."""
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"The plan {name} is not valid TOML: {error}.", "Fix the line it names.") from None
    try:
        return Plan.model_validate(_aware(data))
    except ValidationError as error:
        raise PlanError(f"The plan {name} cannot be used:\n{explain(error, Plan)}") from None


def _aware(data: dict[str, Any]) -> dict[str, Any]:
    """The plan's cutover in UTC: a time without offset is read as UTC."""
    cutover = data.get("cutover")
    if isinstance(cutover, datetime):
        aware = cutover.replace(tzinfo=UTC) if cutover.tzinfo is None else cutover.astimezone(UTC)
        return data | {"cutover": aware}
    return data


def parse_instant(text: str) -> tuple[datetime, tuple[str, ...]]:
    """A point in time as people write it, as an aware UTC instant; and a note when it had no offset and was read as UTC.

    Raises: UsageError for text that is not a point in time.
    """
    plain = text.strip()
    try:
        moment = datetime.fromisoformat(f"{plain[:-1]}T00:00Z" if len(plain) == _DATE_AND_Z else plain)
        aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"'{scrub(plain[:40])}' is not a point in time.", "Write it as 2025-01-31 or 2025-01-31T14:30:00+02:00."
        ) from None
    return aware, () if moment.tzinfo else ("The cutover has no offset and was read as UTC.",)


@cache
def _built_in() -> Plan:
    return parse_plan((files("genreq_checks") / "plans" / f"{BUILT_IN}.toml").read_text("utf-8"), BUILT_IN)

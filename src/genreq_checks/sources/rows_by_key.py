"""The table's rows by key, in batches and in one read-only transaction, without temporary tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from genreq_checks.errors import SourceError
from genreq_checks.plan import Plan
from genreq_checks.postgres.catalog import find_table
from genreq_checks.postgres.foreign_code import foreign_code
from genreq_checks.scan.facets import as_text
from genreq_checks.scan.fusion import in_cohort, relation

BATCH = 5_000
_INTEGERS = {"smallint": 15, "integer": 31, "bigint": 63}
_TEXTS = ("text", "character varying")


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its key as text, whether it was completed on or after the cutover (None: not dated), and its values."""

    key: str
    after: bool | None
    values: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class KeyedTable:
    """How rows of the plan's table are looked up by key: `columns` are the wanted ones that exist."""

    connection: sa.Connection
    plan: Plan
    key_type: str
    aware: bool
    columns: tuple[str, ...]

    def rows(self, keys: Sequence[str], cutover: datetime | None) -> dict[str, Row]:
        """The rows with these keys (in text form); a key that is not valid in this table has no row."""
        fitting = [value for key in keys if (value := self._value(key)) is not None]
        if not fitting:
            return {}
        key: sa.ColumnClause[Any] = sa.column(self._key)
        wanted = sa.bindparam("keys", fitting, sa.ARRAY(self._bound), unique=True)
        after = self._time >= self._literal(cutover) if cutover else sa.null()
        select = (
            sa.select(sa.cast(key, sa.Text), after, *(as_text(name) for name in self.columns))
            .select_from(relation(self.plan.table))
            .where(key == sa.any_(wanted))
        )
        found = self.connection.execute(select)
        return {row[0]: Row(row[0], row[1], dict(zip(self.columns, row[2:], strict=True))) for row in found}

    def cohort(
        self, cutover: datetime | None, span: tuple[datetime, datetime] | None
    ) -> Iterator[list[tuple[str, bool]]]:
        """The keys of the cohort's rows from the cutover on (undated rows too), in batches, streamed from the server.

        With each key: whether the row was completed within `span`, the time of the recording.
        """
        within: sa.ColumnElement[bool] = sa.false()
        if span:
            first, last = span
            within = sa.func.coalesce(self._time.between(self._literal(first), self._literal(last)), sa.false())
        select = (
            sa.select(sa.cast(sa.column(self._key), sa.Text), within)
            .select_from(relation(self.plan.table))
            .where(in_cohort(self.plan))
        )
        if cutover:
            select = select.where(sa.or_(self._time.is_(None), self._time >= self._literal(cutover)))
        with self.connection.execution_options(yield_per=BATCH).execute(select) as result:
            for part in result.partitions():
                yield [(row[0], row[1]) for row in part]

    @property
    def _key(self) -> str:
        return self.plan.table.key[0]

    @property
    def _time(self) -> sa.ColumnClause[Any]:
        return sa.column(self.plan.cohort.clock, sa.TIMESTAMP(timezone=self.aware))

    def _literal(self, moment: datetime) -> sa.ColumnElement[Any]:
        utc = moment.astimezone(UTC)
        return sa.literal(utc if self.aware else utc.replace(tzinfo=None), sa.TIMESTAMP(timezone=self.aware))

    @property
    def _bound(self) -> sa.types.TypeEngine[Any]:
        kinds: dict[str, sa.types.TypeEngine[Any]] = {"uuid": sa.Uuid(), "text": sa.Text()}
        return kinds.get(self.key_type, sa.BigInteger())

    def _value(self, key: str) -> int | str | UUID | None:
        """A key as a parameter, or None when it is not valid in this table."""
        if self.key_type == "text":
            return key
        try:
            if self.key_type == "uuid":
                return UUID(key)
            number = int(key) if key.lstrip("-").isascii() else None
        except ValueError:
            return None
        bits = _INTEGERS[self.key_type]
        return number if number is not None and -(2**bits) <= number < 2**bits else None


def keyed_table(connection: sa.Connection, plan: Plan, columns: Sequence[str]) -> tuple[KeyedTable, Mapping[str, str]]:
    """The plan's table, ready for look-ups, and for each wanted column that cannot be read the reason.

    Raises: SourceError when the table does not exist or rows cannot be looked up by one key.
    """
    found = find_table(connection, plan.table)
    name = plan.table.qualified
    if found.problem or found.facts is None:
        raise SourceError(*((found.problem.message, found.problem.hint) if found.problem else (f"No table {name}.",)))
    if len(plan.table.key) != 1:
        raise SourceError(
            f"The key of {name} has {len(plan.table.key)} columns, but a message names a request by one value."
        )
    danger = foreign_code(connection, found.oid, plan) if found.oid is not None else None
    if danger is not None:
        raise danger
    key, time = found.facts.column(plan.table.key[0]), found.facts.column(plan.cohort.clock)
    key_type = "text" if key and key.type.startswith(_TEXTS) else key.type if key else ""
    if key_type not in (*_INTEGERS, "uuid", "text"):
        problem = (
            f"Rows of {name} cannot be looked up by the key '{plan.table.key[0]}': {key_type or 'no such column'}."
        )
        raise SourceError(problem)
    problems: dict[str, str] = {}
    for wanted in columns:
        there = found.facts.column(wanted)
        if there is None:
            problems[wanted] = f"{name} has no column {wanted}."
        elif not there.privilege:
            problems[wanted] = f"the role may not read {name}.{wanted}."
    aware = time is not None and time.type.endswith("with time zone")
    usable = tuple(wanted for wanted in columns if wanted not in problems)
    return KeyedTable(connection, plan, key_type, aware, usable), problems

"""The target of a restore, checked before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import sqlalchemy as sa

from genreq_checks.archive.statements import fits
from genreq_checks.archive.table import Place, locate, require_readable, require_unique_key
from genreq_checks.errors import ArchiveError, SourceError
from genreq_checks.facts.identity import compare
from genreq_checks.plan import Plan, Table
from genreq_checks.postgres.connection import Target, parse, reading
from genreq_checks.postgres.failure import DRIVER_ERRORS, explain
from genreq_checks.sources.archive import Archive, opened
from genreq_checks.sources.archive_header import Header
from genreq_checks.text import scrub

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

_TRIGGERS = sa.text("""
    SELECT tgname FROM pg_catalog.pg_trigger
    WHERE tgrelid = CAST(:oid AS oid) AND NOT tgisinternal AND tgenabled IN ('O', 'A') AND tgtype & 16 <> 0 ORDER BY 1
""")


@dataclass(frozen=True, slots=True)
class Goal:
    """The database and table that a restore writes to, and what else happens there.

    `rows` is the number of rows in the archive, `computed` are its columns that are generated columns of the table,
    `triggers` are the user's triggers that every UPDATE fires, `doubts` say why it may not be the archive's own database
    ('' when it is, or when another one is intended).
    """

    target: Target
    table: Table
    rows: int
    place: Place
    computed: tuple[str, ...]
    triggers: tuple[str, ...]
    doubts: str = ""

    @property
    def location(self) -> str:
        """The database, without a password."""
        return self.target.location


def examine(plan: Plan, path: str | Path, url: str, timeout: float = 300, *, other_database: bool = False) -> Goal:
    """Whether the archive can be restored into the plan's table; writes nothing.

    Raises: ArchiveError when file and table do not fit, or the archive is of another database without `other_database`;
    SourceError when the table cannot be reached or the role has no right to it.
    """
    with opened(path) as archive:
        return examine_for(archive, plan, parse(url), timeout, other_database)


def examine_for(archive: Archive, plan: Plan, target: Target, timeout: float, other_database: bool) -> Goal:
    """As `examine`, for an open archive."""
    header = archive.header
    _require_same_table(header, plan)
    try:
        with reading(target, timeout) as connection:
            place = locate(connection, plan)
            doubts = "" if other_database else _doubts(header, place)
            _require_columns(place, plan, list(header.columns))
            require_readable(place, plan, list(header.everything))
            require_unique_key(connection, place, plan)
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            _require_types(driver, archive, place)
            triggers = tuple(connection.execute(_TRIGGERS, {"oid": place.oid}).scalars())
    except DRIVER_ERRORS as error:
        raise explain(error, target, plan.table, "Restoring") from None
    computed = tuple(name for name in header.columns if place.is_generated(name))
    return Goal(target, plan.table, header.rows, place, computed, triggers, doubts)


def _doubts(header: Header, place: Place) -> str:
    """Why the table may not be the one that was archived. Raises: ArchiveError when it is another, or nothing proves it."""
    hint = "Add --other-database if this database is intended (a clone, a restored dump)."
    if header.identity is None:
        raise ArchiveError(
            f"The archive of {header.location} carries no identity (format 1): nothing proves that it is of this database.",
            hint,
        )
    comparison = compare(header.identity, place.identity)
    if comparison.kind == "other":
        raise ArchiveError(
            f"The archive is of {header.table} in {header.identity.short}, the table is in {place.identity.short}: "
            f"{comparison.text}.",
            hint,
        )
    return comparison.text


def _require_same_table(header: Header, plan: Plan) -> None:
    if header.table != plan.table.qualified:
        raise ArchiveError(
            f"The archive is of {header.table}, not of {plan.table.qualified}.",
            "Name its table with --table or --plan.",
        )
    if tuple(header.key) != plan.table.key:
        raise ArchiveError(
            f"The archive's key is ({', '.join(header.key)}), the plan's is ({', '.join(plan.table.key)}).",
            "Give the plan of the archive (--plan FILE).",
        )


def _require_columns(place: Place, plan: Plan, names: Sequence[str]) -> None:
    table = plan.table.qualified
    missing = [name for name in names if place.facts.column(name) is None]
    if missing:
        raise ArchiveError(
            f"{table} has no column {' and no '.join(missing)} to restore into.",
            f"First run: {scrub(' '.join(plan.sql.rollback.split()))}" if plan.sql.rollback else "First bring it back.",
        )
    refused = [name for name in names if name not in place.may_update and not place.is_generated(name)]
    if refused:
        raise SourceError(
            f"The role may not UPDATE {table}.{refused[0]}.", f"GRANT UPDATE ON {plan.table.in_sql} to the role."
        )


def _require_types(connection: psycopg.Connection, archive: Archive, place: Place) -> None:
    """A column of another type than the archived one is accepted if it restores every text exactly; all are tested."""
    for name, column in archive.header.everything.items():
        now = place.column(name).type
        if now == column.type:
            continue
        for batch in archive.batches(5000):
            texts = [text for text in batch.column(name).to_pylist() if text is not None]
            try:
                with connection.transaction():
                    good = fits(connection, place.types[name], texts)
            except psycopg.DataError:
                good = False
            if not good:
                raise ArchiveError(
                    f"{place.facts.name}.{name} is of type {now}, the archive of type {column.type}, and some values do not fit.",
                    f"Make the column {column.type}.",
                )

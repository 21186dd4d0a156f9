"""Files of statements, judged: each different statement once, on clones of the database that it is for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import sqlalchemy as sa

from genreq_checks.errors import GenreqError
from genreq_checks.facts import EXAMPLES
from genreq_checks.facts.queries import Fate, JudgedStatement, Judgement, QueryFacts
from genreq_checks.postgres.connection import parse, reading
from genreq_checks.postgres.failure import DRIVER_ERRORS, explain
from genreq_checks.postgres.recovery import count_standbys
from genreq_checks.postgres.url import is_database_url
from genreq_checks.sources.oracle import open_oracle
from genreq_checks.sources.queries.files import opened, require_files
from genreq_checks.sources.queries.forms import StatementFile
from genreq_checks.sources.queries.masking import shown
from genreq_checks.sources.queries.stat_statements import NAME, read_stats

if TYPE_CHECKING:
    from genreq_checks.plan import Plan
    from genreq_checks.postgres.deadline import Deadline
    from genreq_checks.sources.oracle import Oracle

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

# A role or a database may have settings of its own, and a sample is not all.
_LOGGING = sa.text("""
    SELECT pg_catalog.current_database()::text AS database,
           (SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'log_statement') = 'all'
           OR (SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'log_min_duration_statement') = '0' AS logs_all,
           EXISTS (SELECT FROM pg_catalog.pg_db_role_setting, unnest(setconfig) s(one)
                   WHERE one LIKE 'log_statement=%' OR one LIKE 'log_min_duration_statement=%') AS differs
""")


def read_queries(
    plan: Plan, source: str, paths: Sequence[Path], timeout: float = 300, deadline: Deadline | None = None
) -> QueryFacts:
    """What becomes of the statements in the files. What cannot be judged says so in the facts.

    Raises: UsageError for a file that is not there or cannot be read.
    """
    files_named = [path for path in paths if str(path) != NAME or path.is_file()]
    require_files(files_named)
    if not is_database_url(source):
        return QueryFacts(
            problem="statements are judged by the database that they are for.",
            remedy="Give the database's URL as SOURCE.",
        )
    target = parse(source)
    try:
        with ExitStack() as stack:
            with reading(target, timeout, deadline) as connection:
                about, standbys = connection.execute(_LOGGING).one(), count_standbys(connection)
                files = [_read_stats(connection, plan.dropped)] if len(files_named) < len(paths) else []
            files += [_read(path, about.database, plan.dropped) for path in files_named]
            with reading(target, timeout, deadline) as connection:  # not held open while files are read
                oracle = stack.enter_context(open_oracle(connection, target, plan, deadline))
            found = _judged(oracle, files, _why_not_all(about), deadline)
            return replace(found, standbys=standbys)
    except DRIVER_ERRORS as error:
        told = explain(error, target, plan.table, "Copying")
        return QueryFacts(problem=told.message, remedy=told.hint)
    except GenreqError as error:
        if error.exit_code == 2:
            raise
        return QueryFacts(problem=error.message, remedy=error.hint)


def _why_not_all(about: sa.Row[tuple[object, ...]]) -> str:
    if about.differs:
        return "a role or a database has logging settings of its own"
    if not about.logs_all:
        return "the server does not log every statement (log_statement = all, or log_min_duration_statement = 0)"
    return ""


def _read(path: Path, database: str, columns: Collection[str]) -> StatementFile:
    found = StatementFile(path.name, database, frozenset(column.lower() for column in columns))
    with opened(path) as (kind, entries):
        found.kind = kind
        for entry in entries:
            found.take(entry)
    return found


def _read_stats(connection: sa.Connection, columns: Collection[str]) -> StatementFile:
    stats = read_stats(connection)
    found = StatementFile(NAME, "", frozenset(column.lower() for column in columns), NAME, note=stats.note)
    for entry in stats.entries:
        found.take(entry)
    return found


def _judged(oracle: Oracle, files: Sequence[StatementFile], logs_all: str, deadline: Deadline | None) -> QueryFacts:
    known: dict[str, Judgement] = {}
    found: list[JudgedStatement] = []
    counted: dict[str, Counter[Fate]] = {column: Counter() for column in oracle.clones.columns}
    late = Judgement(
        dict.fromkeys(oracle.clones.columns, "unknown"), dict.fromkeys(oracle.clones.columns, "the deadline passed")
    )
    for file in files:
        for form, one in file.forms.items():
            judged = known.get(form)
            if judged is None:
                if deadline is not None and deadline.left <= 0:
                    judged = late
                else:
                    judged = known[form] = _judge(oracle, one.text)
            for column, fate in judged.fates.items():
                counted[column][fate] += 1
            if judged.worst != "untouched":
                text = shown(one.masked, judged.worst != "unknown")
                found.append(JudgedStatement(file.name, one.line, one.calls, text, judged, one.since))
    clones = oracle.clones
    return QueryFacts(
        sources=tuple(file.facts for file in files),
        statements=tuple(_kept(found)),
        counted={column: dict(counts) for column, counts in counted.items()},
        read_at=datetime.now(UTC),
        logs_all=logs_all if any(file.kind not in ("sql", NAME) for file in files) else None,
        stand_ins=clones.stand_ins,
        refused=clones.refused,
        notes=clones.notes,
    )


def _judge(oracle: Oracle, text: str) -> Judgement:
    """A judgement; where the clone itself failed, unknown, with that reason."""
    try:
        return oracle.judge(text)
    except (psycopg.Error, RecursionError, ValueError) as error:
        columns = oracle.clones.columns
        reason = f"the clone failed at it ({type(error).__name__})"
        return Judgement(dict.fromkeys(columns, "unknown"), dict.fromkeys(columns, reason))


def _kept(found: Iterable[JudgedStatement]) -> Iterable[JudgedStatement]:
    """No more of each fate of each column than a report lists; those with the most calls."""
    seen: Counter[tuple[str, Fate]] = Counter()
    kept: list[JudgedStatement] = []
    for one in sorted(found, key=lambda each: -each.calls):
        kinds = [(column, fate) for column, fate in one.judged.fates.items() if fate != "untouched"]
        if any(seen[kind] < EXAMPLES for kind in kinds):
            kept.append(one)
        seen.update(kinds)
    return sorted(kept, key=lambda each: (each.source, each.line))

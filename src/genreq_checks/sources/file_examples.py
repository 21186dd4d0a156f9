"""The first rows behind some checks, read from row files: the same statements, over the same view of the files."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Sequence
from datetime import UTC, datetime

import duckdb
import sqlalchemy as sa

from genreq_checks.errors import SourceError, UsageError
from genreq_checks.plan import Plan
from genreq_checks.report import Examples
from genreq_checks.scan.facets import Columns
from genreq_checks.scan.wanted import Wanted
from genreq_checks.sources.file_set import find
from genreq_checks.sources.first_rows import read_examples
from genreq_checks.sources.row_files import ROWS, columns_of, dated, selected


def first_rows_of_files(
    plan: Plan, path: str, wanted: Sequence[Wanted], cutover: datetime | None, seconds: float
) -> dict[str, Examples]:
    """The first rows of each check, by the check's id. What cannot be read within the time is the examples' problem."""
    found: dict[str, Examples] = {}
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(":memory:") as connection:
        connection.execute("SET enable_progress_bar = false; SET TimeZone = 'UTC'")
        connection.execute("SET temp_directory = ?", [folder])
        timer = threading.Timer(seconds, connection.interrupt)
        timer.start()
        try:
            relation = find(path).relation(connection)
            dated(relation, plan).create_view(ROWS)
            as_read = plan.model_copy(update={"cohort": plan.cohort.model_copy(update={"epoch": None})})
            columns = columns_of(as_read, relation.columns)
            for one in wanted:
                found[one.check] = _read(connection, as_read, one, columns, cutover)
        except (duckdb.Error, UsageError, SourceError) as error:
            reason = f"The files could not be read again: {type(error).__name__}."
            return {one.check: found.get(one.check, Examples(of=one.of, problem=reason)) for one in wanted}
        finally:
            timer.cancel()
    return found


def _read(
    connection: duckdb.DuckDBPyConnection, plan: Plan, one: Wanted, columns: Columns, cutover: datetime | None
) -> Examples:
    lacking = [name for name in (*plan.table.key, *one.selection.columns) if name not in columns]
    if lacking:
        return Examples(of=one.of, problem=f"The files have no column '{lacking[0]}'.")
    at = datetime.now(UTC)
    return read_examples(plan, one, columns, cutover, at, lambda select: selected(connection, select), sa.table(ROWS))

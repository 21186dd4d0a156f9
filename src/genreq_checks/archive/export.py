"""A table's rows as a Parquet file that is checked without the database: only the columns that checks need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.sql import visitors

from genreq_checks import checks
from genreq_checks.archive.copying import CopyError, copying
from genreq_checks.errors import OutputError, SourceError, UsageError
from genreq_checks.files import replacing
from genreq_checks.plan import Plan
from genreq_checks.postgres.catalog import find_table
from genreq_checks.postgres.connection import parse, reading
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.failure import DRIVER_ERRORS, explain
from genreq_checks.scan.facets import JSON, Columns, Facet
from genreq_checks.scan.fusion import Needs, relation
from genreq_checks.sources.readable import find_obstacle, read_types

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password
GROUP = 32 << 20  # bytes of rows in one row group, which is in memory at once
JSON_WORDS = {"json-null": "null", "empty": "{}", "populated": "true"}


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the rows, the columns, and those of which only the class of each value is in the file."""

    table: str
    rows: int
    columns: tuple[str, ...]
    classes: tuple[str, ...]


def export_rows(
    plan: Plan,
    url: str,
    path: str | Path,
    *,
    only: Iterable[str] | None = None,
    timeout: float | None = None,
    deadline: Deadline | None = None,
    progress: Callable[[int], None] | None = None,
) -> Exported:
    """Write all rows of the plan's table, at one instant and as text, with the columns that checks (`only` some) need.

    Of JSON that checks only classify, the file has the class: null, {} or true. The file is readable by its owner alone; it
    is complete or absent, and never replaces another one.
    Raises: UsageError for an invalid URL, or when the file is there; SourceError when the table cannot be read, or not all
    of it; OutputError when the file cannot be written.
    """
    path, target = Path(path), parse(url)
    needs = checks.needs_of(plan, [one for one, _ in checks.checks_of(plan, only)])
    there = UsageError(f"{path} is there already, and an export replaces nothing.", "Name another file.")
    if path.exists():
        raise there
    try:
        with replacing(path, private=True, new=True) as (file, _):
            try:
                with reading(target, timeout or 0, deadline) as connection:
                    select, exported = _statement(connection, plan, needs)
                with copying(target, timeout or 0, deadline) as copied, copied.pieces(select) as pieces:
                    rows = _write(file, exported.columns, pieces, progress or (lambda rows: None))
            except (*DRIVER_ERRORS, CopyError) as error:
                raise explain(error, target, plan.table, "Exporting") from None
            _require_whole(file, path, rows)
    except FileExistsError:
        raise there from None
    return Exported(exported.table, rows, exported.columns, exported.classes)


def _statement(connection: sa.Connection, plan: Plan, needs: Needs) -> tuple[str, Exported]:
    """The SELECT, and what it gives."""
    found = find_table(connection, plan.table)
    problem = found.problem
    if problem is None and found.oid is not None and found.facts is not None:
        problem = find_obstacle(connection, plan, found.oid, found.facts)
    if problem is not None or found.oid is None:
        raise SourceError(*((problem.message, problem.hint) if problem else (f"There is no {plan.table.qualified}.",)))
    types = read_types(connection, found.oid)
    facets = tuple(needs.facets(Columns(types))) if needs.facets else ()
    needed = _needed(plan, needs, facets)
    names = [name for name in types if name in needed]
    classed = {facet.name: facet for facet in facets if _is_only_classified(facet, needs, facets)}
    values = [_classes(classed[name]) if name in classed else sa.cast(sa.column(name), sa.Text) for name in names]
    labelled = [value.label(name) for name, value in zip(names, values, strict=True)]
    dialect = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]  # a style without '%', which would be doubled
    dialect._backslash_escapes = False  # standard_conforming_strings is on
    select = sa.select(*labelled).select_from(relation(plan.table))
    compiled = str(select.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    return compiled, Exported(plan.table.qualified, 0, tuple(names), tuple(classed))


def _needed(plan: Plan, needs: Needs, facets: Iterable[Facet]) -> set[str]:
    """The columns by which rows are counted, and those that facets and probes read."""
    found = {*plan.cohort.columns, *(name for probe in needs.probes for name in probe.columns)}
    return found.union(*map(_columns, facets))


def _columns(facet: Facet) -> set[str]:
    return {
        part.name
        for part in visitors.iterate(facet.code)
        if isinstance(part, sa.ColumnClause) and not part.is_literal and part.table is None
    }


def _is_only_classified(facet: Facet, needs: Needs, facets: Iterable[Facet]) -> bool:
    """Is it the class of a JSON column that nothing else reads?"""
    readers = [other for other in facets if facet.name in _columns(other)]
    alike = all((other.name, other.classes) == (facet.name, JSON) for other in readers)
    return facet.classes == JSON and alike and all(facet.name not in probe.columns for probe in needs.probes)


def _classes(facet: Facet) -> sa.ColumnElement[Any]:
    """The shortest JSON of each value's class."""
    words = {facet.classes.index(label): sa.literal(word, sa.Text) for label, word in JSON_WORDS.items()}
    return sa.case(words, value=facet.code)


def _write(
    file: BinaryIO, names: tuple[str, ...], pieces: Iterator[pa.RecordBatch], progress: Callable[[int], None]
) -> int:
    """Write the pieces in row groups of some size; returns the number of rows."""
    schema = pa.schema([(name, pa.string()) for name in names])
    rows = 0
    with pq.ParquetWriter(file, schema, compression="zstd", store_schema=False) as writer:
        waiting: list[pa.RecordBatch] = []
        for piece in pieces:
            waiting.append(piece.rename_columns(list(names)))
            rows += piece.num_rows
            if sum(one.nbytes for one in waiting) >= GROUP:
                writer.write_table(pa.Table.from_batches(waiting, schema))
                waiting = []
                progress(rows)
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting, schema))
    return rows


def _require_whole(file: BinaryIO, path: Path, rows: int) -> None:
    """Raises: OutputError when the file's own count is another one."""
    file.flush()
    file.seek(0)
    if pq.read_metadata(file).num_rows != rows:
        raise OutputError(f"{path} does not have all rows.", "Run it again.")

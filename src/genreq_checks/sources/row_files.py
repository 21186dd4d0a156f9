"""Row files (Parquet, CSV) read through DuckDB: the same facets, the same one scan, no catalog."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb
import sqlalchemy as sa

from genreq_checks import __version__
from genreq_checks.facts import SourceInfo
from genreq_checks.plan import Plan
from genreq_checks.scan.facets import JSON_TYPES, Columns
from genreq_checks.scan.fusion import PER_SECOND, YEARS, Needs, Probe, fuse, groups_of, on_or_after, ways_to_count
from genreq_checks.snapshot import ProbeRows, Problem, Snapshot
from genreq_checks.sources.duck_sql import duck_sql
from genreq_checks.sources.file_set import FileSet, could_not_be_read, find, obstacle, uneven
from genreq_checks.sources.probing import MOST_PROBED, not_readable, probe_rows
from genreq_checks.tally import Tally
from genreq_checks.tally.counting import Counting

BATCH = 10_000
ROWS = "genreq_rows"  # the view with the rows in a statement
Answers = tuple[Tally | Problem | None, dict[str, ProbeRows | Problem]]


def observe(plan: Plan, path: str, needs: Needs, cutover: datetime | None = None) -> Snapshot:
    """Read the rows of a file, a folder or a glob of Parquet or CSV files; only counts, there is no catalog.

    `needs` is what is needed from the rows. A file that is damaged, and a completed_at that cannot be read as a timestamp,
    make the counts unknown: no row is skipped.
    Raises: UsageError when there is no such file, or when Parquet and CSV are mixed.
    """
    files = find(path)
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(":memory:") as connection:
        connection.execute("SET enable_progress_bar = false; SET TimeZone = 'UTC'")
        connection.execute("SET temp_directory = ?", [folder])
        try:
            answer, probes = _read(connection, files, plan, cutover, needs)
        except duckdb.Error as error:
            answer, probes = could_not_be_read(connection, files, error), {}
    unread = (answer, *probes.values())
    return Snapshot(
        tool_version=__version__,
        plan_fingerprint=plan.fingerprint,
        plan_table=plan.table.qualified,
        source=SourceInfo(
            kind="files", location=path, read_at=datetime.now(UTC), notes=(f"{len(files.files)} file(s)",)
        ),
        tally=answer if isinstance(answer, Tally) else None,
        probes={name: rows for name, rows in probes.items() if not isinstance(rows, Problem)},
        problems=tuple(problem for problem in unread if isinstance(problem, Problem)),
    )


def _read(
    connection: duckdb.DuckDBPyConnection, files: FileSet, plan: Plan, cutover: datetime | None, needs: Needs
) -> Answers:
    """The counts, where they are needed, and the answer to each probe."""
    problem = obstacle(files)
    if problem is None:
        relation = files.relation(connection)
        named = [*plan.cohort.columns, *plan.kept, *plan.dropped]
        problem = _lacking(relation.columns, plan) or uneven(connection, files, named)
    if problem is not None:
        return problem, {probe.name: problem.model_copy(update={"part": "probe"}) for probe in needs.probes}
    dated(relation, plan).create_view(ROWS)
    names = relation.columns
    stamped = plan.model_copy(update={"cohort": plan.cohort.model_copy(update={"epoch": None})})  # as the view has them
    try:
        tally = None if needs.facets is None else _tally(connection, names, stamped, cutover, needs)
    except duckdb.ConversionException:  # only the time is converted
        return _undated(relation, plan), {}
    return tally, {probe.name: _probe(connection, names, stamped, cutover, probe) for probe in needs.probes}


def _lacking(names: Sequence[str], plan: Plan) -> Problem | None:
    for needed in plan.cohort.columns:
        if needed not in names:
            return Problem(part="tally", message=f"The files have no column '{needed}', by which the plan counts.")
    return None


def dated(relation: duckdb.DuckDBPyRelation, plan: Plan) -> duckdb.DuckDBPyRelation:
    """The rows with their time as a timestamp in UTC. A value that is none is an error when it is read: no row is skipped."""
    cohort = plan.cohort
    if cohort.time is None:
        return relation
    kind = _kind(relation, plan)
    time: duckdb.Expression = duckdb.ColumnExpression(cohort.time)
    if kind is not None:
        time = time.cast(kind)
    if cohort.epoch is not None:
        first, last = (second * PER_SECOND[cohort.epoch] for second in YEARS)
        micros = duckdb.FunctionExpression("make_timestamp", time * (1_000_000 // PER_SECOND[cohort.epoch]))
        time = duckdb.CaseExpression((time >= first) & (time < last), micros)
    names = [duckdb.ColumnExpression(name) for name in relation.columns if name != cohort.time]
    return relation.select(*names, time.cast("TIMESTAMP").alias(cohort.time))


def _kind(relation: duckdb.DuckDBPyRelation, plan: Plan) -> str | None:
    """The type by which the time's values are read, where they must be converted.

    Text is an instant first: the cast to a timestamp without a time zone would drop '+02', and read '0044 BC' as 44.
    """
    assert plan.cohort.time is not None
    if plan.cohort.epoch is not None:
        return "BIGINT"
    return "TIMESTAMPTZ" if str(relation.types[relation.columns.index(plan.cohort.time)]) == "VARCHAR" else None


def _undated(relation: duckdb.DuckDBPyRelation, plan: Plan) -> Problem:
    """How many values of the time cannot be converted."""
    assert plan.cohort.time is not None
    time = duckdb.ColumnExpression(plan.cohort.time).alias("value")
    wrong = f"value IS NOT NULL AND TRY_CAST(value AS {_kind(relation, plan)}) IS NULL"
    unread = relation.select(time).filter(wrong).count("*").fetchall()[0][0]
    what = "timestamps" if plan.cohort.epoch is None else "integers"
    message = f"{unread:,} values of {plan.cohort.time} in the files are not {what}."
    return Problem(part="tally", message=message, hint="Fix them; no row is skipped.")


def _tally(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], plan: Plan, cutover: datetime | None, needs: Needs
) -> Tally:
    facets = needs.facets(columns_of(plan, names)) if needs.facets is not None else ()
    parts = next(ways_to_count(groups_of(plan, facets), needs.together))
    scan = fuse(plan, parts, cutover, aware=False, origin=sa.table(ROWS))
    return scan.tally(selected(connection, scan.select), cutover, Counting(plan.cohort.values, len(parts)))


def columns_of(plan: Plan, names: Sequence[str]) -> Columns:
    """The columns that there are, as the facets read them: JSON as the text that it is in files."""
    types = {name: "json" if gone.type in JSON_TYPES else "text" for name, gone in plan.dropped.items()}
    return Columns({name: types.get(name, "text") for name in names})


def _probe(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], plan: Plan, cutover: datetime | None, probe: Probe
) -> ProbeRows | Problem:
    obstacle = not_readable(plan, probe, names)
    if obstacle:
        return obstacle
    since = None if cutover is None else on_or_after(plan, cutover, aware=False)
    select = probe.select(sa.table(ROWS, *map(sa.column, names)), since)
    try:
        return probe_rows(probe, list(selected(connection, select.limit(MOST_PROBED + 1))))
    except duckdb.Error as error:
        return Problem(part="probe", message=f"The probe {probe.name} could not be read: {type(error).__name__}.")


def selected(connection: duckdb.DuckDBPyConnection, select: sa.Select[Any]) -> Iterator[Any]:
    """The rows of a SELECT over the view ROWS."""
    found = connection.execute(duck_sql(select))
    while some := found.fetchmany(BATCH):
        yield from some

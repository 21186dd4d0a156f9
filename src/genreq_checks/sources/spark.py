"""Rows read by Spark: Parquet files, or a table that its session knows; the same facets, the same one scan, no catalog."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa

from genreq_checks import __version__
from genreq_checks.errors import UsageError
from genreq_checks.facts import SourceInfo
from genreq_checks.plan import Plan
from genreq_checks.postgres.url import is_database_url
from genreq_checks.scan.facets import Columns
from genreq_checks.scan.fusion import Needs, Probe, fuse, groups_of, on_or_after, ways_to_count
from genreq_checks.snapshot import ProbeRows, Problem, Snapshot
from genreq_checks.sources.file_set import could_not_be_read, find, obstacle, uneven
from genreq_checks.sources.probing import MOST_PROBED, not_readable, probe_rows
from genreq_checks.sources.row_files import columns_of
from genreq_checks.sources.spark_sql import spark_sql
from genreq_checks.sources.spark_time import NOT_A_TIME, day_text, time_sql
from genreq_checks.tally import Tally
from genreq_checks.tally.counting import Counting

ROWS = "genreq_rows"  # the name of the rows in a statement
INSTALL = "Install the extra: pip install 'genreq-checks[spark]', and Java 17."
MASTERS = ("local", "spark://", "sc://", "yarn", "k8s://")
# A session that writes literals, compares text or counts otherwise would give other counts.
CANARY = (
    r"SELECT '\u0041' = 'A' AND 'a' <> 'A' AND regexp_like('a\u000a', 'a$') AND NOT regexp_like('a\u000a', 'a\u005cz')"
)
Answers = tuple[Tally | Problem | None, dict[str, ProbeRows | Problem]]


def observe(plan: Plan, source: str, needs: Needs, spark: Any, cutover: datetime | None = None) -> Snapshot:
    """Count the rows of Parquet files (a path that Spark knows) or of a table by a Spark session; nothing is written.

    `spark` is a session, which stays as it is, or where to begin one: local[*], spark://host:port, sc://host:port.
    Raises: UsageError without PySpark, or when no session begins.
    """
    if is_database_url(source):
        raise UsageError("Spark reads files and tables, not a database.", "Leave out --spark, or name Parquet files.")
    with _session(spark) as session:
        answer, probes = _answered(session, plan, source, needs, cutover)
        version = f"Spark {session.version}"
    unread = (answer, *probes.values())
    return Snapshot(
        tool_version=__version__,
        plan_fingerprint=plan.fingerprint,
        plan_table=plan.table.qualified,
        source=SourceInfo(kind="files", location=source, read_at=datetime.now(UTC), server=version),
        tally=answer if isinstance(answer, Tally) else None,
        probes={name: rows for name, rows in probes.items() if not isinstance(rows, Problem)},
        problems=tuple(problem for problem in unread if isinstance(problem, Problem)),
    )


@contextmanager
def _session(spark: Any) -> Iterator[Any]:
    """A session; one that was begun here is ended."""
    if not isinstance(spark, str):
        yield spark
        return
    if not spark.startswith(MASTERS):
        raise UsageError(f"'{spark[:60]}' is no Spark master.", "Give local[*], spark://host:port or sc://host:port.")
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise UsageError("PySpark is not installed.", INSTALL) from None
    before = SparkSession.getActiveSession()
    builder = SparkSession.builder.appName("genreq-checks")
    try:
        if spark.startswith("sc://"):
            session = builder.remote(spark).create()
        else:
            session = builder.master(spark).config("spark.ui.enabled", "false").getOrCreate()
    except (PySparkException, RuntimeError, OSError) as error:
        raise UsageError(f"No Spark session began ({type(error).__name__}).", INSTALL) from None
    try:
        yield session
    finally:
        if before is None:
            session.stop()


def _answered(session: Any, plan: Plan, source: str, needs: Needs, cutover: datetime | None) -> Answers:
    """The counts and the probes, or why there are none."""
    try:
        problem = _not_alike(session) or _local_obstacle(plan, source)
        if problem is not None:
            return problem, {}
        return _read(session, _rows(session, source), plan, needs, cutover)
    except _errors() as error:
        return _failed(source, plan, error), {}


def _errors() -> tuple[type[Exception], ...]:
    """Spark's own errors; those of its bridge to Java, which a client of Spark Connect does not have."""
    from pyspark.errors import PySparkException

    try:
        from py4j.protocol import Py4JError
    except ImportError:
        return (PySparkException,)
    return (PySparkException, Py4JError)


def _failed(source: str, plan: Plan, error: Exception) -> Problem:
    text = str(error)
    if NOT_A_TIME in text:
        message = f"Values of {plan.cohort.time} in {source} are not timestamps."
        return Problem(part="tally", message=message, hint="Fix them; no row is skipped.")
    damaged = re.search(r"file [a-z0-9]+:(/\S+?\.parquet)", text)
    what = damaged[1] if damaged else source
    condition = getattr(error, "getCondition", lambda: None)() or type(error).__name__
    return Problem(
        part="tally", message=f"{what} could not be read by Spark: {condition}.", hint="Check that it is complete."
    )


def _not_alike(session: Any) -> Problem | None:
    if session.sql(CANARY).collect()[0][0]:
        return None
    message = "This Spark session reads literals or compares text otherwise, and every count would be wrong."
    return Problem(
        part="tally", message=message, hint="Unset spark.sql.parser.escapedStringLiterals and its collation."
    )


def _local_obstacle(plan: Plan, source: str) -> Problem | None:
    """For files here: whether all are whole and of one form, which Spark does not ask."""
    if not Path(source).exists():
        return None
    files = find(source)
    if files.kind != "parquet":
        raise UsageError(f"{source} is no Parquet, which is what Spark is asked to read.", "Leave out --spark for CSV.")
    with duckdb.connect(":memory:") as connection:
        try:
            return obstacle(files) or uneven(connection, files, [*plan.cohort.columns, *plan.kept, *plan.dropped])
        except duckdb.Error as error:
            return could_not_be_read(connection, files, error)


def _rows(session: Any, source: str) -> Any:
    """The rows of a path or of a table. A file that is corrupt or missing is an error, whatever the session says."""
    here = Path(source)
    if "/" not in source and not source.endswith(".parquet") and not here.exists():
        return session.table(source)
    strict = {"ignoreCorruptFiles": "false", "ignoreMissingFiles": "false", "mergeSchema": "true"}
    return session.read.options(**strict).parquet(str(here.resolve()) if here.exists() else source)


def _read(session: Any, rows: Any, plan: Plan, needs: Needs, cutover: datetime | None) -> Answers:
    names: list[str] = rows.columns
    for needed in plan.cohort.columns:
        if needed not in names:
            message = f"The rows have no column '{needed}', by which the plan counts."
            return Problem(part="tally", message=message), {}
    cohort = plan.cohort
    quoted = {name: f"`{name.replace('`', '``')}`" for name in names}
    if cohort.time is not None:
        kind = rows.schema[cohort.time].dataType.simpleString()
        time = time_sql(cohort, quoted[cohort.time], kind)
        if time is None:
            return Problem(part="tally", message=f"{cohort.time} is of type {kind}: no row can be dated."), {}
        quoted[cohort.time] = f"{time} AS {quoted[cohort.time]}"
    dated = rows.selectExpr(*quoted.values())
    stamped = plan.model_copy(update={"cohort": cohort.model_copy(update={"epoch": None})})  # as the rows have them now
    columns = columns_of(plan, names)
    tally = None if needs.facets is None else _tally(session, dated, stamped, cutover, needs, columns)
    return tally, {probe.name: _probe(session, dated, stamped, cutover, probe, columns) for probe in needs.probes}


def _tally(session: Any, rows: Any, plan: Plan, cutover: datetime | None, needs: Needs, columns: Columns) -> Tally:
    facets = needs.facets(columns) if needs.facets is not None else ()
    parts = next(ways_to_count(groups_of(plan, facets), needs.together))
    scan = fuse(plan, parts, cutover, aware=False, origin=sa.table(ROWS))
    found = ((day_text(day), *others) for day, *others in _answer(session, rows, scan.select))
    return scan.tally(found, cutover, Counting(plan.cohort.values, len(parts)))


def _probe(
    session: Any, rows: Any, plan: Plan, cutover: datetime | None, probe: Probe, columns: Columns
) -> ProbeRows | Problem:
    unreadable = not_readable(plan, probe, columns)
    if unreadable:
        return unreadable
    since = None if cutover is None else on_or_after(plan, cutover, aware=False)
    select = probe.select(sa.table(ROWS, *map(sa.column, columns.types)), since)
    return probe_rows(probe, list(_answer(session, rows, select.limit(MOST_PROBED + 1))))


def _answer(session: Any, rows: Any, select: sa.Select[Any]) -> Iterator[Any]:
    """The rows of a SELECT, which reads `rows` under a name that is gone after it."""
    statement = spark_sql(select).replace("{", "{{").replace("}", "}}").replace(f"`{ROWS}`", "{" + ROWS + "}")
    for row in session.sql(statement, **{ROWS: rows}).toLocalIterator():
        yield tuple(row)

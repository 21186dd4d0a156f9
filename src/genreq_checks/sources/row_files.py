"""Row files (Parquet, CSV) read through DuckDB: the same facets, the same one scan, no catalog."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDialect, PGIdentifierPreparer

from genreq_checks import __version__
from genreq_checks.errors import UsageError
from genreq_checks.facts import SourceInfo
from genreq_checks.plan import Plan
from genreq_checks.scan.facets import JSON_TYPES, LOWER, UPPER, Columns
from genreq_checks.scan.fusion import PER_SECOND, YEARS, Needs, Probe, fuse, groups_of, on_or_after, ways_to_count
from genreq_checks.snapshot import ProbeRows, Problem, Snapshot
from genreq_checks.sources.probing import MOST_PROBED, not_readable, probe_rows
from genreq_checks.tally import Tally
from genreq_checks.tally.counting import Counting
from genreq_checks.text import shown_path

BATCH = 10_000
ROWS = "genreq_rows"  # the view with the rows in a statement
READERS = {
    ".parquet": "read_parquet(?, union_by_name = true)",
    ".csv": "read_csv(?, all_varchar = true, header = true, union_by_name = true, allow_quoted_nulls = false)",
}


class DuckCompiler(PGCompiler):
    """The facets' expressions in DuckDB's SQL; it compares text by bytes anyway, so COLLATE "C" is left out."""

    def visit_regexp_match_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        r"""A search, not DuckDB's `~`, which matches whole values; with the flag s, `.` is any character, as in PostgreSQL.

        A search that ignores case searches the text in lower case, since the patterns are in lower case. DuckDB's own flag
        matches `\u017f` with `s`, which PostgreSQL does not in the C collation.
        """
        text = self.process(binary.left, **kw)
        if (binary.modifiers or {}).get("flags"):
            text = f"translate({text}, '{UPPER}', '{LOWER}')"
        return f"regexp_matches({text}, {self.process(binary.right, **kw)}, 's')"

    def visit_not_regexp_match_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """The negation of a search."""
        return f"NOT {self.visit_regexp_match_op_binary(binary, operator, **kw)}"

    def visit_collate_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """The text itself."""
        return str(self.process(binary.left, **kw))

    def visit_btrim_func(self, fn: Any, **kw: Any) -> str:
        """DuckDB's name for btrim."""
        return f"trim{self.function_argspec(fn, **kw)}"


class DuckNames(PGIdentifierPreparer):
    """Every name in quotes: DuckDB reserves other words than PostgreSQL, such as `at`."""

    def _requires_quotes(self, value: str) -> bool:
        return True


class DuckDialect(PGDialect):
    """PostgreSQL's dialect with DuckDB's compiler."""

    statement_compiler = DuckCompiler
    preparer = DuckNames
    _backslash_escapes = False  # a backslash in a literal is itself, as in PostgreSQL


def observe(plan: Plan, path: str, needs: Needs, cutover: datetime | None = None) -> Snapshot:
    """Read the rows of a file, a folder or a glob of Parquet or CSV files; only counts, there is no catalog.

    `needs` is what is needed from the rows. A completed_at that cannot be read as a timestamp makes the counts unknown:
    no row is skipped.
    Raises: UsageError when there is no such file, or when Parquet and CSV are mixed.
    """
    files, reader = _files(path)
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET enable_progress_bar = false")
        try:
            # the names are parameters: no path is ever part of a statement
            relation = connection.sql(f"SELECT * FROM {reader}", params=[files])  # noqa: S608
            answer, probes = _read(connection, relation, plan, cutover, needs)
        except duckdb.Error as error:
            reason = f"{path} could not be read as {files[0].rpartition('.')[2]}: {type(error).__name__}."
            answer, probes = Problem(part="tally", message=reason, hint="Check that the file is complete."), {}
    unread = (answer, *probes.values())
    return Snapshot(
        tool_version=__version__,
        plan_fingerprint=plan.fingerprint,
        plan_table=plan.table.qualified,
        source=SourceInfo(kind="files", location=path, read_at=datetime.now(UTC), notes=(f"{len(files)} file(s)",)),
        tally=answer if isinstance(answer, Tally) else None,
        probes={name: rows for name, rows in probes.items() if not isinstance(rows, Problem)},
        problems=tuple(problem for problem in unread if isinstance(problem, Problem)),
    )


def _files(path: str) -> tuple[list[str], str]:
    base = Path(path)
    if base.is_dir():
        found = sorted(p for p in base.rglob("*") if p.suffix in READERS)
    elif base.exists():
        found = [base]
    else:
        found = _matching(base)
    kinds = {p.suffix for p in found}
    if not found:
        raise UsageError(
            f"There are no row files at {shown_path(path)}.", "Name a .parquet or .csv file, a folder or a glob."
        )
    if len(kinds) > 1 or kinds - READERS.keys():
        raise UsageError(
            f"{path} holds files of several kinds ({', '.join(sorted(kinds))}).",
            "Name one kind: '*.parquet' or '*.csv'.",
        )
    return [str(p) for p in found], READERS[kinds.pop()]


def _matching(pattern: Path) -> list[Path]:
    """The files of a pattern; none for an invalid pattern, such as `a**`."""
    anchor = Path(pattern.anchor or ".")
    try:
        within = pattern.relative_to(pattern.anchor) if pattern.anchor else pattern
        return sorted(path for path in anchor.glob(str(within)) if path.is_file())
    except ValueError:
        return []


def _read(
    connection: duckdb.DuckDBPyConnection,
    relation: duckdb.DuckDBPyRelation,
    plan: Plan,
    cutover: datetime | None,
    needs: Needs,
) -> tuple[Tally | Problem | None, dict[str, ProbeRows | Problem]]:
    """The counts, where they are needed, and the answer to each probe."""
    dated = _dated(relation, plan)
    if isinstance(dated, Problem):
        return dated, {probe.name: dated.model_copy(update={"part": "probe"}) for probe in needs.probes}
    dated.create_view(ROWS)
    plan = plan.model_copy(update={"cohort": plan.cohort.model_copy(update={"epoch": None})})  # the view has timestamps
    names = dated.columns
    tally = None if needs.facets is None else _tally(connection, names, plan, cutover, needs)
    return tally, {probe.name: _probe(connection, names, plan, cutover, probe) for probe in needs.probes}


def _dated(relation: duckdb.DuckDBPyRelation, plan: Plan) -> duckdb.DuckDBPyRelation | Problem:
    """The rows with their time as a timestamp; a row whose time is not a timestamp is a problem, and is not skipped."""
    cohort = plan.cohort
    for needed in cohort.columns:
        if needed not in relation.columns:
            return Problem(part="tally", message=f"The files have no column '{needed}', by which the plan counts.")
    if cohort.time is None:
        return relation
    quoted = _dialect().identifier_preparer.quote_identifier(cohort.time)
    of_type = "TIMESTAMP" if cohort.epoch is None else "BIGINT"
    readable = relation.select(
        duckdb.StarExpression(), duckdb.SQLExpression(f"TRY_CAST({quoted} AS {of_type})").alias("__at")
    )
    unread = readable.filter(duckdb.SQLExpression(f"{quoted} IS NOT NULL AND __at IS NULL")).count("*").fetchall()[0][0]
    if unread:
        kind = "timestamps" if cohort.epoch is None else "integers"
        message = f"{unread:,} values of {cohort.time} in the files are not {kind}."
        return Problem(part="tally", message=message, hint="Fix them; no row is skipped.")
    names = [duckdb.ColumnExpression(name) for name in relation.columns if name != cohort.time]
    if cohort.epoch is None:
        return readable.select(*names, duckdb.ColumnExpression("__at").alias(cohort.time))
    first, last = (second * PER_SECOND[cohort.epoch] for second in YEARS)
    micros = 1_000_000 // PER_SECOND[cohort.epoch]
    at = f"CASE WHEN __at >= {first} AND __at < {last} THEN make_timestamp(__at * {micros}) END"
    return readable.select(*names, duckdb.SQLExpression(at).alias(cohort.time))


def _tally(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], plan: Plan, cutover: datetime | None, needs: Needs
) -> Tally:
    types = {name: "json" if gone.type in JSON_TYPES else "text" for name, gone in plan.dropped.items()}
    columns = Columns({name: types.get(name, "text") for name in names})
    facets = needs.facets(columns) if needs.facets is not None else ()
    parts = next(ways_to_count(groups_of(plan, facets), needs.together))
    scan = fuse(plan, parts, cutover, aware=False, origin=sa.table(ROWS))
    return scan.tally(_answer(connection, scan.select), cutover, Counting(plan.cohort.values, len(parts)))


def _probe(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], plan: Plan, cutover: datetime | None, probe: Probe
) -> ProbeRows | Problem:
    obstacle = not_readable(plan, probe, names)
    if obstacle:
        return obstacle
    since = None if cutover is None else on_or_after(plan, cutover, aware=False)
    select = probe.select(sa.table(ROWS, *map(sa.column, names)), since)
    try:
        return probe_rows(probe, list(_answer(connection, select.limit(MOST_PROBED + 1))))
    except duckdb.Error as error:
        return Problem(part="probe", message=f"The probe {probe.name} could not be read: {type(error).__name__}.")


def _answer(connection: duckdb.DuckDBPyConnection, select: sa.Select[Any]) -> Iterator[Any]:
    """The rows of a SELECT over the view ROWS."""
    compiled = select.compile(dialect=_dialect(), compile_kwargs={"literal_binds": True})
    found = connection.execute(str(compiled))
    while some := found.fetchmany(BATCH):
        yield from some


def _dialect() -> DuckDialect:
    return DuckDialect(paramstyle="named")  # type: ignore[no-untyped-call]  # a style without '%', which would be doubled

"""Row hashes: the key of each row and one 64-bit hash a column, in a Parquet file; and the same rows compared with it later.

A hash is the first half of the MD5 of the value as text, which every server computes alike. It tells values apart, and is no
protection of them: who has the file can try whether a row holds a value that he guesses.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import tempfile
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BIT

from genreq_checks.errors import SourceError, UsageError
from genreq_checks.facts.row_changes import ColumnChanges, HashedRows, RowChanges
from genreq_checks.files import replacing
from genreq_checks.plan import Plan
from genreq_checks.postgres.catalog import find_table
from genreq_checks.postgres.connection import parse, reading
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.failure import DRIVER_ERRORS, explain
from genreq_checks.postgres.streaming import streamed
from genreq_checks.scan.facets import as_text
from genreq_checks.scan.fusion import in_cohort, not_later, relation
from genreq_checks.sources.readable import find_obstacle, is_aware, read_types
from genreq_checks.text import shown_path

if TYPE_CHECKING:
    import duckdb

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password
FORMAT = "genreq-checks row hashes"
METADATA = b"genreq_checks"
BATCH = 10_000
MEMORY = "80MB"


def write_row_hashes(
    connection: sa.Connection, plan: Plan, types: Mapping[str, str], columns: Sequence[str], until: datetime, path: Path
) -> HashedRows:
    """Hash the rows of the connection's instant into a file. An existing file is not replaced.

    Raises: OutputError when the file cannot be written; UsageError when it is there.
    """
    about = {
        "format": FORMAT,
        "version": 1,
        "table": plan.table.qualified,
        "key": list(plan.table.key),
        "columns": list(columns),
        "until": until.isoformat(),
    }
    try:
        with replacing(path, private=True, new=True) as (file, part):
            rows = _write(connection, _select(plan, types, columns, until), about, file)
            file.flush()
            return HashedRows(name=path.name, digest=_digest(part), rows=rows)
    except FileExistsError:
        raise UsageError(f"{path} is there already, and row hashes replace nothing.", "Name another file.") from None


def compare_rows(
    plan: Plan, url: str, path: Path, timeout: float = 300, deadline: Deadline | None = None
) -> RowChanges:
    """The table's rows now against those in a file. Memory is bounded: what does not fit is put into temporary files.

    Raises: UsageError for an invalid URL or file; SourceError when the table cannot be read.
    """
    with _compared(plan, url, path, timeout, deadline) as (connection, about):
        of_column = (*_IS.values(), f"NOT is_ AND ({_IS['changed']} OR {_IS['cleared']})")
        sums = [f"count(*) FILTER ({one.format(place)})" for place in range(len(about.columns)) for one in of_column]
        whole = ", ".join(f"count(*) FILTER ({one})" for one in ("was", "is_", *_ROWS.values()))
        found = connection.execute(f"SELECT {', '.join([whole, *sums])} FROM pairs").fetchone()  # noqa: S608
        assert found is not None
        then, now, gone, left, added, *others = found
        columns = {
            name: ColumnChanges(**dict(zip((*_IS, "in_left"), others[4 * place : 4 * place + 4], strict=True)))
            for place, name in enumerate(about.columns)
        }
        return RowChanges(
            digest=_digest(path),
            until=about.until,
            then=then,
            now=now,
            gone=gone,
            left=left,
            added=added,
            columns=columns,
        )


@contextmanager
def listed_changes(
    plan: Plan, url: str, path: Path, column: str | None, limit: int | None, timeout: float, deadline: Deadline | None
) -> Iterator[tuple[tuple[str, ...], Iterator[tuple[str | None, ...]]]]:
    """The header and the rows that differ, by key: those that are gone or added, or those whose value in a column is.

    Raises: as compare_rows; UsageError for a column that was not hashed.
    """
    with _compared(plan, url, path, timeout, deadline) as (connection, about):
        kinds = _ROWS
        if column is not None:
            if column not in about.columns:
                raise UsageError(
                    f"{shown_path(str(path))} has no hashes of {column}.", f"It has {', '.join(about.columns)}."
                )
            place = about.columns.index(column)
            kinds = {kind: condition.format(place) for kind, condition in _IS.items()}
        case = " ".join(f"WHEN {condition} THEN '{kind}'" for kind, condition in kinds.items())
        keys = ", ".join(f"key_{place}" for place in range(len(about.key)))
        select = (
            f"SELECT {keys}, finding FROM (SELECT *, CASE {case} END AS finding FROM pairs) WHERE finding IS NOT NULL"  # noqa: S608
        )
        cursor = connection.execute(f"{select} ORDER BY {keys}{f' LIMIT {limit:d}' if limit is not None else ''}")
        yield (*about.key, "finding"), _fetched(cursor)


def _fetched(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[str | None, ...]]:
    while some := cursor.fetchmany(BATCH):
        yield from some


_ROWS = {"gone": "was AND NOT there", "left": "was AND there AND NOT is_", "added": "is_ AND NOT was"}
_IS = {
    "changed": "was AND there AND then_{0} <> now_{0}",
    "backfilled": "was AND there AND then_{0} IS NULL AND now_{0} IS NOT NULL",
    "cleared": "was AND there AND then_{0} IS NOT NULL AND now_{0} IS NULL",
}


@dataclass(frozen=True, slots=True)
class _About:
    """What a file of row hashes says of itself."""

    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    until: datetime


@contextmanager
def _compared(
    plan: Plan, url: str, path: Path, timeout: float, deadline: Deadline | None
) -> Iterator[tuple[duckdb.DuckDBPyConnection, _About]]:
    """A connection with the view `pairs`: each row of the file with the table's row of the same key, or one of them alone."""
    about = _read_about(path)
    if about.table != plan.table.qualified or about.key != plan.table.key:
        raise UsageError(f"{shown_path(str(path))} has the hashes of {about.table}, by {', '.join(about.key)}.")
    with tempfile.TemporaryDirectory(prefix="genreq-rows-") as folder:
        now = Path(folder) / "now.parquet"
        select = partial(_select, plan, columns=about.columns, until=about.until, every_row=True)
        read_rows(plan, url, about.key, select, now, timeout, deadline)
        with joined(folder, {"then_rows": (path, "*"), "now_rows": (now, "*")}) as connection:
            keys = range(len(about.key))
            both = ", ".join(f"coalesce(t.key_{n}, n.key_{n}) AS key_{n}" for n in keys)
            hashes = "".join(f", t.hash_{n} AS then_{n}, n.hash_{n} AS now_{n}" for n in range(len(about.columns)))
            on = " AND ".join(f"t.key_{n} = n.key_{n}" for n in keys)
            connection.execute(
                f"CREATE VIEW pairs AS SELECT {both}{hashes}, t.key_0 IS NOT NULL AS was, n.key_0 IS NOT NULL AS there, "  # noqa: S608
                f"coalesce(n.covered, 0) = 1 AS is_ FROM then_rows t FULL JOIN now_rows n ON {on} "
                "WHERE t.key_0 IS NOT NULL OR n.covered = 1"
            )
            yield connection, about


@contextmanager
def joined(folder: str, files: Mapping[str, tuple[Path, str]]) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB with a view for each Parquet file, of some of its columns, within bounded memory."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET temp_directory = ?", [folder])
        connection.execute(f"SET memory_limit = '{MEMORY}'")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("SET threads = 1")  # each thread has buffers of its own
        for name, (file, columns) in files.items():
            connection.sql(f"SELECT {columns} FROM read_parquet(?)", params=[str(file)]).create_view(name)  # noqa: S608
        yield connection


def read_rows(
    plan: Plan,
    url: str,
    key: Sequence[str],
    select: Callable[[Mapping[str, str]], sa.Select[Any]],
    path: Path,
    timeout: float,
    deadline: Deadline | None,
) -> None:
    """Write the rows of a SELECT over the table, given the types that can be read, into a Parquet file.

    Raises: UsageError for an invalid URL; SourceError when the table or its key cannot be read.
    """
    target = parse(url)
    try:
        with reading(target, timeout, deadline) as connection:
            found = find_table(connection, plan.table)
            problem = found.problem or (
                find_obstacle(connection, plan, found.oid, found.facts) if found.oid and found.facts else None
            )
            if problem is not None:
                raise SourceError(problem.message, problem.hint)
            assert found.oid is not None
            types = read_types(connection, found.oid)
            missing = next((name for name in key if name not in types), None)
            if missing is not None:
                raise SourceError(f"{plan.table.qualified} has no key column {missing} that can be read.")
            with path.open("wb") as file:
                _write(connection, select(types), {}, file)
    except DRIVER_ERRORS as error:
        raise explain(error, target, plan.table) from None


def _select(
    plan: Plan, types: Mapping[str, str], columns: Sequence[str], until: datetime, every_row: bool = False
) -> sa.Select[Any]:
    """The keys and hashes of the cohort's rows until a time; a column that is gone has no values.

    With `every_row` all rows of the table, each with whether it is one of those.
    """
    keys = [as_text(name).label(f"key_{place}") for place, name in enumerate(plan.table.key)]
    hashes = [
        (_hash(name) if name in types else sa.null()).label(f"hash_{place}") for place, name in enumerate(columns)
    ]
    is_covered = sa.and_(in_cohort(plan), not_later(plan, until, is_aware(plan, types)))
    found: list[sa.ColumnElement[Any]] = [*keys, *hashes]
    if not every_row:
        return sa.select(*found).select_from(relation(plan.table)).where(is_covered)
    flag = sa.case((is_covered, sa.literal_column("1", sa.BigInteger)), else_=sa.literal_column("0", sa.BigInteger))
    return sa.select(*found, flag.label("covered")).select_from(relation(plan.table))


def _hash(column: str) -> sa.ColumnElement[int]:
    half: sa.ColumnElement[Any] = sa.literal_column("'x'", sa.Text) + sa.func.substr(
        sa.func.md5(as_text(column)), 1, 16
    )
    return sa.cast(sa.cast(half, BIT(64)), sa.BigInteger)


def _write(connection: sa.Connection, select: sa.Select[Any], about: Mapping[str, object], file: BinaryIO) -> int:
    """Write the rows as Parquet, some at a time; how many there are."""
    fields = [
        (one.name, pa.string() if isinstance(one.type, sa.Text) else pa.int64()) for one in select.selected_columns
    ]
    schema = pa.schema(fields, metadata={METADATA: json.dumps(about).encode()})
    count = 0
    with (
        closing(streamed(connection, select, {})) as rows,
        pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=False) as writer,
    ):
        while some := list(itertools.islice(rows, BATCH)):
            columns = [_array(values, of) for values, of in zip(zip(*some, strict=True), schema.types, strict=True)]
            writer.write_batch(pa.record_batch(columns, schema=schema))
            count += len(some)
    return count


def _array(values: Sequence[Any], of: pa.DataType) -> pa.Array:
    """Texts or 64-bit integers in Arrow's form; pyarrow's own `array` would import pandas, for 70 MB."""
    known = bytearray((len(values) + 7) // 8)
    for place, value in enumerate(values):
        known[place >> 3] |= (value is not None) << (place & 7)
    if of == pa.int64():
        parts: list[Any] = [array("q", [value or 0 for value in values])]
    else:
        texts = [(value or "").encode() for value in values]
        parts = [array("i", [0, *itertools.accumulate(map(len, texts))]), b"".join(texts)]
    return pa.Array.from_buffers(of, len(values), [pa.py_buffer(bytes(known)), *map(pa.py_buffer, parts)])


def _read_about(path: Path) -> _About:
    """Raises: UsageError for a file that is no file of row hashes."""
    shown = shown_path(str(path))
    try:
        metadata = pq.read_schema(path).metadata or {}
        about = json.loads(metadata.get(METADATA, b"{}"))
        if about.get("format") != FORMAT or about.get("version") != 1:
            raise UsageError(f"{shown} is no file of row hashes.", _MAKE_ONE)
        until = datetime.fromisoformat(about["until"])
        return _About(about["table"], tuple(about["key"]), tuple(about["columns"]), until)
    except OSError as error:
        raise UsageError(f"{shown} could not be read ({type(error).__name__}).", _MAKE_ONE) from None
    except (pa.ArrowException, ValueError, KeyError, TypeError):
        raise UsageError(f"{shown} is damaged or no file of row hashes.", _MAKE_ONE) from None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_MAKE_ONE = "Make one with the next baseline: genreq-checks snapshot SOURCE -o FILE --row-hashes FILE.parquet"

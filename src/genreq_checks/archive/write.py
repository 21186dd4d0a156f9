"""The dropped columns' values of a table into a Parquet file, in bounded memory, verified by reading it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from genreq_checks import __version__
from genreq_checks.archive.copying import CopyError, copying
from genreq_checks.archive.keepable import keepable
from genreq_checks.archive.replacement import existing_archive, require_no_less, require_same_source
from genreq_checks.archive.table import Place, locate, require_readable, require_unique_key
from genreq_checks.facts import ArchiveFacts
from genreq_checks.files import replacing
from genreq_checks.plan import Plan
from genreq_checks.postgres.connection import Target, parse, reading
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.failure import DRIVER_ERRORS, explain
from genreq_checks.sources.archive import column, opened
from genreq_checks.sources.archive_digest import ColumnDigest
from genreq_checks.sources.archive_header import METADATA_KEY, Header

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password


def write_archive(
    plan: Plan,
    url: str,
    path: str | Path,
    *,
    replace: bool = False,
    timeout: float | None = None,
    deadline: Deadline | None = None,
    progress: Callable[[int], None] | None = None,
) -> ArchiveFacts:
    """Archive the key and the dropped columns of every row that has a value in one of them ('' and JSON null are values).

    A column whose type's text does not restore every value exactly is an error, or is left out where the plan gives its
    values up. All rows are of one instant. The file gets its name when it is complete and was read again; until then an
    older one stays. An older one that is of another database or table, or has a value that the new one lacks, is only
    replaced with `replace`. `timeout` is in seconds, None for no limit; `deadline` bounds everything on the server;
    `progress` receives the number of rows so far.
    Raises: UsageError for an invalid URL; SourceError when the table cannot be read, or not all of it;
    OutputError when the file cannot be written, or the older one must stay.
    """
    target, path = parse(url), Path(path)
    with replacing(path, private=True) as (file, part):
        older = None if replace else existing_archive(path)
        header = _fill(file, plan, target, timeout, deadline, progress or (lambda rows: None), path, older)
        file.flush()
        with opened(part) as written:
            written.verify()
        if older is not None:
            require_no_less(path, older, part, header)
    return header.facts(str(path), verified=True)


def _fill(
    file: BinaryIO,
    plan: Plan,
    target: Target,
    timeout: float | None,
    deadline: Deadline | None,
    progress: Callable[[int], None],
    path: Path,
    older: Header | None,
) -> Header:
    names = [*plan.table.key, *plan.dropped]
    try:
        with reading(target, timeout or 0, deadline) as connection:
            place = locate(connection, plan)
            require_readable(place, plan, names)
            require_unique_key(connection, place, plan)
            if older is not None:
                require_same_source(path, older, plan.table.qualified, place.identity)
        with copying(target, timeout or 0, deadline) as copied:
            columns = keepable(copied, place, plan)
            sink = Sink(file, [*plan.table.key, *columns])
            with sink.writer, copied.pieces(select_statement(place, plan, columns)) as pieces:
                _pump(pieces, sink, progress)
                header = _header(plan, target, place, copied.at, sink)
                sink.writer.add_key_value_metadata({METADATA_KEY: header.model_dump_json()})
    except (*DRIVER_ERRORS, CopyError) as error:
        raise explain(error, target, plan.table, "Archiving") from None
    return header


class Sink:
    """The Parquet file that is written, and the digests of its columns."""

    def __init__(self, file: BinaryIO, names: list[str]) -> None:
        self.names = names
        self.rows = 0
        self.digests = {name: ColumnDigest() for name in names}
        schema = pa.schema([(name, pa.string()) for name in names])
        self.writer = pq.ParquetWriter(
            file, schema, compression="snappy", use_dictionary=False, write_statistics=False, store_schema=False
        )

    def take(self, piece: pa.RecordBatch) -> int:
        """Write a piece as one row group; returns the rows so far."""
        batch = piece.rename_columns(self.names)
        for name, digest in self.digests.items():
            digest.add(batch.column(name))
        if batch.num_rows:
            self.writer.write_batch(batch, row_group_size=batch.num_rows)
        self.rows += batch.num_rows
        return self.rows


def _pump(pieces: Iterator[pa.RecordBatch], sink: Sink, progress: Callable[[int], None]) -> None:
    """Read a piece while the previous one is written: at most two pieces are in memory."""
    with ThreadPoolExecutor(1) as worker:
        pending: Future[int] | None = None
        for piece in pieces:
            if pending is not None:
                progress(pending.result())
            pending = worker.submit(sink.take, piece)
        if pending is not None:
            progress(pending.result())


def select_statement(place: Place, plan: Plan, dropped: Sequence[str]) -> str:
    """The key and some dropped columns in PostgreSQL's text form, of the rows with a value in one of them."""
    columns = sql.SQL(", ").join(place.as_text(name, sql.Identifier(name)) for name in (*plan.table.key, *dropped))
    some = sql.SQL(" OR ").join(sql.SQL("{} IS NOT NULL").format(sql.Identifier(name)) for name in dropped)
    statement = sql.SQL("SELECT {} FROM {} WHERE {}").format(columns, place.identifier, some)
    return statement.as_string(None)


def _header(plan: Plan, target: Target, place: Place, created_at: datetime, sink: Sink) -> Header:
    there = {name: place.column(name) for name in sink.digests}
    columns = {name: column(there[name].type, there[name].position, digest) for name, digest in sink.digests.items()}
    return Header(
        tool_version=__version__,
        plan_fingerprint=plan.fingerprint,
        location=target.location,
        identity=place.identity,
        table=plan.table.qualified,
        created_at=created_at,
        rows=sink.rows,
        key={name: columns[name] for name in plan.table.key},
        columns={name: columns[name] for name in plan.dropped if name in columns},
    )

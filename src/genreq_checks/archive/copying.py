"""Rows from `COPY … TO STDOUT (FORMAT binary)` into Arrow, without touching a single value in Python."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.pq import ExecStatus

from genreq_checks.errors import SourceError

PIECE = 2 << 20  # bytes; a piece is larger only by its last row
FIXED_HEADER = 19  # signature, flags and the length of what may follow
TRAILER = 2
NULL = 0xFFFF_FFFF


@dataclass(slots=True)
class Piece:
    """Some rows as the server sent them, one message each."""

    messages: list[memoryview] = field(default_factory=list[memoryview])
    sizes: list[int] = field(default_factory=list[int])


def copy_out(connection: psycopg.Connection[Any], statement: sql.Composed) -> Generator[Piece, None, None]:
    """Run a COPY in binary format and give its rows in pieces of about 2 MB.

    The loop asks libpq itself, since psycopg's own iteration costs as much per row as everything else together.
    Raises: psycopg.Error.
    """
    pgconn = connection.pgconn
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        piece, size = Piece(), 0
        first = copy.read()
        message: Any = memoryview(first)[FIXED_HEADER + int.from_bytes(bytes(first[15:FIXED_HEADER]), "big") :]
        length = len(message)
        while True:
            if length > TRAILER:
                piece.messages.append(message)
                piece.sizes.append(length)
                size += length
                if size > PIECE:
                    yield piece
                    piece, size = Piece(), 0
            length, message = pgconn.get_copy_data(1)
            if length == 0:  # nothing has arrived yet: psycopg waits, and lets Ctrl-C through
                message = copy.read()
                length = len(message)
                if length == 0:
                    break
            elif length < 0:
                _finish(connection)
                break
        yield piece


def _finish(connection: psycopg.Connection[Any]) -> None:
    """After the last row: did the server mean it? Raises: psycopg.Error."""
    while (result := connection.pgconn.get_result()) is not None:
        if result.status != ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result)


def arrange(piece: Piece, names: Sequence[str]) -> pa.RecordBatch:
    """The rows of a piece as columns of text; NULL stays NULL.

    A row is a count of fields (2 bytes), then for each its length (4 bytes, big endian, −1 is NULL) and its bytes. All
    boundaries are computed at once and become the offsets of one Arrow array over the bytes as they came, of which every
    second element is a value.
    Raises: SourceError when the lengths do not add up, or the text is not UTF-8.
    """
    rows, width = len(piece.sizes), len(names)
    data = b"".join(piece.messages)
    raw = np.frombuffer(data, np.uint8)
    ends = np.cumsum(np.array(piece.sizes, np.int64))
    position = ends - np.array(piece.sizes, np.int64)
    bounds = np.empty((rows, 2 * width), np.int64)
    nulls = np.empty((rows, width), np.bool_)
    bounds[:, 0] = position
    position = position + 2
    for i in range(width):
        if rows and position.max(initial=0) + 4 > len(raw):
            raise SourceError("The server's answer to COPY cannot be understood.", "Is a proxy in between?")
        length = np.zeros(rows, np.int64)
        for byte in range(4):
            length = (length << 8) | raw[position + byte]
        nulls[:, i] = length == NULL
        length[nulls[:, i]] = 0
        position = position + 4
        bounds[:, 2 * i + 1] = position
        position = position + length
        if i + 1 < width:
            bounds[:, 2 * i + 2] = position
    if not np.array_equal(position, ends):
        raise SourceError("The server's answer to COPY cannot be understood.", "Is a proxy in between?")
    offsets = np.append(bounds.ravel(), len(data)).astype(np.int32)
    fields = pa.Array.from_buffers(pa.binary(), 2 * width * rows, [None, pa.py_buffer(offsets), pa.py_buffer(data)])
    columns = [fields.take(_places(2 * i + 1, 2 * width, nulls[:, i])) for i in range(width)]
    try:
        return pa.RecordBatch.from_arrays([column.cast(pa.string()) for column in columns], names=list(names))
    except pa.ArrowInvalid:
        raise SourceError(
            "The table holds text that is not UTF-8 (its database's encoding is SQL_ASCII?).",
            "Find and mend it first: it cannot be archived as text.",
        ) from None


def _places(first: int, step: int, nulls: np.ndarray[Any, Any]) -> pa.Int64Array:
    """Where each row's value stands, NULL where there is none. (`pa.array` would import pandas, for 60 MB.)"""
    places = np.arange(len(nulls), dtype=np.int64) * step + first
    present = np.packbits(~nulls, bitorder="little")
    return pa.Array.from_buffers(pa.int64(), len(nulls), [pa.py_buffer(present), pa.py_buffer(places)])

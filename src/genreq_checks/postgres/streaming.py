"""The rows of a SELECT as they come from the server, a few at a time in the client."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import capabilities

__tracebackhide__ = True  # pytest prints the arguments of a call, and these may hold values
SIZE = 1000  # rows that are in the client at a time


def streamed(
    connection: sa.Connection, select: sa.Select[Any], parameters: Mapping[str, object]
) -> Generator[tuple[Any, ...]]:
    """The rows of a statement. Close the iterator when it is not read to its end: the statement is cancelled then.

    A cursor in the server, which SQLAlchemy uses for this, is planned for its first rows and never with parallel workers.
    Raises: sqlalchemy.exc.DBAPIError.
    """
    compiled = select.compile(dialect=connection.dialect).construct_expanded_state(dict(parameters))
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    size = SIZE if capabilities.has_stream_chunked() else 1
    try:
        with driver.cursor() as cursor:
            yield from cursor.stream(compiled.statement, compiled.parameters, size=size)
    except psycopg.Error as error:
        is_closed = driver.closed
        if is_closed:
            connection.invalidate(error)
        raise sa.exc.DBAPIError.instance(
            None, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=is_closed
        ) from error

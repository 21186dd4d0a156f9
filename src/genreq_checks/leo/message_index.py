"""The last message of each request, out of any number of messages: kept in a temporary file without a name.

SQLite creates it in the temporary folder, readable by nobody else. It is deleted however this process ends.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice

from genreq_checks.errors import SourceError
from genreq_checks.leo.message_lines import Message

BATCH = 5_000

_MAKE = """
    PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32000;
    CREATE TABLE last (key TEXT PRIMARY KEY, at INTEGER, received INTEGER, file TEXT, line INTEGER, fields TEXT);
    BEGIN;
"""
_PUT = """
    INSERT INTO last VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
        at = excluded.at, received = excluded.received, file = excluded.file, line = excluded.line, fields = excluded.fields
    WHERE excluded.at >= last.at
"""


@dataclass(slots=True)
class Index:
    """The last message of each request. `messages` is how many were put in; `first` and `last` span their times."""

    store: sqlite3.Connection
    messages: int = 0
    first: int | None = None
    last: int | None = None

    def put(self, messages: Iterable[Message]) -> None:
        """Add messages, in the order of the recording.

        The message received last counts. A message without a time counts as received with the one before it. Of two
        messages received at the same time, the later one in the recording counts.
        """
        reading = iter(messages)
        at = -(2**62)
        while batch := list(islice(reading, BATCH)):
            rows: list[tuple[str, int, int | None, str, int, str]] = []
            for one in batch:
                if one.received is not None:
                    at = one.received
                    self.first = at if self.first is None else min(self.first, at)
                    self.last = at if self.last is None else max(self.last, at)
                rows.append((one.key, at, one.received, one.file, one.line, json.dumps(one.fields)))
            self.store.executemany(_PUT, rows)
            self.messages += len(batch)

    @property
    def requests(self) -> int:
        """The number of requests that have messages."""
        return int(self.store.execute("SELECT count(*) FROM last").fetchone()[0])

    def batches(self) -> Iterator[list[Message]]:
        """The last message of each request, in batches."""
        with closing(self.store.cursor()) as cursor:
            cursor.execute("SELECT key, received, file, line, fields FROM last ORDER BY rowid")
            while rows := cursor.fetchmany(BATCH):
                yield [Message(key, at, file, line, json.loads(text)) for key, at, file, line, text in rows]

    def unknown(self, keys: Iterable[str]) -> set[str]:
        """The keys that have no message."""
        asked = list(keys)
        there = "SELECT key FROM last WHERE key IN (SELECT value FROM json_each(?))"
        return set(asked).difference(row[0] for row in self.store.execute(there, (json.dumps(asked),)))


@contextmanager
def open_index() -> Iterator[Index]:
    """An empty index that lasts for the `with` block. Raises: SourceError when the temporary folder is full."""
    try:
        with closing(sqlite3.connect("", isolation_level=None)) as store:
            store.executescript(_MAKE)
            yield Index(store)
    except sqlite3.Error as error:
        hint = "Free space in the temporary folder, or name another with TMPDIR."
        raise SourceError(f"The messages could not be kept on disk: {error}.", hint) from None

"""What an archive of dropped columns' values holds, as data: the checks judge this, and never open the file."""

from __future__ import annotations

from datetime import datetime

from genreq_checks.file_format import Location, Model
from genreq_checks.identity import Identity


class ArchivedColumn(Model):
    """A column in the archive: its type in the database, how many rows have a value, and the values' SHA-256.

    `position` is its attnum, None in an archive of format 1.
    """

    type: str
    position: int | None = None
    values: int
    digest: str


class ArchiveFacts(Model):
    """An archive file: of which table, from when, and whether its contents were read again and found whole.

    `location` is the database without a password. `rows` counts the rows in the file: those with a value in at least one
    of `columns`, each under the values of `key`, of which no two are the same. `identity` is None in an archive of format 1.
    """

    path: str
    location: Location = ""
    identity: Identity | None = None
    table: str
    created_at: datetime
    rows: int
    verified: bool
    problem: str = ""
    columns: dict[str, ArchivedColumn]
    key: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

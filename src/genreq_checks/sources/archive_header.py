"""The header of an archive: JSON in the Parquet file's metadata, under one key."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from genreq_checks.facts import ArchivedColumn, ArchiveFacts
from genreq_checks.facts.file_format import Location, Model
from genreq_checks.facts.identity import Identity

METADATA_KEY: Final = b"genreq-checks archive"


class Header(Model):
    """Where and when the values were read, and for each column its type, its number of values and their digest.

    `identity` is None in an archive of format 1; `location` is the database's URL without a password.
    """

    format_version: Literal[1, 2] = 2
    tool_version: str
    plan_fingerprint: str
    location: Location
    identity: Identity | None = None
    table: str
    created_at: datetime
    rows: int
    key: dict[str, ArchivedColumn]
    columns: dict[str, ArchivedColumn]

    @property
    def everything(self) -> dict[str, ArchivedColumn]:
        """The key's columns and the archived ones, in the file's order."""
        return {**self.key, **self.columns}

    def facts(self, path: str, verified: bool, notes: tuple[str, ...] = ()) -> ArchiveFacts:
        """The header as the checks see it; `notes` name what this version does not know in the file."""
        return ArchiveFacts(
            path=path,
            location=self.location,
            identity=self.identity,
            table=self.table,
            created_at=self.created_at,
            rows=self.rows,
            verified=verified,
            columns=self.columns,
            key=tuple(self.key),
            notes=notes,
        )

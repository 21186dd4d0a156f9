"""Reading an archive: its header, its rows, and whether both agree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from genreq_checks.errors import ArchiveError
from genreq_checks.facts import ArchivedColumn, ArchiveFacts
from genreq_checks.facts.file_format import note_on, read_model
from genreq_checks.sources.archive_digest import ColumnDigest
from genreq_checks.sources.archive_header import METADATA_KEY, Header
from genreq_checks.text import shown_path


@dataclass(frozen=True, slots=True)
class Archive:
    """An open archive and its header; `notes` name what this version does not know in the header."""

    path: Path
    file: pq.ParquetFile
    header: Header
    notes: tuple[str, ...] = ()

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """The rows in the file's order, at most `rows` at a time: the key's columns, then the archived ones, as text.

        Raises: ArchiveError for damage.
        """
        try:
            for group in range(self.file.num_row_groups):
                table = self.file.read_row_group(group, use_threads=False)
                yield from table.combine_chunks().to_batches(max_chunksize=rows)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise damaged(self.path, type(error).__name__) from None

    def verify(self) -> None:
        """Read everything again. Raises: ArchiveError when a digest or a count is not what the header says."""
        digests = {name: ColumnDigest() for name in self.header.everything}
        rows = 0
        for batch in self.batches(1 << 30):
            rows += batch.num_rows
            for name, digest in digests.items():
                digest.add(batch.column(name))
        if rows != self.header.rows:
            raise damaged(self.path, f"it has {rows:,} rows but should have {self.header.rows:,}")
        for name, column in self.header.everything.items():
            if (digests[name].values, digests[name].hexdigest()) != (column.values, column.digest):
                raise damaged(self.path, f"the values of column '{name}' are not the archived ones")


def read_facts(path: str | Path, verify: bool = True) -> ArchiveFacts:
    """What an archive holds; with `verify`, all of it is read again and every digest is computed again.

    Raises: ArchiveError for a file that is missing, foreign or damaged.
    """
    with opened(path) as archive:
        if verify:
            archive.verify()
        return archive.header.facts(str(path), verified=verify, notes=archive.notes)


@contextmanager
def opened(path: str | Path) -> Iterator[Archive]:
    """An archive to read from. Raises: ArchiveError for a file that is missing or foreign."""
    path = Path(path)
    if not path.is_file():
        shown = shown_path(str(path))
        raise ArchiveError(f"There is no archive {shown}.", "Create one with 'genreq-checks archive SOURCE -o FILE'.")
    try:
        file = pq.ParquetFile(path)
    except PermissionError:
        raise ArchiveError(
            f"The archive {path} may not be read.", "Run it as the user who wrote the archive."
        ) from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise damaged(path, f"it is not a complete Parquet file ({type(error).__name__})") from None
    with file:
        yield Archive(path, file, *_header(path, file))


def _header(path: Path, file: pq.ParquetFile) -> tuple[Header, tuple[str, ...]]:
    text = (file.metadata.metadata or {}).get(METADATA_KEY)
    if text is None:
        raise ArchiveError(
            f"{path} is a Parquet file, but not an archive of this tool.",
            "Create one with 'genreq-checks archive SOURCE -o FILE'.",
        )
    try:
        header, unknown = read_model(Header, text)
    except ValidationError:
        raise damaged(path, "its header cannot be read, or is of a newer version of genreq-checks") from None
    schema = file.schema_arrow
    if schema.names != list(header.everything) or any(not pa.types.is_string(kind) for kind in schema.types):
        raise damaged(path, "its columns are not those of its header")
    return header, note_on(unknown, path.name, header.tool_version)


def column(kind: str, position: int, digest: ColumnDigest) -> ArchivedColumn:
    """What the header says about a column."""
    return ArchivedColumn(type=kind, position=position, values=digest.values, digest=digest.hexdigest())


def damaged(path: Path, what: str) -> ArchiveError:
    """The archive cannot be trusted."""
    return ArchiveError(f"The archive {path} is damaged: {what}.", "Use another copy of it, or create it again.")

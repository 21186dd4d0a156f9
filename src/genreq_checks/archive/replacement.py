"""Whether a new archive may replace an older one: only when it holds every value that the older one holds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genreq_checks.errors import ArchiveError, OutputError
from genreq_checks.facts.identity import Identity, compare
from genreq_checks.sources.archive import opened
from genreq_checks.sources.archive_header import Header
from genreq_checks.text import plural

MEMORY = "512MB"
HINT = "Name another file, or add --replace to replace the older one."


def existing_archive(path: Path) -> Header | None:
    """The header of the archive at the path, or None when there is no file (or an empty one).

    Raises: OutputError for a file that is not an archive.
    """
    if not path.exists() or (path.is_file() and path.stat().st_size == 0):
        return None
    try:
        with opened(path) as archive:
            return archive.header
    except ArchiveError as error:
        raise OutputError(f"{path} was not replaced: {error.message}", HINT) from None


def require_same_source(path: Path, old: Header, table: str, identity: Identity) -> None:
    """Raises: OutputError when the archive at the path is of another table or database than the new one."""
    comparison = compare(old.identity, identity)
    if old.table == table and comparison.kind != "other":
        return
    then = f"{old.table} in {old.identity.short if old.identity else old.location}"
    why = f": {comparison.text}" if comparison.kind == "other" else ""
    raise OutputError(
        f"{path} was not replaced: it is the archive of {then}, but the new one is of {table} in {identity.short}{why}.",
        HINT,
    )


def require_no_less(path: Path, old: Header, new_path: Path, new: Header) -> None:
    """Raises: OutputError when the archive at the path has a value that the new one does not have for the same key."""
    lost = _lost(path, old, new_path, new)
    if not any(lost.values()):
        return
    missing = " and ".join(f"{plural(count, 'value')} of {name}" for name, count in lost.items() if count)
    raise OutputError(
        f"{path} was not replaced: {missing} in it would be lost. It is from {old.created_at:%Y-%m-%d %H:%M} UTC with "
        f"{_contents(old)}; the new one has {_contents(new)}.",
        HINT,
    )


def _contents(header: Header) -> str:
    values = ", ".join(f"{name} {column.values:,}" for name, column in header.columns.items())
    return f"{plural(header.rows, 'row')} (values: {values})"


def _lost(old_path: Path, old: Header, new_path: Path, new: Header) -> dict[str, int]:
    """Per column, the number of values of the old archive that are missing or different in the new one, by key."""
    if list(old.key) != list(new.key):
        return {name: column.values for name, column in old.columns.items()}
    found: dict[str, int] = {}
    for name, column in old.columns.items():
        now = new.columns.get(name)
        if now is not None and old.rows == new.rows and _digests(old, name) == _digests(new, name):
            found[name] = 0  # the same keys and values in the same order
        else:
            found[name] = column.values if now is None else _count_lost(old_path, new_path, list(old.key), name)
    return found


def _digests(header: Header, name: str) -> list[str]:
    return [header.columns[name].digest, *(column.digest for column in header.key.values())]


@contextmanager
def _spill_folder(part: Path) -> Iterator[Path]:
    """A private folder next to the archive, for what does not fit into memory; removed afterwards.

    Its name is always that of the part file and `.spill`, so that the next run removes what a killed run left.
    """
    folder = part.with_name(f"{part.name}.spill")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _count_lost(old_path: Path, new_path: Path, key: list[str], name: str) -> int:
    """The number of values of one column without an equal value for their key in the new archive, by 64-bit hashes."""
    import duckdb
    from duckdb import ColumnExpression, FunctionExpression

    with _spill_folder(new_path) as folder, duckdb.connect() as connection:
        connection.execute("SET memory_limit = ?", [MEMORY])
        connection.execute("SET temp_directory = ?", [str(folder)])

        def hashed(path: Path, alias: str) -> duckdb.DuckDBPyRelation:
            rows = connection.read_parquet(str(path)).filter(ColumnExpression(name).isnotnull())
            keys = [ColumnExpression(column).alias(f"k{place}") for place, column in enumerate(key)]
            return rows.select(*keys, FunctionExpression("hash", ColumnExpression(name)).alias("h")).set_alias(alias)

        old, new = hashed(old_path, "old"), hashed(new_path, "new")
        same = ColumnExpression("old", "h") == ColumnExpression("new", "h")
        for place in range(len(key)):
            same &= ColumnExpression("old", f"k{place}") == ColumnExpression("new", f"k{place}")
        return len(old.join(new, same, how="anti"))

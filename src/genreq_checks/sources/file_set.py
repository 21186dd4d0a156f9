"""The row files that a path names: a file, a folder or a glob; which kind they are, and whether each is whole."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from genreq_checks.errors import UsageError
from genreq_checks.snapshot import Problem
from genreq_checks.text import shown_path

SUFFIXES = {".parquet": "parquet", ".csv": "csv", ".csv.gz": "csv"}
DELIMITERS = ",;\t|"
LONGEST_LINE = 32_000_000  # bytes of one row in a CSV file
COMPLETE = "Check that the file is complete."
ONE_KIND = "Name one kind: '*.parquet' or '*.csv'."


@dataclass(frozen=True, slots=True)
class FileSet:
    """Row files of one kind, in a stable order. `given` is the path that names them."""

    given: str
    kind: str
    files: tuple[str, ...]

    @property
    def reader(self) -> str:
        """DuckDB's function that reads the files, which are its parameter; nothing of a CSV file is guessed from its rows."""
        if self.kind == "parquet":
            return "read_parquet(?, union_by_name = true, hive_types_autocast = false)"
        return (
            "read_csv(?, all_varchar = true, header = true, union_by_name = true, allow_quoted_nulls = false, "
            "hive_types_autocast = false, quote = '\"', escape = '\"', comment = '', skip = 0, strict_mode = true, "
            f"max_line_size = {LONGEST_LINE}, delim = '{_delimiter(self.files[0])}')"
        )

    def relation(self, connection: duckdb.DuckDBPyConnection, *files: str) -> duckdb.DuckDBPyRelation:
        """The rows of all files, or of some. The names are parameters: no path is ever part of a statement."""
        return connection.sql(f"SELECT * FROM {self.reader}", params=[list(files or self.files)])  # noqa: S608

    def named_in(self, error: duckdb.Error) -> str | None:
        """The file that an error of DuckDB is about."""
        return next((file for file in sorted(self.files, key=len, reverse=True) if file in str(error)), None)


def find(path: str) -> FileSet:
    """The files. What begins with '_' or '.' within a folder is no row file: engines keep their own there.

    Raises: UsageError when there is no such file, or when Parquet and CSV are mixed.
    """
    base = Path(path)
    if base.is_dir():
        found = sorted(p for p in base.rglob("*") if _kind(p) and not _is_hidden(p.relative_to(base)))
    elif base.exists():
        found = [base]
    else:
        found = _matching(base)
    kinds = {_kind(p) or p.suffix for p in found}
    if not found:
        raise UsageError(
            f"There are no row files at {shown_path(path)}.", "Name a .parquet or .csv file, a folder or a glob."
        )
    if len(kinds) > 1 or kinds - set(SUFFIXES.values()):
        raise UsageError(f"{path} holds files of several kinds ({', '.join(sorted(kinds))}).", ONE_KIND)
    return FileSet(path, kinds.pop(), tuple(str(p) for p in found))


def obstacle(files: FileSet) -> Problem | None:
    """Why not all rows may be there: a job still writes, or a CSV file ends within a line."""
    base = Path(files.given)
    if base.is_dir() and (base / "_temporary").exists():
        return _problem(f"A job is still writing {files.given}, or has failed: it has a folder _temporary.")
    for file in files.files if files.kind == "csv" else ():
        if not Path(file).stat().st_size:
            return _problem(f"{file} is empty, without a header.")
        if not _ends_with_a_line(Path(file)):
            return Problem(
                part="tally",
                message=f"{file} ends within a line: it may be half-written.",
                hint="If it is complete, add a line end to it.",
            )
    return None


def uneven(connection: duckdb.DuckDBPyConnection, files: FileSet, names: Sequence[str]) -> Problem | None:
    """A column that some files have and others lack. What a file does not hold is not NULL there."""
    if len(files.files) == 1:
        return None
    columns = _columns(connection, files)
    for name in names:
        lacking = [file for file in files.files if name not in columns[file]]
        if lacking and len(lacking) < len(files.files):
            return Problem(
                part="tally",
                message=f"{len(lacking):,} of {len(files.files):,} files have no column {name}, such as {lacking[0]}.",
                hint="Name files of one form: a column that a file does not have is not NULL there.",
            )
    return None


def could_not_be_read(connection: duckdb.DuckDBPyConnection, files: FileSet, error: duckdb.Error) -> Problem:
    """The problem with the name of the file that is damaged."""
    file = files.named_in(error) or _first_damaged(connection, files) or files.given
    return _problem(f"{file} could not be read as {files.kind}: {type(error).__name__}.")


def _problem(message: str) -> Problem:
    return Problem(part="tally", message=message, hint=COMPLETE)


def _first_damaged(connection: duckdb.DuckDBPyConnection, files: FileSet) -> str | None:
    """The first file of which not every value can be read by itself."""
    for file in files.files:
        try:
            rows = files.relation(connection, file)
            rows.aggregate("count(COLUMNS(*))").fetchall()
        except duckdb.Error:
            return file
    return None


def _columns(connection: duckdb.DuckDBPyConnection, files: FileSet) -> Mapping[str, frozenset[str]]:
    """The columns of each file, those in the names of its folders too."""
    if files.kind == "csv":
        return {file: frozenset(files.relation(connection, file).columns) for file in files.files}
    found: dict[str, set[str]] = {file: set(_partitions(Path(file).parts)) for file in files.files}
    for file, name in connection.execute(
        "SELECT file_name, name FROM parquet_schema(?)", [list(files.files)]
    ).fetchall():
        found[file].add(name)
    return {file: frozenset(names) for file, names in found.items()}


def _partitions(folders: Iterable[str]) -> list[str]:
    return [folder.partition("=")[0] for folder in folders if "=" in folder]


def _kind(path: Path) -> str | None:
    return next((kind for suffix, kind in SUFFIXES.items() if path.name.endswith(suffix)), None)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(("_", ".")) for part in path.parts)


def _matching(pattern: Path) -> list[Path]:
    """The files of a pattern; none for an invalid pattern, such as `a**`."""
    anchor = Path(pattern.anchor or ".")
    try:
        within = pattern.relative_to(pattern.anchor) if pattern.anchor else pattern
        return sorted(path for path in anchor.glob(str(within)) if path.is_file())
    except ValueError:
        return []


def _delimiter(file: str) -> str:
    """What parts the names in a CSV file's header."""
    with gzip.open(file) if file.endswith(".gz") else open(file, "rb") as opened:
        header = opened.readline(LONGEST_LINE).decode("utf-8", "replace")
    return max(DELIMITERS, key=header.count)


def _ends_with_a_line(file: Path) -> bool:
    """Whether a CSV file's last byte is a line end; a packed one that is cut does not unpack."""
    if file.suffix == ".gz":
        return True
    with file.open("rb") as opened:
        opened.seek(-1, 2)
        return opened.read(1) in b"\r\n"

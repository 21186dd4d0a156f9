"""A folder of Drizzle migrations: with a journal (up to 0.x) or one folder for each migration (1.0)."""

from __future__ import annotations

import codecs
import hashlib
import json
import re
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from genreq_checks.errors import UsageError
from genreq_checks.facts import Migration, MigrationFolder
from genreq_checks.plan import Plan
from genreq_checks.sources.migration_sql import read_statements

LARGEST = 8 * 2**20  # bytes; a migration beyond this is data, and is not read
MOST = 10_000
_FOLDER = re.compile(r"([0-9]{14})_[^/]+")


class _UnreadableError(Exception):
    """A file that is not read, and why."""


def read_folder(folder: Path, plan: Plan) -> MigrationFolder:
    """The migrations in a folder, in the order in which they apply; damage is reported in the result.

    Raises: UsageError when there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(
            f"There is no folder {folder} of migrations.", "Give the folder that drizzle-kit writes (`out`)."
        )
    try:
        names = sorted(path.name for path in folder.iterdir())[:MOST]
    except OSError as error:
        return MigrationFolder(str(folder), "none", problems=(f"{folder} could not be read: {error.strerror}",))
    dated = [name for name in names if _FOLDER.fullmatch(name) and (folder / name).is_dir()]
    files = [name for name in names if name.endswith(".sql")]
    if "meta" in names or files:
        problems = [f"{len(dated)} folders of Drizzle 1.0 next to a journal are not read"] if dated else []
        return _journal(folder, files, problems, plan)
    if dated:
        made = (_read(folder / name / "migration.sql", name, _time(name), True, plan) for name in dated)
        return MigrationFolder(str(folder), "folders", tuple(made))
    inside = [name for name in names if (folder / name / "meta" / "_journal.json").is_file()]
    hint = f"; is it {folder / inside[0]}?" if inside else ""
    return MigrationFolder(str(folder), "none", problems=(f"{folder} holds no Drizzle migrations{hint}",))


def _journal(folder: Path, files: list[str], problems: list[str], plan: Plan) -> MigrationFolder:
    """The journal's entries in its order, then the files that it does not name."""
    entries: list[Any] = []
    try:
        entries = json.loads(_bytes(folder / "meta" / "_journal.json"))["entries"]
        if not isinstance(entries, list):
            raise TypeError
    except _UnreadableError as error:
        problems.append(f"meta/_journal.json {error}")
    except (ValueError, TypeError, KeyError, RecursionError):
        problems.append("meta/_journal.json is damaged: it is not JSON with a list 'entries'")
        entries = []
    migrations: list[Migration] = []
    for number, entry in enumerate(entries):
        tag, when = (entry.get("tag"), entry.get("when")) if isinstance(entry, dict) else (None, None)
        if (
            not isinstance(tag, str)
            or not re.fullmatch(r"[^/\\\x00]{1,200}", tag)
            or not isinstance(when, (int, float))
        ):
            problems.append(f"entry {number} of meta/_journal.json has no valid tag and when")
            continue
        migrations.append(_read(folder / f"{tag}.sql", tag, int(when), True, plan))
    if not problems:  # a damaged journal does not show what is missing in it
        listed = {f"{migration.tag}.sql" for migration in migrations}
        migrations += [_read(folder / name, name[:-4], None, False, plan) for name in files if name not in listed]
    return MigrationFolder(str(folder), "journal", tuple(migrations), tuple(problems))


def _read(path: Path, tag: str, when: int | None, journaled: bool, plan: Plan) -> Migration:
    try:
        content = _bytes(path)
    except _UnreadableError as error:
        return Migration(tag, when, journaled, problem=f"{path.name} {error}")
    plain = content.replace(b"\r\n", b"\n")
    hashes = frozenset(hashlib.sha256(text).hexdigest() for text in (plain, plain.replace(b"\n", b"\r\n")))
    marked = content.startswith(codecs.BOM_UTF8)
    statements = read_statements(content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace"), plan)
    return Migration(tag, when, journaled, hashlib.sha256(content).hexdigest(), hashes, statements, marked)


def _bytes(path: Path) -> bytes:
    """A file's content. Raises: _UnreadableError for what is missing, a link, not a plain file, or too large."""
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            raise _UnreadableError("is a symbolic link, which is not followed")
        if not stat.S_ISREG(found.st_mode):
            raise _UnreadableError("is not a plain file")
        if found.st_size > LARGEST:
            raise _UnreadableError(f"has {found.st_size:,} bytes, which is too large for a migration")
        return path.read_bytes()
    except FileNotFoundError:
        raise _UnreadableError("is missing") from None
    except OSError as error:
        raise _UnreadableError(f"could not be read: {error.strerror}") from None


def _time(name: str) -> int | None:
    """The time in a 1.0 folder's name, in milliseconds since 1970."""
    try:
        return int(datetime.strptime(name[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return None

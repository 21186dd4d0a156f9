"""Drizzle's migrations: with a journal (up to 0.x) or one folder for each migration (1.0)."""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from genreq_checks.facts.migrations import Migration, MigrationFolder
from genreq_checks.plan import Plan
from genreq_checks.sources.migration_sql import read_statements
from genreq_checks.sources.migrations.files import UnreadableError, content_of
from genreq_checks.sources.migrations.marks import dated_folders


def read_drizzle(folder: Path, names: Sequence[str], plan: Plan) -> MigrationFolder:
    """The migrations in a folder with these names, in the order in which they apply; damage is reported in the result."""
    dated = dated_folders(folder, names)
    files = [name for name in names if name.endswith(".sql")]
    if "meta" in names or files:
        problems = [f"{len(dated)} folders of Drizzle 1.0 next to a journal are not read"] if dated else []
        return _journal(folder, files, problems, plan)
    made = (_read(folder / name / "migration.sql", name, _time(name), True, plan) for name in dated)
    return MigrationFolder(str(folder), "folders", tuple(made))


def _journal(folder: Path, files: list[str], problems: list[str], plan: Plan) -> MigrationFolder:
    """The journal's entries in its order, then the files that it does not name."""
    entries: list[Any] = []
    try:
        entries = json.loads(content_of(folder / "meta" / "_journal.json"))["entries"]
        if not isinstance(entries, list):
            raise TypeError
    except UnreadableError as error:
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
        content = content_of(path)
    except UnreadableError as error:
        return Migration(tag, when, journaled, problem=f"{path.name} {error}")
    plain = content.replace(b"\r\n", b"\n")
    hashes = frozenset(hashlib.sha256(text).hexdigest() for text in (plain, plain.replace(b"\n", b"\r\n")))
    marked = content.startswith(codecs.BOM_UTF8)
    statements = read_statements(content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace"), plan)
    return Migration(tag, when, journaled, hashlib.sha256(content).hexdigest(), hashes, statements, marked)


def _time(name: str) -> int | None:
    """The time in a 1.0 folder's name, in milliseconds since 1970."""
    try:
        return int(datetime.strptime(name[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return None

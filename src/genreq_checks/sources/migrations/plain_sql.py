"""Folders of plain SQL files: Flyway's (V1__name.sql) and golang-migrate's (1_name.up.sql)."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from pathlib import Path

from genreq_checks.evidence.migration_tools import version_of
from genreq_checks.facts.migrations import Migration, MigrationFolder
from genreq_checks.plan import Plan
from genreq_checks.sources.migration_sql import read_statements
from genreq_checks.sources.migrations.files import MOST, UnreadableError, text_of
from genreq_checks.sources.migrations.marks import FLYWAY, GOLANG_MIGRATE

_CALLBACK = re.compile(r"(?:before|after|create)[A-Z]\w*(?:__.*)?\.sql")
_LINE_END = re.compile(r"\r\n|\r|\n")


def read_flyway(folder: Path, plan: Plan) -> MigrationFolder:
    """Flyway's versioned and repeatable migrations, in all folders below, by version; undo and baseline scripts are left out."""
    found: list[Migration] = []
    problems: list[str] = []
    seen: dict[tuple[int, ...], str] = {}
    for path in sorted(folder.rglob("*"), key=str)[:MOST]:
        name = path.name
        if re.fullmatch(r"[VR][0-9._]*__.*\.(?:java|class|kt|py|sh)", name):
            problems.append(f"{name} is a migration that is not SQL, and is not read")
        known = FLYWAY.fullmatch(name) is not None
        if not name.endswith(".sql") or _CALLBACK.fullmatch(name) or (known and name[0] in "UB"):
            continue
        version = version_of(name) if known else None
        if version is not None and version in seen:
            problems.append(f"{name} and {seen[version]} have the same version: migrate refuses")
        if version is not None:
            seen[version] = name
        found.append(_read(path, name, known, plan, checksum=True))
    found.sort(key=lambda one: (not one.journaled, version_of(one.tag) is None, version_of(one.tag) or (), one.tag))
    return MigrationFolder(str(folder), "flyway", tuple(found), tuple(problems))


def read_golang_migrate(folder: Path, names: Sequence[str], plan: Plan) -> MigrationFolder:
    """golang-migrate's upward migrations, by version."""
    found: list[Migration] = []
    problems: list[str] = []
    seen: dict[int, str] = {}
    for name in names:
        if not name.endswith(".sql"):
            continue
        named = GOLANG_MIGRATE.fullmatch(name)
        if named is None:
            found.append(_read(folder / name, name, False, plan))
        elif named[2] == "up":
            version = int(named[1])
            if version in seen:
                problems.append(f"{name} and {seen[version]} have the same version: migrate refuses")
            seen[version] = name
            found.append(_read(folder / name, name, True, plan, revision=str(version)))
    found.sort(key=lambda one: (not one.journaled, int(one.revision or 0), one.tag))
    return MigrationFolder(str(folder), "golang-migrate", tuple(found), tuple(problems))


def _read(path: Path, name: str, known: bool, plan: Plan, *, checksum: bool = False, revision: str = "") -> Migration:
    tag = name.removesuffix(".sql").removesuffix(".up")
    try:
        text = text_of(path)
    except UnreadableError as error:
        return Migration(tag, None, known, problem=f"{name} {error}", revision=revision)
    replaced = name.startswith("R") and "${" in text  # of these Flyway takes the checksum after it replaced them
    total = _flyway_checksum(text) if checksum and not replaced else None
    return Migration(tag, None, known, total, statements=read_statements(text, plan), revision=revision)


def _flyway_checksum(text: str) -> str:
    """CRC-32 of the lines without their ends, as a signed number: the same with all line endings."""
    total = 0
    for line in _LINE_END.split(text):
        total = zlib.crc32(line.encode(), total)
    return str(total - 2**32 if total >= 2**31 else total)

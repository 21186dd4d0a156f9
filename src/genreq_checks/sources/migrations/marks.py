"""Which migration tool wrote a folder, by the marks that each leaves in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from genreq_checks.sources.migrations.files import UnreadableError, text_of

FLYWAY = re.compile(r"(?:[VB][0-9][0-9._]*|U[0-9][0-9._]*|R)__[^/]*\.sql")
GOLANG_MIGRATE = re.compile(r"([0-9]+)_[^/]*\.(up|down)\.sql")
_DATED = re.compile(r"([0-9]{14})_[^/]+")
_MOST_TEXTS = 20  # files whose text is read to find a mark


@dataclass(frozen=True, slots=True)
class Contents:
    """A folder's path and the names in it, sorted."""

    folder: Path
    names: Sequence[str]

    def named(self, pattern: str) -> bool:
        """Is there a name that the expression fits completely?"""
        return any(re.fullmatch(pattern, name) for name in self.names)

    def says(self, name: str, text: str) -> bool:
        """Do the files whose names fit the first expression have a text that fits the second? Some of them are read."""
        files = [one for one in self.names if re.fullmatch(name, one)][:_MOST_TEXTS]
        return any(re.search(text, _text(self.folder / file), re.MULTILINE) for file in files)

    def has(self, *parts: str) -> bool:
        """Is there such a file or folder?"""
        return self.folder.joinpath(*parts).exists()

    def in_dated(self, name: str) -> bool:
        """Does a folder that begins with a time have such a file?"""
        return any((self.folder / one / name).is_file() for one in dated_folders(self.folder, self.names))


_Mark = Callable[[Contents], bool]
_CODE = r".*\.(?:[cm]?[jt]s)"
# In this order: a mark of its own decides before one that another tool's folder may have too.
MARKS: dict[str, _Mark] = {
    "Drizzle": lambda c: c.has("meta", "_journal.json") or c.in_dated("snapshot.json"),
    "Prisma": lambda c: c.has("migration_lock.toml"),
    "sqitch": lambda c: c.has("sqitch.plan"),
    "Alembic": lambda c: (c.has("env.py") and c.has("versions")) or c.says(r".*\.py", r"^down_revision\s*(?::[^=]+)?="),
    "Django": lambda c: c.says(r"[0-9].*\.py", r"^class Migration\(\s*(?:migrations\.)?Migration\s*\)"),
    "Rails": lambda c: c.says(r"[0-9]+_.*\.rb", r"<\s*ActiveRecord::Migration"),
    "Flyway": lambda c: c.named(FLYWAY.pattern) or _deeper(c, FLYWAY),
    "golang-migrate": lambda c: c.named(GOLANG_MIGRATE.pattern),
    "TypeORM": lambda c: c.says(
        _CODE, r"\bMigrationInterface\b|\bimplements\s+Migration\b|^\s*name\s*=\s*'\w+[0-9]{13}'"
    ),
    "Knex": lambda c: c.says(rf"[0-9]{{14}}_{_CODE}", r"\bknex\b"),
    "Drizzle or Prisma": lambda c: c.in_dated("migration.sql"),
    "Drizzle without its journal": lambda c: c.has("meta") or c.named(r".*\.sql"),
}


def tool_of(folder: Path, names: Sequence[str]) -> str:
    """The tool's name (a key of MARKS), or '' when no mark is known."""
    contents = Contents(folder, names)
    return next((tool for tool, mark in MARKS.items() if mark(contents)), "")


def dated_folders(folder: Path, names: Sequence[str]) -> list[str]:
    """The folders that begin with a time: of Drizzle 1.0, and of Prisma."""
    return [name for name in names if _DATED.fullmatch(name) and (folder / name).is_dir()]


def _deeper(contents: Contents, pattern: re.Pattern[str]) -> bool:
    """Do the folders directly in it have such a file?"""
    return any(
        pattern.fullmatch(path.name)
        for name in contents.names[:_MOST_TEXTS]
        if (contents.folder / name).is_dir()
        for path in (contents.folder / name).glob("*.sql")
    )


def _text(path: Path) -> str:
    try:
        return text_of(path)
    except UnreadableError:
        return ""

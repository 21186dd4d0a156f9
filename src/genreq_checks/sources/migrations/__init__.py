"""A folder of migrations: which tool wrote it, its migrations in their order, and what each does to the plan's table."""

from __future__ import annotations

from pathlib import Path

from genreq_checks.errors import UsageError
from genreq_checks.facts.migrations import MigrationFolder
from genreq_checks.plan import Plan
from genreq_checks.sources.migrations.alembic import read_alembic, read_alembic_sql
from genreq_checks.sources.migrations.drizzle import read_drizzle
from genreq_checks.sources.migrations.files import MOST
from genreq_checks.sources.migrations.marks import tool_of
from genreq_checks.sources.migrations.plain_sql import read_flyway, read_golang_migrate

READ = "Drizzle, Alembic, Flyway and golang-migrate"
_INSTEAD = "the check dropped.* shows whether the columns are gone"


def read_folder(folder: Path, plan: Plan) -> MigrationFolder:
    """The migrations in a folder, or in a file of Alembic's SQL; damage is reported in the result.

    Raises: UsageError when there is no such folder.
    """
    if folder.is_file():
        return read_alembic_sql(folder, plan)
    if not folder.is_dir():
        raise UsageError(
            f"There is no folder {folder} of migrations.",
            "Give the folder that the migration tool writes (drizzle-kit's `out`, Alembic's script_location).",
        )
    try:
        names = sorted(path.name for path in folder.iterdir())[:MOST]
    except OSError as error:
        return _nothing(folder, f"{folder} could not be read: {error.strerror}")
    match tool := tool_of(folder, names):
        case "Drizzle" | "Drizzle without its journal":
            return read_drizzle(folder, names, plan)
        case "Alembic":
            return read_alembic(folder, plan)
        case "Flyway":
            return read_flyway(folder, plan)
        case "golang-migrate":
            return read_golang_migrate(folder, names, plan)
        case "Drizzle or Prisma":
            reason = "is Drizzle 1.0 without snapshot.json, or Prisma without migration_lock.toml: which cannot be told"
            return _nothing(folder, f"{folder} {reason}")
        case "":
            inside = [name for name in names if (folder / name).is_dir() and _tool_inside(folder / name)]
            hint = f"; is it {folder / inside[0]}?" if inside else f"; {READ} are read"
            return _nothing(folder, f"{folder} holds no migrations that are recognized{hint}")
        case _:
            return _nothing(folder, f"{folder} is {tool}, which is not read yet ({READ} are): {_INSTEAD}")


def _tool_inside(folder: Path) -> str:
    try:
        return tool_of(folder, sorted(path.name for path in folder.iterdir())[:MOST])
    except OSError:
        return ""


def _nothing(folder: Path, problem: str) -> MigrationFolder:
    return MigrationFolder(str(folder), "none", problems=(problem,))

"""Each migration's state: its file, the journal, the bookkeeping and the table compared with each other. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from genreq_checks.evidence.migration_tools import of_alembic, of_flyway, of_golang_migrate
from genreq_checks.evidence.standing import Database, Standing, State, is_done
from genreq_checks.facts.migrations import Migration, MigrationFolder
from genreq_checks.snapshot import AppliedMigration


def standings(folder: MigrationFolder, database: Database) -> tuple[list[Standing], list[AppliedMigration]]:
    """Each migration's state in the folder's order, and the bookkeeping rows without a migration."""
    match folder.tool:
        case "alembic":
            found, left = of_alembic(folder, database)
        case "flyway":
            found, left = of_flyway(folder, database)
        case "golang-migrate":
            found, left = of_golang_migrate(folder, database)
        case _:
            found, left = _of_drizzle(folder, database)
    return _contradictions(found, database), left


def _of_drizzle(folder: MigrationFolder, database: Database) -> tuple[list[Standing], list[AppliedMigration]]:
    """By time (with a journal) or by name; the bookkeeping has each file's hash."""
    matched, left = _match(folder, database.applied)
    found = [_standing(folder, one, matched.get(number), database) for number, one in enumerate(folder.migrations)]
    return found, left


_Test = Callable[[Migration, AppliedMigration], bool]


def _match(
    folder: MigrationFolder, applied: Sequence[AppliedMigration]
) -> tuple[dict[int, AppliedMigration], list[AppliedMigration]]:
    """Which bookkeeping row belongs to which migration: the most certain match first, each row for one migration."""
    same_time: _Test = lambda m, row: m.when is not None and row.created_at == m.when  # noqa: E731
    same_text: _Test = lambda m, row: m.hash == row.hash or row.hash in m.hashes  # noqa: E731
    same_name: _Test = lambda m, row: row.name == m.tag  # noqa: E731
    tests: list[_Test] = [lambda m, row: same_time(m, row) and m.hash == row.hash]
    tests += [lambda m, row: same_time(m, row) and same_text(m, row), same_time, same_text]
    if folder.style == "folders":
        tests = [same_name, lambda m, row: row.name is None and (same_text(m, row) or same_time(m, row))]
    left = list(applied)
    matched: dict[int, AppliedMigration] = {}
    for test in tests:
        for number, migration in enumerate(folder.migrations):
            row = next((row for row in left if test(migration, row)), None) if number not in matched else None
            if row is not None and (migration.journaled or same_text(migration, row)):
                matched[number] = row
                left.remove(row)
    return matched, left


def _standing(
    folder: MigrationFolder, migration: Migration, row: AppliedMigration | None, database: Database
) -> Standing:
    newest = database.newest
    by_time = folder.style == "journal"
    if migration.problem:
        return Standing(migration, "unreadable", row)
    if not migration.journaled:
        return Standing(migration, "unlisted", row)
    if row is not None:
        state: State = "applied"
        if row.hash != migration.hash:
            state = "line-endings" if row.hash in migration.hashes else "edited"
        again = by_time and migration.when is not None and newest is not None and migration.when > newest
        return Standing(migration, state, row, again)
    if is_done(migration, database):
        behind = by_time and newest is not None and migration.when is not None and migration.when <= newest
        return Standing(migration, "unrecorded", again=not behind)
    if by_time and newest is not None and migration.when is not None and migration.when <= newest:
        return Standing(migration, "skipped")
    return Standing(migration, "pending")


def _contradictions(found: list[Standing], database: Database) -> list[Standing]:
    """The last applied migration that alters a column decides; where the table differs, it is contradicted.

    A migration that creates the table does not count here: a missing column was dropped later, recorded or not.
    """
    done = [one for one in found if one.row is not None and one.state in ("applied", "line-endings")]
    done.sort(key=lambda one: ((one.row and one.row.id) or 0, (one.row and one.row.created_at) or 0))
    altering = [one for one in done if not one.migration.statements.makes_table]
    last = {name: one.migration for one in altering for name in one.migration.statements.effects}
    denied = {
        last[name].tag
        for name, there in database.columns.items()
        if name in last and (last[name].statements.effects[name] == "there") != there
    }
    return [replace(one, state="contradicted") if one.row and one.migration.tag in denied else one for one in found]

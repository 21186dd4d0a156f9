"""The states of migrations of Alembic, Flyway and golang-migrate: each by its own rule of what is applied. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from genreq_checks.evidence.standing import Database, Standing, is_done
from genreq_checks.facts.migrations import Migration, MigrationFolder
from genreq_checks.snapshot import AppliedMigration

Found = tuple[list[Standing], list[AppliedMigration]]


def of_alembic(folder: MigrationFolder, database: Database) -> Found:
    """The version table names the newest revisions; all on which they build are applied."""
    known = {one.revision: one for one in folder.migrations}
    before = {parent for one in folder.migrations for parent in one.after} - set(
        known
    )  # the file of SQL begins after them
    left = [row for row in database.applied if row.name not in known and row.name not in before]
    applied = set(_with_parents(known, [row.name or "" for row in database.applied]))
    found = []
    for number, one in enumerate(folder.migrations):
        if one.problem:
            found.append(Standing(one, "unreadable"))
        elif one.revision in applied:
            found.append(Standing(one, "applied", AppliedMigration(id=number, hash="", name=one.revision)))
        elif left:
            reason = (
                f"whether {one.tag} is applied cannot be told: {left[0].name}, which the database names, is not there"
            )
            found.append(Standing(replace(one, problem=reason), "unreadable"))
        elif is_done(one, database):
            found.append(Standing(one, "unrecorded", again=True))
        else:
            found.append(Standing(one, "pending"))
    return found, left


def _with_parents(known: Mapping[str, Migration], revisions: Sequence[str]) -> Iterator[str]:
    waiting, seen = list(revisions), set[str]()
    while waiting:
        revision = waiting.pop()
        if revision in known and revision not in seen:
            seen.add(revision)
            waiting += known[revision].after
            yield revision


def of_flyway(folder: MigrationFolder, database: Database) -> Found:
    """The history has a row for each; its last word about a version or a repeatable migration counts."""
    base: tuple[int, ...] = ()
    versions: dict[tuple[int, ...], AppliedMigration] = {}
    repeatable: dict[str, AppliedMigration] = {}
    for row in database.applied:
        version = version_of(row.name or "")
        if row.kind == "baseline" and version is not None:
            base = max(base, version)
        elif version is None:
            repeatable[row.name or ""] = row
        elif row.kind == "undone":
            versions.pop(version, None)
        else:
            versions[version] = row
    newest = max((version for version, row in versions.items() if row.kind == "applied"), default=())
    found = []
    last: AppliedMigration | None
    for one in folder.migrations:
        version = version_of(one.tag) if one.journaled else None
        last = versions.pop(version, None) if version is not None else repeatable.pop(one.tag, None)
        found.append(_of_flyway(one, version, last, max(base, newest), base, database))
    return found, [*versions.values(), *(row for row in repeatable.values() if row.kind != "undone")]


def _of_flyway(
    one: Migration,
    version: tuple[int, ...] | None,
    row: AppliedMigration | None,
    newest: tuple[int, ...],
    base: tuple[int, ...],
    database: Database,
) -> Standing:
    if not one.journaled:
        return Standing(one, "unlisted")
    if one.problem:
        return Standing(one, "unreadable", row)
    if row is not None:
        if row.kind == "failed":
            return Standing(one, "failed", row)
        if row.hash and one.hash and row.hash != one.hash:
            return Standing(one, "edited" if version is not None else "pending", row)
        return Standing(one, "applied", row)
    if is_done(one, database) or (version is not None and version <= base and not one.statements.effects):
        return Standing(one, "unrecorded" if version is None or version > base else "applied", again=True)
    return Standing(one, "skipped" if version is not None and version <= newest else "pending")


def of_golang_migrate(folder: MigrationFolder, database: Database) -> Found:
    """The table has one version, up to which all are applied; `dirty` when the last run did not finish."""
    row = database.applied[0] if database.applied else None
    current = int(row.name or -1) if row else -1
    found = []
    for number, one in enumerate(folder.migrations):
        version = int(one.revision or -1)
        if not one.journaled:
            found.append(Standing(one, "unlisted"))
        elif one.problem:
            found.append(Standing(one, "unreadable"))
        elif row and row.kind == "failed" and version == current:
            found.append(Standing(one, "failed", row))
        elif version <= current:
            found.append(Standing(one, "applied", AppliedMigration(id=number, hash="", name=one.revision)))
        else:
            found.append(Standing(one, "unrecorded" if is_done(one, database) else "pending", again=True))
    named = any(one.revision == str(current) for one in folder.migrations)
    return found, [row] if row and not named else []


def version_of(tag: str) -> tuple[int, ...] | None:
    """The version in a Flyway migration's name (`V1_2__name`) or history (`1.2`): 1.2 is before 1.10, and is 1.2.0."""
    found = re.match(r"[VUB]?([0-9][0-9._]*)", tag)
    if found is None:
        return None
    parts = [int(part) for part in re.findall(r"[0-9]+", found[1])]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)

"""Alembic's revisions, from the files of a folder (which are not executed) or from the SQL of `alembic upgrade --sql`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from genreq_checks.facts.migrations import Migration, MigrationFolder, Statements
from genreq_checks.plan import Plan
from genreq_checks.sources.migration_sql import read_statements
from genreq_checks.sources.migrations.alembic_operations import Script
from genreq_checks.sources.migrations.alembic_script import read_script
from genreq_checks.sources.migrations.files import MOST, UnreadableError, text_of

_RUNNING = re.compile(r"^-- Running upgrade (?P<after>.*?) -> (?P<revision>\S+)[ ]*$", re.MULTILINE)


def read_alembic(folder: Path, plan: Plan) -> MigrationFolder:
    """The revisions in a folder (its own files, or those in `versions`), parents first."""
    inside = folder / "versions"
    place = inside if (folder / "env.py").is_file() and inside.is_dir() else folder
    scripts: dict[str, Script] = {}
    migrations: dict[str, Migration] = {}
    problems: list[str] = []
    for path in sorted(place.glob("*.py"))[:MOST]:
        if path.name in ("__init__.py", "env.py"):
            continue
        try:
            script = read_script(text_of(path))
        except UnreadableError as error:
            problems.append(f"{path.name} {error}")
            continue
        if script.problem:
            problems.append(f"{path.name} {script.problem}")
        elif script.revision:
            if script.revision in scripts:
                problems.append(f"revision {script.revision} is in two files, {path.name} is one")
            scripts[script.revision] = script
            migrations[script.revision] = _migration(script, plan)
    for revision, script in scripts.items():
        missing = [one for one in (*script.after, *script.depends) if one not in scripts]
        problems += (f"revision {one}, on which {revision} builds, is not in the folder" for one in missing)
    return _whole(str(folder), migrations, scripts, problems)


def read_alembic_sql(path: Path, plan: Plan) -> MigrationFolder:
    """The revisions in a file that `alembic upgrade --sql` wrote."""
    try:
        text = text_of(path)
    except UnreadableError as error:
        return MigrationFolder(str(path), "none", problems=(f"{path.name} {error}",))
    found = list(_RUNNING.finditer(text))
    if not found:
        problem = f"{path.name} is not what `alembic upgrade --sql` writes: it has no line '-- Running upgrade … -> …'"
        return MigrationFolder(str(path), "none", problems=(problem,))
    ends = [one.start() for one in found[1:]] + [len(text)]
    migrations: dict[str, Migration] = {}
    scripts: dict[str, Script] = {}
    for one, end in zip(found, ends, strict=True):
        parents = tuple(re.findall(r"[^\s,]+", one["after"]))
        statements = read_statements(text[one.end() : end], plan)
        migrations[one["revision"]] = _made(one["revision"], parents, statements)
        scripts[one["revision"]] = Script(one["revision"], parents)
    return _whole(str(path), migrations, scripts, [])


def _migration(script: Script, plan: Plan) -> Migration:
    statements = read_statements("\n;\n".join(script.sql), plan) if script.sql else Statements()
    if script.unclear and not statements.unclear:
        statements = replace(statements, unclear=f"{script.unclear}; the file of `alembic upgrade --sql` shows it")
    return _made(script.revision, (*script.after, *script.depends), statements)


def _made(revision: str, after: Sequence[str], statements: Statements) -> Migration:
    return Migration(revision, None, True, statements=statements, revision=revision, after=tuple(after))


def _whole(
    location: str, migrations: Mapping[str, Migration], scripts: Mapping[str, Script], problems: list[str]
) -> MigrationFolder:
    """The folder's facts, parents first. Heads are the revisions from which no other one is derived."""
    try:
        graph = {revision: one.after for revision, one in migrations.items()}
        order = [one for one in TopologicalSorter(graph).static_order() if one in migrations]
    except CycleError:
        problems.append("its revisions form a circle")
        order = list(migrations)
    parents = {one for script in scripts.values() for one in script.after}
    heads = tuple(one for one in order if one not in parents)
    return MigrationFolder(location, "alembic", tuple(migrations[one] for one in order), tuple(problems), heads)

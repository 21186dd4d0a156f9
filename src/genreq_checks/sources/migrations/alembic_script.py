"""An Alembic revision's file, by its syntax tree: its name, its parents, and what its upgrade does."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from genreq_checks.sources.migrations.alembic_operations import Reader, Script, assigned


def read_script(text: str) -> Script:
    """The revision in a file; one without a revision is another file."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Script(problem="is not Python that can be read")
    names = dict(_constants(tree))
    if "revision" not in names and "down_revision" not in names:
        return Script()
    script = Script(
        _one(names.get("revision")), _several(names.get("down_revision")), _several(names.get("depends_on"))
    )
    if not script.revision:
        script.problem = "has no revision that is written out"
    unread = [name for name in ("down_revision", "depends_on") if name in names and names[name] is ...]
    if unread:
        script.problem = f"has a {unread[0]} that is not written out"
    upgrades = [one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == "upgrade"]
    if not upgrades:
        script.problem = script.problem or "has no function upgrade"
    else:
        Reader(script, names, {}).block(upgrades[-1].body)
    return script


def _constants(tree: ast.Module) -> Iterator[tuple[str, object]]:
    """Each name of the module with its value; `...` where that is not a literal."""
    for statement in tree.body:
        if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield from assigned(statement)


def _one(value: object) -> str:
    return value if isinstance(value, str) else ""


def _several(value: object) -> tuple[str, ...]:
    if isinstance(value, (list, tuple, set)):
        return tuple(one for one in value if isinstance(one, str))
    return (value,) if isinstance(value, str) else ()

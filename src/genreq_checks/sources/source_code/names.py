"""The names that a column has in code."""

from __future__ import annotations

from genreq_checks.plan import Plan


def camel(name: str) -> str:
    """`download_url` → `downloadUrl`, as TypeScript spells a column."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def spellings(name: str) -> tuple[str, ...]:
    """A column's name as SQL and as TypeScript spell it, once if they agree."""
    return tuple(dict.fromkeys((name, camel(name))))


def code_names(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Dropped column → the names it has in code: the plan's `code_names`, or both spellings of the column."""
    return {column: gone.code_names or spellings(column) for column, gone in plan.dropped.items()}

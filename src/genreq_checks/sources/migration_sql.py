"""What a migration's SQL does to the plan's columns, by a parser; what it cannot tell it says."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from genreq_checks.migration_facts import Effect, Statements
from genreq_checks.plan import Plan

BREAKPOINT = "--> statement-breakpoint"


def read_statements(sql: str, plan: Plan) -> Statements:
    """The effects of a migration on the plan's table and columns.

    A statement that the parser does not know makes the answer unclear only if it may be about them: by their names in
    it, or because it is a block that runs SQL which is made on the way.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    effects: dict[str, Effect] = {}
    makes_table, unclear = False, ""
    for part in sql.split(BREAKPOINT):
        with _quiet():
            try:
                statements = [one for one in sqlglot.parse(part, dialect="postgres") if one is not None]
            except (SqlglotError, RecursionError):
                unclear = unclear or _doubt(part, plan, "SQL that could not be parsed")
                continue
        for one in statements:
            if isinstance(one, exp.Command):
                unclear = unclear or _doubt(f"{one.this} {one.expression}", plan, "dynamic or unusual SQL")
            elif isinstance(one, exp.Create) and one.kind == "TABLE" and _is_ours(one.find(exp.Table), plan):
                makes_table = True
                effects |= dict.fromkeys(_names(one.find_all(exp.ColumnDef), plan), "there")
            elif isinstance(one, exp.Drop) and one.kind == "TABLE" and any(_is_ours(t, plan) for t in _dropped(one)):
                effects |= dict.fromkeys([*plan.dropped, *plan.kept], "gone")
            elif isinstance(one, exp.Alter) and _is_ours(one.this, plan):
                for action in one.args.get("actions") or []:
                    unclear = unclear or _unclear(action)
                    if isinstance(action, exp.ColumnDef):
                        effects |= dict.fromkeys(_names([action], plan), "there")
                    elif isinstance(action, exp.Drop) and action.args.get("kind") == "COLUMN":
                        effects |= dict.fromkeys(_names(_dropped(action), plan), "gone")
    return Statements(effects, makes_table, unclear)


def _doubt(text: str, plan: Plan, what: str) -> str:
    """`what` when the statement may be about the plan's table or columns, else nothing."""
    words = {word.lower() for word in re.findall(r"\w+", text)}
    columns = {name.lower() for name in plan.dropped}
    if text.lstrip().upper().startswith("DO"):  # Drizzle itself writes such blocks around types and foreign keys
        return what if words & {*columns, "execute"} else ""
    harmless = re.search(r"\b(ROW LEVEL SECURITY|OWNER TO|COMMENT ON|GRANT|REVOKE)\b", text, re.IGNORECASE)
    return what if words & {plan.table.name.lower(), *columns} and not harmless else ""


def _unclear(action: Any) -> str:
    """Why an action of ALTER TABLE cannot be told; '' when it can, or does not matter."""
    from sqlglot import exp

    if isinstance(action, (exp.RenameColumn, exp.AlterRename)):
        return "a RENAME"
    return "unusual SQL" if isinstance(action, exp.Command) and str(action.this).upper() in ("ADD", "DROP") else ""


def _dropped(drop: Any) -> list[Any]:
    """What a DROP names; older versions of the parser have one name, newer ones a list."""
    return list(drop.args.get("tables") or ([drop.this] if drop.this else []))


def _identifier(node: Any) -> str:
    """A name as PostgreSQL means it: in lower case unless quoted."""
    from sqlglot import exp

    found = node if isinstance(node, exp.Identifier) else node.find(exp.Identifier)
    if found is None:
        return ""
    return str(found.this) if found.args.get("quoted") else str(found.this).lower()


def _names(nodes: Any, plan: Plan) -> list[str]:
    """Those of the named columns that the plan is about."""
    names = [_identifier(node.this) for node in nodes]
    return [name for name in names if name in plan.dropped or name in plan.kept]


def _is_ours(table: Any, plan: Plan) -> bool:
    """Is this the plan's table? A name without a schema is taken for it."""
    from sqlglot import exp

    if not isinstance(table, exp.Table) or _identifier(table.this) != plan.table.name:
        return False
    schema = table.args.get("db")
    return schema is None or _identifier(schema) == plan.table.schema_name


@contextmanager
def _quiet() -> Iterator[None]:
    """The parser warns of what it does not know on a logger of its own; here that is an answer, not news."""

    def nothing(record: logging.LogRecord) -> bool:
        return False

    logger = logging.getLogger("sqlglot")
    logger.addFilter(nothing)
    try:
        yield
    finally:
        logger.removeFilter(nothing)

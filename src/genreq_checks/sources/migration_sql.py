"""What a migration's SQL does to the plan's columns, by a parser; what the parser cannot decide is reported."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from genreq_checks.facts.migrations import Effect, PlanSql, Statements, Taking
from genreq_checks.plan import Plan
from genreq_checks.sources.staged_sql import read_staged

BREAKPOINT = "--> statement-breakpoint"
# Commands that the parser reads as a column, because it does not know them.
COMMANDS = frozenset(
    ("START", "SAVEPOINT", "NOTIFY", "DISCARD", "CLUSTER", "ABORT", "CHECKPOINT", "LISTEN", "UNLISTEN")
)


def read_plan_sql(plan: Plan) -> PlanSql:
    """What the plan's forward and rollback SQL do."""
    made = Statements(effects=dict.fromkeys(plan.dropped, "there"))  # from the catalog: it brings back what is there
    back = plan.sql.rollback
    return PlanSql(read_statements(plan.forward_sql, plan), made if back is None else read_statements(back, plan))


def read_statements(sql: str, plan: Plan) -> Statements:
    """The effects of a migration on the plan's table and columns.

    A statement that the parser does not know makes the answer unclear only if it may be about them: it has their names,
    or it is a block that runs SQL built at run time.
    """
    import sqlglot
    from sqlglot.errors import SqlglotError

    staged, effects, sql = read_staged(sql, plan)
    found = _Found(effects=effects)
    count = int(staged is not None)
    for part in sql.split(BREAKPOINT):
        with _quiet():
            try:
                statements = [one for one in sqlglot.parse(part, dialect="postgres") if one is not None]
            except (SqlglotError, RecursionError):
                found.unclear = found.unclear or _doubt(part, plan, "SQL that could not be parsed")
                found.no_sql = found.no_sql or "it could not be parsed"
                continue
            for one in statements:
                count += 1
                if not _is_command(one):
                    found.no_sql = found.no_sql or f"statement {count} does not begin with an SQL command"
                _read(one, plan, found)
    if not count:
        found.no_sql = found.no_sql or "it holds no statement"
    return Statements(
        found.effects,
        found.makes_table,
        found.unclear,
        found.no_sql,
        found.takes,
        found.takes_table,
        frozenset(found.may_take),
        found.types,
        staged,
    )


@dataclass(slots=True)
class _Found:
    """What the statements do, collected one after the other."""

    effects: dict[str, Effect] = field(default_factory=dict[str, Effect])
    makes_table: bool = False
    unclear: str = ""
    no_sql: str = ""
    takes: dict[str, Taking] = field(default_factory=dict[str, Taking])
    takes_table: Taking | None = None
    may_take: set[str] = field(default_factory=set[str])
    types: dict[str, str] = field(default_factory=dict[str, str])


def _read(one: Any, plan: Plan, found: _Found) -> None:
    """Collect what one statement does."""
    from sqlglot import exp

    if isinstance(one, exp.Command):
        text = f"{one.this} {one.expression}"
        found.unclear = found.unclear or _doubt(text, plan, "dynamic or unusual SQL")
        found.may_take |= _may_take(text, plan)
    elif isinstance(one, exp.Create) and one.kind == "TABLE" and _is_ours(one.find(exp.Table), plan):
        found.makes_table = True
        _add(one.find_all(exp.ColumnDef), plan, found)
    elif isinstance(one, exp.Drop) and _drops_table(one, plan):
        found.takes_table = "drops"
        found.effects |= dict.fromkeys([*plan.dropped, *plan.kept], "gone")
    elif isinstance(one, exp.Alter) and _is_ours(one.this, plan):
        for action in one.args.get("actions") or []:
            found.unclear = found.unclear or _unclear(action)
            if isinstance(action, exp.ColumnDef):
                _add([action], plan, found)
            elif isinstance(action, exp.Drop) and action.args.get("kind") == "COLUMN":
                found.takes |= dict.fromkeys(map(_identifier, _dropped(action)), "drops")
                found.effects |= dict.fromkeys(_names(_dropped(action), plan), "gone")
            elif isinstance(action, exp.AlterRename) and not one.args.get("options"):
                found.takes_table = "renames"
            elif isinstance(action, (exp.RenameColumn, exp.AlterRename)):  # RENAME a TO b has "TO b" among the options
                found.takes[_identifier(action.this)] = "renames"


def _add(columns: Iterable[Any], plan: Plan, found: _Found) -> None:
    """Collect columns that exist from now on, with their types."""
    for column in columns:
        for name in _names([column], plan):
            found.effects[name] = "there"
            kind = column.args.get("kind")
            if kind is not None:
                found.types[name] = kind.sql(dialect="postgres").lower()


def _is_command(one: Any) -> bool:
    """Is it a statement? The parser reads any two words as a column with an alias, and does not know every command."""
    from sqlglot import exp

    if isinstance(one, exp.Drop):
        return one.args.get("kind") != "COLUMN"
    if not isinstance(one, (exp.Condition, exp.Alias, exp.Tuple)):
        return True
    words = re.findall(r"\w+", one.sql(dialect="postgres"))
    return bool(words) and words[0].upper() in COMMANDS


def _drops_table(drop: Any, plan: Plan) -> bool:
    """Does a DROP drop the plan's table, by its name or with its schema?"""
    kind = drop.args.get("kind")
    if kind == "SCHEMA":
        return any(_identifier(name) == plan.table.schema_name for name in _dropped(drop))
    return kind == "TABLE" and any(_is_ours(name, plan) for name in _dropped(drop))


def _may_take(text: str, plan: Plan) -> set[str]:
    """The plan's columns in a statement that is not understood and has a DROP or a RENAME."""
    words = {word.lower() for word in re.findall(r"\w+", text)}
    if not words & {"drop", "rename"}:
        return set()
    return {name for name in (*plan.kept, *plan.dropped) if name.lower() in words}


def _doubt(text: str, plan: Plan, what: str) -> str:
    """`what` when the statement may be about the plan's table or columns, otherwise ''."""
    words = {word.lower() for word in re.findall(r"\w+", text)}
    columns = {name.lower() for name in plan.dropped}
    if text.lstrip().upper().startswith("DO"):  # Drizzle itself writes such blocks around types and foreign keys
        return what if words & {*columns, "execute"} else ""
    harmless = re.search(r"\b(ROW LEVEL SECURITY|OWNER TO|COMMENT ON|GRANT|REVOKE)\b", text, re.IGNORECASE)
    return what if words & {plan.table.name.lower(), *columns} and not harmless else ""


def _unclear(action: Any) -> str:
    """Why an action of ALTER TABLE is not understood; '' when it is, or does not matter."""
    from sqlglot import exp

    if isinstance(action, (exp.RenameColumn, exp.AlterRename)):
        return "a RENAME"
    return "unusual SQL" if isinstance(action, exp.Command) and str(action.this).upper() in ("ADD", "DROP") else ""


def _dropped(drop: Any) -> list[Any]:
    """What a DROP names; older versions of the parser have one name, newer ones a list."""
    return list(drop.args.get("tables") or ([drop.this] if drop.this else []))


def _identifier(node: Any) -> str:
    """A name as PostgreSQL reads it: in lower case unless quoted."""
    from sqlglot import exp

    found = node if isinstance(node, exp.Identifier) else node.find(exp.Identifier)
    if found is None:
        return ""
    return str(found.this) if found.args.get("quoted") else str(found.this).lower()


def _names(nodes: Any, plan: Plan) -> list[str]:
    """The named columns that are in the plan."""
    names = [_identifier(node.this) for node in nodes]
    return [name for name in names if name in plan.dropped or name in plan.kept]


def _is_ours(table: Any, plan: Plan) -> bool:
    """Is this the plan's table? A name without a schema counts as it."""
    from sqlglot import exp

    if not isinstance(table, exp.Table) or _identifier(table.this) != plan.table.name:
        return False
    schema = table.args.get("db")
    return schema is None or _identifier(schema) == plan.table.schema_name


@contextmanager
def _quiet() -> Iterator[None]:
    """The parser logs warnings about what it does not know; here that is a result, so its logger is silent."""

    def nothing(record: logging.LogRecord) -> bool:
        return False

    logger = logging.getLogger("sqlglot")
    logger.addFilter(nothing)
    try:
        yield
    finally:
        logger.removeFilter(nothing)

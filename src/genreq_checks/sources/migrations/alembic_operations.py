"""What the calls of `op` in an Alembic revision do, as SQL, read from the syntax tree and never run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from genreq_checks.text import quote_name


@dataclass(slots=True)
class Script:
    """A revision. `sql` has the statements of its upgrade; `unclear` says why not all could be read, '' when they could.

    `problem` says why the file is no revision that can be read.
    """

    revision: str = ""
    after: tuple[str, ...] = ()
    depends: tuple[str, ...] = ()
    sql: list[str] = field(default_factory=list[str])
    unclear: str = ""
    problem: str = ""


# Operations that neither add nor remove a column or a table.
_HARMLESS = frozenset(
    (
        "create_index",
        "drop_index",
        "create_foreign_key",
        "create_primary_key",
        "create_unique_constraint",
        "create_check_constraint",
        "create_exclude_constraint",
        "drop_constraint",
        "create_table_comment",
        "drop_table_comment",
        "bulk_insert",
        "get_bind",
        "get_context",
    )
)


def assigned(statement: ast.stmt) -> Iterator[tuple[str, object]]:
    """The names to which a statement gives a value."""
    value = statement.value if isinstance(statement, (ast.Assign, ast.AnnAssign)) else None
    try:
        literal: object = ... if value is None else ast.literal_eval(value)
    except (ValueError, TypeError, RecursionError):
        literal = ...
    plain = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, literal if node in plain else ...


class _NotLiteralError(Exception):
    """An argument that only running the code would show."""


@dataclass(slots=True)
class Reader:
    """Reads statements of `upgrade`; `batches` are the names of `batch_alter_table` and their tables, already quoted."""

    script: Script
    names: dict[str, object]
    batches: dict[str, str]

    def block(self, body: list[ast.stmt]) -> None:
        """Read the statements in their order."""
        for statement in body:
            if isinstance(statement, (ast.Return, ast.Raise)):
                return
            self.names |= dict(assigned(statement))
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
                self._call(statement.value)
            elif isinstance(statement, ast.With):
                self._with(statement)
            else:
                self._unclear(statement, "code beside the calls of op")

    def _with(self, statement: ast.With) -> None:
        for item in statement.items:
            call, name = item.context_expr, item.optional_vars
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and call.func.attr == "autocommit_block"
            ):
                continue
            if not (isinstance(call, ast.Call) and _operation(call) == ("op", "batch_alter_table")):
                self._unclear(statement, "code beside the calls of op")
                return
            try:
                table = self._table(call, 0)
            except _NotLiteralError:
                self._unclear(statement, "a table's name that is not written out")
                return
            if isinstance(name, ast.Name):
                self.batches[name.id] = table
        self.block(statement.body)

    def _call(self, call: ast.Call) -> None:
        owner, name = _operation(call)
        if owner != "op" and owner not in self.batches:
            self._unclear(call, "code beside the calls of op")
            return
        try:
            made = self._sql(call, name, self.batches.get(owner))
        except _NotLiteralError:
            self._unclear(call, f"an argument of op.{name} that is not written out")
            return
        if made:
            self.script.sql.append(made)
        elif made is None and name not in _HARMLESS:
            self._unclear(call, f"op.{name}")

    def _sql(self, call: ast.Call, name: str, batch: str | None) -> str | None:
        """The statement of an operation; '' for one that changes no column's name, None for one that is not known."""
        first = 0 if batch else 1
        table = batch or ""
        if not batch and name in (
            "drop_column",
            "add_column",
            "create_table",
            "drop_table",
            "alter_column",
            "rename_table",
        ):
            table = self._table(call, 0)
        match name:
            case "execute":
                return self._text(_argument(call, 0, "sqltext"))
            case "drop_column":
                return f"ALTER TABLE {table} DROP COLUMN {self._name(_argument(call, first, 'column_name'))}"
            case "add_column":
                return f"ALTER TABLE {table} ADD COLUMN {self._column(_argument(call, first, 'column'))} text"
            case "create_table":
                parts = [part for part in call.args[1:] if not _is_constraint(part)]
                columns = ", ".join(f"{self._column(part)} text" for part in parts)
                return f"CREATE TABLE {table} ({columns})"
            case "drop_table":
                return f"DROP TABLE {table}"
            case "rename_table":
                return f"ALTER TABLE {table} RENAME TO {self._name(_argument(call, 1, 'new_table_name'))}"
            case "alter_column":
                new = next((one.value for one in call.keywords if one.arg in ("new_column_name", "name")), None)
                if any(one.arg is None for one in call.keywords):
                    raise _NotLiteralError
                if new is None:
                    return ""
                old = self._name(_argument(call, first, "column_name"))
                return f"ALTER TABLE {table} RENAME COLUMN {old} TO {self._name(new)}"
            case _:
                return None

    def _table(self, call: ast.Call, place: int) -> str:
        schema = next((one.value for one in call.keywords if one.arg == "schema"), None)
        if any(one.arg is None for one in call.keywords) or any(isinstance(one, ast.Starred) for one in call.args):
            raise _NotLiteralError
        keyword = "old_table_name" if _operation(call)[1] == "rename_table" else "table_name"
        parts = [self._name(_argument(call, place, keyword))]
        if schema is not None and not (isinstance(schema, ast.Constant) and schema.value is None):
            parts.insert(0, self._name(schema))
        return ".".join(parts)

    def _column(self, node: ast.expr) -> str:
        """The name in a call `sa.Column(name, …)`."""
        if not (isinstance(node, ast.Call) and _operation(node)[1] == "Column"):
            raise _NotLiteralError
        return self._name(_argument(node, 0, "name"))

    def _text(self, node: ast.expr) -> str:
        """A statement's text: a literal, or one in a call `sa.text(…)`."""
        if isinstance(node, ast.Call) and _operation(node)[1] == "text":
            node = _argument(node, 0, "text")
        return self._literal(node)

    def _name(self, node: ast.expr) -> str:
        return quote_name(self._literal(node))

    def _literal(self, node: ast.expr) -> str:
        value: object = None
        if isinstance(node, ast.Constant):
            value = node.value
        elif isinstance(node, ast.Name):
            value = self.names.get(node.id)
        if not isinstance(value, str):
            raise _NotLiteralError
        return value

    def _unclear(self, node: ast.AST, reason: str) -> None:
        """Note code that was not read; without a call in it and without an end of the function, it changes nothing."""
        if any(isinstance(one, (ast.Call, ast.Return, ast.Raise)) for one in ast.walk(node)):
            self.script.unclear = self.script.unclear or reason


def _operation(call: ast.Call) -> tuple[str, str]:
    """`op.drop_column(…)` is ("op", "drop_column")."""
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        return call.func.value.id, call.func.attr
    return "", call.func.id if isinstance(call.func, ast.Name) else ""


def _argument(call: ast.Call, place: int, keyword: str) -> ast.expr:
    """An argument by its place or keyword. Raises: _NotLiteralError when it is not there."""
    named = next((one.value for one in call.keywords if one.arg == keyword), None)
    if named is not None:
        return named
    if place >= len(call.args) or any(isinstance(one, ast.Starred) for one in call.args[: place + 1]):
        raise _NotLiteralError
    return call.args[place]


def _is_constraint(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _operation(node)[1].endswith(("Constraint", "Index"))

"""README.md beside the files: who does what when, what each file does, and how to go back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from genreq_checks.plan import Plan
from genreq_checks.text import line, quote_name


def readme(plan: Plan, what: dict[str, Any], told: Sequence[str], location: str, day: date) -> str:
    """The text of the folder's README."""
    table = plan.table.in_sql
    names = [
        f"- `{_code(one['column'])}` becomes `{_code(one['retired'])}` ({_code(one['type'])})"
        for one in what["columns"]
    ]
    again = [one for one in what["columns"] if one["takes_not_null"]]
    return "\n".join(
        [
            f"# {line(plan.title)}: hide, hold, finalise",
            "",
            f"Written on {day} for {_code(plan.table.qualified)} in {line(location)}, plan {plan.fingerprint}.",
            "",
            *names,
            "",
            "0. Before: `genreq-checks snapshot URL -o before.json` and `genreq-checks archive URL -o dropped.parquet`.",
            "1. Run `1-retire.sql`. It takes milliseconds, rewrites nothing and reads no row. When the table is in use for 5",
            "   seconds it changes nothing, and names the sessions in the way: run it again.",
            f"2. Hold for {plan.hold_days:g} days. What names a column fails at once, with SQLSTATE 42703 in the server's log.",
            "   Every value is still there, and rows are written as before.",
            "3. `genreq-checks check URL --phase held --baseline before.json --log server.csv --format json --output held.json`",
            "   says whether the columns are whole and whether anything missed them.",
            "4. `genreq-checks stage URL --finalise held.json -o DIR` writes `2-finalise.sql`. Only that file drops anything.",
            "",
            'To go back, at any time until then: run `undo.sql`. Each file can be run again: the second run says "already".',
            "",
            *(f"- {line(one)}" for one in told),
            *_not_null(table, again),
            *_rebuilt(plan),
            "",
        ]
    )


def _not_null(table: str, columns: Sequence[dict[str, Any]]) -> list[str]:
    """What to do after undo where NOT NULL was taken away: it reads the table, so it is not in undo.sql."""
    if not columns:
        return []
    lines = [
        "",
        "## After undo: NOT NULL again",
        "",
        "undo.sql adds a CHECK that is NOT VALID: it holds for every row that is written from then on. Rows written during the",
        "hold have NULL, and an UPDATE of such a row fails until it has a value: fill them first. Then, each reads the table:",
        "",
        "```sql",
    ]
    for one in columns:
        check, column = quote_name(one["check"]), quote_name(one["column"])
        lines += [
            f"ALTER TABLE {table} VALIDATE CONSTRAINT {check};",
            f"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;",
            f"ALTER TABLE {table} DROP CONSTRAINT {check};",
        ]
    return [*lines, "```"]


def _rebuilt(plan: Plan) -> list[str]:
    """How rows written during the hold get a value after undo, where the plan says how a value is rebuilt."""
    recipes = {name: gone.reconstruction for name, gone in plan.dropped.items() if gone.reconstruction is not None}
    if not recipes:
        return []
    lines = [
        "",
        "## After undo: values for rows that were written during the hold",
        "",
        "By the plan's reconstruction. Whether it gives the old values, `loss` says in phase before.",
        "",
        "```sql",
    ]
    for name, one in recipes.items():
        column, source = quote_name(name), quote_name(one.column)
        made = " || ".join(part for part in (_text(one.prefix), f"CAST({source} AS text)", _text(one.suffix)) if part)
        lines += [
            f"UPDATE {plan.table.in_sql}",
            f"SET {column} = {made}",
            f"WHERE {column} IS NULL AND {source} IS NOT NULL;",
        ]
    return [*lines, "```"]


def _text(text: str) -> str:
    """A text as SQL's literal; '' for an empty one."""
    quoted = text.replace("'", "''")
    return "" if not text else f"'{quoted}'"


def _code(text: str) -> str:
    """A name in Markdown's code: one line, without backticks."""
    return line(text).replace("`", "'")

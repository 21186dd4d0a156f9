"""The files of a staging: their text, and writing them into a folder, all or none of what is there already."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from genreq_checks.errors import OutputError, UsageError
from genreq_checks.facts.retired import MOST_BYTES, retired_name
from genreq_checks.files import write_text
from genreq_checks.plan import Plan
from genreq_checks.staging.actions import Action
from genreq_checks.staging.family import FamilyFacts
from genreq_checks.staging.guards import block
from genreq_checks.text import scrub

DAY = 86_400
_HEADS: dict[Action, str] = {
    "retire": "Renames the columns away, all of them or none. Nothing is rewritten, no row is read, undo.sql is the way back.",
    "undo": "Renames the columns back, all of them or none, with every value, also of the rows written meanwhile.",
    "finalise": "Drops the retired columns. THIS CANNOT BE UNDONE. It refuses while they have not been held long enough.",
}


def asked(plan: Plan, family: FamilyFacts, day: date) -> dict[str, Any]:
    """What the guards of retire and undo assert: the columns as they are in the catalog now."""
    taken = set(family.columns)
    columns: list[dict[str, Any]] = []
    for column in plan.dropped:
        staged = family.columns[column]
        new = retired_name(column, day, taken)
        taken.add(new)
        columns.append(
            {
                "column": column,
                "retired": new,
                "position": staged.position,
                "type": staged.type,
                "not_null": staged.not_null,
                "filled": staged.filled,
                "takes_not_null": staged.takes_not_null,
                "check": _cut(column, "_not_null_again"),
                "dependents": list(staged.dependents),
            }
        )
    return of_the_table(plan) | {"columns": columns}


def of_the_table(plan: Plan) -> dict[str, Any]:
    """What every guard asserts of the plan and its table."""
    return {
        "plan": plan.fingerprint,
        "schema": plan.table.schema_name,
        "table": plan.table.name,
        "hold": plan.hold_days * DAY,
    }


def sql_file(action: Action, plan: Plan, what: dict[str, Any], day: date) -> str:
    """The text of a file: what it is, in comments, and its one statement."""
    return (
        f"-- {action}: {_HEADS[action]}\n"
        f"-- Written by genreq-checks on {day} for {_comment(plan.table.qualified)}, plan {plan.fingerprint}.\n"
        f"-- {_comment(', '.join(one['column'] for one in what['columns']))}\n"
        "-- One statement, without BEGIN and COMMIT: it is atomic by itself, and in the transaction of a migration tool.\n"
        f"{block(action, what)}"
    )


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files. Raises: UsageError when one is there with another text; OutputError when one cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            if (folder / name).exists() and (folder / name).read_text("utf-8") != text:
                raise UsageError(f"{folder / name} is there, and is another one.", "Name another folder: -o DIR.")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise OutputError(f"The folder {folder} cannot be used: {reason}.", "Name another folder: -o DIR.") from None
    for name, text in files.items():
        write_text(folder / name, text)


def _cut(name: str, tail: str) -> str:
    """A name with a tail, of at most 63 bytes."""
    return name.encode()[: MOST_BYTES - len(tail)].decode("utf-8", "ignore") + tail


def _comment(text: str) -> str:
    """A name as a comment may show it: one line of letters, digits and signs that mean nothing to a tool."""
    return "".join(c if c.isalnum() or c in '_., "' else "?" for c in scrub(text))

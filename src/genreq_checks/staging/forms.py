"""The same guarded SQL for the tool that applies it: psql, drizzle-kit or Alembic; and what the tool's project needs besides."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Literal

from genreq_checks.errors import UsageError
from genreq_checks.facts.migrations import MigrationFolder
from genreq_checks.plan import Plan
from genreq_checks.staging.actions import Action
from genreq_checks.text import line

Form = Literal["psql", "drizzle", "alembic"]
FORMS: tuple[Form, ...] = ("psql", "drizzle", "alembic")
RETIRE, UNDO, FINALISE = "1-retire.sql", "undo.sql", "2-finalise.sql"
NAMES: dict[Action, str] = {"retire": RETIRE, "undo": UNDO, "finalise": FINALISE}
_REVISION = '''"""{title}"""

from alembic import op

revision = "{revision}"
down_revision = {after}
branch_labels = None
depends_on = None

{constants}


def upgrade() -> None:
    op.execute({up})


def downgrade() -> None:
    {down}
'''

_DRIZZLE_RETIRE = (
    "Remove {} of {} from schema.ts, then: drizzle-kit generate --name retire. It writes the journal's entry, a snapshot without "
    "the columns, and SQL that drops them: replace that SQL by the text of 1-retire.sql before anything applies it."
)
_DRIZZLE_FINALISE = (
    "drizzle-kit generate --custom --name finalise, then replace the text of the new .sql file by 2-finalise.sql. schema.ts "
    "and the snapshot lost the columns already."
)
_DRIZZLE_UNDO = (
    "Undo is a migration of its own: put the columns back into schema.ts, drizzle-kit generate --name undo, and replace the text "
    "of the new .sql file by undo.sql."
)
_DRIZZLE_SILENT = (
    "drizzle-kit 0.31 does not show why a migration failed: the server's log does (genreq-checks refused to …), and so does "
    "migrate() of drizzle-orm."
)
_NO_WAY_BACK = 'raise RuntimeError("A dropped column does not come back: restore the archive.")'


def formed(
    form: Form, files: Mapping[Action, str], plan: Plan, folder: MigrationFolder | None
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The files by their names, and what else to do in the tool's project, where nothing is written.

    Raises: UsageError for a folder of another tool.
    """
    if folder is not None and form != "psql" and folder.tool != form:
        raise UsageError(
            f"{folder.location} is of {folder.tool}, not of {form}.", f"Write --for {folder.tool}, or psql."
        )
    if form == "alembic":
        return _alembic(files, plan, folder.heads if folder is not None else ())
    named = {NAMES[action]: text for action, text in files.items()}
    return named, (_drizzle(files, plan, folder) if form == "drizzle" else ())


def _drizzle(files: Mapping[Action, str], plan: Plan, folder: MigrationFolder | None) -> tuple[str, ...]:
    """How the files come into a Drizzle project, with its snapshots: the same for 0.x and 1.0."""
    if "finalise" in files:
        return (_DRIZZLE_FINALISE, *_entry(folder, "finalise"))
    columns, table = ", ".join(map(line, plan.dropped)), line(plan.table.qualified)
    snapshot = (
        f"The snapshot loses {columns} of the table {table}, or the next generate would drop names that are not there."
    )
    return (_DRIZZLE_RETIRE.format(columns, table), snapshot, *_entry(folder, "retire"), _DRIZZLE_UNDO, _DRIZZLE_SILENT)


def _entry(folder: MigrationFolder | None, name: str) -> tuple[str, ...]:
    """The entry that the journal gets, where there is one."""
    if folder is None or folder.style != "journal":
        return ()
    newest = max((one.when for one in folder.migrations if one.when is not None), default=0)
    number = sum(one.journaled for one in folder.migrations)
    entry = f'{{"idx": {number}, "when": (greater than {newest}), "tag": "{number:04}_{name}", "breakpoints": true}}'
    return (f"The journal's entry: {entry}",)


def _alembic(files: Mapping[Action, str], plan: Plan, heads: tuple[str, ...]) -> tuple[dict[str, str], tuple[str, ...]]:
    after = repr(heads[0]) if len(heads) == 1 else "None"
    told = "Put the file into the folder of revisions (versions)."
    if after == "None":
        told += " Set its down_revision to what 'alembic heads' says (or name the folder: --migrations DIR)."
    action: Action = "finalise" if "finalise" in files else "retire"
    revision = hashlib.sha256(files[action].encode()).hexdigest()[:12]
    text = _REVISION.format(
        title=f"{action} columns of the plan {plan.fingerprint}",
        revision=revision,
        after=after,
        constants="\n\n".join(f'{name.upper()} = r"""{text}"""' for name, text in files.items()),
        up=action.upper(),
        down="op.execute(UNDO)" if "undo" in files else _NO_WAY_BACK,
    )
    names: dict[Action, str] = {"retire": "1_retire.py", "finalise": "2_finalise.py"}
    undo = ("Undo is its downgrade: alembic downgrade -1.",) if "undo" in files else ()
    return {names[action]: text}, (told, *undo)

"""What each state of a migration of Alembic, Flyway and golang-migrate means, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from genreq_checks.evidence.hold import safe_from, stamp_of
from genreq_checks.evidence.sides import Evidence
from genreq_checks.evidence.standing import Standing
from genreq_checks.facts import Outcome
from genreq_checks.facts.migrations import MigrationTool, Staged
from genreq_checks.report import Finding, Phase

GENERATE: dict[MigrationTool, str] = {
    "drizzle": "Remove it from schema.ts and run: npx drizzle-kit generate",
    "alembic": "Remove it from the model and run: alembic revision --autogenerate",
    "flyway": "Write a new migration V…__….sql that drops it.",
    "golang-migrate": "Write a new migration that drops it: migrate create -ext sql -dir DIR NAME",
}
APPLY: dict[MigrationTool, str] = {
    "drizzle": "npx drizzle-kit migrate",
    "alembic": "alembic upgrade heads",
    "flyway": "flyway migrate",
    "golang-migrate": "migrate -path DIR -database URL up",
}
RETRY: dict[MigrationTool, str] = {
    "drizzle": "Apply it again.",
    "alembic": "Apply it again: alembic upgrade heads",
    "flyway": "Undo by hand what it did, run: flyway repair, then: flyway migrate",
    "golang-migrate": "Undo by hand what it did, run: migrate -path DIR -database URL force VERSION (the one before), then up.",
}
_RECORD: dict[MigrationTool, str] = {
    "drizzle": "Record it in the bookkeeping table.",
    "alembic": "Record it: alembic stamp REVISION. Otherwise upgrade runs it again and fails.",
    "flyway": "Record it: flyway migrate -skipExecutingMigrations=true. Otherwise migrate runs it again and fails.",
    "golang-migrate": "Record it: migrate -path DIR -database URL force VERSION. Otherwise up runs it again and fails.",
}
_EDITED = "validate, and so migrate, refuses. Restore the file, and write the change as a new migration."
_UNLISTED: dict[MigrationTool, str] = {
    "drizzle": "",
    "alembic": "",
    "flyway": "Flyway reads only V…__….sql, R__….sql, U…__….sql and B…__….sql",
    "golang-migrate": "golang-migrate reads only NUMBER_….up.sql and NUMBER_….down.sql",
}


_VERBS: dict[Staged | None, str] = {None: "drops", "finalise": "drops", "retire": "hides", "undo": "brings back"}


def named(one: Standing, drops: Sequence[str]) -> str:
    """A migration by its name, and which columns are gone by it."""
    verb = _VERBS[one.migration.statements.staged]
    return f"{one.migration.tag}, which {verb} {' and '.join(drops)}," if drops else one.migration.tag


def guarded(evidence: Evidence, one: Standing) -> str:
    """Why the guard of a pending file of `stage` refuses; '' when nothing is known to speak against it."""
    action, log = one.migration.statements.staged, evidence.now.log
    if action is None or one.state != "pending":
        return ""
    if log is not None and action in log.refused:
        return f" Its guard refused, by the log: {log.refused[action]}"
    for column in evidence.plan.dropped if action == "finalise" else ():
        stamp = stamp_of(evidence, column)
        if stamp is None:
            return f" Its guard refuses: {column} is not hidden, or since when is not known."
        if evidence.now.source.read_at < safe_from(evidence, stamp):
            return f" Its guard refuses until {safe_from(evidence, stamp):%Y-%m-%d %H:%M} UTC, when the hold is over."
    return ""


def verdict(
    tool: MigrationTool, phase: Phase, one: Standing, drops: Sequence[str], there: Sequence[str]
) -> tuple[Outcome, str, str]:
    """Outcome, sentence and remedy of a migration that drops these columns, of which some are still there."""
    what = named(one, drops)
    back = phase == "rolled-back"
    match one.state:
        case "unreadable":
            return "unknown", f"Not judged: {one.migration.problem}.", "Use the folder as it was deployed."
        case "failed":
            message = f"{what} was begun and did not finish: migrate refuses until that is settled."
            return ("warn" if back else "fail"), message, RETRY[tool]
        case "applied" if drops and phase == "before":
            return "warn", f"{what} is applied already: this is no longer before the change.", "Use --phase after."
        case "applied" | "line-endings":
            return "pass", f"{what} is applied.", ""
        case "edited":
            return (
                ("fail" if there and phase == "after" else "warn"),
                f"{what} was changed after it was applied.",
                (f"Flyway's {_EDITED}"),
            )
        case "pending" if phase == "after":
            return ("fail" if drops else "warn"), f"{what} is not applied.", f"Apply it: {APPLY[tool]}"
        case "pending":
            more = f" The next {APPLY[tool].split()[0]} run will apply it." if back and drops else ""
            return "pass", f"{what} is not applied yet.{more}", ""
        case "skipped":
            message = (
                f"{what} is not applied, and its version is not after the newest applied one's (or the baseline's): "
            )
            message += "migrate ignores it or refuses, unless outOfOrder is set."
            return ("warn" if back else "fail"), message, "Give it a version after all that are applied, then migrate."
        case "unlisted":
            message = f"{what} has no name of a migration: {_UNLISTED[tool]}. It is never applied."
            return ("fail" if there and not back else "warn"), message, "Rename the file, or delete it."
        case "unrecorded":
            return (
                "warn",
                f"{what} is done in the database, but not recorded (by hand, or by another tool).",
                _RECORD[tool],
            )
        case _:
            message = f"The bookkeeping says that {what} is applied, but the table does not match"
            still = f": {' and '.join(there)} still there" if there else ""
            late = ", or the file came later with a version that was already passed" if tool == "golang-migrate" else ""
            message += f"{still} (rolled back by hand, or restored from a backup{late})."
            remedy = "It is not run again: apply its SQL by hand, or set the bookkeeping back and migrate."
            return ("warn" if back else "fail"), message, remedy


def several_heads(heads: Sequence[str]) -> Finding:
    """Alembic refuses `upgrade head` where the revisions end in several."""
    message = f"The revisions end in {len(heads)} heads, {' and '.join(heads[:3])}: `alembic upgrade head` refuses."
    remedy = "Merge them (alembic merge heads), or run: alembic upgrade heads"
    return Finding(subject="heads", outcome="warn", message=message, remedy=remedy, evidence={"heads": list(heads)})

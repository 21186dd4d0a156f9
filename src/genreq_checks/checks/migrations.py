"""# migrations: files, journal, bookkeeping and table agree

## Problem

`drizzle-kit migrate` prints "migrations applied successfully!" also when it has skipped the important one: it
applies only entries whose `when` is greater than the newest in its bookkeeping table. A file that the journal does
not name is never applied, an edited one is not noticed, and after a manual rollback the bookkeeping still says
applied.

## What is measured

`--migrations DIR` gives the folder. Its tool is recognized by its own marks. Four are read: Drizzle (see below),
Alembic, Flyway and golang-migrate (see after that). Of Prisma, Django, Rails, Knex, TypeORM and sqitch the check is
unknown and names the tool; `dropped.*` shows whether the columns are gone.

Drizzle: 0.x with `meta/_journal.json`, or 1.0 with one folder for each migration. The
files (SHA-256), the journal, the bookkeeping table (`drizzle.__drizzle_migrations`, or
`--migrations-table SCHEMA.NAME`) and the table's own columns are compared with each other. Each migration has a
state:

- applied: recorded, same file (what to do: nothing; unless its `when` was changed since, which makes migrate run it
  again)
- pending: not recorded, and migrate would apply it (what to do: before the drop nothing, after it migrate)
- skipped: not recorded, and its `when` is not greater than the newest recorded one: never applied (what to do: give
  it a later `when`)
- unlisted: a .sql file that the journal does not name (what to do: generate it with drizzle-kit, or delete it)
- edited: recorded with the same `when`, but another text (what to do: restore the file, write a new migration)
- line-endings: the same text except for CRLF: a note (what to do: nothing)
- unrecorded: done in the table, not recorded: by push, or by hand (what to do: record it, or migrate fails later)
- contradicted: recorded, but the table does not match: rolled back or restored (what to do: apply its SQL by hand,
  or delete its row)
- unreadable: the file is missing, a link, or too large (what to do: restore the file)
- no-file: a recorded row without a file (what to do: use the folder that belongs to this database)

A file that begins with a byte-order mark fails when migrate would still run it, and warns otherwise: drizzle-kit
sends the mark to the server, which rejects the first statement. Save the file without it.

The files of `genreq-checks stage` (docs/staging.md) are known: what each hides, brings back or drops, and, for one that is
pending, why its guard refuses: by the server's log (`--log FILE`), or because the hold is not over.

In phase `before` the drop must be pending, in `after` applied; in `rolled-back` a contradiction only warns. Version
1.0 applies by name, so it skips no migration.

The other tools have the same states, by their own rules, and one more: failed, begun and not finished, so that the
tool refuses to go on (what to do: undo by hand, then repair). Their bookkeeping table is found by its columns, in any
schema and under any name; where there are several, name it with `--migrations-table`.

- Alembic: the revisions in `versions`, whose files are read and not executed. All on which a revision in the version
  table builds are applied. A revision in the version table without a file leaves the others unknown. Several heads are
  a warning. Code in `upgrade` that is not a call of `op` with written-out arguments makes it unclear; then give the
  file that `alembic upgrade head --sql` writes instead of the folder.
- Flyway: `V…__….sql` and `R__….sql` in the folder and below. A version is skipped when it is not after the newest
  applied one or the baseline. An edited file has another checksum (line endings do not count).
- golang-migrate: `NUMBER_….up.sql`. Its table has one version, up to which all are applied, and whether the last run
  failed (dirty).

## How it can be wrong

The catalog decides whether a column is gone, never the SQL. A parser reads from the SQL which migration drops it;
dynamic SQL, renames and what the parser does not know are reported as "cannot tell". A table name without a schema
in the SQL is taken as the plan's table. golang-migrate and Alembic record no hash, so an edited file is not noticed; and
golang-migrate no single migration, so one that came late with a lower number counts as applied: only where the table
does not match is it contradicted. Flyway's other prefixes, its placeholders and its Java migrations are not read.

## What to do

See the list above; each finding has its remedy.
"""

from __future__ import annotations

from collections.abc import Iterator

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.fault import DROPPED, DROPPED_AT, JOURNAL, MADE_AT, MIGRATIONS, Place, by_edit, fault, noticed
from genreq_checks.checks.migration_words import GENERATE, RETRY, guarded, named, several_heads, verdict
from genreq_checks.evidence.migration_states import standings
from genreq_checks.evidence.sides import Evidence
from genreq_checks.evidence.standing import Database, Standing
from genreq_checks.facts import Outcome
from genreq_checks.facts.migrations import MigrationFolder, MigrationTool
from genreq_checks.plan import Bookkeeping
from genreq_checks.report import Finding, Phase, worst
from genreq_checks.snapshot import AppliedMigration, Books
from genreq_checks.text import plural

NAME_IT = "Name the table with --migrations-table SCHEMA.NAME or in the plan."


def judge(evidence: Evidence, _: str) -> list[Finding]:
    """The table decides whether a column is gone; files and bookkeeping say how it happened and what happens next."""
    folder = evidence.now.migrations
    if folder is None:
        message = "Not asked for: --migrations DIR gives the folder of migrations."
        return [Finding(subject="migrations", outcome="skip", message=message)]
    found = [unknown("migrations", f"{problem}.", "Fix the folder, or name another.") for problem in folder.problems]
    if not folder.migrations:
        return found or [unknown("migrations", f"{folder.location} holds no migrations.")]
    books = _books(evidence, folder)
    if isinstance(books, Finding):
        return [*found, books]
    database = _database(evidence, books, folder)
    known, left = standings(folder, database)
    found += (_finding(evidence, database, one, folder.tool) for one in known)
    found += (_without_file(row, folder.tool) for row in left)
    if len(folder.heads) > 1 and any(one.state == "pending" for one in known):
        found.append(several_heads(folder.heads))
    found += _columns(evidence, folder, database)
    return found


def _books(evidence: Evidence, folder: MigrationFolder) -> Books | Finding:
    """The bookkeeping of the folder's tool, or why nothing can be judged without it."""
    now, tool = evidence.now, folder.tool
    problem = next((p for p in now.problems if p.part in ("connection", "bookkeeping")), None)
    if problem:
        return unknown("migrations", problem.text)
    if now.books is None:
        reason = f"{now.source.location} was read without the bookkeeping of migrations."
        return unknown("migrations", reason, "Read the database itself, or a snapshot taken by this version.")
    if now.books.tool != tool and now.books.present:
        reason = f"{now.books.table} is the bookkeeping of {now.books.tool}, and {folder.location} is of {tool}."
        return unknown(now.books.table, reason, "Name the other folder, or the other table.")
    if tool == "drizzle":
        if not now.books.present and now.books.elsewhere:
            reason = (
                f"there is no {now.books.table}, but {' and '.join(now.books.elsewhere[:3])} look like bookkeeping."
            )
            return unknown(now.books.table, reason, NAME_IT)
        return now.books
    if now.books.present:
        return now.books
    found = [one for one in now.other_books if one.tool == tool]
    if found and evidence.plan.migrations != Bookkeeping():
        return unknown(now.books.table, f"there is no {now.books.table}, but {found[0].table} is of {tool}.", NAME_IT)
    if len(found) > 1:
        reason = f"{' and '.join(one.table for one in found[:3])} are both bookkeeping of {tool}."
        return unknown("migrations", reason, NAME_IT)
    if found and found[0].problem:
        return unknown(found[0].table, found[0].problem)
    return found[0] if found else Books(table=f"a table of {tool}", present=False, tool=tool)


def _database(evidence: Evidence, books: Books, folder: MigrationFolder) -> Database:
    facts = evidence.now.table
    if facts is None:
        missing = any(problem.part == "table" for problem in evidence.now.problems)
        return Database(books.applied, False if missing else None, {})
    if not facts.is_table:
        return Database(books.applied, None, {})
    staged = {name for one in folder.migrations if one.statements.staged for name in one.statements.effects}
    columns = {name: facts.column(name) is not None for name in (*evidence.plan.dropped, *staged)}
    # A column that is hidden by a file outside of the folder is still there for the folder's own migrations.
    columns |= {name: True for name in evidence.plan.dropped if name not in staged and facts.held(name) is not None}
    return Database(books.applied, True, columns)


def _finding(evidence: Evidence, database: Database, one: Standing, tool: MigrationTool) -> Finding:
    drops = [name for name in evidence.plan.dropped if one.migration.statements.effects.get(name) == "gone"]
    there = [name for name in drops if database.columns.get(name, True)]
    if tool == "drizzle":
        outcome, message, remedy = _verdict(evidence.phase, one, drops, there, database)
    else:
        outcome, message, remedy = verdict(tool, evidence.phase, one, drops, there)
    if one.migration.byte_order_mark:
        runs = one.state == "pending" or one.again
        outcome = worst((outcome, "fail" if runs and evidence.phase != "rolled-back" else "warn"))
        message += (
            " The file begins with a byte-order mark: migrate sends it, and the server rejects the first statement."
        )
        remedy = f"Save it as UTF-8 without a byte-order mark. {remedy}".strip()
    message += guarded(evidence, one)
    unclear = one.migration.statements.unclear
    if unclear and one.state != "unreadable":
        message += f" Cannot tell all that it does: {unclear}."
    return Finding(
        subject=one.migration.tag,
        outcome=outcome,
        message=message,
        remedy=remedy,
        evidence={
            "state": one.state,
            "when": one.migration.when,
            "newest_applied": database.newest,
            "drops": drops,
            "unclear": unclear,
            "byte_order_mark": one.migration.byte_order_mark,
        },
    )


def _verdict(
    phase: Phase, one: Standing, drops: list[str], there: list[str], database: Database
) -> tuple[Outcome, str, str]:
    """Outcome, sentence and remedy of a migration that drops these columns, of which some are still there."""
    what = named(one, drops)
    back = phase == "rolled-back"
    match one.state:
        case "unreadable":
            return "unknown", f"Not judged: {one.migration.problem}.", "Restore the file as it was applied."
        case "applied" if one.again:
            message = f"{what} is applied, but its time in the journal was changed since: migrate will run it again."
            return "warn", message, f"Set its `when` in meta/_journal.json to {one.row.created_at if one.row else '?'}."
        case "applied" if drops and phase == "before":
            return "warn", f"{what} is applied already: this is no longer before the change.", "Use --phase after."
        case "applied":
            return "pass", f"{what} is applied.", ""
        case "line-endings":
            return "pass", f"{what} is applied; the file differs from what was applied only in its line endings.", ""
        case "edited":
            message = f"{what} was changed after it was applied: its present text never ran."
            remedy = "Restore the file, and write the change as a new migration."
            return ("fail" if there and phase == "after" else "warn"), message, remedy
        case "pending" if phase == "after":
            message = f"{what} is not applied."
            return ("fail" if drops else "warn"), message, "Apply it: npx drizzle-kit migrate"
        case "pending":
            more = " The next migrate will apply it." if back and drops else ""
            return "pass", f"{what} is not applied yet.{more}", ""
        case "skipped":
            message = (
                f"{what} is not applied, and never will be: its time {one.migration.when} is not after the newest "
            )
            message += f"applied one's, {database.newest}, so migrate skips it and reports success."
            remedy = "Give it a later `when` in meta/_journal.json (greater than that of all applied), then migrate."
            return ("warn" if back else "fail"), message, remedy
        case "unlisted":
            message = f"{what} is not in meta/_journal.json: migrate does not know it and will never apply it."
            remedy = "Generate it with drizzle-kit (--custom for your own SQL), or delete the file."
            return ("fail" if there and not back else "warn"), message, remedy
        case "unrecorded":
            message = f"{what} is done in the database, but not recorded in the bookkeeping table (drizzle-kit push, or by hand)."
            if one.again:
                what_else = "otherwise migrate runs it again and fails."
                return "warn", message, f"Record it in the bookkeeping table with its hash and `when`; {what_else}"
            message += f" Its time {one.migration.when} is not after the newest applied one's, {database.newest}: "
            message += "migrate skips it here, and silently in every other database that has the newer one."
            remedy = (
                "Give it a later `when` in meta/_journal.json, and record it here in the bookkeeping table with it."
            )
            return "warn", message, remedy
        case _:
            message = f"The bookkeeping says that {what} is applied, but the table does not match"
            message += (
                f": {' and '.join(there)} still there (rolled back by hand, or restored from a backup)."
                if there
                else "."
            )
            remedy = (
                "migrate will not run it again: apply its SQL by hand, or delete its row from the bookkeeping table."
            )
            return ("warn" if back else "fail"), message, remedy


def _without_file(row: AppliedMigration, tool: MigrationTool) -> Finding:
    name = row.name or f"row {row.id}"
    time = "" if row.created_at is None else f" (time {row.created_at})"
    message = f"The bookkeeping table has {name}{time}, but the folder has no such migration."
    remedy = "Is this the folder of this database, and up to date with what was deployed?"
    if row.kind == "failed":
        outcome: Outcome = "fail"
        message, remedy = f"{message} It did not finish.", RETRY[tool]
    else:
        outcome = "warn"
    evidence = {"state": "no-file", "when": row.created_at}
    return Finding(subject=name, outcome=outcome, message=message, remedy=remedy, evidence=evidence)


def _columns(evidence: Evidence, folder: MigrationFolder, database: Database) -> Iterator[Finding]:
    """A column that no migration drops: unknown when a migration's SQL could not be understood."""
    dropping = {
        name for one in folder.migrations for name, effect in one.statements.effects.items() if effect == "gone"
    }
    doubtful = [one.tag for one in folder.migrations if one.statements.unclear or one.problem]
    for name in evidence.plan.dropped:
        if name in dropping:
            continue
        there = database.columns.get(name)
        message = f"0 of {plural(len(folder.migrations), 'migration')} in the folder drop {name}"
        if doubtful:
            reason = f"whether {doubtful[0]} drops {name} cannot be told from its SQL."
            yield unknown(name, reason, "The check dropped.* says whether the column is gone.")
        elif there is False:
            message += ", and it is gone: by push or by hand."
            yield Finding(subject=name, outcome="warn", message=message, remedy="Generate the migration and record it.")
        elif evidence.phase != "rolled-back":
            remedy = GENERATE[folder.tool]
            yield Finding(subject=name, outcome="fail", message=f"{message}.", remedy=remedy)


DOWNLOAD_URL = 'ALTER TABLE "generation_requests" DROP COLUMN "download_url"'


def _rename_in_the_journal(place: Place) -> None:
    file = place.folder / JOURNAL
    file.write_text(file.read_text("utf-8").replace(DROPPED, "0001_another"), "utf-8")


FAULTS = (
    fault(
        "the migration was changed after it was applied",
        "after",
        by_edit(f"{MIGRATIONS}/{DROPPED}.sql", '"conversation"', '"conversation" RESTRICT'),
        warn="migrations",
    ),
    fault(
        "the migration begins with a byte-order mark",
        "before",
        by_edit(f"{MIGRATIONS}/{DROPPED}.sql", DOWNLOAD_URL, f"\ufeff{DOWNLOAD_URL}"),
        "migrations",
    ),
    fault("the migration is not in the journal", "before", _rename_in_the_journal, "migrations"),
    fault(
        "the migration is older than the newest that is applied, and is skipped silently",
        "before",
        by_edit(JOURNAL, str(DROPPED_AT), str(MADE_AT - 1)),
        "migrations",
    ),
    noticed("download_url is still there", "after", "migrations"),
    noticed("conversation is still there", "after", "migrations"),
)


CHECK = Check(
    name="migrations",
    title="files, journal, bookkeeping and table agree",
    order=110,
    page=__doc__,
    phases=frozenset({"before", "held", "after", "rolled-back"}),
    subjects=lambda plan: ("",),
    judge=judge,
    facts=lambda _plan, _subject: {"books", "migrations"},
    faults=FAULTS,
)

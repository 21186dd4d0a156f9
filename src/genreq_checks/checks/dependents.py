"""# dependents: what blocks the drop, is dropped with it, or stays and breaks

## Problem

A view makes the migration fail half-way. A unique constraint is dropped without a message. A trigger that reads
NEW.column does not stop the drop, and then every UPDATE of the table fails.

## What is measured

Each object that depends on the column, with its fate and how certain that is:

- blocks: views (also `SELECT *`, also over other views), materialized views, rules, generated columns, BEGIN ATOMIC
  functions, triggers with UPDATE OF or WHEN, policies, publications' column lists and filters, foreign keys to it,
  partition keys, inherited columns (certain, from pg_depend): fail
- vanishes: indexes, constraints, foreign keys from it, statistics, defaults, grants, comments (certain):
  pass; warn when a rule or an index on other columns too is dropped with it
- blocks: an event trigger that ALTER TABLE fires, and that may refuse the drop (possible): warn
- breaks: functions and procedures whose body is text, and the triggers that run them, on partitions too (textual: the
  body names the column, also as `U&"…"`, and the table or its rows; or the column's sequence); a trigger that gives the
  column's name to `tsvector_update_trigger`; a job of pg_cron, pgAgent or pg_timetable (textual): fail
- breaks: the replica identity of a published table, an index on the column or the primary key with it: every UPDATE and
  DELETE fails afterwards (certain): fail; where the table is not published (possible): warn
- breaks: bodies that have the name but not the table; bodies about the table that build their statements at run time;
  trigger arguments; expressions with the name as a text; an INSERT by position; `INSERT … SELECT *` or `NEW.*`; recent
  statements (pg_stat_statements) (possible): warn
- changes: bodies that use whole rows (`SELECT *`, `%ROWTYPE`, `NEW` as one value, NATURAL JOIN, the row type as an argument
  or a result), and views, policies and constraints with a whole row (possible); columns that store rows of the table
  (certain): warn
- changes: publications of the whole table, whose subscribers are not known here, and slots of other plugins (possible): warn
- breaks: a subscription of logical replication whose publisher sends the column (possible): unknown
  before the drop, warn after it
- fine: a foreign table that is a partition or child, or a child that defines the column itself: the drop does not
  reach the column there (certain): warn
- fine: bodies where only a comment names it (possible): pass
- jobs that the role may not read, or of pg_cron in another database: unknown

Comments in a body are not code. A name in a literal counts when the body runs text (EXECUTE). After the drop, the
same bodies are searched for what is now broken.

## How it can be wrong

Before the drop the column is `unknown` when the plan's forward SQL does not drop it, or cannot be read. Whole rows are
found by words: whether a body with `SELECT *` fails or goes on with fewer values is not judged (`readers` does that on
a clone). A body that takes the names of the table and the column as arguments is not found. SQL in the application
(see `leftovers`) or in another database is not found either. A body is found, though harmless, when it uses a variable
or another table's column of the same name. Recorded statements are not read after the drop: PostgreSQL does not record
those that fail, and the recorded ones are older.

## What to do

Before the drop: run the statement that each finding names (DROP VIEW, DROP POLICY, …) in the migration itself, drop
the column, and create the object again without it. Remove the column from functions with CREATE OR REPLACE. After
the drop: change the functions at once, because writes fail. A rehearsal shows all of this on a copy.
"""

from __future__ import annotations

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.fault import by_sql, fault, noticed
from genreq_checks.evidence.sides import Evidence
from genreq_checks.facts import Outcome
from genreq_checks.report import Finding
from genreq_checks.snapshot import Dependent, Searched, TableFacts
from genreq_checks.text import plural, quote_name

RULES = ("check constraint", "unique constraint", "primary key", "exclusion constraint", "foreign key")


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """One finding for each object that depends on the column; when there is none, one that lists what was searched."""
    now = evidence.now
    problem = now.problem("dependents")
    if problem or now.dependents is None:
        reason = problem.text if problem else f"{now.source.location} has no catalog in which to look for dependents."
        return [unknown(column, reason)]
    present = now.table is not None and now.table.column(column) is not None
    found = [_finding(one, present) for one in now.dependents if one.column == column]
    found += _of_the_table(now.table, column, present) if now.table is not None else []
    unread = evidence.now.searched.unread if evidence.now.searched else ()
    found += [unknown(column, f"{reason}.", "Read it as a role that may, and run this again.") for reason in unread]
    if not found or all(one.outcome == "pass" for one in found):
        found.append(_none(evidence, column, present, len(found)))
    return sorted(found, key=lambda one: ("fail", "unknown", "warn", "pass").index(one.outcome))


def _of_the_table(facts: TableFacts, column: str, present: bool) -> list[Finding]:
    """What a drop does not reach (children that define the column, other servers), and what writes the column."""
    found: list[Finding] = []
    for child in facts.children if present else ():
        numbers = {"kind": child.kind, "fate": "fine", "confidence": "certain", "also": []}
        if child.is_foreign:
            message = f"{child.place} is a foreign table: the drop here does not drop the column on the server that has its rows."
            remedy = "Drop it there too, after it is dropped here."
        elif column in child.own:
            message = f"{child.name} both defines {column} itself and inherits it: the drop leaves it there."
            remedy = f"Afterwards: ALTER TABLE {child.in_sql} DROP COLUMN {quote_name(column)}"
        else:
            continue
        found.append(Finding(subject=child.name, outcome="warn", message=message, remedy=remedy, evidence=numbers))
    for one in facts.subscriptions or ():
        numbers = {"kind": "subscription", "fate": "breaks", "confidence": "possible", "also": []}
        remedy = f"First stop sending {column}: drop it on the publisher, or remove it from the publication."
        if present:
            reason = (
                f"{one.name} stops when its publisher sends a column that is missing; what it sends is not known here."
            )
            finding = unknown(one.name, reason, remedy).model_copy(update={"evidence": numbers})
        else:
            message = f"{one.name} has stopped if its publisher still sends {column}."
            look = "Check whether rows still arrive (pg_stat_subscription, and the server's log)."
            finding = Finding(subject=one.name, outcome="warn", message=message, remedy=look, evidence=numbers)
        found.append(finding)
    return found


def _finding(one: Dependent, present: bool) -> Finding:
    outcome, message, remedy = _judged(one, present)
    return Finding(
        subject=one.name,
        outcome=outcome,
        message=f"{one.kind} {one.name} {message} {one.detail}".strip(),
        remedy=remedy,
        evidence={"kind": one.kind, "fate": one.fate, "confidence": one.confidence, "also": list(one.spans)},
    )


def _judged(one: Dependent, present: bool) -> tuple[Outcome, str, str]:
    column = one.column
    if one.fate == "blocks" and one.confidence == "possible":
        return (
            "warn",
            f"may refuse the drop of {column}.",
            "Rehearse the drop where it is, in a transaction that ends with ROLLBACK.",
        )
    if one.fate == "blocks":
        way = f"First: {one.ddl}; afterwards create it again without {column}." if one.ddl else "Remove it first."
        return "fail", f"blocks the drop of {column}.", way
    if one.fate == "vanishes":
        return _vanishing(one)
    if one.fate == "fine":
        return "pass", f"is not changed by the drop of {column}.", ""
    if one.fate == "changes":
        sure = "changes" if one.confidence != "possible" else "may change or fail"
        return "warn", f"{sure} when {column} is dropped.", "Look at what it does without the column."
    if one.confidence == "possible":
        return "warn", "may break." if present else "may be broken.", f"Check whether it uses this table's {column}."
    when = f"breaks when {column} is dropped, without a message." if present else f"is broken: {column} is gone."
    first = "First " if present else ""
    remedy = {
        "replica identity": f"{first}set another one: {one.ddl}.",
        "job": f"{first}remove {column} from its command.",
    }.get(one.kind, f"{first}remove {column} from it (CREATE OR REPLACE).")
    return "fail", when, remedy[0].upper() + remedy[1:]


def _vanishing(one: Dependent) -> tuple[Outcome, str, str]:
    """What is dropped with the column passes, unless it also covers columns that stay."""
    if one.spans and one.kind in RULES:
        message = f"is dropped with {one.column}, and so is its rule about {', '.join(one.spans)}."
        return "warn", message, "If the rule is still needed, create it again without the column."
    if one.spans and one.kind == "index":
        message = f"is dropped with {one.column}, and queries by {', '.join(one.spans)} lose it."
        return "warn", message, "If they need it, create one without the column: CREATE INDEX CONCURRENTLY."
    if one.kind == "generated column":
        message = f"is dropped with {one.column} without a message: before PostgreSQL 15 a drop includes it."
        return "fail", message, f"If it is needed, make it a plain column first: {one.ddl}."
    return "pass", f"is dropped with {one.column}, as expected.", ""


def _none(evidence: Evidence, column: str, present: bool, harmless: int) -> Finding:
    looked = evidence.now.searched or Searched(functions=0)
    places = ["the catalog"] if present else []
    places.append(plural(looked.functions, "function body", "function bodies"))
    if looked.statements is not None:
        places.append(plural(looked.statements, "recent statement"))
    what = "blocks the drop or is broken by it" if present else "is broken by the drop"
    notes = f" ({'; '.join(looked.notes)})" if looked.notes else ""
    return Finding(
        subject=column,
        outcome="pass",
        message=f"Nothing {what}: searched {', '.join(places)}{notes}.",
        evidence={"functions": looked.functions, "statements": looked.statements, "harmless": harmless},
    )


READS_CONVERSATION = """
CREATE FUNCTION "read_turns"() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM NEW.conversation; RETURN NEW; END $$;
CREATE TRIGGER "turns" BEFORE UPDATE ON "generation_requests" FOR EACH ROW EXECUTE FUNCTION "read_turns"();
"""
NAMES_DOWNLOAD_URL = """
CREATE FUNCTION "note_download"() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN NEW.error_message := NEW.download_url; RETURN NEW; END $$;
CREATE TRIGGER "note" BEFORE UPDATE ON "generation_requests" FOR EACH ROW EXECUTE FUNCTION "note_download"();
"""
FAULTS = (
    fault(
        "a view that reads download_url",
        "before",
        by_sql("CREATE VIEW downloads AS SELECT id, download_url FROM generation_requests"),
        "dependents.download_url",
    ),
    fault(
        "a trigger whose text names conversation",
        "before",
        by_sql(READS_CONVERSATION),
        "dependents.conversation",
    ),
    fault(
        "an index on download_url and user_id",
        "before",
        by_sql("CREATE INDEX ON generation_requests (user_id, download_url)"),
        warn="dependents.download_url",
    ),
    fault(
        "a child that defines a column itself and keeps it",
        "before",
        by_sql("CREATE TABLE child (conversation jsonb) INHERITS (generation_requests)"),
        warn="dependents.conversation",
    ),
    fault(
        "a trigger whose text still names download_url",
        "after",
        by_sql(NAMES_DOWNLOAD_URL),
        "dependents.download_url",
    ),
    fault(
        "a function whose text still names conversation",
        "after",
        by_sql(NAMES_DOWNLOAD_URL.replace("download_url", "conversation")),
        "dependents.conversation",
    ),
    noticed("forward SQL that does not drop a column that goes", "before", unknown="dependents.conversation"),
    noticed("a subscription that writes the rows", "before", unknown="dependents.download_url dependents.conversation"),
    noticed(
        "a subscription whose first copy is not done",
        "before",
        unknown="dependents.download_url dependents.conversation",
    ),
    noticed(
        "the forward SQL forgets conversation",
        "rehearsal",
        unknown="dependents.download_url dependents.conversation",
    ),
    noticed(
        "the forward SQL begins with a byte-order mark",
        "rehearsal",
        unknown="dependents.download_url dependents.conversation",
    ),
    noticed("a trigger that lets no row be written once conversation is gone", "rehearsal", "dependents.conversation"),
)


CHECK = Check(
    name="dependents",
    title="{subject}: what depends on it",
    order=40,
    page=__doc__,
    phases=frozenset({"before", "after", "rehearsal"}),
    subjects=lambda plan: tuple(plan.dropped),
    judge=judge,
    facts=lambda _plan, _subject: {"catalog", "dependents", "forward SQL"},
    faults=FAULTS,
)

"""# leftovers: source code no longer uses it

## Problem

Code that still names a dropped column fails once the column is gone: a query by name, an ORM that lists every
column of its schema, a form that sends it. A plain text search finds too much: the message's field of the same
name, a variable called conversation, migrations, changelogs.

## What is measured

With `--code DIR`, every file under the folder is searched for the names that the plan gives a dropped column
(`code_names`; both spellings, download_url and downloadUrl, when it gives none), as whole words; a longer name such
as conversation_log is listed as another name, and conversations is another word; a lookup of Django's
(`requests__download_url__isnull`) may be the column. TypeScript, TSX, JavaScript and Python are parsed (tree-sitter), SQL
is parsed too, in files and in strings. In templates (Jinja, Django, Handlebars, Liquid, Vue, Svelte, ERB) the object before
the name decides. Other files are judged by their words.
Each mention is one of:

- `live_column`: the table's schema definition, a property of a row, a value written to the table, a field of a
  row's type or validation schema, SQL that names the table, a field of the API (fail; warn where the
  syntax cannot tell)
- `message_field`: a field of a message between container and server (pass)
- `comment`, `docs`: a comment, a docstring, prose (pass)
- `history`: a migration, its snapshot, a changelog, the statement that drops the column (pass)
- `build_output`: in dist, .next and the like, minified or generated: build it again (pass)
- `other_meaning`: a variable, a component's property, a label, a column of another table (pass)

Each has its file, line and reason. A line counts once for a column, as its most important mention.
`genreq-checks rows leftovers.COLUMN --code DIR` lists all of them. The check applies before the drop and after it.

.gitignore files are respected (nested, negated, and those above the folder within its repository). Skipped and
counted: what they exclude, node_modules, vendor and virtual environments, version control, caches, binaries, files
over 2 MB, links (never followed). Files with invalid UTF-8 or with syntax errors are read as far as possible. A
folder or a file that the system does not let the tool read makes the outcome unknown, and so does a tree without
any source code.

## How it can be wrong

Types are not resolved. A property of an object is judged by how the object was declared in the same file, then by
its name (row, generation, msg), then by whether the file is about the table. If none of these decides, it is a
warning; so is a name of several words as a text (`"download_url"` in a list, a comparison, a constant). Names that are
built at run time are not found. In Go and other languages, and in the scripts of Vue and Svelte, mentions are judged by
their words. A warning may be about another table's column of the same name.

Measured by hand-set labels on seven columns of five packages (django-oscar, django-helpdesk, Mezzanine, pretix, Ghost), with
which the rules were made: all 201 uses are found (147 before the rules for templates, lookups and texts), 68 as
failures, all of them right, the others as warnings. Of all 231 failures and warnings 87 % are right; what is wrong is a column or
a setting of the same name elsewhere. In two packages that were not seen before (Wagtail, Weblate) 29 of 36 uses in code
were found, without a false one; six of the other seven are found since. Labels are one reader's, and only lines that have
the name were labelled.

## What to do

Remove the live uses, and read the warnings. The next build replaces a file of build output.
"""

from __future__ import annotations

from collections.abc import Iterator

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.fault import by_edit, fault
from genreq_checks.evidence.sides import Evidence
from genreq_checks.facts import CLASSES, LIVE, CodeFacts, Mention, MentionClass
from genreq_checks.report import Finding
from genreq_checks.text import listed, plural

WORDS = {
    LIVE: "live use of the column",
    "message_field": "field of a message",
    "comment": "comment",
    "docs": "documentation",
    "history": "migration or changelog",
    "build_output": "build output",
    "other_meaning": "another meaning of the word",
}
IN_ALL: dict[MentionClass, str] = {
    "message_field": "in messages",
    "comment": "in comments",
    "docs": "in documentation",
    "history": "in history",
    "build_output": "in build output",
    "other_meaning": "of another meaning",
}
REMEDIES = {
    LIVE: "Remove it: once the column is gone, this code fails or reads no value.",
    "build_output": "Build it again.",
}


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """Live uses fail, possible live uses warn, all other mentions are listed with their class."""
    facts = evidence.now.code
    if facts is None:
        return [Finding(subject=column, outcome="skip", message="No source code was given.", remedy="Give --code DIR.")]
    mentions = [mention for mention in facts.mentions if mention.column == column]
    order = sorted(mentions, key=lambda m: (CLASSES.index(m.cls), not m.certain, m.file, m.line))
    found = [_finding(mention) for mention in order]
    urgent = [finding for finding in found if finding.outcome != "pass"]
    rest = [finding for finding in found if finding.outcome == "pass"]
    return [*urgent, *_doubts(column, facts), *_summary(column, facts), *rest]


def count(evidence: Evidence, column: str) -> int | None:
    """How many findings there would be if every mention were kept; None when all are."""
    facts = evidence.now.code
    if facts is None or column not in facts.counted:
        return None
    kept = sum(mention.column == column for mention in facts.mentions)
    return len(judge(evidence, column)) + sum(facts.counts(column).get(cls, 0) for cls in CLASSES) - kept


def _finding(mention: Mention) -> Finding:
    live = mention.cls == LIVE
    return Finding(
        subject=f"{mention.file}:{mention.line}",
        outcome="pass" if not live else "fail" if mention.certain else "warn",
        message=f"{mention.file}:{mention.line}: {WORDS[mention.cls]}. {mention.reason}",
        remedy=REMEDIES.get(mention.cls, "") if mention.certain else "Look at it: the syntax does not decide.",
        evidence={
            "class": mention.cls,
            "file": mention.file,
            "line": mention.line,
            "reason": mention.reason,
            "text": mention.text,
            "certain": mention.certain,
        },
    )


def _doubts(column: str, facts: CodeFacts) -> Iterator[Finding]:
    """A path that was not read may hold mentions: unknown."""
    if facts.sources == 0:
        reason = f"no source code was read under {facts.root}{_passed_over(facts)}."
        yield unknown(column, reason, "Give the root of the source code with --code DIR.")
    if facts.unreadable:
        some = ", ".join(facts.unreadable[:3]) + (" …" if len(facts.unreadable) > 3 else "")
        reason = f"{plural(len(facts.unreadable), 'path')} under {facts.root} could not be read: {some}."
        yield unknown(column, reason, "Run it as a user who may read them.")


def _summary(column: str, facts: CodeFacts) -> Iterator[Finding]:
    """One sentence with the whole counts; only where code was read."""
    if facts.sources == 0:
        return
    counts = {cls: facts.counts(column).get(cls, 0) for cls in CLASSES}
    possible = facts.counts(column).get("possible", 0)
    live = counts[LIVE] - possible
    told = {"possibly live": possible} | {words: counts[cls] for cls, words in IN_ALL.items()}
    where = f"{plural(facts.read, 'file')} under {facts.root}"
    message = f"{plural(live, 'live use')} of {column} in {where}; other mentions: {listed(told)}"
    evidence = {"files": facts.read, "sources": facts.sources, "passed_over": dict(facts.passed_over)}
    by_class = {"classes": counts, "possible": possible}
    yield Finding(
        subject=column, outcome="pass", message=f"{message}{_passed_over(facts)}.", evidence=evidence | by_class
    )


def _passed_over(facts: CodeFacts) -> str:
    return f" (skipped: {listed(facts.passed_over)})" if facts.passed_over else ""


FAULTS = (
    fault(
        "the schema file still has downloadUrl",
        "after",
        by_edit("code/shared/schema.ts", "  githubUrl:", "  downloadUrl: text('download_url'),\n  githubUrl:"),
        "leftovers.download_url",
    ),
    fault(
        "a route still creates rows with a conversation",
        "after",
        by_edit("code/server/generations.ts", "  });\n  res", "    conversation: null,\n  });\n  res"),
        "leftovers.conversation",
    ),
)


CHECK = Check(
    name="leftovers",
    title="{subject}: source code no longer uses it",
    order=130,
    page=__doc__,
    phases=frozenset({"before", "after"}),
    subjects=lambda plan: tuple(plan.dropped),
    judge=judge,
    facts=lambda _plan, _subject: {"code"},
    count=count,
    faults=FAULTS,
)

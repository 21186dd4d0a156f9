"""# phases: what the plan adds and removes is in the code

## Problem

The columns are populated only if the code that fills them was written, and a column may be dropped only if the code that
names it was removed first. Rows show that late, and only for what ran since.

## What is measured

With `--code DIR`, what the plan's `[[evidence]]` says about each phase (see docs/plan.md): in the files that `files`
selects, each expression of `must_match` must be in at least one file (otherwise fail, with the searched files), and no
expression of `must_not_match` in any file (otherwise fail, with file and line of each place). An expression is searched in
code: comments and the text of strings are removed first, by the file's own syntax. TypeScript, TSX, JavaScript, Python and
SQL are known; what an f-string or a template string computes is code, and so is a regular expression. The quotes of a
string stay.

Unknown, with the reason, is what could not be searched: no file fits `files`; a file of another language, with a syntax
error, of more than 1 MB, or one that the system refuses. One place in another file is still enough for
`must_match`, and a place that must not be there fails. What .gitignore leaves out, vendored folders and links are no files.

The expressions are those of RE2, whose time is proportional to the text, whatever the expression. They have at most 500
characters and at most 200 counted repetitions. All searches in a tree have 30 seconds (the running one is finished);
files after that are unknown.

## How it can be wrong

It is a search in code, not an analysis: an expression that is too wide matches other code, one that is too narrow misses
code that is written in another way. Tests and mocks count like all files, unless `files` excludes them
(`!**/*.test.ts`). Code is read, not run: only rows show whether it is deployed (`population`, `derivation`,
`reconciliation`).

## What to do

Do what the phase of the plan says at the named place. Where the outcome is unknown, give the root of the complete source
code, narrow `files`, or read the place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, cast

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.fault import PLAN, Fault, by_edit, fault, together
from genreq_checks.evidence.sides import Evidence
from genreq_checks.facts import EXAMPLES, CodeFacts
from genreq_checks.facts.searched import Searched
from genreq_checks.plan import Plan
from genreq_checks.plan.applications import modules_named
from genreq_checks.plan.code_evidence import CodeEvidence
from genreq_checks.report import WORST_FIRST, Finding
from genreq_checks.text import plural

NAMED = 3  # files that a sentence names


class Phases(Protocol):
    """A module `checks/phases` of an application: phases that it looks for by more than an expression can say."""

    FAULTS: tuple[Fault, ...]

    def subjects(self, plan: Plan) -> Sequence[str]:
        """The phases that the plan asks of it."""

    def judge(self, evidence: Evidence, phase: str) -> Sequence[Finding]:
        """What the code says of one of its phases."""


APPLICATIONS = [cast("Phases", one) for one in modules_named("checks.phases")]


def subjects(plan: Plan) -> tuple[str, ...]:
    """The phases that an application looks for, and those of the plan's evidence."""
    own = (phase for one in APPLICATIONS for phase in one.subjects(plan))
    return tuple(dict.fromkeys((*own, *(one.phase for one in plan.evidence))))


def judge(evidence: Evidence, phase: str) -> list[Finding]:
    """What the code says of a phase, by an application and by the plan's evidence."""
    facts = evidence.now.code
    if facts is None:
        return [Finding(subject=phase, outcome="skip", message="No source code was given.", remedy="Give --code DIR.")]
    own = [one for one in APPLICATIONS if phase in one.subjects(evidence.plan)]
    by_plan = [finding for one in evidence.plan.evidence if one.phase == phase for finding in _evidence(facts, one)]
    return [
        *(finding for one in own for finding in one.judge(evidence, phase)),
        *sorted(by_plan, key=lambda finding: WORST_FIRST.index(finding.outcome)),
    ]


def _evidence(facts: CodeFacts, asked: CodeEvidence) -> Iterator[Finding]:
    found = next((one for one in facts.searched if (one.phase, one.title) == (asked.phase, asked.title)), None)
    if found is None:
        yield unknown(asked.title, "the source code was read without asking for it.", "Give --code DIR.")
        return
    if not found.files and not found.missed:
        refused = f", and {_refused(facts)}" if facts.unreadable else ""
        where = f"no file under {facts.root} fits {' '.join(asked.files)}{refused}."
        yield unknown(asked.title, where, "Give the root of the source code with --code DIR, or correct 'files'.")
        return
    doubt = _doubt(facts, found)
    for expression in asked.must_match:
        yield _must_match(asked, found, expression, doubt)
    for expression in asked.must_not_match:
        yield from _must_not_match(asked, found, expression, doubt)


def _must_match(asked: CodeEvidence, found: Searched, expression: str, doubt: str) -> Finding:
    places = found.places(expression)
    if places:
        said = f"{_at(places[0])}: {_quoted(expression)} stands there."
        return _finding(asked, "pass", said, expression, places[0], places)
    if doubt:
        return _unclear(asked, found, expression, f"{_quoted(expression)} was not found, but {doubt}.")
    said = f"{_quoted(expression)} stands in no code of {_files(found)}."
    return _finding(asked, "fail", said, expression, (found.names[0], None), ())


def _must_not_match(asked: CodeEvidence, found: Searched, expression: str, doubt: str) -> Iterator[Finding]:
    places = found.places(expression)
    for place in places:
        said = f"{_at(place)}: {_quoted(expression)} stands there, and must not."
        if len(places) >= EXAMPLES and place == places[0]:
            said += f" It is the first of {EXAMPLES} places, and there may be more."
        yield _finding(asked, "fail", said, expression, place, ())
    if doubt:
        yield _unclear(asked, found, expression, f"whether {_quoted(expression)} is gone: {doubt}.")
    elif not places:
        said = f"{_quoted(expression)} stands in no code of {_files(found)}."
        yield _finding(asked, "pass", said, expression, None, ())


def _finding(
    asked: CodeEvidence,
    outcome: str,
    message: str,
    expression: str,
    place: tuple[str, int | None] | None,
    places: Sequence[tuple[str, int]],
) -> Finding:
    where = {"file": place[0], "line": place[1]} if place else {}
    return Finding.model_validate(
        {
            "subject": asked.title,
            "outcome": outcome,
            "message": message,
            "remedy": "" if outcome == "pass" else asked.remedy or "Do what the plan says of this phase.",
            "evidence": where | {"expression": expression, "places": [_at(one) for one in places]},
        }
    )


def _unclear(asked: CodeEvidence, found: Searched, expression: str, reason: str) -> Finding:
    finding = unknown(asked.title, reason, "Look at these files, or leave them out of 'files' in the plan.")
    return finding.model_copy(update={"evidence": {"expression": expression, "unclear": dict(found.unclear)}})


def _doubt(facts: CodeFacts, found: Searched) -> str:
    """What was not searched; '' when all was."""
    some = "; ".join(f"{name}: {reason}" for name, reason in list(found.unclear.items())[:NAMED])
    if found.missed:
        were = "was" if found.missed == 1 else "were"
        return f"{plural(found.missed, 'file')} {were} not searched ({some}{'; …' if found.missed > NAMED else ''})"
    return _refused(facts)


def _refused(facts: CodeFacts) -> str:
    if not facts.unreadable:
        return ""
    some = ", ".join(facts.unreadable[:NAMED]) + (" …" if len(facts.unreadable) > NAMED else "")
    return f"{plural(len(facts.unreadable), 'path')} could not be read: {some}"


def _files(found: Searched) -> str:
    if found.files == 1:
        return found.names[0]
    some = ", ".join(found.names[:NAMED]) + (" …" if found.files > NAMED else "")
    return f"{plural(found.files, 'file')}: {some}"


def _at(place: tuple[str, int | None]) -> str:
    return f"{place[0]}:{place[1]}"


def _quoted(expression: str) -> str:
    return f"‘{expression if len(expression) <= 80 else expression[:79] + '…'}’"


ASKED = """
[[evidence]]
phase = "request"
title = "A route passes the prompt on, and nothing of the old API"
files = "server/**/*.ts"
must_match = 'prompt:\\s*req\\.body\\.prompt'
must_not_match = '\\blegacyApi\\b'

[migrations]
"""
PROMPT = "    prompt: req.body.prompt,\n"
FAULTS = (
    fault(
        "what must stand in the code stands in a comment and in a string",
        "after",
        together(
            by_edit(PLAN, "\n[migrations]\n", ASKED),
            by_edit(
                "code/server/generations.ts",
                PROMPT,
                "    // prompt: req.body.prompt,\n    text: 'prompt: req.body.prompt',\n",
            ),
        ),
        "phases.request",
    ),
    fault(
        "what must not stand in the code is there",
        "after",
        together(
            by_edit(PLAN, "\n[migrations]\n", ASKED),
            by_edit("code/server/generations.ts", PROMPT, f"{PROMPT}    ...legacyApi(req),\n"),
        ),
        "phases.request",
    ),
    fault(
        "the plan's evidence names files that are not there",
        "after",
        by_edit(PLAN, "\n[migrations]\n", ASKED.replace("server/", "srv/")),
        unknown="phases.request",
    ),
    *(one for application in APPLICATIONS for one in application.FAULTS),
)


def _page() -> str:
    """This file's page, and in what is measured a part for each application."""
    measured, heading, rest = str(__doc__).partition("## How it can be wrong")
    for one in APPLICATIONS:
        title, _, text = str(one.__doc__).partition("\n")
        measured += f"### {title.rstrip('.')}\n{text}\n"
    return measured + heading + rest


CHECK = Check(
    name="phases",
    title="Phase evidence in the source code: {subject}",
    order=140,
    page=_page(),
    phases=frozenset({"after"}),
    subjects=subjects,
    judge=judge,
    facts=lambda _plan, _subject: {"code"},
    faults=FAULTS,
)

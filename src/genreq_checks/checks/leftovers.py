"""leftovers.<column>: source code still names it; only uses of the column itself fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from genreq_checks.checks.check import Check, unknown
from genreq_checks.code_facts import CLASSES, LIVE, CodeFacts, Mention, MentionClass
from genreq_checks.evidence import Evidence
from genreq_checks.results import Finding
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
    LIVE: "Remove it: once the column is gone, this fails or reads nothing.",
    "build_output": "Build it again.",
}


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """Live uses fail, what may be one warns, everything else is listed as it is."""
    facts = evidence.inputs.code
    if facts is None:
        return [Finding(subject=column, outcome="skip", message="No source code was given.", remedy="Give --code DIR.")]
    mentions = [mention for mention in facts.mentions if mention.column == column]
    order = sorted(mentions, key=lambda m: (CLASSES.index(m.cls), not m.certain, m.file, m.line))
    found = [_finding(mention) for mention in order]
    urgent = [finding for finding in found if finding.outcome != "pass"]
    rest = [finding for finding in found if finding.outcome == "pass"]
    return [*urgent, *_doubts(column, facts), *_summary(column, facts, mentions), *rest]


def _finding(mention: Mention) -> Finding:
    live = mention.cls == LIVE
    return Finding(
        subject=f"{mention.file}:{mention.line}",
        outcome="pass" if not live else "fail" if mention.certain else "warn",
        message=f"{mention.file}:{mention.line}: {WORDS[mention.cls]}. {mention.reason}",
        remedy=REMEDIES.get(mention.cls, "") if mention.certain else "Look at it: the syntax does not tell.",
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
    """What was not read is not free of mentions."""
    if facts.sources == 0:
        reason = f"no source code was read under {facts.root}{_passed_over(facts)}."
        yield unknown(column, reason, "Give the root of the source code with --code DIR.")
    if facts.unreadable:
        some = ", ".join(facts.unreadable[:3]) + (" …" if len(facts.unreadable) > 3 else "")
        reason = f"{plural(len(facts.unreadable), 'path')} under {facts.root} could not be read: {some}."
        yield unknown(column, reason, "Run it as a user who may read them.")


def _summary(column: str, facts: CodeFacts, mentions: list[Mention]) -> Iterator[Finding]:
    """One sentence with the whole counts; only where code was read."""
    if facts.sources == 0:
        return
    counts = Counter(mention.cls for mention in mentions)
    live = sum(mention.cls == LIVE and mention.certain for mention in mentions)
    possible = counts[LIVE] - live
    told = {"possibly live": possible} | {words: counts[cls] for cls, words in IN_ALL.items()}
    where = f"{plural(facts.read, 'file')} under {facts.root}"
    message = f"{plural(live, 'live use')} of {column} in {where}; mentions besides: {listed(told)}"
    evidence = {"files": facts.read, "sources": facts.sources, "passed_over": dict(facts.passed_over)}
    by_class = {"classes": {cls: counts[cls] for cls in CLASSES}, "possible": possible}
    yield Finding(
        subject=column, outcome="pass", message=f"{message}{_passed_over(facts)}.", evidence=evidence | by_class
    )


def _passed_over(facts: CodeFacts) -> str:
    return f" (passed over: {listed(facts.passed_over)})" if facts.passed_over else ""


CHECK = Check(
    name="leftovers",
    title="{subject}: source code no longer uses it",
    phases=frozenset({"before", "after"}),
    subjects=lambda plan: tuple(plan.dropped),
    judge=judge,
)

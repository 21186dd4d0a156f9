"""Annotations for GitHub Actions, one for each check that does not pass; the step summary is the Markdown report."""

from __future__ import annotations

from genreq_checks.facts import Outcome
from genreq_checks.outputs.location import place_of
from genreq_checks.outputs.verdict import WORDS, headline, not_passing
from genreq_checks.report import CheckResult, Report
from genreq_checks.text import line, plural

SHOWN = 10  # GitHub shows at most this many of each level for one step
LEVELS: dict[Outcome, str] = {"fail": "error", "unknown": "error", "warn": "warning", "pass": "notice"}


def render(report: Report) -> str:
    """The workflow commands: first the verdict, then each check that failed, is unknown or warns.

    The last command of a level names the checks that GitHub would not show.
    """
    commands = [
        _command(LEVELS[report.outcome], {"title": f"genreq-checks: {WORDS[report.outcome]}"}, headline(report))
    ]
    for step in report.steps:
        if step.outcome in ("fail", "unknown"):
            commands.append(_command("error", {"title": f"{WORDS[step.outcome]} {step.name}"}, step.message))
    for level in ("error", "warning"):
        checks = [check for check in not_passing(report) if LEVELS[check.outcome] == level]
        room = SHOWN - sum(command.startswith(f"::{level} ") for command in commands)
        shown = checks if len(checks) <= room else checks[: max(room - 1, 0)]
        commands += [_annotation(check) for check in shown]
        rest = checks[len(shown) :]
        if rest:
            names = ", ".join(f"{check.id} ({check.outcome})" for check in rest)
            commands.append(_command(level, {"title": f"{plural(len(rest), 'more check')}"}, names))
    return "\n".join(commands) + "\n"


def _annotation(check: CheckResult) -> str:
    worst = [finding for finding in check.findings if finding.outcome == check.outcome]
    properties = {"title": f"{WORDS[check.outcome]} {check.id}"}
    if not worst:
        return _command(LEVELS[check.outcome], properties, check.title)
    first = worst[0]
    place = place_of(first)
    if place:
        properties |= {"file": place.file} | ({"line": str(place.line)} if place.line else {})
    more = f" (1 of {check.found:,} findings)" if check.found > 1 else ""
    remedy = f"\n{line(first.remedy)}" if first.remedy else ""
    return _command(LEVELS[check.outcome], properties, f"{line(first.message)}{more}", remedy)


def _command(level: str, properties: dict[str, str], message: str, more: str = "") -> str:
    """`::level key=value,…::message`, escaped as the runner reads it back; `more` may hold line ends."""
    said = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{level} {said}::{_data(line(message) + more)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(line(text)).replace(":", "%3A").replace(",", "%2C")

"""The answer in words, the same in every output: the headline, how a check ran, what is proved."""

from __future__ import annotations

from datetime import datetime

from genreq_checks.facts import Outcome
from genreq_checks.report import WORST_FIRST, CheckResult, Report, RequirementResult
from genreq_checks.text import plural

WORDS: dict[Outcome, str] = {"pass": "PASS", "warn": "WARN", "fail": "FAIL", "unknown": "UNKNOWN", "skip": "SKIP"}
MARKS: dict[Outcome, str] = {"pass": "✓", "warn": "!", "fail": "✗", "unknown": "?", "skip": "–"}
GOOD = {
    "before": "Safe to drop",
    "held": "Safe to finalise",
    "after": "The clean-up worked",
    "rolled-back": "The old state is back",
    "rehearsal": "The rehearsal succeeded",
    "generation": "The generation ran end to end",
}
BAD = {
    "before": "Not safe to drop",
    "held": "Not safe to finalise",
    "after": "The clean-up did not work",
    "rolled-back": "The old state is not back",
    "rehearsal": "The rehearsal failed",
    "generation": "The generation did not run end to end",
}
OPEN = {
    "before": "Not proven safe to drop",
    "held": "Not proven safe to finalise",
    "after": "Not proven that the clean-up worked",
    "rolled-back": "Not proven that the old state is back",
    "rehearsal": "The rehearsal proves nothing yet",
    "generation": "Not proven that a generation runs end to end",
}


def headline(report: Report) -> str:
    """One sentence: the outcome, and how many checks made it; which ones, every output says in the next lines.

    In phase `held` also from when on the columns may be dropped.
    """
    sentence = _outcome(report)
    days = [str(one.evidence.get("finalise_from", "")) for check in report.checks for one in check.findings]
    latest = max(days, default="") if report.phase == "held" and report.outcome != "fail" else ""
    if not latest:
        return sentence
    when = f"{datetime.fromisoformat(latest):%Y-%m-%d %H:%M} UTC"
    return f"{sentence} The hold {'was' if report.outcome in ('pass', 'warn') else 'is'} over on {when}."


def _outcome(report: Report) -> str:
    made = sum(n for outcome, n in report.counts.items() if outcome != "skip")
    unknown = report.counts["unknown"]
    if report.outcome == "fail":
        more = f"; {unknown:,} could not be judged" if unknown else ""
        return f"{BAD[report.phase]}: {report.counts['fail']:,} of {plural(made, 'check')} failed{more}."
    if report.outcome == "unknown":
        if not made:
            return f"{OPEN[report.phase]}: no check was made."
        return f"{OPEN[report.phase]}: {unknown:,} of {plural(made, 'check')} could not be judged."
    warned = plural(report.counts["warn"], "warning")
    if report.only:
        asked = f"{plural(made, 'check')} that {'was' if made == 1 else 'were'} asked for"
        what = f"{warned} in {asked}" if report.outcome == "warn" else f"{asked} passed"
        return f"{what}; the plan's other checks were not made."
    if report.outcome == "warn":
        return f"{GOOD[report.phase]}, with {warned} in {plural(made, 'check')}."
    return f"{GOOD[report.phase]}: {'the one check' if made == 1 else f'all {made:,} checks'} passed."


def tally_line(report: Report) -> str:
    """The number of checks of each outcome, worst first, all outcomes named: `12 checks: 2 fail, 7 unknown, 0 warn, …`."""
    counts = ", ".join(f"{report.counts.get(outcome, 0):,} {outcome}" for outcome in WORST_FIRST)
    return f"{plural(len(report.checks), 'check')}: {counts}"


def common_reason(report: Report) -> str | None:
    """The one reason why nothing could be judged, or None: with one reason, it is printed once and not for each check."""
    made = [check for check in report.checks if check.outcome != "skip"]
    reasons = {finding.message for check in made for finding in check.findings}
    if made and len(reasons) == 1 and all(check.outcome == "unknown" for check in made):
        return reasons.pop().removeprefix("Not judged: ")
    return None


def worst_first(report: Report) -> list[CheckResult]:
    """The checks with the worst outcomes first, otherwise in the report's order."""
    return sorted(report.checks, key=lambda check: WORST_FIRST.index(check.outcome))


def not_passing(report: Report) -> list[CheckResult]:
    """The checks that failed, are unknown or warn, worst first."""
    return [check for check in worst_first(report) if check.outcome in ("fail", "unknown", "warn")]


def is_broken(check: CheckResult) -> bool:
    """Did the check itself raise an error?"""
    return any("error" in finding.evidence and finding.outcome == "unknown" for finding in check.findings)


def how_it_ran(check: CheckResult) -> str:
    """Whether a check ran, whatever its outcome: ran, ran in part, not judged, broke off, not asked for."""
    if is_broken(check):
        return "broke off"
    if check.outcome == "skip":
        return "not asked for"
    judged = [finding.outcome != "unknown" for finding in check.findings]
    return "ran" if all(judged) and judged else "ran in part" if any(judged) else "not judged"


def standing(requirement: RequirementResult) -> str:
    """What the checks say about a requirement: proved, proved in part, failed or unproven."""
    if requirement.outcome == "fail":
        return "failed"
    if requirement.outcome in ("unknown", "skip"):
        return "unproven"
    return "proved in part" if requirement.unproven else "proved"

"""The answer in one sentence, the same words in every output."""

from __future__ import annotations

from genreq_checks.results import Outcome, Report
from genreq_checks.wording import plural

WORDS: dict[Outcome, str] = {"pass": "PASS", "warn": "WARN", "fail": "FAIL", "unknown": "UNKNOWN", "skip": "SKIP"}
MARKS: dict[Outcome, str] = {"pass": "✓", "warn": "!", "fail": "✗", "unknown": "?", "skip": "–"}
GOOD = {
    "before": "Safe to drop",
    "after": "The clean-up worked",
    "rolled-back": "The old state is back",
    "rehearsal": "The rehearsal went through",
    "generation": "The generation ran end to end",
}
BAD = {
    "before": "Not safe to drop",
    "after": "The clean-up did not work",
    "rolled-back": "The old state is not back",
    "rehearsal": "The rehearsal failed",
    "generation": "The generation did not run end to end",
}
OPEN = {
    "before": "Not proven safe to drop",
    "after": "Not proven that the clean-up worked",
    "rolled-back": "Not proven that the old state is back",
    "rehearsal": "The rehearsal proves nothing yet",
    "generation": "Not proven that a generation runs end to end",
}


def headline(report: Report) -> str:
    """One sentence: the outcome, and the checks that made it."""
    made = sum(n for outcome, n in report.counts.items() if outcome != "skip")
    unknown = report.counts["unknown"]
    if report.outcome == "fail":
        more = f", {unknown:,} could not be judged" if unknown else ""
        failed = f"{report.counts['fail']:,} of {plural(made, 'check')} failed"
        return f"{BAD[report.phase]}: {failed}{more} ({_names(report, 'fail')})."
    if report.outcome == "unknown":
        return f"{OPEN[report.phase]}: {unknown:,} of {plural(made, 'check')} could not be judged ({_names(report, 'unknown')})."
    if report.outcome == "warn":
        warned = plural(report.counts["warn"], "warning")
        return f"{GOOD[report.phase]}, with {warned} in {plural(made, 'check')} ({_names(report, 'warn')})."
    return f"{GOOD[report.phase]}: {'the one check' if made == 1 else f'all {made:,} checks'} passed."


def common_reason(report: Report) -> str | None:
    """The one reason why nothing at all could be judged, or None: then it need not be told of each check."""
    made = [check for check in report.checks if check.outcome != "skip"]
    reasons = {finding.message for check in made for finding in check.findings}
    if made and len(reasons) == 1 and all(check.outcome == "unknown" for check in made):
        return reasons.pop().removeprefix("Not judged: ")
    return None


def _names(report: Report, outcome: Outcome) -> str:
    ids = [check.id for check in report.checks if check.outcome == outcome]
    return ", ".join(ids[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")

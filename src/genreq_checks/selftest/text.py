"""The self-test in words: one line for each trial, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from genreq_checks.facts import Outcome
from genreq_checks.selftest.run import Trial
from genreq_checks.text import plural


def line(trial: Trial) -> str:
    """What was planted, and which checks changed; for a failed trial also which had to change."""
    mark = "✓" if trial.caught else "✗"
    if trial.fault is None:
        said = "every check is green" if trial.caught else _told(trial.turned)
        return f"{mark} {trial.phase:<11} clean: {said}"
    text = f"{mark} {trial.phase:<11} {trial.fault.name}: {_told(trial.turned)}"
    return text if trial.caught else f"{text}; expected: {_told(trial.wanted)}"


def verdict(trials: Sequence[Trial], unproven: Sequence[str]) -> str:
    """The last line: `31 of 31 faults caught`, and the rest of the verdict."""
    faults = [trial for trial in trials if trial.fault]
    clean = [trial for trial in trials if not trial.fault]
    caught = sum(trial.caught for trial in faults)
    text = f"{caught:,} of {plural(len(faults), 'fault')} caught, each by exactly the checks that had to"
    text += f"; {sum(trial.caught for trial in clean)} of {plural(len(clean), 'clean state')} green"
    return f"{text}; no fault for {', '.join(unproven)}." if unproven else f"{text}."


def _told(turned: Mapping[str, Outcome]) -> str:
    """The checks by outcome; the first few of many."""
    parts: list[str] = []
    for outcome in ("fail", "warn", "unknown", "pass", "skip"):
        ids = [check for check, how in turned.items() if how == outcome]
        if ids:
            more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
            parts.append(f"{', '.join(ids[:3])}{more} {outcome.upper()}")
    return "; ".join(parts) or "nothing turned"

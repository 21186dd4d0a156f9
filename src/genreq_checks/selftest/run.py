"""Plant each fault in a copy of the clean state, check, and compare the changed checks with the expected ones."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from genreq_checks import checks
from genreq_checks.checks.fault import Fault
from genreq_checks.facts import Outcome
from genreq_checks.plan import Plan
from genreq_checks.report import Phase, Report
from genreq_checks.selftest.clean import Clean, Server, clean_states, judge, place

GREEN = ("pass", "skip")


@dataclass(frozen=True, slots=True)
class Trial:
    """The effect of one fault: `turned` are the checks with another outcome than in the clean state, and that outcome.

    `wanted` are those that had to change, and how. A trial without a fault is of a clean state itself, where `turned` are
    the checks that are not green.
    """

    phase: Phase
    fault: Fault | None
    turned: Mapping[str, Outcome]
    wanted: Mapping[str, Outcome] = field(default_factory=dict[str, Outcome])

    @property
    def caught(self) -> bool:
        """Did exactly the right checks change, each as expected?"""
        return dict(self.turned) == dict(self.wanted)


def sabotage(server: Server, faults: Sequence[Fault]) -> Iterator[Trial]:
    """Try the clean state of each phase, then each fault; one trial at a time, each in a separate database."""
    with tempfile.TemporaryDirectory(prefix="genreq-selftest-") as name:
        files = Path(name) / "files"
        files.mkdir()
        with clean_states(server, files) as clean:
            green: dict[Phase, Report] = {}
            for phase in clean.databases:
                green[phase] = _tried(server, clean, phase, None)
                yield Trial(phase, None, {c.id: c.outcome for c in green[phase].checks if c.outcome not in GREEN})
            for fault in faults:
                report = _tried(server, clean, fault.phase, fault)
                clean_one = green[fault.phase]
                yield Trial(fault.phase, fault, turned(clean_one, report), wanted(clean.plan, clean_one, fault))


def turned(clean: Report, report: Report) -> dict[str, Outcome]:
    """The checks with another outcome than in the clean state, and that outcome."""
    earlier = {check.id: check.outcome for check in clean.checks}
    return {check.id: check.outcome for check in report.checks if earlier.get(check.id) != check.outcome}


def wanted(plan: Plan, clean: Report, fault: Fault) -> dict[str, Outcome]:
    """The checks that a fault must change: those that the fault names, and those that need a fact that it removes.

    A check with `skip` in the clean state was not requested, and is not changed by a missing fact.
    """
    found: dict[str, Outcome] = {}
    asked = {check.id for check in clean.checks if check.outcome != "skip"}
    for one, subject in checks.checks_of(plan):
        facts = one.facts(plan, subject)
        if one.id(subject) in asked and not set(fault.takes).isdisjoint(facts):
            found[one.id(subject)] = "unknown"
        elif one.id(subject) in asked and not set(fault.doubts).isdisjoint(facts):
            found[one.id(subject)] = "warn"
    return found | dict(fault.turns)


def _tried(server: Server, clean: Clean, phase: Phase, fault: Fault | None) -> Report:
    name = f"selftest_{uuid4().hex[:12]}"
    with tempfile.TemporaryDirectory(prefix="genreq-selftest-") as folder:
        files = Path(folder) / "files"
        shutil.copytree(clean.files, files)
        state = fault.state if fault is not None and fault.state is not None else phase
        url = server.create_database(name, clean.databases[state])
        try:
            if fault is not None and fault.plant is not None:
                fault.plant(place(url, files, clean.plan))
            return judge(server, clean, url, files, phase)
        finally:
            server.drop_database(name)


def without_fault(plan: Plan, faults: Iterable[Fault]) -> list[str]:
    """The ids of the plan's checks that no fault makes fail: nothing proves that such a check can detect a fault.

    A fault that removes a fact for many checks proves nothing about one of them. A check with `skip` because the plan asks
    nothing, such as a claim with holds = "any", has nothing to detect, and where the baseline has no values, none can be lost.
    """
    turns = [(check, outcome) for fault in faults for check, outcome in fault.turns.items()]
    holds = {name: column.claim.holds for name, column in plan.kept.items() if column.claim}
    idle = {f"claims.{name}" for name, claim in holds.items() if claim == "any"}
    idle |= {f"values.{name}" for name, claim in holds.items() if claim == "never-populated"}
    missing: list[str] = []
    for one in checks.all_checks():
        ids = [one.id(subject) for subject in one.subjects(plan)]
        at_worst = any(check.split(".")[0] == one.name and outcome == one.worst for check, outcome in turns)
        red = {check for check, outcome in turns if outcome in ("fail", "warn", one.worst)}
        missing += [check for check in ids if check not in idle and (check not in red or not at_worst)]
    return missing

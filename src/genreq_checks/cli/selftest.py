"""`genreq-checks selftest`: do the checks detect every known fault?"""

from __future__ import annotations

import sys

import typer


def selftest() -> None:
    """Plant every known fault in an embedded PostgreSQL, one at a time, and show that exactly the right checks change."""
    from genreq_checks.checks import all_faults
    from genreq_checks.embedded import start
    from genreq_checks.plan import load_plan
    from genreq_checks.selftest.run import sabotage, without_fault
    from genreq_checks.selftest.text import line, verdict

    faults = all_faults()
    print(f"Starting an embedded PostgreSQL; {len(faults)} faults, one at a time.", file=sys.stderr)
    trials = []
    with start() as server:
        for trial in sabotage(server, faults):
            trials.append(trial)
            print(line(trial), flush=True)
    unproven = without_fault(load_plan(), faults)
    print(verdict(trials, unproven))
    raise typer.Exit(0 if all(trial.caught for trial in trials) and not unproven else 1)

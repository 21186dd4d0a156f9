"""`genreq-checks list`, `explain` and `schema`: the checks, their pages, and the schema of the report."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from genreq_checks.cli.options import PlanFile, TableName, the_plan
from genreq_checks.errors import UsageError, near

Grants = Annotated[bool, typer.Option("--grants", help="Print the SQL of a role that may read what the checks need.")]


def list_checks(plan: PlanFile = None, table: TableName = None, grants: Grants = False) -> None:
    """List the plan's checks: id, phases, what it is about; or the SQL of a role that may read what they need."""
    chosen = the_plan(plan, table)
    if grants:
        from genreq_checks.postgres.grants import grants as statements

        for line in statements(chosen):
            print(line)
        return
    from genreq_checks.checks import PHASES, checks_of

    for one, subject in checks_of(chosen):
        phases = ",".join(phase for phase in PHASES if phase in one.phases)
        print(f"{one.id(subject):<36} {phases:<36} {one.title.format(subject=subject)}")


def explain(check: Annotated[str, typer.Argument(help="A check's id or name, as `list` shows it.")]) -> None:
    """Explain a check: the problem, what is measured, how it can be wrong, what to do."""
    from genreq_checks.checks import all_checks

    name = check.split(".")[0]
    pages = {one.name: one.page for one in all_checks()}
    if name not in pages:
        raise UsageError(f"There is no check '{check[:60]}'.", near(name, pages))
    if not pages[name]:
        raise UsageError("The pages are missing: Python was started with -OO.", "Start it without -OO.")
    sys.stdout.write(pages[name])


def schema() -> None:
    """Print the JSON Schema of the JSON report."""
    from genreq_checks.outputs.json import schema as report_schema

    print(json.dumps(report_schema(), indent=2))

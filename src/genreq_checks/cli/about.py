"""`genreq-checks list`, `explain` and `schema`: what the checks are and what the report looks like."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from genreq_checks.cli.options import PlanFile, TableName, the_plan
from genreq_checks.errors import UsageError, near
from genreq_checks.resources import resource

Grants = Annotated[bool, typer.Option("--grants", help="Print the SQL of a role that may read what the checks need.")]


def list_checks(plan: PlanFile = None, table: TableName = None, grants: Grants = False) -> None:
    """List the plan's checks: id, phases, what it is about; or the SQL of a role that may read what they need."""
    chosen = the_plan(plan, table)
    if grants:
        from genreq_checks.sources.grants import grants as statements

        for line in statements(chosen):
            print(line)
        return
    from genreq_checks.checks import ALL

    for one in ALL:
        for subject in one.subjects(chosen):
            phases = ",".join(phase for phase in ("before", "after", "rolled-back", "rehearsal") if phase in one.phases)
            print(f"{one.id(subject):<36} {phases:<36} {one.title.format(subject=subject)}")


def explain(check: Annotated[str, typer.Argument(help="A check's id or name, as `list` shows it.")]) -> None:
    """Explain a check: the problem, what is measured, how it can be wrong, what to do."""
    from genreq_checks.checks import ALL

    name = check.split(".")[0]
    names = [one.name for one in ALL]
    if name not in names:
        raise UsageError(f"There is no check '{check[:60]}'.", near(name, names))
    sys.stdout.write(resource("docs", "checks", f"{name}.md").read_text("utf-8"))


def schema() -> None:
    """Print the JSON Schema of the JSON report."""
    from genreq_checks.render.json import schema as report_schema

    print(json.dumps(report_schema(), indent=2))

"""`genreq-checks generate`: one generation, end to end, and the resulting row."""

from __future__ import annotations

import re
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genreq_checks.cli.options import VARIABLE, PlanFile, Replace, TableName, narrate, source_or_variable, the_plan
from genreq_checks.cli.output import Formats, Outputs, keep_files, pairs, write
from genreq_checks.errors import UsageError

if TYPE_CHECKING:
    from genreq_checks.facts import GenerationFacts
    from genreq_checks.plan import Plan
    from genreq_checks.report import Report

Server = Annotated[
    str | None,
    typer.Option("--server", metavar="ws://…", help="Your own server. Left out: the reference server, embedded."),
]
Database = Annotated[
    str | None,
    typer.Option(
        "--database", metavar="URL", help=f"The database your server writes to; only read. Default: {VARIABLE}."
    ),
]
Request = Annotated[
    str | None, typer.Option("--request", metavar="ID", help="The key of the row that your server generates for.")
]
AppFolder = Annotated[
    Path | None,
    typer.Option("--app-folder", metavar="DIR", help="The app with its fly.toml and .git. Left out: a sample app."),
]
GithubUrl = Annotated[
    str | None, typer.Option("--github-url", metavar="URL", help="Send this instead of the git remote's address.")
]
Header = Annotated[
    list[str] | None,
    typer.Option("--header", metavar="'NAME: VALUE'", help="An HTTP header for your server; repeatable, never shown."),
]
Seconds = Annotated[
    float,
    typer.Option("--timeout", metavar="SECONDS", min=0.1, max=86400, help="For the container, and again for the row."),
]
Save = Annotated[
    Path | None, typer.Option("--save", metavar="FILE", help="Save the run, for 'check --generation FILE'.")
]
Strict = Annotated[bool, typer.Option("--strict", help="A warning fails too.")]


def generate(
    server: Server = None,
    database: Database = None,
    request: Request = None,
    app_folder: AppFolder = None,
    github_url: GithubUrl = None,
    header: Header = None,
    plan: PlanFile = None,
    table: TableName = None,
    formats: Formats = None,
    output: Outputs = None,
    save: Save = None,
    replace: Replace = False,
    strict: Strict = False,
    timeout: Seconds = 60,
) -> None:
    """Run a generation end to end with a simulated container, and check the resulting row."""
    places = pairs(formats, output)
    keep_files([file for _, file in places], plan)
    chosen = the_plan(plan, table)
    chosen.require_messages("generate")
    if server is None:
        given = {"--database": database, "--request": request, "--header": header}
        names = [name for name, value in given.items() if value is not None]
        if names:
            raise UsageError(f"{names[0]} needs --server.", "Without --server everything is embedded.")
    elif request is None:
        raise UsageError("--server needs --request ID.", "Give the key of the row that the server generates for.")
    if save is not None and not save.parent.is_dir():
        raise UsageError(f"The folder {save.parent} of --save does not exist.", "Create it first.")
    headers = [parse_header(text) for text in header or ()]
    facts = _run(chosen, server, database, request, app_folder, github_url, headers, timeout)

    from genreq_checks.leo.generation.saved import save_facts

    if save is not None:
        save_facts(facts, save, replace=replace)
    report = report_on(chosen, facts)
    write(places, report)
    raise typer.Exit(report.exit_code(strict))


def _run(
    plan: Plan,
    server: str | None,
    database: str | None,
    request: str | None,
    app_folder: Path | None,
    github_url: str | None,
    headers: list[tuple[str, str]],
    timeout: float,
) -> GenerationFacts:
    import asyncio

    from genreq_checks.leo.generation.app import inspect_app
    from genreq_checks.leo.generation.run import generate as run_generation
    from genreq_checks.leo.generation.run import generate_embedded, sample_app

    with nullcontext(app_folder) if app_folder else sample_app() as folder, narrate("Running a generation…"):
        app = inspect_app(folder, github_url)
        if server is None or request is None:
            return generate_embedded(plan, app, timeout)
        where = source_or_variable(database)
        return asyncio.run(run_generation(plan, server, where, request, app, headers=headers, timeout=timeout))


def report_on(plan: Plan, facts: GenerationFacts) -> Report:
    """Judge a run. The other checks of the plan are not in the report: one row proves no rate."""
    from genreq_checks import __version__
    from genreq_checks.facts import SourceInfo
    from genreq_checks.run import check
    from genreq_checks.snapshot import Snapshot

    snapshot = Snapshot(
        tool_version=__version__,
        plan_fingerprint=plan.fingerprint,
        plan_table=plan.table.qualified,
        source=SourceInfo(kind="postgresql", location=facts.database, read_at=datetime.now(UTC)),
        generation=facts,
    )
    report = check(plan, snapshot, phase="generation", only=["generation"])
    return report.model_copy(update={"steps": facts.steps, "notes": facts.events})


def parse_header(text: str) -> tuple[str, str]:
    """An HTTP header's name and value. Raises: UsageError without the text, which is often a secret."""
    match = re.fullmatch(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\t]*)", text)
    if match is None:
        raise UsageError("A --header is not an HTTP header.", "Write it as 'Name: value', in ASCII.")
    return match[1], match[2].strip()

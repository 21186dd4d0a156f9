"""The options that name other evidence than the database: one for each source in `sources/evidence`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from genreq_checks.errors import UsageError
from genreq_checks.sources.evidence import all_sources

if TYPE_CHECKING:
    from genreq_checks.plan import Plan

Named = dict[str, Any]  # what a call names, by the name of the source; None: not requested
MigrationsTable = Annotated[
    str | None,
    typer.Option("--migrations-table", metavar="SCHEMA.NAME", help="Another bookkeeping table than the plan's."),
]


def with_evidence(command: Callable[..., None], *, but: Collection[str] = ()) -> Callable[..., None]:
    """A command with an option for each source `but` some; its parameter `evidence` is what the call names.

    The options take the place of the parameter.
    """
    sources = [one for one in all_sources() if one.name not in but]
    hints = get_type_hints(command, include_extras=True)
    parameters = [
        parameter.replace(annotation=hints[parameter.name])
        for parameter in inspect.signature(command).parameters.values()
    ]
    place = next(n for n, parameter in enumerate(parameters) if parameter.name == "evidence")
    options = [
        inspect.Parameter(
            one.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=None,
            annotation=Annotated[
                list[Path] | None if one.repeatable else Path | None,
                typer.Option(f"--{one.name.replace('_', '-')}", metavar=one.metavar, help=one.help),
            ],
        )
        for one in sources
    ]

    @wraps(command)
    def called(**given: Any) -> None:
        command(evidence={one.name: given.pop(one.name) for one in sources}, **given)

    whole = [*parameters[:place], *options, *parameters[place + 1 :]]
    called.__signature__ = inspect.Signature(whole)  # type: ignore[attr-defined]  # what typer reads
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in whole}
    return called


def with_bookkeeping(plan: Plan, qualified: str | None) -> Plan:
    """The plan with the bookkeeping table that the option names, as `schema.name` or `name`."""
    if qualified is None:
        return plan
    from pydantic import ValidationError

    from genreq_checks.plan import Bookkeeping

    schema, dot, name = qualified.rpartition(".")
    try:
        books = Bookkeeping(schema=schema if dot else plan.migrations.schema_name, table=name)
    except ValidationError:
        raise UsageError("--migrations-table does not name a table.", "Write it as SCHEMA.NAME.") from None
    return plan.model_copy(update={"migrations": books})


def files_named(evidence: Named) -> list[Path]:
    """All files and folders that are named."""
    return [path for some in evidence.values() if some for path in ([some] if isinstance(some, Path) else some)]

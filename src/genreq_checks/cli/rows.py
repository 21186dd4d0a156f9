"""`genreq-checks rows`: the keys of the rows behind a finding."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from genreq_checks.cli.options import (
    Cutover,
    DeadlineSeconds,
    PlanFile,
    Source,
    TableName,
    Timeout,
    begin_deadline,
    read_cutover,
    source_or_variable,
    the_plan,
)
from genreq_checks.cli.output import keep_files
from genreq_checks.errors import UsageError, near
from genreq_checks.text import plural, shown_path

if TYPE_CHECKING:
    from genreq_checks.plan import Plan

CheckId = Annotated[str, typer.Argument(help="A check's id, as the report shows it: loss.download_url.")]
Format = Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help="table or csv.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write there, readable only by you; default stdout."),
]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="At most N rows.")]
RowHashes = Annotated[
    Path | None,
    typer.Option(
        "--row-hashes",
        metavar="FILE",
        help="The baseline's row hashes, for the rows behind 'rows' and 'values.COLUMN'.",
    ),
]
CodeFolder = Annotated[
    Path | None, typer.Option("--code", metavar="DIR", help="The source code, for all findings of 'leftovers.COLUMN'.")
]
ShowValues = Annotated[bool, typer.Option("--show-values", help="Show the values, not only their shape.")]


def rows(
    check: CheckId,
    source: Source = None,
    cutover: Cutover = None,
    fmt: Format = "table",
    output: Output = None,
    limit: Limit = None,
    show_values: ShowValues = False,
    row_hashes: RowHashes = None,
    code: CodeFolder = None,
    plan: PlanFile = None,
    table: TableName = None,
    timeout: Timeout = 300,
    deadline: DeadlineSeconds = None,
) -> None:
    """List the rows behind a finding, by key: any number, streamed, values masked; or all findings in source code."""
    from genreq_checks.checks import needs_of, rows_behind
    from genreq_checks.outputs.rows import FORMATS
    from genreq_checks.postgres.url import is_database_url

    end = begin_deadline(deadline)
    chosen = the_plan(plan, table)
    if fmt not in FORMATS:
        raise UsageError(f"There is no format '{fmt[:40]}'.", near(fmt, FORMATS))
    if check.startswith("leftovers.") and check.partition(".")[2] in chosen.dropped:
        keep_files([output], plan)
        header, mentions = _mentions(chosen, check, code)
        with opened(output) as out:
            count = FORMATS[fmt](header, islice(mentions, limit), out)
        _tell(check, count, limit)
        return
    compared = _is_comparison(chosen, check)
    if compared and row_hashes is None:
        raise UsageError(f"Only row hashes tell the rows behind {check}.", "Name the baseline's: --row-hashes FILE")
    keep_files([output], plan, row_hashes)
    moment, _ = read_cutover(cutover)
    where = source_or_variable(source)
    if not is_database_url(where):
        message = (
            f"The rows of {shown_path(where)} cannot be listed: a snapshot has none, and row files are not read by key."
        )
        raise UsageError(message, "Give the URL of the database.")
    if compared and row_hashes is not None:
        from genreq_checks.sources.row_hashes import listed_changes

        column = check.partition(".")[2] or None
        with (
            listed_changes(chosen, where, row_hashes, column, limit, timeout, end) as (header, changes),
            opened(output) as out,
        ):
            count = FORMATS[fmt](header, changes, out)
        _tell(check, count, limit)
        return
    from genreq_checks.sources.rows import listing

    one, selection = rows_behind(chosen, check)
    moment = moment if moment is not None else chosen.cutover
    needs = needs_of(chosen, [one])
    listed = listing(
        chosen, where, selection, needs, moment, show_values=show_values, limit=limit, timeout=timeout, deadline=end
    )
    with listed as found, opened(output) as out:
        count = FORMATS[fmt](found.header, found.rows, out)
    _tell(check, count, limit)


def _mentions(plan: Plan, check: str, folder: Path | None) -> tuple[Sequence[str], Iterator[Sequence[str]]]:
    """Every mention of a column in source code, the live ones first. Raises: UsageError without a folder."""
    from genreq_checks.facts import CLASSES
    from genreq_checks.sources.source_code import read_code

    if folder is None:
        raise UsageError(f"The findings of {check} are in source code.", "Name its folder: --code DIR")
    column = check.partition(".")[2]
    found = [one for one in read_code(plan, folder).mentions if one.column == column]
    found.sort(key=lambda one: (CLASSES.index(one.cls), not one.certain, one.file, one.line))
    rows = ((f"{one.file}:{one.line}", one.cls, "yes" if one.certain else "no", one.reason, one.text) for one in found)
    return ("place", "class", "certain", "reason", "text"), rows


def _tell(check: str, count: int, limit: int | None) -> None:
    more = " (there may be more: --limit)" if count == limit else ""
    print(f"{plural(count, 'row')} behind {check}{more}", file=sys.stderr)


def _is_comparison(plan: Plan, check: str) -> bool:
    """Is it a check whose rows are told by row hashes alone? Raises: UsageError for a check without rows."""
    from genreq_checks.checks import checks_of, rows_behind

    ids = {one.id(subject): one for one, subject in checks_of(plan)}
    if check in ids and ids[check].fingerprints:
        return True
    rows_behind(plan, check)
    return False


@contextmanager
def opened(path: Path | None) -> Iterator[TextIO]:
    """Where rows are written: stdout, or a file that is complete or absent, and readable only by its owner."""
    if path is None or str(path) == "-":
        yield sys.stdout
        return
    from genreq_checks.files import replacing

    with replacing(path, private=True) as (file, _):
        text = io.TextIOWrapper(file, "utf-8", newline="")
        yield text
        text.detach()

"""The command line: arguments in, exit code out. Each command is one file, and imports what it needs when it runs."""

from __future__ import annotations

import os
import sys

import typer

from genreq_checks.cli import (
    about,
    archive,
    check,
    dashboard,
    demo,
    export,
    generate,
    history,
    init,
    rehearse,
    review,
    rows,
    selftest,
    snapshot,
    stage,
)
from genreq_checks.cli.usage import Commands, told, told_traceback, without_misplaced
from genreq_checks.errors import GenreqError, libraries

app = typer.Typer(
    name="genreq-checks",
    cls=Commands,
    help="Proves with data that dropping columns from a live table is safe, that it worked, and that it can be rolled back.",
    epilog="Exit codes: 0 nothing failed, 1 a check failed, 2 wrong call, 3 something could not be judged or read.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init")(init.init)
app.command("check")(check.check)
app.command("snapshot")(snapshot.snapshot)
app.command("generate")(generate.generate)
app.command("rows")(rows.rows)
app.command("archive")(archive.archive)
app.command("restore")(archive.restore)
app.command("export")(export.export)
app.command("rehearse")(rehearse.rehearse)
app.command("stage")(stage.stage)
app.command("demo")(demo.demo)
app.command("history")(history.history)
app.command("selftest")(selftest.selftest)
app.command("dashboard")(dashboard.dashboard)
app.command("review")(review.review)
app.command("list")(about.list_checks)
app.command("explain")(about.explain)
app.command("schema")(about.schema)


def main() -> None:
    """The entry point: a user's mistake is one line on stderr, never a traceback; an error in this tool is exit code 3."""
    if sys.stdout is None:  # closed by the caller, who needs only the exit code
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - open until the process ends
    try:
        try:
            with libraries():
                app(prog_name="genreq-checks")
        finally:
            sys.stdout.flush()  # here and not at exit, where the error of a full disk could not be reported
    except GenreqError as error:
        print(f"genreq-checks: {without_misplaced(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of stdout has closed it and needs no more
        sys.stderr.close()
        sys.exit(141)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the rest of the buffer is discarded
        place = f"{error.filename}: " if error.filename else ""
        print(f"genreq-checks: {told(f'{place}{error.strerror or error}')}.", file=sys.stderr)
        sys.exit(3)
    except Exception as error:  # noqa: BLE001 - Python's own exit code 1 would read as "a check failed"
        sys.stderr.write(told_traceback(error))
        sys.exit(3)

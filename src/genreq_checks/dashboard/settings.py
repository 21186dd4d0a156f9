"""The dashboard's settings, from the environment: the command line passes them to a notebook so, never by arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from genreq_checks.dashboard.review import DATABASE, VARIABLES
from genreq_checks.errors import UsageError
from genreq_checks.plan import Plan, load_plan, parse_instant
from genreq_checks.postgres.url import is_database_url
from genreq_checks.text import shown_path

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

TABLE, REFRESH, TIMEOUT = "GENREQ_TABLE", "GENREQ_REFRESH", "GENREQ_TIMEOUT"
DEADLINE = "GENREQ_DEADLINE"
OTHER_DATABASE, HISTORY = "GENREQ_OTHER_DATABASE", "GENREQ_HISTORY"
SHORTEST_REFRESH = 30.0
LONGEST_STATEMENT = 60.0
STATEMENTS = 3  # a reading may take this many times a statement's limit, unless the deadline is given


@dataclass(frozen=True, slots=True)
class Settings:
    """What to read and how often (`refresh`, seconds). Without `source` it is the sample data.

    `timeout` bounds a statement, `deadline` a reading. `source` and `baseline` may hold a password: neither is shown.
    """

    plan: Plan
    source: str | None = field(default=None, repr=False)
    baseline: str | None = field(default=None, repr=False)
    cutover: datetime | None = None
    refresh: float = SHORTEST_REFRESH
    timeout: float = LONGEST_STATEMENT
    deadline: float = STATEMENTS * LONGEST_STATEMENT
    other_database: bool = False
    history: Path | None = None
    plan_file: Path | None = None
    table: str | None = None
    variable: str | None = None  # that names the source, when no other name of it was given


def from_environment(environment: Mapping[str, str]) -> Settings:
    """The settings that GENREQ_SOURCE (or LEO_DATABASE_URL), GENREQ_BASELINE, GENREQ_CUTOVER, GENREQ_PLAN, GENREQ_TABLE,
    GENREQ_REFRESH, GENREQ_TIMEOUT, GENREQ_DEADLINE, GENREQ_HISTORY and GENREQ_OTHER_DATABASE (1: the baseline is of another
    database) name.

    Raises: PlanError and UsageError for what is invalid.
    """
    timeout = _seconds(environment, TIMEOUT, LONGEST_STATEMENT)
    given = {name: environment.get(variable, "").strip() for name, variable in VARIABLES.items()}
    plan = load_plan(given["plan"] or None)
    table, history = environment.get(TABLE, "").strip(), environment.get(HISTORY, "").strip()
    return Settings(
        plan.with_table(table) if table else plan,
        given["source"] or environment.get(DATABASE, "").strip() or None,
        given["baseline"] or None,
        parse_instant(given["cutover"])[0] if given["cutover"] else plan.cutover,
        _seconds(environment, REFRESH, SHORTEST_REFRESH),
        timeout,
        _seconds(environment, DEADLINE, STATEMENTS * timeout),
        environment.get(OTHER_DATABASE, "").strip() == "1",
        Path(history) if history else None,
        Path(given["plan"]) if given["plan"] else None,
        table or None,
        DATABASE if not given["source"] else None,
    )


def to_environment(
    source: str | None,
    baseline: str | None = None,
    cutover: datetime | None = None,
    plan: Path | None = None,
    table: str | None = None,
    refresh: float | None = None,
    timeout: float | None = None,
    deadline: float | None = None,
    other_database: bool = False,
    history: Path | None = None,
) -> dict[str, str]:
    """The same settings as variables, with absolute paths; what was left out is not set, so that the environment decides."""
    given = {
        VARIABLES["source"]: _absolute(source),
        VARIABLES["baseline"]: _absolute(baseline),
        VARIABLES["cutover"]: cutover.isoformat() if cutover else None,
        VARIABLES["plan"]: str(plan.absolute()) if plan else None,
        TABLE: table,
        REFRESH: f"{refresh:g}" if refresh else None,
        TIMEOUT: f"{timeout:g}" if timeout else None,
        DEADLINE: f"{deadline:g}" if deadline else None,
        OTHER_DATABASE: "1" if other_database else None,
        HISTORY: str(history.absolute()) if history else None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _absolute(source: str | None) -> str | None:
    """The source as another process finds it. Raises: UsageError for a missing file, or a URL with two meanings."""
    if source is None:
        return None
    if is_database_url(source):
        from genreq_checks.postgres.connection import parse

        parse(source)
        return source
    try:
        there = Path(source).exists() or any(c in source for c in "*?[")
    except OSError:  # too long for a file name
        there = False
    if not there:
        raise UsageError(
            f"SOURCE {shown_path(source)} is neither a database URL nor an existing file.",
            "Give postgresql://user@host/database, a snapshot (.json) or row files (.parquet, .csv).",
        )
    return str(Path(source).absolute())


def _seconds(environment: Mapping[str, str], name: str, otherwise: float) -> float:
    text = environment.get(name, "").strip()
    try:
        number = float(text) if text else otherwise
    except ValueError:
        number = 0
    if not 0 < number < 86400:  # also rejects NaN
        raise UsageError(f"{name} is not a number of seconds.", "Write it as 30.")
    return number

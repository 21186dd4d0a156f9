"""A proposed plan as commented TOML. No value of a row is in it, only names, types, numbers and the catalog's SQL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime

from genreq_checks.plan import Table
from genreq_checks.postgres.back_again import BackAgain
from genreq_checks.snapshot import TableFacts
from genreq_checks.sources.proposal.choices import MOST_KEPT, NAME, Choices
from genreq_checks.sources.proposal.measured import Follows, Measured
from genreq_checks.text import percent, plural, quote_name, scrub, share

_BARE = re.compile(r"[A-Za-z0-9_-]+")
DOCS = "docs/plan.md explains every key."


def write(
    table: Table, facts: TableFacts, choices: Choices, measured: Measured, back: BackAgain, read_at: datetime
) -> str:
    """The plan's text."""
    day = f"{read_at.astimezone(UTC):%Y-%m-%d}"
    names = " and ".join(scrub(name) for name in choices.dropped)
    lines = [
        f"# Proposed by genreq-checks init from the catalog and {plural(measured.rows, 'row')} of {day}. {DOCS}",
        "plan_version = 1",
        f"title = {toml(f'{table.qualified} without {names}')}",
        "",
        *_table(table, choices),
        "",
        *_cohort(choices, measured),
        *_dropped(facts, choices, measured, day),
        *_kept(facts, choices, measured),
        *_sql(table, choices, back),
    ]
    return "\n".join(lines) + "\n"


def toml(text: str) -> str:
    """A text as a basic string of TOML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_key(name: str) -> str:
    """A name as a key of TOML."""
    return name if _BARE.fullmatch(name) else toml(name)


def _list(names: tuple[str, ...]) -> str:
    return f"[{', '.join(map(toml, names))}]"


def _table(table: Table, choices: Choices) -> Iterator[str]:
    yield "[table]"
    yield f"schema = {toml(table.schema_name)}"
    yield f"name = {toml(table.name)}"
    if choices.key:
        yield f"key = {_list(choices.key)}{'' if choices.is_primary else '  # no primary key, but unique and never NULL'}"
    else:
        yield '# key = ["…"]  # nothing proves a key: rows cannot be compared, and no value can be archived or restored'


def _cohort(choices: Choices, measured: Measured) -> Iterator[str]:
    if choices.status is None and choices.time is None:
        yield "# [cohort]  # every row counts; no column stands out as the time at which a row came"
        yield '# time = "…"'
        yield ""
        return
    yield "# Which rows count in a rate, and the time that puts them before or after the cutover."
    yield "[cohort]"
    if choices.status is not None:
        yield f"column = {toml(choices.status)}  # {share(measured.cohort, measured.rows)} rows"
        yield f"values = {_list(choices.values)}"
    if choices.time is not None:
        yield f"time = {toml(choices.time)}"
    yield ""


def _dropped(facts: TableFacts, choices: Choices, measured: Measured, day: str) -> Iterator[str]:
    for name in choices.dropped:
        column = facts.column(name)
        yield f"[dropped.{toml_key(name)}]"
        if column is not None:
            yield f"type = {toml(column.type)}"
        found = measured.columns.get(name)
        if found is None:
            yield "# its values were not read"
        elif measured.rows == 0:
            yield "# The table has no rows: what holds in them is not known."
        elif found.filled == 0:
            yield f'claim = {{ holds = "always-null", text = "NULL in each of {plural(measured.rows, "row")} on {day}." }}'
        elif found.content == 0:
            text = f"No content in any of {plural(measured.rows, 'row')} on {day}."
            yield f'claim = {{ holds = "never-populated", text = "{text}" }}'
        else:
            yield f"# {share(found.content, measured.rows)} rows have a value"
            if name in measured.follows:
                yield from _follows(name, measured.follows[name], day)
            else:
                yield "# No other column is known to have these values: archive them, or say why they can go."
                yield '# given_up = "reason"'
        yield ""


def _follows(name: str, found: Follows, day: str) -> Iterator[str]:
    parts = {"prefix": found.prefix, "suffix": found.suffix}
    how = ", ".join(f"{key} = {toml(value)}" for key, value in parts.items() if value)
    yield f"[dropped.{toml_key(name)}.claim]"
    yield 'holds = "redundant-with"'
    yield f"column = {toml(found.column)}"
    yield f"how = {{ {how} }}" if how else "how = {}"
    yield f"text = {toml(f'It followed from {found.column} in every row with a value on {day}.')}"


def _kept(facts: TableFacts, choices: Choices, measured: Measured) -> Iterator[str]:
    needed = {found.column for found in measured.follows.values()}
    wanted = [*choices.key, *needed]
    first = {*wanted, *[name for name in choices.kept if name not in wanted][: max(0, MOST_KEPT - len(wanted))]}
    yield "# The columns that stay. `minimum`, `change` and `url` say what is expected of their values."
    for name in choices.kept:
        column, found = facts.column(name), measured.columns.get(name)
        readable = name not in choices.unread and found is not None
        sign = "" if name in first and readable else "# "
        yield f"{sign}[kept.{toml_key(name)}]"
        if column is not None:
            yield f"{sign}type = {toml(column.type)}"
        if found is not None and measured.rows:
            rate = percent(found.content, measured.rows)
            yield f"# minimum = {found.content / measured.rows:.2f}  # {rate} of {plural(measured.rows, 'row')} have a value"
        elif not readable:
            yield "# it was not read: the role may not, or reading it runs user-defined code"
    for column in facts.columns:
        if not NAME.match(column.name):
            yield f"# {scrub(column.name)}: a plan cannot have this name"
    yield ""


def _sql(table: Table, choices: Choices, back: BackAgain) -> Iterator[str]:
    drops = ", ".join(f"DROP COLUMN {quote_name(name)}" for name in choices.dropped)
    yield "# Written from the catalog; replace it by that of your migration tool. `rehearse` runs both on a copy."
    yield "[sql]"
    yield f"forward = {_lines(f'ALTER TABLE {table.in_sql} {drops};')}"
    yield f"rollback = {_lines(back.text)}"
    if back.late:
        yield "# What needs the values first, so run it after `restore`."
        yield f"after_restore = {_lines(back.late_text)}"


def _lines(text: str) -> str:
    """SQL as a string of several lines."""
    inside = [toml(line)[1:-1] for line in text.rstrip("\n").split("\n")]
    return '"""\n' + "\n".join(inside) + '\n"""'

"""The table of a plan, and which of its rows count: by a status, and by a time."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from genreq_checks.errors import UsageError
from genreq_checks.plan.part import Identifier, Part, Text
from genreq_checks.text import quote_name


def _as_stored(value: object) -> object:
    """A boolean or an integer of the file as PostgreSQL writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


CohortValue = Annotated[Text, BeforeValidator(_as_stored)]


class Table(Part):
    """The table, by schema and name as the catalog spells them, and the columns of its key, if it has one."""

    schema_name: Identifier = Field("public", alias="schema")
    name: Identifier
    key: tuple[Identifier, ...] = ()

    @property
    def qualified(self) -> str:
        """`schema.name`, for people."""
        return f"{self.schema_name}.{self.name}"

    @property
    def in_sql(self) -> str:
        """The table in SQL that a person runs, quoted where that is needed."""
        return quote_name(self.schema_name, self.name)


class Cohort(Part):
    """Which rows count in a rate (`column` in `values`), and which time puts them before or after the cutover.

    Without `column` every row counts. Without `time` no row has a side, and only a baseline gives two. `epoch` is the unit of
    a `time` that is an integer since 1970. `may_go` is the reason why rows of a baseline may be gone later, where that is
    allowed.
    """

    column: Identifier | None = None
    values: tuple[CohortValue, ...] = ()
    time: Identifier | None = None
    epoch: Literal["seconds", "milliseconds", "microseconds"] | None = None
    may_go: Text | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Cohort:
        if (self.column is None) != (not self.values):
            raise ValueError("give both 'column' and 'values', or neither")
        if self.epoch is not None and self.time is None:
            raise ValueError("'epoch' is the unit of 'time', which is not given")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return tuple(name for name in (self.column, self.time) if name is not None)

    @property
    def status(self) -> str:
        """The column that selects the rows. Raises: UsageError where there is none."""
        return self._given(self.column, "column")

    @property
    def clock(self) -> str:
        """The column with the time. Raises: UsageError where there is none."""
        return self._given(self.time, "time")

    @staticmethod
    def _given(name: str | None, key: str) -> str:
        if name is None:
            raise UsageError(f"This needs cohort.{key}, which the plan does not have.", "Give it in the plan.")
        return name

    @property
    def words(self) -> str:
        """The rule as a report says it."""
        return "every row" if self.column is None else f"{self.column} in ({', '.join(self.values)})"

    @property
    def row(self) -> str:
        """One row of it in words: "completed row" where that is the only value, otherwise "row of the cohort"."""
        if not self.values:
            return "row"
        return f"{self.values[0]} row" if self._is_word else "row of the cohort"

    @property
    def rows(self) -> str:
        """Several rows of it in words."""
        if not self.values:
            return "rows"
        return f"{self.values[0]} rows" if self._is_word else "rows of the cohort"

    @property
    def _is_word(self) -> bool:
        return len(self.values) == 1 and re.fullmatch(r"[a-z][a-z_-]{1,30}", self.values[0]) is not None

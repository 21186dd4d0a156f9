"""Complete commands for a report: SOURCE filled in without a password, and the options by which they read the same rows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from genreq_checks.facts import SourceInfo
from genreq_checks.plan import Plan, load_plan

_COMMAND = re.compile(
    r"genreq-checks (?:rows (?P<check>[^;]+?) SOURCE(?P<hashes> --row-hashes FILE)?"
    r"|(?P<name>archive|check|rehearse|snapshot) SOURCE)(?!\w)"
)
_SOCKET = re.compile(r"(\?host=/.*):([0-9]+)$")  # how a location shows the port of a socket
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Call:
    """How a call named what it read, so that a command can name it in the same way.

    `plan` and `row_hashes` are files, `table` is an option's value. `variable` is the environment's variable that named
    the source: it may hold the password.
    """

    plan: str | None = None
    table: str | None = None
    variable: str | None = None
    row_hashes: str | None = None


def call_for(plan: Plan) -> Call:
    """The call of a program that gave only the plan: the built-in plan needs no option, the file of another is not known."""
    built_in = load_plan()
    if plan.fingerprint == built_in.fingerprint:
        return Call()
    if plan.fingerprint == built_in.with_table(plan.table.qualified).fingerprint:
        return Call(table=plan.table.qualified)
    return Call(plan="FILE")


@dataclass(frozen=True, slots=True)
class Commands:
    """What every command of one report has: the source, the cutover and the options."""

    source: SourceInfo
    cutover: datetime | None
    call: Call

    def rows(self, check_id: str, *, by_row_hashes: bool = False) -> str:
        """The command that lists the rows behind a check; '' where they cannot be listed: of row files and the sample."""
        if not self._are_possible:
            return ""
        hashes = ["--row-hashes", self.call.row_hashes or "FILE"] if by_row_hashes else []
        words = ["rows", shlex.quote(check_id), self._source, *map(shlex.quote, hashes), *self._when, *self._plan]
        return f"genreq-checks {' '.join(words)}"

    def filled_in(self, text: str) -> str:
        """A text with the source, and the options that are needed, in each of its commands."""
        return _COMMAND.sub(self._filled_in, text) if self._are_possible else text

    def _filled_in(self, found: re.Match[str]) -> str:
        if found["check"]:
            return self.rows(found["check"], by_row_hashes=bool(found["hashes"]))
        return " ".join([f"genreq-checks {found['name']}", self._source, *self._plan])

    @property
    def _are_possible(self) -> bool:
        """Is the source a database that is still there? That of the sample is removed at once."""
        return self.source.kind != "files" and not self.source.sample

    @property
    def _source(self) -> str:
        variable = self.call.variable
        if variable is not None and _VARIABLE.fullmatch(variable):
            return f'"${variable}"'
        return shlex.quote(_SOCKET.sub(r"\1&port=\2", self.source.location))

    @property
    def _when(self) -> Sequence[str]:
        return [] if self.cutover is None else ["--cutover", f"{self.cutover.isoformat().replace('+00:00', 'Z')}"]

    @property
    def _plan(self) -> Sequence[str]:
        named = (("--plan", self.call.plan), ("--table", self.call.table))
        return [word for name, value in named if value is not None for word in (name, shlex.quote(value))]

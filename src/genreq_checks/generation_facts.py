"""What a generation that was run end to end did to its row: facts for the check `generation`, without the row's values."""

from __future__ import annotations

from typing import Literal

from genreq_checks.results import Step
from genreq_checks.snapshot import Model

Stored = Literal["as sent", "null", "blank", "another value"]
Derivation = Literal["none", "match", "missing", "wrong", "unexpected"]


class Copied(Model):
    """A column that takes a field of the message as it is.

    `sent` is None when the message had no such field; then `unsent` says why, and `lawful` whether that may be (an app
    without fly.toml has no address). `changed` says whether the column differs from what it was before.
    """

    column: str
    field: str
    sent: str | None
    unsent: str = ""
    lawful: bool = False
    stored: Stored
    changed: bool


class Derived(Model):
    """A column that the server derives from another one, and which class the row falls into.

    `defect`: it is missing because the message had no field for the other column, which the row had kept: the plan's
    own handler clears the derived column then.
    """

    column: str
    source: str
    derivation: Derivation
    defect: bool = False


class GenerationFacts(Model):
    """One run: `reached` the server, was not stopped by a `problem`, and `completed` its row, as far as is known.

    `unread` says why the row could not be read, and is '' when it could. Server and database are shown without passwords.
    `status` is the row's at the end, None when it was not read. `seconds` are those until the row was completed.
    """

    request: str
    server: str
    database: str
    reached: bool = False
    problem: str = ""
    hint: str = ""
    unread: str = ""
    status: str | None = None
    completed: bool = False
    seconds: float = 0.0
    copied: tuple[Copied, ...] = ()
    derived: tuple[Derived, ...] = ()
    steps: tuple[Step, ...] = ()
    events: tuple[str, ...] = ()

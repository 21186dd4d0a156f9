"""What a generation that was run end to end did to its row: facts for the check `generation`, without the row's values."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import ValidationError

from genreq_checks.errors import OutputError, UsageError
from genreq_checks.file_format import Location, Model, read_model
from genreq_checks.files import write_text
from genreq_checks.results import Step

FORMAT: Final = "genreq-checks generation"

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
    """One run, begun at `run_at` (UTC).

    It `reached` the server, was not stopped by a `problem`, and `completed` its row, as far as is known. `unread` says
    why the row could not be read, and is '' when it could. Server and database are shown without passwords. `status`
    is the row's at the end, None when it was not read. `seconds` are those until the row was completed.
    `embedded`: it was the reference server's own generation, which proves nothing of another server.
    """

    format: Literal["genreq-checks generation"] = FORMAT
    run_at: datetime
    table: str
    embedded: bool = False
    request: str
    server: Location
    database: Location
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

    def save(self, path: Path, *, replace: bool = False) -> None:
        """Write the facts to a file, for `check --generation`.

        A file that is there is only replaced by a generation of the same table that went as far, or with `replace`.
        Raises: OutputError when the folder refuses, or what is there must stay.
        """
        if not replace:
            _require_no_less(path, self)
        write_text(path, self.model_dump_json(indent=2) + "\n")


def _require_no_less(path: Path, new: GenerationFacts) -> None:
    if not path.exists() or (path.is_file() and path.stat().st_size == 0):
        return
    hint = "Name another file, or add --replace if it may go."
    try:
        old = load_facts(path)
    except UsageError as error:
        raise OutputError(f"{path} was not replaced: {error.message}", hint) from None
    if (old.table, old.database) != (new.table, new.database):
        text = f"it is of {old.table} in {old.database}, the new one of {new.table} in {new.database}"
        raise OutputError(f"{path} was not replaced: {text}.", hint)
    if old.completed and not new.completed:
        text = (
            f"it keeps the completed generation of {old.run_at:%Y-%m-%d %H:%M} UTC, and the new one was not completed"
        )
        raise OutputError(f"{path} was not replaced: {text}.", hint)


def load_facts(path: Path) -> GenerationFacts:
    """The facts in a file. Raises: UsageError for a file that is missing or something else."""
    try:
        facts, _ = read_model(GenerationFacts, path.read_bytes())
        return facts
    except OSError as error:
        problem = f"The generation {path} could not be read: {error.strerror}."
    except ValidationError:
        problem = f"{path} is damaged, or not what a generation was saved to."
    raise UsageError(problem, "Make one with 'genreq-checks generate --server … --save FILE'.")

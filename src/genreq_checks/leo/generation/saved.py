"""A generation that `generate` ran, kept in a file."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from genreq_checks.errors import OutputError, UsageError
from genreq_checks.facts import GenerationFacts
from genreq_checks.facts.file_format import read_model
from genreq_checks.files import write_text


def save_facts(facts: GenerationFacts, path: Path, *, replace: bool = False) -> None:
    """Write the facts to a file, for `check --generation`.

    An existing file is replaced only by a generation of the same table that got at least as far, or with `replace`.
    Raises: OutputError when the folder cannot be written, or the existing file must stay.
    """
    if not replace:
        _require_no_less(path, facts)
    write_text(path, facts.model_dump_json(indent=2) + "\n")


def _require_no_less(path: Path, new: GenerationFacts) -> None:
    if not path.exists() or (path.is_file() and path.stat().st_size == 0):
        return
    hint = "Name another file, or add --replace to replace it."
    try:
        old = load_facts(path)
    except UsageError as error:
        raise OutputError(f"{path} was not replaced: {error.message}", hint) from None
    if (old.table, old.database) != (new.table, new.database):
        text = f"it is of {old.table} in {old.database}, the new one of {new.table} in {new.database}"
        raise OutputError(f"{path} was not replaced: {text}.", hint)
    if old.completed and not new.completed:
        text = f"it has the completed generation of {old.run_at:%Y-%m-%d %H:%M} UTC, and the new one was not completed"
        raise OutputError(f"{path} was not replaced: {text}.", hint)


def load_facts(path: Path) -> GenerationFacts:
    """The facts in a file. Raises: UsageError for a file that is missing or something else."""
    try:
        facts, _ = read_model(GenerationFacts, path.read_bytes())
        return facts
    except OSError as error:
        problem = f"The generation {path} could not be read: {error.strerror}."
    except ValidationError:
        problem = f"{path} is damaged, or is not a saved generation."
    raise UsageError(problem, "Make one with 'genreq-checks generate --server … --save FILE'.")

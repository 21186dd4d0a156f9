"""Frozen data as it is saved in files, and reading it across versions of this tool.

A newer version may add keys: an older one leaves them out, with a note. To change the meaning of a key, a version
needs a new format number.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from genreq_checks.text import redact_ours

SHOWN = 5  # unknown keys that a note names
Location = Annotated[str, AfterValidator(redact_ours)]  # a file that an older version wrote may hold a password in it


class Model(BaseModel):
    """Frozen data without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


AnyModel = TypeVar("AnyModel", bound=BaseModel)


def read_model(model: type[AnyModel], text: str | bytes) -> tuple[AnyModel, tuple[str, ...]]:
    """The data in JSON text, and the keys in it that this version does not know, as `table.columns.owner`.

    Raises: pydantic.ValidationError for text that is not such data, except for unknown keys.
    """
    try:
        return model.model_validate_json(text), ()
    except ValidationError as error:
        unknown = [
            problem["loc"] for problem in error.errors(include_input=False) if problem["type"] == "extra_forbidden"
        ]
        if not unknown:
            raise
    data = json.loads(text)
    for place in unknown:
        _remove(data, place)
    names = dict.fromkeys(".".join(part for part in place if isinstance(part, str)) for place in unknown)
    return model.model_validate_json(json.dumps(data)), tuple(names)


def note_on(unknown: Sequence[str], what: str, version: str) -> tuple[str, ...]:
    """A note on unknown keys that were left out of a file of another version; empty when there are no such keys."""
    if not unknown:
        return ()
    more = f" and {len(unknown) - SHOWN:,} more" if len(unknown) > SHOWN else ""
    named = ", ".join(key[:60] for key in unknown[:SHOWN])
    return (
        f"{what} was written by genreq-checks {version[:20]}; left out, since this version does not know them: {named}{more}",
    )


def first_problem(error: ValidationError) -> str:
    """The place and the kind of the first problem, without the value."""
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"][:4])
    return f"{place}: {first['msg']}"


def _remove(data: Any, place: tuple[int | str, ...]) -> None:
    for part in place[:-1]:
        data = data[part]
    data.pop(place[-1], None)

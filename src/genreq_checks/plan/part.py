"""What every part of a plan is: frozen, and strict about its keys."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Text = Annotated[str, StringConstraints(min_length=1)]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=63, pattern=r"^[^\x00-\x1f]+$")]


class Part(BaseModel):
    """Frozen, and without a place for a key that nobody reads: a typo in a plan is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

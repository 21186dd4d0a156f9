"""The rows that are wanted behind one check: what selects them, what that needs, and how many were counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from genreq_checks.scan.selection import Selection

if TYPE_CHECKING:
    from genreq_checks.scan.fusion import Needs


@dataclass(frozen=True, slots=True)
class Wanted:
    """The rows behind one check; `needs` has the facets that the selection names, `of` is how many the check counted."""

    check: str
    selection: Selection
    needs: Needs
    of: int | None = None

"""The dropped columns' values to a Parquet file and back; docs/archive.md lists the guarantees."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genreq_checks.archive.restoring import RestoreResult as RestoreResult
    from genreq_checks.archive.restoring import restore as restore
    from genreq_checks.archive.write import write_archive as write_archive

_PLACES = {"restore": "restoring", "RestoreResult": "restoring", "write_archive": "write"}
__all__ = ["RestoreResult", "restore", "write_archive"]


def __getattr__(name: str) -> Any:
    """Load pyarrow and the driver only for callers that write."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)

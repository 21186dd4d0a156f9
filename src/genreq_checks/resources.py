"""Files that come with the package: in it when it is installed, in the checkout beside it when it is not."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def resource(*parts: str) -> Path:
    """The path of a file or folder such as `resource("docs", "checks", "kept.md")`; it need not be there."""
    packaged = Path(str(files("genreq_checks"))).joinpath(*parts)
    return packaged if packaged.exists() else Path(__file__).parents[2].joinpath(*parts)

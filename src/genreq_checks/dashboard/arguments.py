"""What a notebook was given on its command line, `marimo run NOTEBOOK -- --source FILE`, as `mo.cli_args()` has it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from genreq_checks.errors import UsageError
from genreq_checks.text import scrub, shown_path

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password


def read_arguments(given: Mapping[str, object], known: Collection[str]) -> dict[str, str]:
    """The arguments by name, as text: marimo makes numbers of some.

    Raises: UsageError for a name that the notebook does not know, one without a value, and one given twice.
    """
    names = f"The arguments are {', '.join(f'--{name}' for name in known)}, after a --."
    found: dict[str, str] = {}
    for name, value in given.items():
        if name not in known:
            raise UsageError(f"--{shown_path(scrub(name[:40]))} is no argument of this notebook.", names)
        if isinstance(value, list):
            raise UsageError(f"--{name} is given more than once.", names)
        text = str(value).strip()
        if not text:
            raise UsageError(f"--{name} has no value.", names)
        found[name] = text
    return found

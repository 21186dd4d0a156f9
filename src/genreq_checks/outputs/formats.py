"""The formats by name. Each renderer is loaded when it is used."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from genreq_checks.errors import UsageError, libraries, near
from genreq_checks.report import Report

MODULES = {
    "text": "text",
    "json": "json",
    "junit": "junit",
    "markdown": "markdown",
    "html": "html",
    "github": "github",
    "sarif": "sarif",
}
_NEEDS = {"html": ("jinja2", "altair", "vl_convert")}  # so that a missing library is told before anything is read


def renderer(name: str) -> Callable[[Report], str]:
    """The function that turns a report into that format. Raises: UsageError for an unknown format, MissingLibraryError."""
    if name not in MODULES:
        raise UsageError(f"There is no format '{name[:40]}'.", near(name, MODULES))
    with libraries(*_NEEDS.get(name, ())):
        pass
    render: Callable[[Report], str] = import_module(f"genreq_checks.outputs.{MODULES[name]}").render
    return render

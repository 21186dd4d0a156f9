"""The formats by name. Each renderer is loaded when it is used."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from genreq_checks.errors import UsageError, near
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


def renderer(name: str) -> Callable[[Report], str]:
    """The function that turns a report into that format. Raises UsageError for an unknown format."""
    if name not in MODULES:
        raise UsageError(f"There is no format '{name[:40]}'.", near(name, MODULES))
    render: Callable[[Report], str] = import_module(f"genreq_checks.outputs.{MODULES[name]}").render
    return render

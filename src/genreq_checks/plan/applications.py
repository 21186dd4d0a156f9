"""The packages of applications. Each adds checks, sources and code signs for the plans with its messages.

The packages below do not import it: its modules are found by their names.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

APPLICATIONS = ("genreq_checks.leo",)


def modules_named(name: str) -> list[ModuleType]:
    """The module of a name, such as `checks.phases`, in each application."""
    return [import_module(f"{one}.{name}") for one in APPLICATIONS]


def modules_in(folder: str, of_application: str) -> Iterator[ModuleType]:
    """The modules of a package, and those of the package `of_application` in each application."""
    for package in (folder, *(f"{one}.{of_application}" for one in APPLICATIONS)):
        for module in iter_modules(import_module(package).__path__):
            yield import_module(f"{package}.{module.name}")

"""Checks that dropping columns from a live PostgreSQL table is safe, that it worked, and that it can be rolled back."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genreq_checks import charts as charts
    from genreq_checks.checks.check import Check as Check
    from genreq_checks.errors import ArchiveError as ArchiveError
    from genreq_checks.errors import GenreqError as GenreqError
    from genreq_checks.errors import OutputError as OutputError
    from genreq_checks.errors import PlanError as PlanError
    from genreq_checks.errors import SnapshotError as SnapshotError
    from genreq_checks.errors import SourceError as SourceError
    from genreq_checks.errors import UsageError as UsageError
    from genreq_checks.plan import Plan as Plan
    from genreq_checks.plan import load_plan as load_plan
    from genreq_checks.report import Finding as Finding
    from genreq_checks.report import Report as Report
    from genreq_checks.run import check as check
    from genreq_checks.run import observe as observe
    from genreq_checks.snapshot import Snapshot as Snapshot
    from genreq_checks.snapshot import load_snapshot as load_snapshot
    from genreq_checks.sources.evidence.source import Source as Source
    from genreq_checks.testing.assertion import assert_clean as assert_clean

__version__ = "0.1.0"

# Each public name and its module; it is loaded at its first use, since importing all of them takes half a second.
_HOMES = {
    "ArchiveError": "errors",
    "Check": "checks.check",
    "Finding": "report",
    "GenreqError": "errors",
    "OutputError": "errors",
    "Plan": "plan",
    "PlanError": "errors",
    "Report": "report",
    "Snapshot": "snapshot",
    "SnapshotError": "errors",
    "Source": "sources.evidence.source",
    "SourceError": "errors",
    "UsageError": "errors",
    "assert_clean": "testing.assertion",
    "check": "run",
    "load_plan": "plan",
    "load_snapshot": "snapshot",
    "observe": "run",
}
_MODULES = ("charts",)
__all__ = [
    "ArchiveError",
    "Check",
    "Finding",
    "GenreqError",
    "OutputError",
    "Plan",
    "PlanError",
    "Report",
    "Snapshot",
    "SnapshotError",
    "Source",
    "SourceError",
    "UsageError",
    "assert_clean",
    "charts",
    "check",
    "load_plan",
    "load_snapshot",
    "observe",
]


def __getattr__(name: str) -> object:
    """A public name, from the module that has it."""
    if name in _MODULES:
        from genreq_checks.errors import libraries

        with libraries():
            return import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted({*globals(), *__all__})

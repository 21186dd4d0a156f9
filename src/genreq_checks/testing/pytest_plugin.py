"""The pytest plugin: the fixture `genreq_check`. It loads nothing else of this package until a test uses it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from genreq_checks.report import Report


@pytest.fixture
def genreq_check(record_property: Callable[[str, object], None]) -> Callable[..., Report]:
    """`genreq_check(source, cutover=…)` is `genreq_checks.assert_clean`; without a source it takes LEO_DATABASE_URL.

    The outcome and its counts become properties of the test in pytest's own JUnit file.
    """

    def assert_clean(source: Any = None, **options: Any) -> Report:
        __tracebackhide__ = True
        from genreq_checks.testing import assertion as testing

        where = source if source is not None else os.environ.get("LEO_DATABASE_URL")
        if not where:
            pytest.fail("genreq_check has no source, and LEO_DATABASE_URL is not set.", pytrace=False)
        report = testing.assert_clean(where, **options)
        record_property("genreq_outcome", report.outcome)
        record_property("genreq_counts", ", ".join(f"{n} {outcome}" for outcome, n in report.counts.items()))
        return report

    return assert_clean

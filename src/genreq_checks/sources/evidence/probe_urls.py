"""A sample of the stored URLs, requested: do the repositories and deployments exist?"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genreq_checks.errors import UsageError
from genreq_checks.sources.evidence.source import Asked, Source

if TYPE_CHECKING:
    from genreq_checks.facts.probed_urls import ProbedUrls

MOST = 1000


def read(asked: Asked, paths: Sequence[Path]) -> ProbedUrls:
    """What the URLs of some rows answer. Raises: UsageError for a number that is none, or is too great."""
    from genreq_checks.postgres.url import is_database_url

    text = str(paths[0])
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST):
        raise UsageError("--probe-urls is not a number of rows.", f"Give one from 1 to {MOST:,}.")
    if not is_database_url(asked.url):
        from genreq_checks.facts.probed_urls import ProbedUrls

        reason = "the source is no database, and has no rows to take URLs from."
        return ProbedUrls(
            wanted=int(text), with_token=False, problem=reason, remedy="Give the database's URL as SOURCE."
        )
    from genreq_checks.sources.probed_urls import probe

    if asked.progress:
        asked.progress("Requesting a sample of the URLs")
    return probe(
        asked.plan,
        asked.url,
        int(text),
        asked.cutover,
        token=os.environ.get("GITHUB_TOKEN") or None,
        timeout=asked.timeout,
        deadline=asked.deadline,
    )


SOURCE = Source(
    name="probe_urls",
    order=60,
    metavar="N",
    help="Request the URLs of N rows of each kept column of URLs: do they exist? GITHUB_TOKEN is used if set.",
    read=read,
    by_cutover=True,
)

"""What a sample of stored URLs answered: counts by answer, and the keys of those that do not exist. No URL is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import Field

from genreq_checks.facts.file_format import Model

Answer = Literal["exists", "moved", "missing", "hidden", "refused", "busy", "broken", "no answer", "not requested"]
ANSWERS: Final[Mapping[Answer, str]] = {
    "exists": "exist",
    "moved": "lead to another address",
    "missing": "do not exist (404 or 410)",
    "hidden": "are private or do not exist (GitHub answers 404 for both without GITHUB_TOKEN)",
    "refused": "were refused (401 or 403)",
    "busy": "were refused for the number of requests (429)",
    "broken": "answered with another error",
    "no answer": "did not answer (timeout, DNS or TLS)",
    "not requested": "were not requested (a private address, a port of its own, or the time was over)",
}
JUDGED: Final[tuple[Answer, ...]] = ("exists", "moved", "missing")


class ProbedRow(Model):
    """One row whose URL does not simply exist: its key as it may be shown, and the answer."""

    key: tuple[str, ...]
    answer: Answer


class ProbedColumn(Model):
    """One column: how many rows were sampled, how many had each answer, and the first of those that do not simply exist."""

    sampled: int
    answers: dict[Answer, int]
    examples: tuple[ProbedRow, ...] = ()
    problem: str = ""

    def count(self, *answers: Answer) -> int:
        """How many rows had one of the answers."""
        return sum(self.answers.get(answer, 0) for answer in answers)


class ProbedUrls(Model):
    """The sample: at most `wanted` rows of each column. `with_token` says that GITHUB_TOKEN was there."""

    wanted: int
    with_token: bool
    columns: dict[str, ProbedColumn] = Field(default_factory=dict[str, ProbedColumn])
    problem: str = ""
    remedy: str = ""

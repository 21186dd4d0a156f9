"""A sample of the stored URLs, requested: at most five a second, each and all within a limit of time, and no value is kept."""

from __future__ import annotations

import http.client
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import sqlalchemy as sa

from genreq_checks.errors import SourceError, UsageError
from genreq_checks.facts.probed_urls import Answer, ProbedColumn, ProbedRow, ProbedUrls
from genreq_checks.plan import Plan
from genreq_checks.postgres.connection import Target, parse, reading
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.encoding import decodable, known_white_space, server_encoding
from genreq_checks.postgres.failure import DRIVER_ERRORS, explain
from genreq_checks.postgres.waiting import begin
from genreq_checks.scan.facets import Columns, as_text, content_of
from genreq_checks.scan.selection import Pick, Selection
from genreq_checks.sources.first_rows import shown_key
from genreq_checks.sources.http_probe import Network, NotRequestedError, Reply, Secret, request
from genreq_checks.sources.rows import readable, select_rows

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password
PER_SECOND = 5.0
SECONDS = 10.0  # for one URL, its redirects included
ALL_SECONDS = 300.0
EXAMPLES = 100
GITHUB, API = ("github.com", "www.github.com"), "https://api.github.com/repos"
TOO_MANY = 429
_SEGMENT = re.compile(r"(?!\.{1,2}$)[\w.-]+", re.ASCII)
REPOSITORY = 2  # segments of the path: owner and name


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast and how long to ask; `now` and `sleep` are the clock."""

    per_second: float = PER_SECOND
    seconds: float = SECONDS
    all_seconds: float = ALL_SECONDS
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def probe(
    plan: Plan,
    url: str,
    wanted: int,
    cutover: datetime | None,
    *,
    token: str | None = None,
    timeout: float = 300,
    deadline: Deadline | None = None,
    network: Network | None = None,
    pace: Pace | None = None,
) -> ProbedUrls:
    """What a sample of the URLs that the kept columns hold answers: of `wanted` rows after the cutover for each column.

    The rows are those with the smallest hashes of their URL, salted with the plan: random, and the same ones the next time.
    Only well-formed URLs without credentials are requested. Raises: UsageError for an invalid URL of the database.
    """
    pace = pace or Pace()
    secret = Secret(token) if token else None
    columns = [name for name, kept in plan.kept.items() if kept.url is not None]
    samples: dict[str, list[tuple[tuple[str, ...], str]] | str] = {}
    target = parse(url)
    try:
        with reading(target, timeout, deadline) as connection:
            for column in columns:
                samples[column] = _sample(connection, plan, target, column, wanted, cutover)
    except SourceError as error:
        return ProbedUrls(wanted=wanted, with_token=secret is not None, problem=error.message, remedy=error.hint)
    except DRIVER_ERRORS as error:
        told = explain(error, target, plan.table)
        return ProbedUrls(wanted=wanted, with_token=secret is not None, problem=told.message, remedy=told.hint)
    left = pace.all_seconds if deadline is None else min(pace.all_seconds, deadline.left)
    asker = _Asker(network or Network(), secret, pace, pace.now() + left)
    found = {column: _column(asker, sample) for column, sample in samples.items()}
    return ProbedUrls(wanted=wanted, with_token=secret is not None, columns=found)


def _sample(
    connection: sa.Connection, plan: Plan, target: Target, column: str, wanted: int, cutover: datetime | None
) -> list[tuple[tuple[str, ...], str]] | str:
    """Some rows' keys and URLs; or why they cannot be read."""
    pick = Pick("well-formed", {column: frozenset(("populated",))}, cohort=True, side="after")
    selection = Selection((pick,), (column,))
    try:
        with connection.begin_nested():
            types = readable(connection, plan, target, selection)
            columns = Columns(types, decodable(server_encoding(connection)))
            facets = {facet.name: facet for facet in content_of(plan, columns, [column])}
            select = select_rows(plan, selection, types, facets, cutover, show_values=True)
            order = sa.func.pg_catalog.md5(as_text(column) + sa.literal(plan.fingerprint))
            select = select.order_by(None).order_by(order).limit(wanted).params(known_white_space(connection))
            rows = connection.execute(select).all()
    except (SourceError, UsageError) as error:
        return error.message
    keys = len(plan.table.key)
    return [(tuple(map(shown_key, row[:keys])), row[-1]) for row in rows]


def _column(asker: _Asker, sample: list[tuple[tuple[str, ...], str]] | str) -> ProbedColumn:
    if isinstance(sample, str):
        return ProbedColumn(sampled=0, answers={}, problem=sample)
    found = [ProbedRow(key=key, answer=asker.answer(url)) for key, url in sample]
    others = sorted((row for row in found if row.answer != "exists"), key=lambda row: row.answer != "missing")
    return ProbedColumn(
        sampled=len(found), answers=dict(Counter(row.answer for row in found)), examples=tuple(others[:EXAMPLES])
    )


class _Asker:
    """Requests URLs at a limited rate; each URL once."""

    def __init__(self, network: Network, secret: Secret | None, pace: Pace, end: float) -> None:
        self._network, self._secret, self._pace, self._end = network, secret, pace, end
        self._known: dict[str, Answer] = {}
        self._next = pace.now()

    def answer(self, url: str) -> Answer:
        """The answer of a URL, by a request that is abandoned when its time is over."""
        if url not in self._known:
            self._known[url] = self._ask(url)
        return self._known[url]

    def _ask(self, url: str) -> Answer:
        pace = self._pace
        if pace.now() >= self._end:
            return "not requested"
        pace.sleep(max(0.0, self._next - pace.now()))
        self._next = pace.now() + 1 / pace.per_second
        seconds = min(pace.seconds, self._end - pace.now())
        if seconds <= 0:
            return "not requested"
        asked = _address(url, self._secret)
        try:
            reply = begin(lambda: request(asked, self._network, self._secret, seconds)).result(seconds)
        except NotRequestedError:
            return "not requested"
        except (OSError, http.client.HTTPException, ValueError, UnicodeError, TimeoutError):
            return "no answer"
        return _judged(url, asked, reply)


def _address(url: str, secret: Secret | None) -> str:
    """What to request for a URL: for a repository of GitHub, with a token, its API, which sees private ones too."""
    parts = urlsplit(url)
    segments = [segment for segment in parts.path.split("/") if segment]
    plain = all(
        _SEGMENT.fullmatch(segment) for segment in segments
    )  # no `..`, which would lead to another part of the API
    if secret is not None and _is_github(url) and len(segments) == REPOSITORY and plain:
        return f"{API}/{segments[0]}/{segments[1].removesuffix('.git')}"
    return url


def _judged(url: str, asked: str, reply: Reply) -> Answer:
    """The answer by its status. GitHub's 404 without a token is of a private repository or of none; its API's is of none."""
    status = reply.status
    if status in (404, 410):
        return "hidden" if _is_github(url) and asked == url else "missing"
    if status in (401, 403):
        return "refused"
    if status == TOO_MANY:
        return "busy"
    if not 200 <= status < 300:
        return "broken"
    return "moved" if _leads_elsewhere(asked, reply.url) else "exists"


def _leads_elsewhere(asked: str, answered: str) -> bool:
    """Another host, or no longer https; on GitHub another path too: the repository was renamed."""
    one, two = urlsplit(asked), urlsplit(answered)
    hosts = [(parts.hostname or "").removeprefix("www.") for parts in (one, two)]
    if hosts[0] != hosts[1] or (one.scheme == "https" and two.scheme != "https"):
        return True
    paths = [parts.path.rstrip("/").removesuffix(".git").lower() for parts in (one, two)]
    return hosts[0] in (*GITHUB, "api.github.com") and paths[0] != paths[1]


def _is_github(url: str) -> bool:
    return urlsplit(url).hostname in GITHUB

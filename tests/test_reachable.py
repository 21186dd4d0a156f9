"""`--probe-urls`: a sample of the stored URLs is requested, politely, and never where a hostile value wants it to."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest
from typer.testing import CliRunner

from genreq_checks.checks.reachable import CHECK
from genreq_checks.cli import app
from genreq_checks.errors import UsageError
from genreq_checks.facts.probed_urls import ANSWERS, Answer, ProbedColumn, ProbedRow, ProbedUrls
from genreq_checks.plan import Plan
from genreq_checks.report import CheckResult
from genreq_checks.run import check, observe
from genreq_checks.sources.http_probe import Network, NotRequestedError, Secret, is_public, request
from genreq_checks.sources.probed_urls import Pace, probe
from rows import insert

CUTOVER = datetime(2025, 1, 10, 12, tzinfo=UTC)
NEW = {"completed_at": "2025-01-12 08:00"}
TOKEN = "ghp_secretsecretsecret"
QUICK = Pace(per_second=1000)


@dataclass
class Asked:
    """What the loopback server was asked: method, scheme, host, path and the token."""

    seen: list[tuple[str, str, str]] = field(default_factory=list)
    tokens: list[tuple[str, str | None]] = field(default_factory=list)


@dataclass(frozen=True)
class Web:
    """A server on loopback that plays every host of the internet, and what it was asked."""

    network: Network
    asked: Asked


ANSWERED = {
    "/o/there": 200, "/o/cased": 200, "/o/gone": 410, "/o/missing": 404, "/o/private": 404, "/o/login": 401, "/o/forbidden": 403,
    "/o/busy": 429, "/o/broken": 503, "/repos/o/there": 200, "/repos/o/private": 200, "/repos/o/missing": 404,
    "/repositories/7": 200, "/": 200, "/login": 200, "/new/name": 200,
}  # fmt: skip
MOVED = {
    "/o/renamed": "https://github.com/new/name",
    "/o/Cased": "https://github.com/o/cased/",
    "/o/elsewhere": "https://evil.example/",
    "/o/loop": "https://github.com/o/loop",
    "/o/file": "file:///etc/passwd",
    "/o/local": "http://localhost/",
    "/o/port": "https://github.com:8443/",
    "/repos/o/renamed": "https://api.github.com/repositories/7",
    "/repos/o/elsewhere": "https://evil.example/",
    "/app": "/login",
}


@pytest.fixture
def web() -> Iterator[Web]:
    asked, over = Asked(), Event()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            host = self.headers["Host"].partition(":")[0]
            asked.seen.append((self.command, host, self.path))
            asked.tokens.append((host, self.headers["Authorization"]))
            if self.path == "/o/slow":
                over.wait(20)
            status = 302 if self.path in MOVED else ANSWERED.get(self.path.removesuffix("/") or "/", 404)
            if self.path == "/o/nohead":
                status = 405 if self.command == "HEAD" else 200
            self.send_response(status)
            if self.path in MOVED:
                self.send_header("Location", MOVED[self.path])
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()

    def connect(scheme: str, host: str, port: int, address: str, seconds: float) -> http.client.HTTPConnection:
        made = http.client.HTTPConnection(host, port, timeout=seconds)
        made.sock = socket.create_connection(("127.0.0.1", server.server_port), seconds)
        return made

    def resolve(host: str, port: int) -> list[str]:
        if host == "nowhere.example":
            raise OSError("Name or service not known")
        return ["127.0.0.1" if host == "localhost" else "93.184.216.34"]

    yield Web(Network(resolve=resolve, connect=connect), asked)
    over.set()
    server.shutdown()
    server.server_close()


def answers(
    database: str, plan: Plan, web: Web, urls: list[str], token: str | None = None, pace: Pace = QUICK
) -> dict[Answer, int]:
    insert(database, *(NEW | {"deployment_url": url} for url in urls))
    probed = probe(plan, database, 100, CUTOVER, token=token, network=web.network, pace=pace)
    assert probed.problem == ""
    return probed.columns["deployment_url"].answers


def of(name: str) -> str:
    return f"https://github.com/o/{name}"


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        (of("there"), "exists"),
        (of("nohead"), "exists"),
        (of("Cased"), "exists"),
        (of("missing"), "hidden"),
        (of("gone"), "hidden"),
        (of("login"), "refused"),
        (of("forbidden"), "refused"),
        (of("busy"), "busy"),
        (of("broken"), "broken"),
        (of("renamed"), "moved"),
        (of("elsewhere"), "moved"),
        (of("loop"), "no answer"),
        (of("file"), "not requested"),
        (of("local"), "not requested"),
        (of("port"), "not requested"),
        ("https://a.fly.dev/app", "exists"),
        ("https://a.fly.dev/none", "missing"),
        ("https://nowhere.example/", "no answer"),
    ],
)
def test_each_answer_has_its_kind(database: str, plan: Plan, web: Web, url: str, answer: Answer) -> None:
    assert answers(database, plan, web, [url]) == {answer: 1}


@pytest.mark.parametrize(
    ("name", "answer"), [("there", "exists"), ("private", "exists"), ("missing", "missing"), ("renamed", "moved")]
)
def test_with_a_token_the_api_tells_private_from_missing(
    database: str, plan: Plan, web: Web, name: str, answer: Answer
) -> None:
    assert answers(database, plan, web, [of(name)], TOKEN) == {answer: 1}
    assert {host for host, token in web.asked.tokens if token} == {"api.github.com"}


def test_the_token_is_sent_to_no_other_host(database: str, plan: Plan, web: Web) -> None:
    urls = [
        of("elsewhere"),
        "https://a.fly.dev/app",
        "https://github.com/o/there/tree/main",
        "https://gist.github.com/o/there",
    ]
    answers(database, plan, web, urls, TOKEN)
    assert "evil.example" in {host for host, _ in web.asked.tokens}
    assert {host for host, token in web.asked.tokens if token} == {"api.github.com"}
    with pytest.raises(NotRequestedError):
        request("http://api.github.com:80.evil.example@127.0.0.1/", web.network, Secret(TOKEN), 1)
    request("http://api.github.com/", web.network, Secret(TOKEN), 1)
    assert web.asked.tokens[-1] == ("api.github.com", None)  # not by http
    assert TOKEN not in repr(Secret(TOKEN))


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "172.16.9.9", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1",
     "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "fe80::1%eth0", "fc00::1", "fec0::1"],
)  # fmt: skip
def test_an_address_that_is_not_public_is_never_requested(web: Web, address: str) -> None:
    assert not is_public(address)
    there = Network(resolve=lambda host, port: ["93.184.216.34", address], connect=web.network.connect)
    with pytest.raises(NotRequestedError):
        request("https://rebound.example/", there, None, 1)
    assert web.asked.seen == []


@pytest.mark.parametrize("address", ["93.184.216.34", "140.82.121.4", "2606:4700::1111"])
def test_a_public_address_is_requested(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://github.com/a",
        "https://user:pw@github.com/a/b",
        "https://github.com:22/a/b",
        "https:///a",
        "http://2130706433/",
    ],
)
def test_what_is_no_plain_web_address_is_never_requested(url: str) -> None:
    with pytest.raises(NotRequestedError):
        request(url, Network(), None, 1)


def test_a_server_that_does_not_answer_costs_its_limit_and_no_more(database: str, plan: Plan, web: Web) -> None:
    started = time.monotonic()
    pace = Pace(per_second=1000, seconds=0.5)
    assert answers(database, plan, web, [of("slow"), of("there")], pace=pace) == {"no answer": 1, "exists": 1}
    assert time.monotonic() - started < 10


def test_requests_keep_their_pace_and_stop_when_the_time_is_over(database: str, plan: Plan, web: Web) -> None:
    clock, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds

    pace = Pace(per_second=5, all_seconds=1.1, now=lambda: clock[0], sleep=sleep)
    found = answers(database, plan, web, [f"https://a{n}.fly.dev/" for n in range(20)], pace=pace)
    assert found == {"exists": 6, "not requested": 14}
    assert [round(seconds, 3) for seconds in slept[:6]] == [0, 0.2, 0.2, 0.2, 0.2, 0.2]


def test_the_sample_is_of_well_formed_urls_after_the_cutover_and_the_same_again(
    database: str, plan: Plan, web: Web
) -> None:
    insert(database, {"completed_at": "2025-01-02", "deployment_url": "https://old.fly.dev/"})
    insert(database, NEW | {"deployment_url": "https://u:pw@a.fly.dev/"}, NEW | {"deployment_url": "undefined"})
    insert(database, NEW | {"status": "failed", "deployment_url": "https://failed.fly.dev/"})
    insert(database, *(NEW | {"deployment_url": f"https://a{n}.fly.dev/"} for n in range(50)))
    first, again = (probe(plan, database, 7, CUTOVER, network=web.network, pace=QUICK) for _ in range(2))
    assert first == again
    assert first.columns["deployment_url"].sampled == 7
    hosts = [host for _, host, _ in web.asked.seen]
    assert hosts[:7] == hosts[7:]
    assert all(host.startswith("a") for host in hosts)
    assert first.columns["github_url"].sampled == 0


def test_no_url_and_no_token_is_in_what_is_kept(database: str, plan: Plan, web: Web) -> None:
    insert(database, NEW | {"github_url": of("missing")})
    probed = probe(plan, database, 5, CUTOVER, token=TOKEN, network=web.network, pace=QUICK)
    report = check(plan, observe(plan, database, CUTOVER).with_evidence(probe_urls=probed), cutover=CUTOVER)
    assert report.check("reachable.github_url").outcome == "fail"
    for text in (probed.model_dump_json(), report.model_dump_json()):
        assert TOKEN not in text
        assert "o/missing" not in text


def judged(database: str, plan: Plan, probed: ProbedUrls | None) -> CheckResult:
    now = observe(plan, database, CUTOVER)
    return check(plan, now if probed is None else now.with_evidence(probe_urls=probed), cutover=CUTOVER).check(
        "reachable.github_url"
    )


def of_column(*given: Answer) -> ProbedUrls:
    counts = {answer: given.count(answer) for answer in given}
    rows = tuple(ProbedRow(key=(str(n),), answer=answer) for n, answer in enumerate(given) if answer != "exists")
    column = ProbedColumn(sampled=len(given), answers=counts, examples=rows)
    return ProbedUrls(wanted=9, with_token=False, columns={"github_url": column})


@pytest.mark.parametrize(
    ("probed", "outcome", "words"),
    [
        (None, "skip", "--probe-urls N"),
        (of_column(*["exists"] * 20), "pass", "All of 20 sampled URLs exist; at 95 %, at most 16."),
        (of_column("exists", "missing"), "fail", "1 of 2 sampled URLs do not exist (404 or 410)"),
        (of_column("exists", "moved"), "warn", "lead to another address. Keys: 1."),
        (of_column("exists", "hidden"), "unknown", "are private or do not exist"),
        (of_column("missing", "hidden"), "fail", "Keys: 0."),
        (of_column("moved", "busy"), "unknown", "lead to another address"),
        (of_column(), "unknown", "holds a well-formed URL"),
        (ProbedUrls(wanted=9, with_token=False, problem="no rows."), "unknown", "Not judged: no rows."),
    ],
)
def test_what_the_answers_mean(database: str, plan: Plan, probed: ProbedUrls | None, outcome: str, words: str) -> None:
    result = judged(database, plan, probed)
    assert result.outcome == outcome
    assert any(words in finding.message for finding in result.findings), [one.message for one in result.findings]


@pytest.mark.parametrize("answer", [answer for answer in ANSWERS if answer not in ("exists", "moved", "missing")])
def test_what_is_no_clear_answer_is_never_a_pass(database: str, plan: Plan, answer: Answer) -> None:
    assert judged(database, plan, of_column(*["exists"] * 50, answer)).outcome == "unknown"


@pytest.mark.parametrize("number", ["0", "-1", "x", "1001", "1.5", "٣"])
def test_a_number_of_rows_that_is_none_is_refused(database: str, plan: Plan, number: str) -> None:
    with pytest.raises(UsageError, match="Give one from 1 to 1,000"):
        observe(plan, database, probe_urls=number)


def test_the_option_is_there_and_a_source_without_rows_is_unknown(database: str, plan: Plan, tmp_path: Path) -> None:
    observe(plan, database).save(tmp_path / "now.json")
    call = ["check", str(tmp_path / "now.json"), "--probe-urls", "5", "--only", "reachable.*", "--format", "json"]
    run = CliRunner().invoke(app, call)
    assert run.exit_code == 3
    assert "is no database" in run.stdout


def test_without_it_the_claim_says_that_existence_was_not_probed(database: str, plan: Plan) -> None:
    insert(database, {"completed_at": "2025-01-02", "github_url": of("there"), "download_url": "https://x.example/a"})
    now = observe(plan, database)
    message = check(plan, now, phase="before").check("claims.download_url").findings[0].message
    assert "Whether the URLs in github_url exist was not probed (--probe-urls N)." in message
    probed = now.with_evidence(probe_urls=of_column("exists"))
    message = check(plan, probed, phase="before").check("claims.download_url").findings[0].message
    assert "reachable.github_url" in message
    assert CHECK.name == "reachable"

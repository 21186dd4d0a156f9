"""The dashboard's service without a browser: one reading for all, what stays when the source is gone, and access control."""

from __future__ import annotations

import ast
import asyncio
import html
import importlib.util
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets.sync.client as ws
from websockets.exceptions import InvalidStatus

from genreq_checks.cli.review import copy_notebooks
from genreq_checks.dashboard import failing, serve
from genreq_checks.dashboard import wording as words
from genreq_checks.dashboard.access import COOKIE, PARAMETER, Access, Rules, health
from genreq_checks.dashboard.answer import Answer, reader, sample
from genreq_checks.dashboard.chart_images import draw
from genreq_checks.dashboard.settings import Settings, from_environment, to_environment
from genreq_checks.dashboard.shared import Board, Reading
from genreq_checks.dashboard.tables import Table
from genreq_checks.errors import SourceError, UsageError
from genreq_checks.outputs.verdict import MARKS
from genreq_checks.plan import Plan
from genreq_checks.run import check, observe
from rows import insert
from serving import dashboard, serving, until
from stalling import proxy

pytestmark = pytest.mark.slow

TOKEN = "a-token-that-nobody-must-see-2718"
NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
ROW = {"completed_at": "2025-01-11", "github_url": "https://github.com/leo/app"}


class Clock:
    """A clock that is stopped until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def answer(database: str, plan: Plan) -> Answer:
    """What a reading of a small table gives."""
    insert(database, ROW)
    now = observe(plan, database)
    report = check(plan, now)
    return Answer(plan, now, None, None, report, draw(report))


def test_fifty_viewers_at_once_share_one_reading(answer: Answer) -> None:
    reads: list[int] = []
    go = threading.Event()
    asked = threading.Barrier(50, action=go.set)  # the reading does not end before all have asked for one

    def read() -> Answer:
        reads.append(1)
        assert go.wait(30)
        return answer

    board = Board(read, refresh=30)

    def look(_: int) -> Reading:
        board.attempt()
        asked.wait(30)
        return board.latest()

    with ThreadPoolExecutor(50) as pool:
        shown = list(pool.map(look, range(50)))
    assert len(reads) == 1
    assert all(reading.answer is answer and not reading.is_stale for reading in shown)


def test_a_source_is_read_once_in_each_interval(answer: Answer) -> None:
    clock, reads = Clock(), []
    board = Board(lambda: reads.append(clock.now) or answer, refresh=30, clock=clock)  # type: ignore[func-returns-value]
    for moment in (0, 1, 29.9, 30, 31, 59.9, 60, 200):
        clock.now = 1000 + moment
        assert board.latest().answer is answer
    assert reads == [1000, 1030, 1060, 1200]


def test_the_last_good_answer_stays_with_its_age_until_a_new_one_replaces_it(answer: Answer) -> None:
    clock = Clock()
    steps: Iterator[Answer | Exception] = iter(
        [answer, SourceError("It is down."), RuntimeError("a value from the table"), replace(answer, cutover=None)]
    )

    def read() -> Answer:
        step = next(steps)
        if isinstance(step, Exception):
            raise step
        return step

    board = Board(read, refresh=30, clock=clock)
    assert board.latest() == Reading(answer, None, 0.0)
    clock.now += 45
    down = board.latest()
    assert (down.answer, down.error, down.age, down.is_stale) == (answer, "It is down.", 45, True)
    assert "45 s ago" in str(words.stale(down))
    clock.now += 30
    assert "value from the table" not in str(board.latest().error)
    clock.now += 30
    again = board.latest()
    assert (again.error, again.age, again.is_stale) == (None, 0.0, False)
    assert words.stale(again) is None


def test_slow_readings_do_not_accumulate_and_no_viewer_waits_long(answer: Answer) -> None:
    clock, reads, go = Clock(), [], threading.Event()

    def read() -> Answer:
        reads.append(1)
        if len(reads) > 1:
            assert go.wait(30)
        return answer

    board = Board(read, refresh=30, patience=0.01, clock=clock)
    board.latest()
    for _ in range(5):
        clock.now += 30
        slow = board.latest()
        assert slow.answer is answer
        assert slow.is_stale
    assert len(reads) == 2
    assert "running for 120 s" not in str(words.stale(slow))
    assert "running for 2 min" in str(words.stale(slow))
    attempt = board.attempt()
    assert attempt is not None
    go.set()
    attempt.result(30)
    assert not board.latest().is_stale
    assert len(reads) == 2, "a reading longer than an interval is not followed by the next at once"


def test_a_reading_that_hangs_is_abandoned_and_its_late_answer_is_not_shown(answer: Answer) -> None:
    clock, begun, go = Clock(), list[int](), threading.Event()
    late, newer = replace(answer, cutover=datetime(2020, 1, 1, tzinfo=UTC)), replace(answer, cutover=None)
    ended = threading.Event()

    def read() -> Answer:
        begun.append(1)
        if len(begun) == 1:
            assert go.wait(30)
            ended.set()
            return late
        return newer

    board = Board(read, refresh=30, first_patience=0.01, limit=100, clock=clock)
    hung = board.attempt()
    assert hung is not None
    clock.now += 90
    assert board.latest().under_way == 90
    clock.now += 11
    given_up = board.peek()
    assert given_up.error is not None
    assert "longer than 100 s and was stopped" in given_up.error
    assert hung.done()
    clock.now += 30
    fresh = board.latest()
    assert (fresh.answer, fresh.error, len(begun)) == (newer, None, 2)
    go.set()
    assert ended.wait(30)
    until(lambda: [one for one in threading.enumerate() if one.name == "genreq-reading"], lambda left: not left)
    assert board.peek().answer is newer


def test_a_stalled_connection_does_not_leave_the_dashboard_stale_permanently(plan: Plan, database: str) -> None:
    insert(database, ROW)
    with proxy(database) as between:
        settings = Settings(plan, between.url(database), timeout=0.3, deadline=1)
        board = Board(reader(settings), refresh=0.5, limit=settings.deadline + 10)
        assert until(board.latest, lambda now: now.answer is not None and not now.is_stale)
        between.stalls.set()
        stale = until(board.latest, lambda now: now.error is not None)
        assert stale.answer is not None
        assert "passed" in str(stale.error)
        between.stalls.clear()
        assert until(board.latest, lambda now: not now.is_stale).answer is not stale.answer


def test_without_any_answer_the_reason_is_shown() -> None:
    def read() -> Answer:
        raise SourceError("It is down.", "Start it.")

    shown = Board(read, refresh=30).latest()
    assert (shown.answer, shown.age) == (None, None)
    assert words.verdict(shown) == "Nothing is known, since nothing could be read. It is down. Start it."


def test_the_baseline_is_read_once(plan: Plan, database: str, tmp_path: Path) -> None:
    insert(database, ROW)
    observe(plan, database).save(tmp_path / "before.json")
    read = reader(Settings(plan, database, str(tmp_path / "before.json")))
    assert read().baseline is not None
    (tmp_path / "before.json").unlink()
    assert read().baseline is not None


def test_a_missing_table_is_an_answer_and_a_missing_server_is_not(plan: Plan, empty_database: str) -> None:
    assert reader(Settings(plan, empty_database))().unread is None
    unread = reader(Settings(plan, "postgresql://leo:hidden-word@127.0.0.1:1/leo"))().unread
    assert unread is not None
    assert "hidden-word" not in unread


def test_settings_are_passed_in_the_environment_and_show_no_password(tmp_path: Path, plan: Plan) -> None:
    url = "postgresql://u:hidden-word@h/d"
    there = from_environment(to_environment(url, cutover=None, table="other.requests", refresh=60, timeout=5))
    assert (there.source, there.refresh, there.timeout, there.deadline) == (url, 60, 5, 15)
    assert there.plan.table.qualified == "other.requests"
    assert "hidden-word" not in repr(there)
    assert from_environment({"LEO_DATABASE_URL": url}).source == url
    with pytest.raises(UsageError, match="GENREQ_REFRESH"):
        from_environment({"GENREQ_REFRESH": "nan"})
    with pytest.raises(UsageError, match="neither a database URL nor an existing file"):
        to_environment(str(tmp_path / "nothing.json"))


# --- the door


async def inner(scope: Any, receive: Any, send: Any) -> None:
    """An application that lets everyone read everything, as marimo's does."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        return
    headers = [(b"content-type", b"text/plain"), (b"access-control-allow-origin", b"*")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"inside"})


def at(door: Access, base: str = "http://127.0.0.1:2718") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url=base)


def fetch(door: Access, path: str = "/", base: str = "http://127.0.0.1:2718", **more: Any) -> httpx.Response:
    async def go() -> httpx.Response:
        async with at(door, base) as client:
            return await client.request(more.pop("method", "GET"), path, **more)

    return asyncio.run(go())


def cookie(value: str) -> dict[str, str]:
    return {"cookie": f"{COOKIE}={value}"}


def is_let_in(door: Access, **headers: str) -> bool:
    """Is a WebSocket with these headers accepted?"""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "websocket", "scheme": "ws", "path": "/ws", "query_string": b"", "headers": pairs}
    asyncio.run(door(scope, receive, send))
    return sent[0]["type"] == "websocket.accept"


def never() -> Answer:
    raise SourceError("It is down.")


@pytest.fixture
def board() -> Board:
    return Board(never, refresh=30)


def test_without_a_token_only_the_loopbacks_names_are_accepted(board: Board) -> None:
    door = Access(inner, Rules(origins=frozenset({"https://checks.example.org"})), board)
    assert fetch(door).text == "inside"
    assert fetch(door, base="http://localhost:2718").status_code == 200
    assert fetch(door, base="http://[::1]:2718").status_code == 200
    assert fetch(door, base="http://checks.example.org").status_code == 200
    assert fetch(door, base="http://evil.example").status_code == 403
    assert fetch(door, headers={"host": "["}).status_code == 403


def test_no_other_sites_page_may_read_or_connect(board: Board) -> None:
    door = Access(inner, Rules(origins=frozenset({"https://checks.example.org"})), board)
    host = "127.0.0.1:2718"
    assert is_let_in(door, host=host, origin=f"http://{host}")
    assert is_let_in(door, host=host, origin="https://checks.example.org")
    assert is_let_in(door, host=host)
    for origin in (
        "http://evil.example",
        "null",
        f"https://{host}",
        "http://127.0.0.1:80",
        f"http://{host}.evil.example",
    ):
        assert not is_let_in(door, host=host, origin=origin)
        assert fetch(door, headers={"origin": origin}).status_code == 403
    assert not is_let_in(door, host="evil.example", origin="http://evil.example"), "a name that leads to the loopback"
    assert "access-control-allow-origin" not in fetch(door).headers
    assert fetch(door).headers["content-security-policy"] == "frame-ancestors 'self'"


def test_only_a_token_in_address_form_cookie_or_header_gives_access(board: Board) -> None:
    door = Access(inner, Rules(token=TOKEN), board)
    asked = fetch(door)
    assert (asked.status_code, "password" in asked.text) == (401, True)
    for wrong in ("", "x", TOKEN[:-1], TOKEN + "x", "é"):
        assert fetch(door, params={PARAMETER: wrong}).status_code == 401
        assert fetch(door, headers=cookie(wrong.encode("ascii", "replace").decode())).status_code == 401
        assert fetch(door, method="POST", data={PARAMETER: wrong}).status_code == 401
    assert fetch(door, headers=cookie(TOKEN)).status_code == 401, "the cookie is not the token"
    assert fetch(door, headers={"authorization": f"Bearer {TOKEN}"}).text == "inside"
    assert fetch(door, method="POST", content=b"x" * 100_000).status_code == 401
    for led in (fetch(door, f"/?a=1&{PARAMETER}={TOKEN}"), fetch(door, method="POST", data={PARAMETER: TOKEN})):
        assert led.status_code == 303
        assert TOKEN not in str(led.headers)
        assert led.headers["location"].startswith("/")
        given, *rules = led.headers["set-cookie"].split("; ")
        assert {rule.lower() for rule in rules} == {"httponly", "samesite=lax", "path=/"}
        assert fetch(door, headers={"cookie": f"other=1; {given}"}).text == "inside"
        assert is_let_in(door, host="dashboard", origin="http://dashboard", cookie=given)
        assert not is_let_in(door, host="dashboard", origin="http://evil", cookie=given)
    assert not is_let_in(door, host="dashboard", origin="http://dashboard")


def test_the_token_is_never_sent_to_another_site(board: Board) -> None:
    door = Access(inner, Rules(token=TOKEN, base="/checks"), board)
    led = fetch(door, f"//evil.example/?{PARAMETER}={TOKEN}&next=//evil.example")
    assert led.headers["location"] == "/checks/?next=%2F%2Fevil.example"


def test_healthz_shows_the_age_of_the_last_good_reading_without_a_token(answer: Answer) -> None:
    clock, is_down = Clock(), [False]

    def read() -> Answer:
        return never() if is_down[0] else answer

    board = Board(read, refresh=30, clock=clock)
    door = Access(inner, Rules(token=TOKEN, base="/checks"), board)
    good = fetch(door, "/checks/healthz")
    expected = {"status": "ok", "last_good_read_age_seconds": 0.0, "refresh_seconds": 30, "shows": "LIVE"}
    assert (good.status_code, good.json()) == (200, expected)
    is_down[0] = True
    clock.now += 60
    assert (fetch(door, "/checks/healthz").status_code, asyncio.run(health(board))[1]["status"]) == (200, "stale")
    clock.now += 60
    late = fetch(door, "/checks/healthz")
    assert (late.status_code, late.json()["last_good_read_age_seconds"]) == (503, 120)
    is_down[0] = False
    clock.now += 30
    assert fetch(door, "/checks/healthz").status_code == 200
    first = Access(inner, Rules(), Board(never, refresh=30))
    assert fetch(first, "/healthz").json()["status"] == "no answer yet"
    assert fetch(first, "/healthz").status_code == 503


# --- the process


def test_a_token_file_is_created_for_the_user_only_and_read_again(tmp_path: Path) -> None:
    token, place = serve.find_token(tmp_path / "token", "", True, tmp_path)
    assert place == tmp_path / "token"
    assert token is not None
    assert len(token) >= 40
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert serve.find_token(place, TOKEN, True, tmp_path) == (token, place)
    assert serve.find_token(None, TOKEN, True, tmp_path) == (TOKEN, None)
    assert serve.find_token(None, "", False, tmp_path) == (None, None)
    made, state = serve.find_token(None, "", True, tmp_path / "state")
    assert made not in (None, token)
    assert state == tmp_path / "state" / "dashboard-token"
    with pytest.raises(UsageError, match="shorter than 16"):
        serve.find_token(None, "short", True, tmp_path)
    with pytest.raises(UsageError, match="cannot be used"):
        serve.find_token(tmp_path, "", True, tmp_path)


def test_a_dashboard_asks_for_its_token_and_never_prints_it(tmp_path: Path, database: str) -> None:
    insert(database, ROW)
    with dashboard(tmp_path, database, "--host", "0.0.0.0", GENREQ_TOKEN=TOKEN) as served:
        assert served.get("/").status_code == 401
        assert served.get(f"/?{PARAMETER}={TOKEN}").status_code == 303
        health_now = until(lambda: served.get("/healthz"), lambda answer: answer.status_code == 200)
        assert health_now.json()["status"] == "ok"
        address = served.url.replace("http", "ws") + "ws?session_id=s_abcdef"
        with pytest.raises(InvalidStatus) as refused, ws.connect(f"{address}&{PARAMETER}={TOKEN}"):
            pass
        assert refused.value.response.status_code == 403
    assert TOKEN not in served.log()
    assert TOKEN[:4] in served.log()


def test_everything_is_served_under_the_base_url(tmp_path: Path, database: str) -> None:
    insert(database, ROW)
    with dashboard(tmp_path, database, "--base-url", "/checks/") as served:
        assert served.get("/checks/").status_code == 200
        assert served.get("/").status_code == 404
        assert until(lambda: served.get("/checks/healthz"), lambda answer: answer.status_code == 200)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--proxy", "checks.example.org"], "--proxy is not the address"),
        (["--base-url", "/a b"], "--base-url '/a b' is not a path"),
        (["--refresh", "5"], "30"),
        (["--host", "256.0.0.1"], "Cannot listen on"),
        (["nothing.json"], "could not be read: No such file"),
        (["--plan", "nothing.toml"], "could not be read"),
    ],
)
def test_an_error_is_reported_before_anything_is_served(arguments: list[str], message: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "genreq_checks", "dashboard", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_threads_parse_one_after_the_other_on_python_3_11(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most = [0], [0]

    def parse(source: str) -> str:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        sum(range(2000))  # with the switch interval below, the other threads have their chance here
        inside[0] -= 1
        return source

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    alone: Callable[[str], str] = serve._one_at_a_time(parse)
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(alone, map(str, range(64)))) == [str(n) for n in range(64)]
    sys.setswitchinterval(interval)
    assert most[0] == 1
    monkeypatch.setattr(ast, "parse", ast.parse)
    serve.guard_parsing()
    assert hasattr(ast.parse, "__wrapped__") == (sys.version_info < (3, 12))
    assert isinstance(ast.parse("1 + 1"), ast.Module)


def test_the_first_page_says_what_is_wrong(plan: Plan, database: str) -> None:
    insert(database, *({**ROW, "artifacts_github_url": "https://github.com/leo/other"} for _ in range(3)))
    cutover = datetime(2025, 1, 10, tzinfo=UTC)
    report = check(plan, observe(plan, database, cutover), cutover=cutover)
    told = failing.failing(report)
    assert told[0].name == "✗ dropped.download_url"
    assert told[0].findings[0].startswith("public.generation_requests still has the column")
    assert [card.value for card in words.dropped_cards(report)] == ["✗ still there", "✗ still there"]
    rate, derivation = words.rate_cards(report)[1].value, words.rate_cards(report)[1].caption
    outcome = report.check("population.artifacts_github_url").outcome
    assert rate == f"{MARKS[outcome]} 100 %"  # the rate's own outcome, and the derivation's beside it
    assert "✗ derivation: fail" in derivation
    assert failing.grid_rows(report)[0]["outcome"] == "✗ fail"
    derived = next(row for row in failing.grid_rows(report) if row["check"] == "derivation.artifacts_github_url")
    assert (derived["rows"], derived["passed"], derived["failed"]) == ("3", "0", "3")
    assert json.loads(next(d for d in words.downloads(report) if d.name == "report.json").make())["outcome"] == "fail"
    assert "github_url,after,3,3,0,0,0,1.0," in words.rates_csv(report)


def test_a_failing_check_opens_to_its_first_rows_and_a_command_that_runs(plan: Plan, database: str) -> None:
    insert(database, *({**ROW, "artifacts_github_url": "https://github.com/leo/other"} for _ in range(3)))
    settings = Settings(plan, database, cutover=datetime(2025, 1, 10, tzinfo=UTC))
    read = reader(settings)
    one = next(f for f in failing.failing(read().report) if f.check == "derivation.artifacts_github_url")
    assert len(one.rows) == 3
    assert "leo/other" not in repr(one.rows)
    assert "https://" not in repr(one.rows)  # a masked value is no address: no page may make a link of it
    done = subprocess.run(one.command, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for row in one.rows:
        assert row["id"] in done.stdout
    assert failing.rows_csv(one).splitlines()[0] == ",".join(one.rows[0])
    assert len(failing.rows_csv(one).splitlines()) == 4


def test_first_rows_are_read_again_only_when_the_findings_change(plan: Plan, database: str) -> None:
    insert(database, *({**ROW, "artifacts_github_url": "https://github.com/leo/other"} for _ in range(3)))
    read = reader(Settings(plan, database, cutover=datetime(2025, 1, 10, tzinfo=UTC)))
    first = read().report.check("derivation.artifacts_github_url").examples
    assert read().report.check("derivation.artifacts_github_url").examples == first
    insert(database, {**ROW, "artifacts_github_url": "https://github.com/leo/other"})
    again = read().report.check("derivation.artifacts_github_url").examples
    assert again is not None
    assert len(again.rows) == 4


def test_a_table_escapes_every_text() -> None:
    hostile = "<img src=x onerror=alert(1)>\"'&"
    made = Table([{hostile: hostile}], hostile).html
    assert "<img" not in made
    assert made.count("&lt;img") == 4
    assert '=""' not in made


def test_the_page_says_what_it_shows(plan: Plan, database: str, tmp_path: Path) -> None:
    live = Reading(reader(Settings(plan, database))(), None, 3.0)
    assert words.banner(live)[:2] == ("live", "LIVE")
    observe(plan, database).save(tmp_path / "then.json")
    saved = Reading(reader(Settings(plan, str(tmp_path / "then.json")))(), None, 3.0)
    kind, word, text = words.banner(saved)
    assert (kind, word) == ("snapshot", "SNAPSHOT")
    assert "then.json" in text
    assert "old)" in text
    assert "3 s ago" not in text
    made = Reading(sample(), None, 3.0)
    assert words.banner(made)[1] == "SAMPLE DATA"
    assert words.sign(made)[0] == "sample"
    assert words.banner(Reading(None, "down")) is None


def test_the_demo_is_served_from_its_snapshots(tmp_path: Path) -> None:
    with serving(tmp_path, ["genreq_checks", "demo", "--serve", "--port", "0"], "Dashboard: ") as served:
        assert {"before.json", "after.json"} <= {file.name for file in (tmp_path / "genreq-demo").iterdir()}
        assert until(lambda: served.get("/healthz"), lambda answer: answer.status_code == 200)
        assert served.get("/").status_code == 200


def test_the_review_notebooks_are_copied_and_existing_copies_do_not_change(tmp_path: Path) -> None:
    copy_notebooks(tmp_path / "review")
    mine = tmp_path / "review" / "population_rates.py"
    assert "auto_instantiate = true" in (tmp_path / "review" / "pyproject.toml").read_text()
    mine.write_text("# mine")
    copy_notebooks(tmp_path / "review")
    assert mine.read_text() == "# mine"
    assert (tmp_path / "review" / "dropped_columns.py").read_text() == (NOTEBOOKS / "dropped_columns.py").read_text()
    with pytest.raises(UsageError, match="cannot be used"):
        copy_notebooks(mine)


def test_the_dashboards_notebook_runs_without_a_server(answer: Answer) -> None:
    spec = importlib.util.spec_from_file_location("dashboard", NOTEBOOKS / "dashboard.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    outputs, defined = module.app.run(defs={"reading": Reading(answer, None, 3.0)})
    shown = " ".join(str(getattr(output, "text", output)) for output in outputs)
    assert words.verdict(defined["reading"]) in html.unescape(shown)
    assert "? UNKNOWN" in shown or "✗ FAIL" in shown


def test_no_process_is_left_when_the_dashboard_is_stopped(tmp_path: Path, database: str) -> None:
    with dashboard(tmp_path, database) as served:
        os.kill(served.process.pid, signal.SIGINT)
        assert served.process.wait(30) in (0, 130, -signal.SIGINT)
    assert "Traceback" not in served.log()

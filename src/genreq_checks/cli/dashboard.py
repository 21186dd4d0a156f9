"""`genreq-checks dashboard`: the page that everyone keeps open."""

from __future__ import annotations

import os
import re
import socket
import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from genreq_checks.cli.options import Cutover, OtherDatabase, PlanFile, Source, TableName, read_cutover
from genreq_checks.errors import UsageError

Baseline = Annotated[
    str | None,
    typer.Option("--baseline", metavar="SOURCE", help="What the table was like before: a snapshot, usually."),
]
Host = Annotated[
    str, typer.Option("--host", help="The address to listen on; a token is asked for on any but loopback.")
]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")]
BaseUrl = Annotated[str, typer.Option("--base-url", metavar="/PATH", help="The path under which a proxy shows it.")]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file", metavar="FILE", help="Ask for the token in FILE, made if it is not there. Else GENREQ_TOKEN."
    ),
]
Proxy = Annotated[
    list[str] | None,
    typer.Option("--proxy", metavar="https://HOST", help="Where a proxy in front shows the dashboard; repeatable."),
]
Refresh = Annotated[
    float | None,
    typer.Option("--refresh", metavar="SECONDS", min=30, max=3600, help="The source is read once in that time; 30."),
]
SessionTtl = Annotated[
    int, typer.Option("--session-ttl", metavar="SECONDS", min=1, help="How long a viewer who is gone is remembered.")
]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", min=0.001, max=3600, help="Time limit of each statement; 60."),
]
ReadingDeadline = Annotated[
    float | None,
    typer.Option(
        "--deadline",
        metavar="SECONDS",
        min=0.001,
        max=3600,
        help="Time limit of a whole reading, which is then given up; three times --timeout.",
    ),
]


def dashboard(
    source: Source = None,
    baseline: Baseline = None,
    cutover: Cutover = None,
    plan: PlanFile = None,
    table: TableName = None,
    host: Host = "127.0.0.1",
    port: Port = 2718,
    base_url: BaseUrl = "",
    token_file: TokenFile = None,
    proxy: Proxy = None,
    refresh: Refresh = None,
    session_ttl: SessionTtl = 120,
    other_database: OtherDatabase = False,
    timeout: Timeout = None,
    deadline: ReadingDeadline = None,
) -> None:
    """Serve one page that says whether the clean-up worked and still does; without a source, the sample's story."""
    from genreq_checks.cli.options import the_plan
    from genreq_checks.dashboard.settings import to_environment
    from genreq_checks.postgres.url import is_database_url
    from genreq_checks.run import observe

    moment, notes = read_cutover(cutover)
    for note in notes:
        print(note, file=sys.stderr)
    for file in (source, baseline):
        if file and not is_database_url(file):
            observe(the_plan(plan, table), file, moment)  # a file that cannot be read is said now, not on the page
    os.environ |= to_environment(source, baseline, moment, plan, table, refresh, timeout, deadline, other_database)
    serve(host, port, base_url, token_file, proxy, session_ttl)


def serve(
    host: str = "127.0.0.1",
    port: int = 2718,
    base_url: str = "",
    token_file: Path | None = None,
    proxy: list[str] | None = None,
    session_ttl: int = 120,
) -> None:
    """Serve the dashboard of what the environment names, until it is stopped."""
    from genreq_checks.dashboard.access import Rules
    from genreq_checks.dashboard.serve import find_token, is_loopback, make_app
    from genreq_checks.dashboard.serve import serve as serve_app
    from genreq_checks.dashboard.shared import board

    base = _base(base_url)
    origins = frozenset(_origin(one) for one in proxy or ())
    shared = board()
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "genreq-checks"
    needed = not is_loopback(host)
    token, kept = find_token(token_file, os.environ.pop("GENREQ_TOKEN", "").strip(), needed, state)
    port = _free(host, port)
    app = make_app(Rules(token, origins, base), shared, session_ttl)
    shared.attempt()  # the first viewer need not wait for it
    shown = f"[{host}]" if ":" in host else host
    print(f"Dashboard: http://{shown}:{port}{base}/  (stop it with Ctrl-C)", file=sys.stderr)
    if token:
        place = f"in {kept}" if kept else "as GENREQ_TOKEN has it"
        print(f"It asks for the token {token[:4]}… ({place}).", file=sys.stderr)
    serve_app(app, host, port)


def _base(text: str) -> str:
    """`/checks` from `/checks/`, `checks` and the like; nothing for the root."""
    base = "/" + text.strip("/")
    if not re.fullmatch(r"[/A-Za-z0-9._~-]+", base) or "//" in base or "/." in base:
        raise UsageError(f"--base-url '{text[:40]}' is no path.", "Write it as /checks.")
    return "" if base == "/" else base


def _origin(text: str) -> str:
    """The origin in an address. Raises UsageError for what has none."""
    try:
        parts = urlsplit(text.lower())
        if parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc:
            return f"{parts.scheme}://{parts.netloc}"
    except ValueError:
        pass
    raise UsageError("--proxy is no address of a site.", "Write it as https://checks.example.org.")


def _free(host: str, port: int) -> int:
    """The port, or a free one for 0. Raises UsageError when it is taken, before anything else is begun."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            return int(trial.getsockname()[1])
    except OSError as error:
        raise UsageError(
            f"{host} port {port} cannot be listened on: {error.strerror}.", "Give another --host or --port."
        ) from None

"""`genreq-checks dashboard`: one page for the team."""

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
    typer.Option("--baseline", metavar="SOURCE", help="The table before the change: usually a snapshot."),
]
Host = Annotated[str, typer.Option("--host", help="The address to listen on; any except loopback requires a token.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 selects a free one.")]
BaseUrl = Annotated[str, typer.Option("--base-url", metavar="/PATH", help="The path under which a proxy shows it.")]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="Require the token in FILE, which is created if missing. Default: GENREQ_TOKEN.",
    ),
]
Proxy = Annotated[
    list[str] | None,
    typer.Option("--proxy", metavar="https://HOST", help="Where a proxy in front shows the dashboard; repeatable."),
]
Refresh = Annotated[
    float | None,
    typer.Option(
        "--refresh", metavar="SECONDS", min=30, max=3600, help="The source is read once in this time; default 30."
    ),
]
SessionTtl = Annotated[
    int,
    typer.Option(
        "--session-ttl", metavar="SECONDS", min=1, help="How long the session of a viewer is kept after leaving."
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", min=0.001, max=3600, help="Time limit of each statement; default 60."),
]
HistoryFolder = Annotated[
    Path | None,
    typer.Option("--history", metavar="DIR", help="Show the runs that 'check --history DIR' saved there."),
]
ReadingDeadline = Annotated[
    float | None,
    typer.Option(
        "--deadline",
        metavar="SECONDS",
        min=0.001,
        max=3600,
        help="Time limit of one reading, which is then stopped; default three times --timeout.",
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
    history: HistoryFolder = None,
) -> None:
    """Serve one page that says whether the clean-up worked and still does; without a source, on the sample data."""
    from genreq_checks.cli.options import the_plan
    from genreq_checks.dashboard.settings import to_environment
    from genreq_checks.postgres.url import is_database_url
    from genreq_checks.run import observe

    moment, notes = read_cutover(cutover)
    for note in notes:
        print(note, file=sys.stderr)
    for file in (source, baseline):
        if file and not is_database_url(file):
            observe(the_plan(plan, table), file, moment)  # a file that cannot be read is an error now, not on the page
    os.environ |= to_environment(
        source, baseline, moment, plan, table, refresh, timeout, deadline, other_database, history
    )
    serve(host, port, base_url, token_file, proxy, session_ttl)


def serve(
    host: str = "127.0.0.1",
    port: int = 2718,
    base_url: str = "",
    token_file: Path | None = None,
    proxy: list[str] | None = None,
    session_ttl: int = 120,
) -> None:
    """Serve the dashboard for the source in the environment, until it is stopped."""
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
        print(f"It requires the token {token[:4]}… ({place}).", file=sys.stderr)
    serve_app(app, host, port)


def _base(text: str) -> str:
    """`/checks` from `/checks/`, `checks` and similar; '' for the root."""
    base = "/" + text.strip("/")
    if not re.fullmatch(r"[/A-Za-z0-9._~-]+", base) or "//" in base or "/." in base:
        raise UsageError(f"--base-url '{text[:40]}' is not a path.", "Write it as /checks.")
    return "" if base == "/" else base


def _origin(text: str) -> str:
    """The origin of an address. Raises UsageError for one without an origin."""
    try:
        parts = urlsplit(text.lower())
        if parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc:
            return f"{parts.scheme}://{parts.netloc}"
    except ValueError:
        pass
    raise UsageError("--proxy is not the address of a site.", "Write it as https://checks.example.org.")


def _free(host: str, port: int) -> int:
    """The port, or a free one for 0. Raises UsageError when it is in use, before anything else starts."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            return int(trial.getsockname()[1])
    except OSError as error:
        raise UsageError(
            f"Cannot listen on {host} port {port}: {error.strerror}.", "Give another --host or --port."
        ) from None

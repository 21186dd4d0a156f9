"""Calls without a database: lists, explanations, help, wrong calls, and the commands that bring their own server."""

from __future__ import annotations

from recording.inputs import check_names, command_names
from recording.state import JSON, Call, Place, State

WRONG = {
    "no-source": ("check",),
    "no-such-file": ("check", "nowhere.json"),
    "no-such-phase": ("check", "rows.csv", "--phase", "affter"),
    "no-such-format": ("check", "rows.csv", "--format", "jsno"),
    "no-such-time": ("check", "rows.csv", "--cutover", "yesterday"),
    "no-such-plan": ("check", "rows.csv", "--plan", "nowhere.toml"),
    "no-such-option": ("check", "--bogus"),
    "no-such-command": ("chekc",),
    "two-formats-on-stdout": ("check", "rows.csv", "--format", "json", "--format", "text"),
    "no-such-folder": ("check", "rows.csv", "--output", "nowhere/report.txt"),
    "another-scheme": ("check", "mysql://localhost/leo"),
    "an-unknown-parameter": ("check", "postgresql://localhost/leo?sslmod=require"),
    "a-plan-with-mistakes": ("check", "rows.csv", "--plan", "wrong.toml"),
    "a-damaged-snapshot": ("check", "damaged.json"),
    "a-foreign-json": ("check", "foreign.json"),
    "rows-of-no-check": ("rows", "los.download_url", "postgresql:///leo"),
    "rows-of-a-check-without": ("rows", "kept.github_url", "postgresql:///leo"),
    "rows-of-a-file": ("rows", "loss.download_url", "rows.csv"),
    "explain-nothing": ("explain", "los"),
    "history-of-nothing": ("history", "."),
    "history-of-no-folder": ("history", "nowhere"),
    "archive-of-a-file": ("archive", "rows.csv", "--output", "a.parquet"),
    "restore-of-nothing": ("restore", "nowhere.parquet", "postgresql:///leo", "--yes"),
    "rehearse-a-file": ("rehearse", "rows.csv"),
    "rehearse-half-a-row": ("rehearse", "postgresql:///leo", "--sample", "0.5"),
    "generate-without-a-request": ("generate", "--server", "ws://localhost:1/wsi"),
}
FILES = {
    "rows.csv": "id,status\n1,completed\n",
    "damaged.json": '{"format": "genreq-checks snapshot", "format_version": 1',
    "foreign.json": "{}",
    "wrong.toml": 'plan_version = 1\ntitle = ""\n[table]\nnamme = "x"\n[kept.a]\nchange = "up"\n',
}


def lay_files(place: Place) -> None:
    """Files that are not what they should be."""
    for name, text in FILES.items():
        (place.folder / name).write_text(text, "utf-8")


NO_DATABASE = State(
    "without-a-database",
    "nothing",
    (
        lay_files,
        Call("list", ("list",)),
        Call("schema", ("schema",), suffix="json"),
        *(Call(f"explain-{name}", ("explain", name)) for name in check_names()),
        Call("help", ("--help",)),
        *(Call(f"help-{name}", (name, "--help")) for name in command_names()),
        *(Call(f"wrong-{name}", arguments) for name, arguments in WRONG.items()),
        Call("generate", ("generate", "--save", "generated.json"), ("json", "junit"), slow=True),
        Call("check-generated", ("check", "rows.csv", "--generation", "generated.json"), JSON, slow=True),
        Call("demo", ("demo", "--output", "story"), slow=True),
        Call("selftest", ("selftest",), slow=True),
    ),
)

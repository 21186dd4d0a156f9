"""`genreq-checks rows`: as many rows as the report counts, by key, masked, in bounded memory."""

from __future__ import annotations

import csv
import io
import itertools
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from genreq_checks.checks import all_checks, needs_of, rows_behind, with_rows
from genreq_checks.cli import app
from genreq_checks.errors import GenreqError, SourceError, UsageError
from genreq_checks.outputs.rows import safe_cell, write_csv, write_table
from genreq_checks.plan import Plan, Reconstruction
from genreq_checks.report import Finding
from genreq_checks.run import check, observe
from genreq_checks.sources.rows import listing
from genreq_checks.text import escape_controls, mask
from memory import PRINT_PEAK
from rows import execute, insert

CUTOVER = datetime(2025, 1, 10, 12, tzinfo=UTC)
GITHUB = "https://github.com/leo/app"
URLS = (None, "", " ", GITHUB, f"{GITHUB}/", f"{GITHUB}-artifacts", "undefined", "https://u:pw@github.com/leo/app")
TIMES = (None, "2025-01-10 11:59:59.999", "2025-01-10 12:00", "infinity")
AGAINST = (
    "alone",
    "beside a malformed one",
    "not compared",
    "different",
    "content",
    "no content",
    "not populated",
    "has a value",
)
OF = {  # what a report's findings count, per check
    "population": lambda e: e["null"] + e["blank"],
    "derivation": lambda e: e["missing"] + e["wrong"] + e["unexpected"],
    "loss": lambda e: e["lost"] + e.get("doubtful", 0),
    "claims": lambda e: sum(e.get(label, 0) for label in AGAINST),
}


@pytest.fixture
def varied(database: str) -> str:
    """Every combination of two columns' values, and of times and statuses, and of JSON."""
    rows = [
        {"github_url": one, "artifacts_github_url": two, "download_url": two, "deployment_url": one}
        for one, two in itertools.product(URLS, URLS)
    ]
    times = itertools.cycle(itertools.product(TIMES, ("completed", "failed", "completed")))
    json = itertools.cycle((None, Jsonb(None), Jsonb({}), Jsonb({"role": "user"})))
    insert(
        database,
        *(
            row | {"completed_at": t, "status": s, "conversation": next(json)}
            for row, (t, s) in zip(rows, times, strict=False)
        ),
    )
    return database


def listed(
    plan: Plan, url: str, name: str, column: str, cutover: datetime | None = None
) -> list[tuple[str | None, ...]]:
    one, selection = rows_behind(plan, f"{name}.{column}")
    with listing(plan, url, selection, needs_of(plan, [one]), cutover) as found:
        return list(found.rows)


def counted(name: str, findings: tuple[Finding, ...]) -> int:
    if name == "url-shape":
        wrong = {f.outcome: f.evidence for f in findings}
        after = wrong["warn"]["malformed"] - wrong["warn"]["credentials"] if "warn" in wrong else 0
        return int(after + (wrong["fail"]["credentials"] if "fail" in wrong else 0))
    evidence = next(f.evidence for f in findings if "rows" in f.evidence)
    return int(OF[name](evidence))


@pytest.mark.parametrize("name", [one.name for one in all_checks() if one.rows is not None])
@pytest.mark.parametrize("cutover", [None, CUTOVER])
def test_the_rows_are_as_many_as_the_report_counts(
    varied: str, plan: Plan, name: str, cutover: datetime | None
) -> None:
    recipe = Reconstruction(column="github_url", suffix="/")
    gone = plan.dropped["download_url"].model_copy(update={"reconstruction": recipe})
    minimums = {n: c.model_copy(update={"minimum": 0.5}) for n, c in plan.kept.items()}
    plan = plan.model_copy(update={"dropped": plan.dropped | {"download_url": gone}, "kept": minimums})
    one = next(one for one in all_checks() if one.name == name)
    snapshot = observe(plan, varied, cutover)
    some = 0
    for column in one.subjects(plan):
        phase = "before" if "before" in one.phases else "after"
        result = check(plan, snapshot, cutover=cutover, phase=phase).check(one.id(column))  # type: ignore[arg-type]
        if one.id(column) not in with_rows(plan):
            continue
        rows = listed(plan, varied, name, column, cutover)
        assert len(rows) == counted(name, result.findings), column
        some += len(rows)
    assert some > 0


def test_each_row_has_its_key_the_reason_and_masked_values(database: str, plan: Plan) -> None:
    secret = "https://u:pw@downloads.leo.example/private/a.zip?token=s3cret"
    insert(
        database, {"download_url": secret, "completed_at": "2025-01-01"}, {"download_url": GITHUB, "github_url": GITHUB}
    )
    rows = listed(plan, database, "loss", "download_url")
    masked = "https://***@downloads.leo.example/***/***?***"
    assert rows == [("1", "completed", "2025-01-01 00:00:00", "nowhere else", masked, "NULL")]
    one, selection = rows_behind(plan, "loss.download_url")
    with listing(plan, database, selection, needs_of(plan, [one]), show_values=True) as found:
        assert found.header == ("id", "status", "completed_at", "finding", "download_url", "github_url")
        assert next(found.rows)[4:] == (secret, None)


def test_a_conversation_never_shows_more_than_its_shape(database: str, plan: Plan) -> None:
    insert(database, {"conversation": Jsonb([{"text": "my secret" * 1000}])}, {"conversation": Jsonb({})})
    rows = listed(plan, database, "claims", "conversation")
    assert [row[-1] for row in rows] == ["JSON array, 9,014 characters", "JSON {}"]


def test_a_composite_text_key_is_shown_completely(empty_database: str, plan: Plan) -> None:
    columns = '"Tenant" text, no int, status text, completed_at timestamptz, download_url text, github_url text'
    execute(empty_database, f'CREATE TABLE generation_requests ({columns}, PRIMARY KEY ("Tenant", no))')
    execute(
        empty_database,
        "INSERT INTO generation_requests VALUES ('b', 1, 'x', null, 'u', ''), ('a', 2, 'x', null, 'u', null)",
    )
    plan = plan.model_copy(update={"table": plan.table.model_copy(update={"key": ("Tenant", "no")})})
    assert [row[:2] for row in listed(plan, empty_database, "loss", "download_url", CUTOVER)] == [
        ("a", "2"),
        ("b", "1"),
    ]


def test_reading_the_rows_writes_nothing_and_any_number_streams(database: str, plan: Plan) -> None:
    fill = "INSERT INTO generation_requests (user_id, app_name, prompt, initial_prompt, download_url) "
    execute(
        database, fill + "SELECT gen_random_uuid(), 'a', 'p', 'p', repeat('x', 1000) FROM generate_series(1, 100000)"
    )
    code = "import sys\nfrom genreq_checks.cli import app\napp(sys.argv[1:], standalone_mode=False)\n" + PRINT_PEAK
    call = [sys.executable, "-c", code, "rows", "loss.download_url", database, "--format", "csv", "--show-values"]
    done = subprocess.run(call, capture_output=True, check=True)
    assert done.stdout.count(b"\n") == 100_001
    assert len(done.stdout) > 100_000_000
    peak = int(done.stderr.split()[-1]) / 1024
    assert peak < 160  # MB, of which the interpreter and the driver take some 80
    one, selection = rows_behind(plan, "loss.download_url")
    with listing(plan, database, selection, needs_of(plan, [one]), limit=3) as found:
        assert [row[0] for row in found.rows] == ["1", "2", "3"]


def test_a_table_that_the_role_cannot_read_is_reported(database: str, plan: Plan) -> None:
    execute(database, plan.sql.forward)
    with pytest.raises(SourceError, match="no column 'download_url'"):
        listed(plan, database, "loss", "download_url")
    with pytest.raises(SourceError, match="no table"):
        listed(plan.with_table("public.nothing"), database, "loss", "conversation")
    role = f"reader_{psycopg.conninfo.conninfo_to_dict(database)['dbname']}"
    execute(database, f"CREATE ROLE {role} LOGIN")
    try:
        execute(database, f"GRANT SELECT ON generation_requests TO {role}")
        as_reader = psycopg.conninfo.make_conninfo(database, user=role)
        with pytest.raises(SourceError, match="Row level security"):
            listed(plan, as_reader, "population", "github_url")
    finally:
        execute(database, f"DROP OWNED BY {role}")
        execute(database, f"DROP ROLE {role}")


def run(*arguments: str) -> tuple[str, str]:
    result = CliRunner().invoke(app, ["rows", *arguments])
    if isinstance(result.exception, GenreqError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dropped.download_url", "x.json"), "no rows behind"),
        (("claims.deployment_url", "x.json"), "no rows behind"),
        (("loss.donwload_url", "x.json"), "Did you mean 'loss.download_url'"),
        (("loss.download_url", "x.json"), "a snapshot has none"),
        (("loss.download_url", "postgresql://h/d", "--format", "cvs"), "Did you mean 'csv'"),
    ],
)
def test_a_wrong_call_says_what_to_do(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run(*arguments)


def test_the_command_writes_a_table_or_a_complete_file(varied: str, plan: Plan, tmp_path: Path) -> None:
    table, narration = run("loss.conversation", varied)
    assert table.splitlines()[0].split() == ["id", "status", "completed_at", "finding", "conversation"]
    count = len(table.splitlines()) - 1
    assert f"{count} rows behind loss.conversation" in narration
    file = tmp_path / "rows.csv"
    assert run("loss.conversation", varied, "-f", "csv", "-o", str(file))[0] == ""
    assert len(file.read_text().splitlines()) == count + 1
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(SourceError):
        run("loss.conversation", varied + "_gone", "-o", str(file))
    assert len(file.read_text().splitlines()) == count + 1
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("@x", "'@x"),
        ("-x", "'-x"),
        ("\tx", "'\\tx"),
        ("\rx", "'\\rx"),
        ("-5", "-5"),
        ("a\x1b[2J\u202e", "a\\x1b[2J\\u202e"),
        ("it's", "it's"),
        (None, ""),
    ],
)
def test_a_cell_is_not_a_formula_and_moves_no_cursor(value: str | None, cell: str) -> None:
    assert safe_cell(value) == cell


@given(st.lists(st.lists(st.one_of(st.none(), st.text(max_size=20)), min_size=2, max_size=2), max_size=5))
def test_each_row_is_one_line_whatever_its_values(rows: list[list[str | None]]) -> None:
    for write in (write_csv, write_table):
        out = io.StringIO()
        assert write(["a", "b"], rows, out) == len(rows)
        assert out.getvalue().count("\n") == len(rows) + 1
        assert out.getvalue().replace("\n", "").isprintable()
    read = list(csv.reader(io.StringIO(_csv(rows))))[1:]
    assert read == [[safe_cell(value) for value in row] for row in rows]


def _csv(rows: list[list[str | None]]) -> str:
    out = io.StringIO()
    write_csv(["a", "b"], rows, out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("value", "is_json", "shown"),
    [
        ("https://github.com/leo/app", False, "https://github.com/***/***"),
        ("https://github.com/leo/", False, "https://github.com/***/"),
        ("HTTPS://ghp_0123456789abcdef/x", False, "text, 30 characters"),
        ("https://h.example/a?token=x#y", False, "https://h.example/***?***#***"),
        ("ftp://secret/x", False, "text, 14 characters"),
        ("s", False, "text, 1 character"),
        ("\n ", False, "blank, 2 characters"),
        ("", False, "'' (empty)"),
        (None, True, "NULL"),
        ("null", True, "JSON null"),
        (' {"a": "secret"}', True, "JSON object, 16 characters"),
        ("12", True, "JSON value, 2 characters"),
    ],
)
def test_a_mask_shows_a_shape_and_no_content(value: str | None, is_json: bool, shown: str) -> None:
    assert mask(value, len(value or ""), is_json) == shown


@given(st.text(alphabet="ab/?#@:.\n", max_size=30))
def test_the_mask_removes_everything_after_the_host(rest: str) -> None:
    shown = mask(f"https://host.example/{rest}", 100, is_json=False)
    assert not set("ab") & set(shown.removeprefix("https://host.example").replace("characters", "").replace("text", ""))
    assert escape_controls(shown) == shown

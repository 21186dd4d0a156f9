"""Archiving: what is in the file, what is rejected, and that no end of a run leaves a partial file."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql
from typer.testing import CliRunner

from genreq_checks.archive import write_archive
from genreq_checks.cli import app
from genreq_checks.errors import ArchiveError, OutputError, SourceError, UsageError
from genreq_checks.plan import Plan
from genreq_checks.sources.archive import read_facts
from genreq_checks.sources.archive_digest import ColumnDigest
from memory import PRINT_PEAK
from rows import USER, execute, insert

FILL = """
    INSERT INTO generation_requests (user_id, app_name, prompt, initial_prompt, download_url, conversation)
    SELECT gen_random_uuid(), 'a', 'p', 'p', 'https://s.example/' || i, jsonb_build_object('n', i, 't', repeat('x', 300))
    FROM generate_series(1, 40000) i
"""
KILLED = """
import os, signal, sys
from genreq_checks.archive import write_archive
from genreq_checks.plan import load_plan
def stop(rows):
    if rows >= int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
write_archive(load_plan(), sys.argv[1], sys.argv[2], progress=stop)
"""


def test_the_file_has_key_and_values_of_rows_with_a_value(database: str, plan: Plan, tmp_path: Path) -> None:
    insert(
        database,
        {"download_url": "https://a", "conversation": None},
        {"download_url": None, "conversation": None},
        {"download_url": "", "conversation": "null"},
        {"download_url": 'q"\n\\N\\.\t', "conversation": '{"a": 1.2300000000000000000000000001}'},
    )
    path = tmp_path / "a.parquet"
    facts = write_archive(plan, database, path)
    assert pq.read_table(path).to_pylist() == [
        {"id": "1", "download_url": "https://a", "conversation": None},
        {"id": "3", "download_url": "", "conversation": "null"},
        {"id": "4", "download_url": 'q"\n\\N\\.\t', "conversation": '{"a": 1.2300000000000000000000000001}'},
    ]
    assert (facts.rows, facts.verified, facts.table) == (3, True, "public.generation_requests")
    assert {name: (c.type, c.values) for name, c in facts.columns.items()} == {
        "download_url": ("text", 3),
        "conversation": ("jsonb", 2),
    }
    assert read_facts(path) == facts
    assert read_facts(path, verify=False) == facts.model_copy(update={"verified": False})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["a.parquet"]


def test_no_value_at_all_is_an_archive_of_no_rows(database: str, plan: Plan, tmp_path: Path) -> None:
    insert(database, {})
    assert write_archive(plan, database, tmp_path / "a").rows == 0
    assert read_facts(tmp_path / "a").rows == 0


def test_values_of_several_megabytes_are_kept(database: str, plan: Plan, tmp_path: Path) -> None:
    huge = ["é" * 3_000_000, "x" * 5_000_000, ""]
    insert(database, *({"download_url": text} for text in huge))
    write_archive(plan, database, tmp_path / "a")
    assert pq.read_table(tmp_path / "a")["download_url"].to_pylist() == huge


@given(
    values=st.lists(st.one_of(st.none(), st.text(max_size=5))),
    cuts=st.lists(st.integers(0, 8), max_size=4),
    grow=st.text(),
)
def test_a_digest_depends_on_values_not_on_pieces(values: list[str | None], cuts: list[int], grow: str) -> None:
    whole, pieces, other = ColumnDigest(), ColumnDigest(), ColumnDigest()
    array = pa.array(values, pa.string())
    whole.add(array)
    start = 0
    for cut in [*cuts, len(values)]:
        pieces.add(array[start : start + cut])
        start += cut
    assert (pieces.hexdigest(), pieces.values) == (whole.hexdigest(), sum(v is not None for v in values))
    for different in ([*values, grow], [*values, None], ["" if v is None else v for v in values]):
        if different != values:
            other = ColumnDigest()
            other.add(pa.array(different, pa.string()))
            assert other.hexdigest() != whole.hexdigest()


@pytest.mark.parametrize("damage", ["cut", "bit", "text", "foreign", "swapped", "missing"])
def test_a_damaged_or_foreign_file_is_not_an_archive(damage: str, database: str, plan: Plan, tmp_path: Path) -> None:
    insert(database, *({"download_url": f"https://s.example/{n}"} for n in range(50)))
    path = tmp_path / "a.parquet"
    write_archive(plan, database, path)
    data = path.read_bytes()
    match damage:
        case "cut":
            path.write_bytes(data[:-20])
        case "bit":
            place = data.index(b"https://s") + 5
            path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        case "text":
            path.write_text("id,download_url\n")
        case "foreign":
            pq.write_table(pa.table({"id": ["1"]}), path)
        case "swapped":  # a valid Parquet file with the archive's own header and one value changed
            table = pq.read_table(path)
            changed = [*table["download_url"].to_pylist()[:-1], "https://s.example/x"]
            table = table.set_column(1, "download_url", pa.array(changed, pa.string()))
            pq.write_table(table.replace_schema_metadata(pq.read_metadata(path).metadata), path)
        case "missing":
            path.unlink()
    with pytest.raises(ArchiveError) as caught:
        read_facts(path)
    assert caught.value.exit_code == 2
    assert "s.example" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 20_000])
def test_a_killed_run_leaves_the_old_file_and_a_second_one_completes(
    rows: int, database: str, plan: Plan, tmp_path: Path
) -> None:
    path = tmp_path / "a.parquet"
    insert(database, {"download_url": "old"})
    old = write_archive(plan, database, path)
    execute(database, FILL)
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", KILLED, database, str(path), str(rows)], check=False)
        assert done.returncode == -signal.SIGKILL
        assert read_facts(path) == old
        assert sorted(os.listdir(tmp_path)) == [".a.parquet.part", "a.parquet"]
        with pytest.raises(ArchiveError):
            read_facts(tmp_path / ".a.parquet.part")
    assert write_archive(plan, database, path).rows == 40_001
    assert os.listdir(tmp_path) == ["a.parquet"]
    assert len(set(pq.read_table(path)["id"].to_pylist())) == 40_001


def test_an_error_during_the_write_leaves_only_the_old_file(database: str, plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_archive(plan, database, path)
    old = path.read_bytes()
    execute(database, FILL)

    def fail(rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_archive(plan, database, path, progress=fail)
    assert (path.read_bytes(), os.listdir(tmp_path)) == (old, ["a.parquet"])


def test_two_runs_do_not_write_the_same_file(database: str, plan: Plan, tmp_path: Path) -> None:
    execute(database, FILL)
    seen: list[str] = []

    def second(rows: int) -> None:
        if not seen:
            with pytest.raises(OutputError) as caught:
                write_archive(plan, database, tmp_path / "a")
            seen.append(str(caught.value))

    assert write_archive(plan, database, tmp_path / "a", progress=second).rows == 40_000
    assert "Another run" in seen[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE generation_requests DROP COLUMN conversation", "no column 'conversation'"),
        ("ALTER TABLE generation_requests RENAME TO generation_request", "Is it public.generation_request?"),
        (
            "ALTER TABLE generation_requests RENAME TO g; CREATE VIEW generation_requests AS SELECT * FROM g",
            "is a view",
        ),
        ("ALTER TABLE generation_requests FORCE ROW LEVEL SECURITY; SET ROLE r; SELECT 1", "Row level security"),
        ("ALTER TABLE generation_requests DISABLE ROW LEVEL SECURITY", "The role may not read"),
        (
            (
                "ALTER TABLE generation_requests DROP CONSTRAINT generation_requests_pkey CASCADE;"
                "UPDATE generation_requests SET id = 1"
            ),
            "(id) is not a key",
        ),
    ],
)
def test_a_table_that_cannot_be_read_completely_leaves_no_file(
    change: str, said: str, database: str, plan: Plan, tmp_path: Path
) -> None:
    insert(database, {"download_url": "1"}, {"download_url": "2"})
    role = f"reader_{os.urandom(4).hex()}"
    execute(database, change.replace("SET ROLE r; SELECT 1", ""))
    limited = "Row level" in said or "role may not" in said
    with psycopg.connect(database, autocommit=True) as connection:
        name = sql.Identifier(role)
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
        try:
            url = psycopg.conninfo.make_conninfo(database, user=role) if limited else database
            with pytest.raises(SourceError) as caught:
                write_archive(plan, url, tmp_path / "a")
        finally:
            connection.execute(sql.SQL("DROP ROLE {}").format(name))
    assert said in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_the_time_limit_and_a_missing_folder_are_reported(database: str, plan: Plan, tmp_path: Path) -> None:
    execute(database, FILL)
    with pytest.raises(SourceError, match="time limit"):
        write_archive(plan, database, tmp_path / "a", timeout=0.001)
    with pytest.raises(OutputError, match="could not be written"):
        write_archive(plan, database, tmp_path / "no" / "a")
    with pytest.raises(OutputError, match="not a file"):
        write_archive(plan, database, tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_archiving_uses_bounded_memory_and_does_not_load_pandas(database: str, tmp_path: Path) -> None:
    for _ in range(4):
        execute(database, FILL)
    code = (
        "import sys; from genreq_checks.archive import write_archive; from genreq_checks.plan import load_plan\n"
        "write_archive(load_plan(), sys.argv[1], sys.argv[2])\n"
        "assert 'pandas' not in sys.modules\n" + PRINT_PEAK
    )
    run = [sys.executable, "-c", code, database, str(tmp_path / "a")]
    assert int(subprocess.run(run, check=True, capture_output=True, text=True).stderr) < 200_000


def test_the_command_says_what_it_archived_on_stderr(database: str, tmp_path: Path) -> None:
    insert(database, {"download_url": "https://s.example/secret", "user_id": USER})
    path = tmp_path / "a.parquet"
    done = CliRunner().invoke(app, ["archive", database, "-o", str(path)], catch_exceptions=False)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "1 row of public.generation_requests (values: download_url 1, conversation 0)" in done.stderr
    with pytest.raises(UsageError, match="is a file"):
        CliRunner().invoke(app, ["archive", str(path), "-o", str(path)], catch_exceptions=False)

"""One home for each primitive: what is done in one place has the same result everywhere."""

from __future__ import annotations

import os
import re
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from genreq_checks.dashboard.settings import from_environment
from genreq_checks.errors import OutputError
from genreq_checks.files import replacing, write_text
from genreq_checks.plan import parse_instant
from genreq_checks.text import line, scrub
from reports import HOSTILE

SRC = Path(__file__).parents[1] / "src" / "genreq_checks"
INSTANTS = (
    "2025-01-31",
    "2025-01-31Z",
    "2025-01-31T14:30",
    "2025-01-31T14:30Z",
    " 2025-01-31 14:30+02:00 ",
    "20250131",
)
# What only one file may do, as a pattern of code, and which file that is.
ONCE = {
    r"fromisoformat\(f?.*Z": "plan/__init__.py",
    r"os\.replace\(": "files.py",
    r"\bmkstemp\(": "nowhere",
    r"row_security_active": "postgres/catalog.py",
    r'"42501"|"57014"|"55P03"': "postgres/failure.py",
    r"\.isprintable\(\) else": "text.py",
    r"\.in_\(.*cohort\.values": "scan/fusion.py",
    r"sa\.table\(plan\.table\.name": "nowhere",
    r"sql\.Identifier\(plan\.table\.schema_name": "nowhere",
}


@pytest.mark.parametrize("text", INSTANTS)
def test_the_option_and_the_environment_read_one_instant(text: str) -> None:
    assert from_environment({"GENREQ_CUTOVER": text}).cutover == parse_instant(text)[0]


def test_a_day_with_a_z_is_its_first_instant_in_utc() -> None:
    assert parse_instant("2025-01-31Z") == (datetime(2025, 1, 31, tzinfo=UTC), ())


@pytest.mark.parametrize(("pattern", "home"), ONCE.items())
def test_each_primitive_has_one_home(pattern: str, home: str) -> None:
    found = {str(f.relative_to(SRC)) for f in SRC.rglob("*.py") if re.search(pattern, f.read_text("utf-8"))}
    assert found - {home} == set()


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_scrubbed_text_is_one_printable_line(value: str) -> None:
    assert scrub(value).isprintable()
    assert line(value).isprintable()


def test_writers_of_one_file_wait_for_each_other(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    texts = [str(n) * 200_000 for n in range(8)]
    threads = [threading.Thread(target=write_text, args=(file, text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert file.read_text() in texts
    assert os.listdir(tmp_path) == ["report.json"]


def test_a_new_file_never_replaces_another(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text("old")
    with pytest.raises(FileExistsError):
        write_text(file, "new", new=True)
    assert (file.read_text(), os.listdir(tmp_path)) == ("old", ["run.json"])


def test_a_private_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    (tmp_path / ".a.part").write_text("left by a killed run")
    with replacing(tmp_path / "a", private=True) as (file, _):
        file.write(b"rows")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    write_text(tmp_path / "b", "report")
    (tmp_path / "c").write_text("as new files are")
    assert (tmp_path / "b").stat().st_mode == (tmp_path / "c").stat().st_mode


def test_a_link_stays_a_link_to_the_written_file(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to("real.json")
    write_text(tmp_path / "link.json", "new")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_text() == "new"


def test_a_folder_or_a_pipe_is_not_written_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(OutputError, match="is not a file"):
            write_text(place, "text")

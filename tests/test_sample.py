"""The sample history is the output of its script, and agrees with its README."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg

from genreq_checks.embedded import sample
from genreq_checks.files import resource


def test_the_file_is_the_output_of_the_script(tmp_path: Path) -> None:
    script = resource("data", "make_history.py")
    (tmp_path / script.name).write_text(script.read_text())
    subprocess.run([sys.executable, str(tmp_path / script.name)], check=True)
    made = (tmp_path / "generation_requests.csv").read_bytes()
    assert made == resource("data", "generation_requests.csv").read_bytes()


def test_the_history_has_the_faults_that_it_imitates(database: str) -> None:
    assert sample.load_history(database) == 600
    query = """
        SELECT count(*) FILTER (WHERE github_url IS NULL), count(*) FILTER (WHERE github_url = ''),
               count(*) FILTER (WHERE github_url LIKE '%/'), count(*) FILTER (WHERE completed_at IS NULL),
               count(*) FILTER (WHERE deployment_url IS NOT NULL),
               count(*) FILTER (WHERE download_url IS NOT NULL AND coalesce(github_url, '') = ''), count(conversation)
        FROM generation_requests WHERE status = 'completed'
    """
    with psycopg.connect(database) as connection:
        found = connection.execute(query).fetchone()
    assert found
    assert all(count > 0 for count in found[:5])
    assert found[5:] == (0, 0)

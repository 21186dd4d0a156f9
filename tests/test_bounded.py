"""The client's memory and the report's size are bounded, whatever the days and the statuses of a table are."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from memory import peak
from rows import execute

FILL = """
    INSERT INTO generation_requests (user_id, app_name, prompt, initial_prompt, status, completed_at, github_url)
    SELECT gen_random_uuid(), '', '', '', CASE WHEN i % 3 = 0 THEN 'completed' ELSE 'state-' || i % 100000 END,
        timestamp '0700-01-01' + i * interval '1 day', 'https://github.com/leo/app-' || i
    FROM generate_series(1, 490000) i
"""


@pytest.mark.slow
def test_half_a_million_days_and_a_hundred_thousand_statuses(database: str, tmp_path: Path) -> None:
    execute(
        database, "ALTER TABLE generation_requests ALTER status DROP DEFAULT, ALTER status TYPE text USING status::text"
    )
    execute(database, FILL)
    out = tmp_path / "report.json"
    used = peak("check", database, "--cutover", "2025-01-10T12:00Z", "-f", "json", "-o", out)
    report = json.loads(out.read_text("utf-8"))
    assert used < 100_000  # kB; it was 442 MB
    assert out.stat().st_size < 2_000_000
    assert report["period"] == "year"
    assert sum(report["statuses"].values()) == 490_000
    rates = {rate["side"]: rate["rows"] for rate in report["rates"] if rate["column"] == "github_url"}
    until = (date(2025, 1, 10) - date(700, 1, 1)).days  # the cutover is at noon, inside of a counted year
    assert (rates["before"], rates["after"]) == (until // 3, 490_000 // 3 - until // 3)

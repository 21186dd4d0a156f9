"""States after the drop: all passes, and each kind of failure."""

from __future__ import annotations

from pathlib import Path

from recording.inputs import clean_up, drop, lay_files
from recording.state import ALL, ARCHIVE, FEW, FILES, JSON, SNAPSHOT, URL, Call, Place, State, after, check, rows

# Rows 1 to 600 are from before the change, 601 to 760 from after it.
POPULATION = """
UPDATE generation_requests SET github_url = NULL, artifacts_github_url = NULL WHERE id > 600 AND id % 10 = 0;
UPDATE generation_requests SET deployment_url = CASE WHEN id % 2 = 0 THEN ' ' END WHERE id > 600 AND id % 30 <> 0;
"""
DERIVATION = """
UPDATE generation_requests SET artifacts_github_url = NULL WHERE id IN (650, 651);
UPDATE generation_requests SET artifacts_github_url = github_url WHERE id = 652;
UPDATE generation_requests SET github_url = NULL WHERE id = 653;
UPDATE generation_requests SET artifacts_github_url = github_url || '/-artifacts' WHERE id = 654;
"""
URL_SHAPE = """
UPDATE generation_requests SET github_url = 'https://ghp_0123456789@github.com/a/b' WHERE id = 4;
UPDATE generation_requests SET deployment_url = 'https://u:p@a.fly.dev' WHERE id IN (5, 650);
UPDATE generation_requests SET deployment_url = 'undefined' WHERE id = 651;
UPDATE generation_requests SET deployment_url = 'javascript:alert(1)' WHERE id = 652;
UPDATE generation_requests SET deployment_url = E'https://a.fly.dev/\\n<b>' WHERE id = 653;
UPDATE generation_requests SET github_url = 'http://github.com/a' WHERE id = 654;
"""
STILL_THERE = """
ALTER TABLE generation_requests ADD COLUMN download_url text, ADD COLUMN "downloadUrl" text, ADD COLUMN "Conversation" jsonb;
"""
KEPT = """
ALTER TABLE generation_requests ALTER COLUMN github_url TYPE character varying(2000), DROP COLUMN deployment_url;
ALTER TABLE generation_requests RENAME COLUMN artifacts_github_url TO artifacts;
"""
DEPENDENTS = """
CREATE FUNCTION note_download() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN NEW.error_message := NEW.download_url; RETURN NEW; END $$;
CREATE TRIGGER note BEFORE UPDATE ON generation_requests FOR EACH ROW EXECUTE FUNCTION note_download();
CREATE FUNCTION other_conversation() RETURNS text LANGUAGE sql AS $$ SELECT 'a conversation'::text $$;
"""
RECONCILIATION = """
UPDATE generation_requests SET github_url = 'https://github.com/a/other' WHERE id = 610;
UPDATE generation_requests SET deployment_url = NULL WHERE id BETWEEN 620 AND 640;
DELETE FROM generation_requests WHERE id = 650;
"""
ROWS_GONE = """
DELETE FROM generation_requests WHERE id <= 50;
UPDATE generation_requests SET github_url = NULL WHERE id BETWEEN 51 AND 90;
UPDATE generation_requests SET deployment_url = 'https://a.fly.dev' WHERE id BETWEEN 91 AND 300;
"""


def edit(name: str, old: str, new: str) -> None:
    """Change a text in a file. Raises: ValueError when it is not in it."""
    text = Path(name).read_text("utf-8")
    if old not in text:
        raise ValueError(f"{name} has no {old!r}")
    Path(name).write_text(text.replace(old, new), "utf-8", newline="")


def spoil_files(place: Place) -> None:
    """Source code that was not cleaned up, an edited migration, and a generation of another table."""
    code = place.folder / "code"
    edit(f"{code}/shared/schema.ts", "  githubUrl:", "  downloadUrl: text('download_url'),\n  githubUrl:")
    edit(f"{code}/server/generations.ts", "  });\n  res", "    conversation: null,\n  });\n  res")
    edit(f"{code}/container/protocol.py", "    flyio_url: Optional[str] = None\n", "")
    edit(f"{code}/container/client.py", "artifacts.flyio_url if artifacts else None", "None")
    edit(f"{code}/server/wsi-server.ts", "msg.flyio_url", "msg.s3_url")
    edit(f"{place.folder}/drizzle/0001_dropped.sql", '"conversation"', '"conversation" RESTRICT')
    edit(f"{place.folder}/generation.json", '"stored": "as sent"', '"stored": "null"')


def damage_archive(place: Place) -> None:
    """Half of the archive."""
    file = place.folder / "dropped.parquet"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _cleaned(name: str, fault: str, *calls: Call, formats: tuple[str, ...] = FEW) -> State:
    return State(f"after-{name}", "history", (SNAPSHOT, clean_up, fault, after(formats=formats), *calls))


AFTER = (
    State(
        "after",
        "history",
        (
            SNAPSHOT,
            ARCHIVE,
            Call("check-first", ("check", URL, "--history", "history"), JSON),
            clean_up,
            lay_files,
            after("check-after", *FILES, "--archive", "dropped.parquet", "--history", "history", formats=ALL),
            check("check-alone", formats=JSON),
            check("check-cutover-alone", "--cutover", "2024-12-17 09:30", formats=JSON),
            check("check-baseline-alone", "--baseline", "before.json", formats=JSON),
            check("check-strict", "--cutover", "2025-06-01", "--strict", formats=JSON),
            Call("check-with-a-password", ("check", "{with_password}"), JSON),
            Call("history-text", ("history", "history")),
            Call("history-json", ("history", "history", "--format", "json"), suffix="json"),
            Call("rows-none", ("rows", "derivation.artifacts_github_url", URL, "--cutover", "2024-12-17T09:30Z")),
            Call("snapshot-after", ("snapshot", URL, "--output", "after.json")),
            Call("archive-too-late", ("archive", URL, "--output", "late.parquet")),
            damage_archive,
            Call("check-damaged-archive", ("check", URL, "--archive", "dropped.parquet")),
        ),
    ),
    _cleaned("population", POPULATION, *rows("population.github_url"), *rows("population.deployment_url")),
    _cleaned("derivation", DERIVATION, *rows("derivation.artifacts_github_url")),
    _cleaned("url-shape", URL_SHAPE, *rows("url-shape.deployment_url"), *rows("url-shape.github_url")),
    _cleaned("still-there", STILL_THERE),
    _cleaned("kept", KEPT),
    _cleaned("dependents", DEPENDENTS),
    _cleaned("rows-gone", ROWS_GONE),
    State(
        "after-reconciliation",
        "history",
        (SNAPSHOT, clean_up, lay_files, RECONCILIATION, after("check-after", *FILES, formats=FEW)),
    ),
    State(
        "after-files",
        "history",
        (SNAPSHOT, clean_up, lay_files, spoil_files, after("check-after", *FILES, formats=ALL)),
    ),
    State("after-no-new-rows", "history", (SNAPSHOT, drop, after(formats=FEW))),
)

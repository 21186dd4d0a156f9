"""States before the drop: all passes, claims that do not hold, values that would be lost, objects that depend on a column."""

from __future__ import annotations

from dataclasses import replace

from recording.inputs import lay_files, lay_rows
from recording.state import ALL, ARCHIVE, JSON, SNAPSHOT, URL, Call, Place, State, before, check, rows

JSON_CLASSES = """
UPDATE generation_requests SET conversation = CASE id
    WHEN 1 THEN 'null' WHEN 2 THEN '{}' WHEN 3 THEN '[]' WHEN 4 THEN '""' WHEN 5 THEN '" "' WHEN 6 THEN '0'
    WHEN 7 THEN '[null]' WHEN 8 THEN '{"a": null}' WHEN 9 THEN 'false' END::jsonb WHERE id < 10;
"""
CLAIMS = """
UPDATE generation_requests SET download_url = 'https://s3.example/a.zip', github_url = NULL WHERE id IN (1, 7, 40);
UPDATE generation_requests SET download_url = '' WHERE id = 8;
UPDATE generation_requests SET conversation = '[{"role": "user"}]' WHERE id IN (3, 9);
UPDATE generation_requests SET artifacts_github_url = github_url || '-artifacts' WHERE id = 2;
UPDATE generation_requests SET github_url = NULL WHERE id > 100 AND id % 8 = 0;
"""
DEPENDENTS = """
CREATE VIEW downloads AS SELECT id, download_url FROM generation_requests;
CREATE MATERIALIZED VIEW chats AS SELECT id, conversation FROM generation_requests;
CREATE FUNCTION read_turns() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM NEW.conversation; RETURN NEW; END $$;
CREATE TRIGGER turns BEFORE UPDATE ON generation_requests FOR EACH ROW EXECUTE FUNCTION read_turns();
CREATE INDEX by_download ON generation_requests (user_id, download_url);
CREATE INDEX by_download_alone ON generation_requests (download_url);
ALTER TABLE generation_requests ADD CONSTRAINT short CHECK (length(download_url) < 500),
    ADD COLUMN turns integer GENERATED ALWAYS AS (jsonb_array_length(conversation)) STORED;
CREATE POLICY "public downloads" ON generation_requests FOR SELECT USING (download_url IS NOT NULL);
"""
WRITE_FAILS = """
CREATE FUNCTION read_turns() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM NEW.conversation; RETURN NEW; END $$;
CREATE TRIGGER turns BEFORE UPDATE ON generation_requests FOR EACH ROW EXECUTE FUNCTION read_turns();
"""


def stray_migration(place: Place) -> None:
    """A migration that is not in the journal: it is never applied."""
    (place.folder / "drizzle" / "0002_stray.sql").write_text("SELECT 1;\n", "utf-8")


REHEARSE = Call("rehearse", ("rehearse", URL, "--sample", "60"), ("json", "junit"))

BEFORE = (
    State(
        "before",
        "history",
        (
            lay_files,
            SNAPSHOT,
            before("check-before", "--migrations", "drizzle", "--code", "code", formats=ALL),
            ARCHIVE,
            before("check-before-archived", "--archive", "dropped.parquet", formats=JSON),
            check("check-after-too-early", "--cutover", "2024-11-01", formats=JSON),
            Call("check-snapshot", ("check", "before.json", "--phase", "before"), JSON),
            lay_rows,
            Call("check-row-file", ("check", "rows.csv", "--phase", "before"), JSON),
            *rows("claims.github_url"),
            REHEARSE,
        ),
    ),
    State("before-json-classes", "history", (JSON_CLASSES, before(), *rows("loss.conversation"), ARCHIVE)),
    State(
        "before-claims-and-loss",
        "history",
        (
            CLAIMS,
            before(),
            *rows("claims.download_url"),
            *rows("loss.download_url"),
            *rows("claims.conversation"),
            *rows("claims.artifacts_github_url"),
            ARCHIVE,
            before("check-before-archived", "--archive", "dropped.parquet", formats=JSON),
        ),
    ),
    State("before-dependents", "history", (DEPENDENTS, before(), replace(REHEARSE, slow=True))),
    State("before-a-trigger-that-fails", "history", (WRITE_FAILS, REHEARSE)),
    State(
        "before-migrations",
        "history",
        (
            lay_files,
            stray_migration,
            before("check-before", "--migrations", "drizzle", formats=JSON),
        ),
    ),
)

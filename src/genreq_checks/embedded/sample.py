"""The table as it was before the clean-up, and a realistic history for it: for the demo, rehearsals and tests."""

from __future__ import annotations

from genreq_checks.files import resource

DDL = """
CREATE TYPE "generation_status" AS ENUM ('queued', 'generating', 'completed', 'failed', 'paused', 'cancelled');
CREATE TYPE "generation_mode" AS ENUM ('single-shot', 'autonomous', 'confirm_first');
CREATE TABLE "generation_requests" (
    "id" serial PRIMARY KEY NOT NULL,
    "app_id" uuid DEFAULT gen_random_uuid() NOT NULL,
    "user_id" uuid NOT NULL,
    "app_name" text NOT NULL,
    "prompt" text NOT NULL,
    "initial_prompt" text NOT NULL,
    "status" "generation_status" DEFAULT 'queued' NOT NULL,
    "created_at" timestamp DEFAULT now() NOT NULL,
    "updated_at" timestamp DEFAULT now() NOT NULL,
    "completed_at" timestamp,
    "download_url" text,
    "github_url" text,
    "artifacts_github_url" text,
    "deployment_url" text,
    "error_message" text,
    "last_session_id" text,
    "mode" "generation_mode" DEFAULT 'single-shot' NOT NULL,
    "max_iterations" integer DEFAULT 10 NOT NULL,
    "current_iteration" integer DEFAULT 0 NOT NULL,
    "conversation" jsonb
);
CREATE INDEX "idx_generation_requests_user_id" ON "generation_requests" ("user_id");
CREATE INDEX "idx_generation_requests_app_id" ON "generation_requests" ("app_id");
CREATE TABLE "iteration_snapshots" (
    "id" serial PRIMARY KEY NOT NULL,
    "generation_request_id" integer NOT NULL REFERENCES "generation_requests" ("id") ON DELETE CASCADE,
    "iteration_number" integer NOT NULL,
    "created_at" timestamp DEFAULT now() NOT NULL
);
CREATE SCHEMA "auth";
CREATE FUNCTION "auth"."uid"() RETURNS uuid LANGUAGE sql STABLE
    AS $$ SELECT nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$;
ALTER TABLE "generation_requests" ENABLE ROW LEVEL SECURITY;
CREATE POLICY "own rows" ON "generation_requests" USING ("user_id" = "auth"."uid"());
"""
COLUMNS = (
    "user_id, app_name, prompt, initial_prompt, status, created_at, updated_at, completed_at, download_url, github_url, "
    "deployment_url, error_message, last_session_id, mode, current_iteration"
)


def create_table(url: str) -> None:
    """Create the table as it was, with its enums, indexes, policy and the table that refers to it, in an empty database."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(DDL)


def load_history(url: str) -> int:
    """Fill the table with the sample history (data/generation_requests.csv); returns the number of rows."""
    import psycopg

    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        with cursor.copy(f"COPY generation_requests ({COLUMNS}) FROM STDIN (FORMAT csv, HEADER)") as copy:
            copy.write(resource("data", "generation_requests.csv").read_bytes())
        return cursor.rowcount


def add_request(url: str, sql: str = "") -> str:
    """Run some SQL, such as a plan's forward SQL, then add one queued request; returns its id."""
    import psycopg

    with psycopg.connect(url) as connection:
        if sql:
            connection.execute(sql.encode())
        row = connection.execute(
            "INSERT INTO generation_requests (user_id, app_name, prompt, initial_prompt)"
            " VALUES (gen_random_uuid(), 'sample-app', 'A sample.', 'A sample.') RETURNING id::text"
        ).fetchone()
    assert row is not None
    return str(row[0])

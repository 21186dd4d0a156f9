"""Faults before the drop: reasons that do not hold, values that would be lost, things that would break, rows unseen."""

from __future__ import annotations

from genreq_checks.selftest.clean_files import PLAN
from genreq_checks.selftest.fault import by_edit, by_sql, fault, together

FUNCTION = """
CREATE FUNCTION "read_turns"() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM NEW.conversation; RETURN NEW; END $$;
CREATE TRIGGER "turns" BEFORE UPDATE ON "generation_requests" FOR EACH ROW EXECUTE FUNCTION "read_turns"();
"""
COUNTED = (
    "claims.download_url claims.conversation claims.github_url claims.artifacts_github_url claims.deployment_url "
    "loss.download_url loss.conversation"
)
CATALOGUED = (
    "dependents.download_url dependents.conversation kept.github_url kept.artifacts_github_url kept.deployment_url"
)

CLAIMED = COUNTED.replace("claims.deployment_url ", "")  # of deployment_url the plan claims nothing
SUBSCRIBED = """
SET allow_system_table_mods = on;
INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate) VALUES (1, 'generation_requests'::regclass, 'r')
"""
DROP = 'ALTER TABLE "generation_requests" DROP COLUMN "conversation"'
REASON = 'presence_is_enough = "GitHub holds the code that the download was made from."'
COMPARES = by_edit(PLAN, REASON, 'how = { suffix = "/archive.zip" }')
AGREES = by_sql("UPDATE generation_requests SET download_url = github_url || '/archive.zip'")  # NULL where that is NULL

BEFORE = (
    fault(
        "a download_url whose row has no github_url",
        "before",
        by_sql(
            "UPDATE generation_requests SET download_url = 'https://s3.example/a.zip', github_url = NULL WHERE id = 1"
        ),
        "claims.download_url",
        "loss.download_url",
    ),
    fault(
        "a download_url that is not what by the plan follows from github_url",
        "before",
        together(
            COMPARES, AGREES, by_sql("UPDATE generation_requests SET download_url = 'https://x.example' WHERE id = 1")
        ),
        "claims.download_url",
        "loss.download_url",
    ),
    fault(
        "a plan that takes presence for proof, and does not say why",
        "before",
        by_edit(PLAN, REASON, ""),
        warn="claims.download_url loss.download_url",
    ),
    fault(
        "a conversation that was stored",
        "before",
        by_sql("""UPDATE generation_requests SET conversation = '[{"role": "user"}]' WHERE id = 1"""),
        "claims.conversation",
        "loss.conversation",
    ),
    fault(
        "a conversation that is {} and not NULL",
        "before",
        by_sql("UPDATE generation_requests SET conversation = '{}' WHERE id = 1"),
        warn="claims.conversation",
    ),
    fault(
        "an eighth of the completed rows without github_url",
        "before",
        by_sql("UPDATE generation_requests SET github_url = NULL, download_url = NULL WHERE id % 8 = 0"),
        warn="claims.github_url",
    ),
    fault(
        "an artifacts_github_url from before the change",
        "before",
        by_sql("UPDATE generation_requests SET artifacts_github_url = github_url || '-artifacts' WHERE id = 2"),
        warn="claims.artifacts_github_url",
    ),
    fault(
        "a view that reads download_url",
        "before",
        by_sql("CREATE VIEW downloads AS SELECT id, download_url FROM generation_requests"),
        "dependents.download_url",
    ),
    fault(
        "a trigger whose text names conversation",
        "before",
        by_sql(FUNCTION),
        "dependents.conversation",
    ),
    fault(
        "an index on download_url and user_id",
        "before",
        by_sql("CREATE INDEX ON generation_requests (user_id, download_url)"),
        warn="dependents.download_url",
    ),
    fault(
        "a policy that hides rows from the role that reads",
        "before",
        by_sql(
            "GRANT USAGE ON SCHEMA drizzle TO pg_monitor; GRANT SELECT ON ALL TABLES IN SCHEMA public, drizzle TO pg_monitor; "
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET role = pg_monitor', current_database()); END $$"
        ),
        unknown=COUNTED,
    ),
    fault(
        "a table of another name",
        "before",
        by_sql("ALTER TABLE generation_requests RENAME TO requests"),
        unknown=f"{COUNTED} {CATALOGUED}",
    ),
    fault(
        "a plan whose key is no column",
        "before",
        by_edit(PLAN, 'key = ["id"]', 'key = ["ident"]'),
        unknown="loss.download_url",
    ),
    fault(
        "a plan whose key is not unique",
        "before",
        by_edit(PLAN, 'key = ["id"]', 'key = ["app_name"]'),
        unknown="loss.download_url",
    ),
    fault(
        "a plan with another type than the table's",
        "before",
        by_edit(PLAN, 'type = "jsonb"', 'type = "json"'),
        unknown="claims.conversation loss.conversation",
    ),
    fault(
        "a plan whose cohort has a value that the enum does not know",
        "before",
        by_edit(PLAN, 'values = ["completed"]', 'values = ["completed", "done"]'),
        unknown="claims.github_url",
    ),
    fault(
        "a plan whose cohort has no row",
        "before",
        by_edit(PLAN, 'values = ["completed"]', 'values = ["queued"]'),
        unknown="claims.github_url",
    ),
    fault(
        "forward SQL that is none",
        "before",
        by_edit(PLAN, DROP, "to be written"),
        unknown="claims.download_url claims.conversation claims.github_url claims.artifacts_github_url "
        f"loss.download_url loss.conversation {CATALOGUED}",
    ),
    fault(
        "forward SQL that drops a column that stays",
        "before",
        by_edit(PLAN, DROP, f'{DROP}, DROP COLUMN "github_url"'),
        unknown="kept.github_url",
    ),
    fault(
        "forward SQL that does not drop a column that goes",
        "before",
        by_edit(PLAN, DROP, "SELECT 1"),
        unknown="claims.conversation loss.conversation dependents.conversation",
    ),
    fault(
        "rollback SQL that does not bring a column back",
        "before",
        by_edit(PLAN, 'ADD COLUMN "conversation" JSONB', 'ADD COLUMN "talk" JSONB'),
        unknown="loss.conversation",
    ),
    fault(
        "an unlogged table, which a crash empties",
        "before",
        by_sql("ALTER TABLE iteration_snapshots SET UNLOGGED", "ALTER TABLE generation_requests SET UNLOGGED"),
        warn=CLAIMED,
    ),
    fault(
        "a child that defines a column itself and keeps it",
        "before",
        by_sql("CREATE TABLE child (conversation jsonb) INHERITS (generation_requests)"),
        warn="dependents.conversation",
        unknown="loss.download_url",
    ),
    fault(
        "a subscription that writes the rows",
        "before",
        by_sql(SUBSCRIBED),
        warn=CLAIMED,
        unknown="dependents.download_url dependents.conversation",
    ),
    fault(
        "a subscription whose first copy is not done",
        "before",
        by_sql(SUBSCRIBED, "UPDATE pg_subscription_rel SET srsubstate = 'd'"),
        unknown=f"{CLAIMED} dependents.download_url dependents.conversation",
    ),
)

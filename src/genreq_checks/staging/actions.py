"""What each action asserts of a column and does with it: the parts of a guarded block that differ, in PL/pgSQL.

`here` is the column as it is in the catalog, `one` and `asked` are what the file was written for, `own` is its name in SQL.
"""

from __future__ import annotations

from typing import Literal

Action = Literal["retire", "undo", "finalise"]

# Whether a column is past the action already, or is not in the state that the action begins in.
STATES: dict[Action, str] = {
    "retire": """
            IF (here.gone AND NOT (@again@)) OR (here.name = one->>'retired' AND stamp->>'plan' = asked->>'plan') THEN
                done := done || (one->>'column');
                CONTINUE;
            END IF;
            IF here.gone THEN
                RAISE EXCEPTION '% was dropped, and a new column % is there.', own, own;
            END IF;
            IF here.name IS DISTINCT FROM one->>'column' THEN
                RAISE EXCEPTION '% is not where it was when this file was written: the place % of the table is %.',
                    own, one->>'position', coalesce(quote_ident(here.name), 'empty');
            END IF;""",
    "undo": """
            IF here.name = one->>'column' THEN
                done := done || (one->>'column');
                CONTINUE;
            END IF;
            IF here.gone THEN
                RAISE EXCEPTION '% was dropped and cannot be renamed back: run the rollback SQL, then restore the archive.', own;
            END IF;
            IF here.name IS DISTINCT FROM one->>'retired' THEN
                RAISE EXCEPTION '% is not where it was when this file was written: the place % of the table is %.',
                    own, one->>'position', coalesce(quote_ident(here.name), 'empty');
            END IF;
            IF @again@ THEN
                RAISE EXCEPTION 'A new column % is there: rename or drop it first, so that the old one can come back.', own;
            END IF;""",
    "finalise": """
            IF here.gone THEN
                done := done || (one->>'column');
                CONTINUE;
            END IF;
            IF here.name IS DISTINCT FROM one->>'retired' THEN
                RAISE EXCEPTION '% is not retired: the place % of the table is %.',
                    own, one->>'position', coalesce(quote_ident(here.name), 'empty');
            END IF;
            IF @again@ THEN
                RAISE EXCEPTION 'A new column % is there: something needs it again.', own;
            END IF;""",
}
AGAIN = """EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = ANY (family) AND a.attname = one->>'column'
                AND NOT a.attisdropped)"""
_UNCHANGED = """
            what := (SELECT string_agg(d, '; ') FROM (
                SELECT jsonb_array_elements_text(x.now) EXCEPT SELECT jsonb_array_elements_text(one->'dependents')) n(d),
                (SELECT 1) z) FROM (SELECT (@dependents@) AS now) x;
            IF what IS NOT NULL THEN
                RAISE EXCEPTION 'Something new depends on %: %. Write the file again.', own, what;
            END IF;
            what := CASE WHEN NOT locked THEN (@published@) END;
            IF what IS NOT NULL THEN
                RAISE EXCEPTION 'The table is published (%): a rename stops its logical replication.', what;
            END IF;
            IF EXISTS (SELECT FROM pg_subscription_rel r WHERE r.srrelid = ANY (family)) THEN
                RAISE EXCEPTION 'A subscription writes the table: it would stop.';
            END IF;"""
# In a new database nothing was held and nothing can be lost: it is so only where it is said and the table has no file.
_HELD = """
            CONTINUE WHEN current_setting('genreq_checks.new_database', true) = 'on'
                AND (SELECT sum(pg_relation_size(f)) FROM unnest(family) f) = 0;
            IF stamp IS NULL THEN
                RAISE EXCEPTION 'The comment of % has no stamp: since when it is retired is not known.', quote_ident(here.name);
            END IF;
            IF stamp->>'plan' IS DISTINCT FROM asked->>'plan' OR stamp->>'column' IS DISTINCT FROM one->>'column' THEN
                RAISE EXCEPTION '% was retired under another plan.', own;
            END IF;
            IF stamp->>'transaction' = CAST(pg_current_xact_id() AS text) THEN
                RAISE EXCEPTION '% was retired in this very transaction: it was not held at all.', own;
            END IF;
            since := CAST(stamp->>'at' AS timestamptz);
            IF since > (SELECT s.backend_start FROM pg_stat_get_activity(pg_backend_pid()) s) THEN
                RAISE EXCEPTION '% was retired after this session began: it was not held.', own;
            END IF;
            IF clock_timestamp() < since + make_interval(secs => CAST(asked->>'hold' AS float8)) THEN
                RAISE EXCEPTION '% is retired since %, and must be held until %.', own, stamp->>'at',
                    to_char(since + make_interval(secs => CAST(asked->>'hold' AS float8)), 'YYYY-MM-DD HH24:MI:SS TZ');
            END IF;
            IF since IS DISTINCT FROM CAST(one->>'since' AS timestamptz) THEN
                RAISE EXCEPTION '% is retired since %, but the report of the hold is about a hold since %.',
                    own, stamp->>'at', one->>'since';
            END IF;"""
ASSERTED: dict[Action, str] = {
    "retire": _UNCHANGED
    + """
            IF here.not_null IS DISTINCT FROM CAST(one->>'not_null' AS boolean) THEN
                RAISE EXCEPTION '% is now %, it was not when this file was written.', own,
                    CASE WHEN here.not_null THEN 'NOT NULL' ELSE 'nullable' END;
            END IF;
            IF here.filled IS DISTINCT FROM CAST(one->>'filled' AS boolean) THEN
                RAISE EXCEPTION '% has % default now, which it % when this file was written.', own,
                    CASE WHEN here.filled THEN 'a' ELSE 'no' END, CASE WHEN here.filled THEN 'had not' ELSE 'had' END;
            END IF;
            IF EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = ANY (family) AND a.attname = one->>'retired') THEN
                RAISE EXCEPTION 'The name % is taken.', quote_ident(one->>'retired');
            END IF;""",
    "undo": "",
    "finalise": _UNCHANGED + _HELD,
}
ACT: dict[Action, str] = {
    "retire": """
        what := (SELECT col_description(root, CAST(one->>'position' AS int)));
        stamp := jsonb_build_object('column', one->>'column', 'plan', asked->>'plan',
            'at', moment,
            'transaction', CAST(pg_current_xact_id() AS text), 'not_null', CAST(one->>'takes_not_null' AS boolean),
            'comment', what);
        EXECUTE format('ALTER TABLE %I.%I RENAME COLUMN %I TO %I',
            asked->>'schema', asked->>'table', one->>'column', one->>'retired');
        EXECUTE format('COMMENT ON COLUMN %I.%I.%I IS %L',
            asked->>'schema', asked->>'table', one->>'retired', '@mark@' || CAST(stamp AS text));
        IF CAST(one->>'takes_not_null' AS boolean) THEN
            EXECUTE format('ALTER TABLE %I.%I ALTER COLUMN %I DROP NOT NULL',
                asked->>'schema', asked->>'table', one->>'retired');
        END IF;""",
    "undo": """
        what := (SELECT col_description(root, CAST(one->>'position' AS int)));
        EXECUTE format('ALTER TABLE %I.%I RENAME COLUMN %I TO %I',
            asked->>'schema', asked->>'table', one->>'retired', one->>'column');
        IF starts_with(what, '@mark@') THEN
            EXECUTE format('COMMENT ON COLUMN %I.%I.%I IS %L', asked->>'schema', asked->>'table', one->>'column',
                CAST(substr(what, @after_mark@) AS jsonb)->>'comment');
        END IF;
        IF CAST(one->>'takes_not_null' AS boolean) AND NOT EXISTS (SELECT FROM pg_constraint c
            WHERE c.conrelid = root AND c.conname = one->>'check') THEN
            EXECUTE format('ALTER TABLE %I.%I ADD CONSTRAINT %I CHECK (%I IS NOT NULL) NOT VALID',
                asked->>'schema', asked->>'table', one->>'check', one->>'column');
        END IF;""",
    "finalise": """
        EXECUTE format('ALTER TABLE %I.%I DROP COLUMN %I', asked->>'schema', asked->>'table', one->>'retired');""",
}
DONE: dict[Action, str] = {"retire": "retired", "undo": "back", "finalise": "dropped"}

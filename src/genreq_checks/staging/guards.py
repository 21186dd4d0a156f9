"""The guarded blocks: PL/pgSQL that asserts what a file was written for, locks, and acts, or changes nothing at all.

Each is one DO statement: atomic by itself, and a part of the transaction of the tool that runs it. Its only variable part
is one JSON literal, in which every character but letters, digits and a few more is escaped: so a file can neither end a
quoted string, nor name a parameter or a breakpoint of the tool that runs it, whatever a name holds.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from genreq_checks.facts.retired import MARK
from genreq_checks.staging.actions import ACT, AGAIN, ASSERTED, DONE, STATES, Action
from genreq_checks.staging.family import DEPENDENTS, FAMILY, PUBLISHED

TRIES_FOR: Final = 5  # seconds
_PLAIN = re.compile(r"[A-Za-z0-9_ .,\[\]{}\"\\-]")

# The block: `asked` is the JSON. It looks without a lock, and again with it, since something may change in between.
_BLOCK = """DO $genreq$
DECLARE
    asked constant jsonb := '@asked@';
    settings constant text[] := ARRAY[
        pg_catalog.current_setting('search_path'), pg_catalog.current_setting('lock_timeout')];
    began constant timestamptz := pg_catalog.clock_timestamp();
    root oid;
    family oid[];
    locked boolean := false;
    done text[] := '{}';
    blockers jsonb := '{}';
    tries int := 0;
    one jsonb;
    here record;
    stamp jsonb;
    what text;
    own text;
    told text;
    moment text;
    since timestamptz;
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true), pg_catalog.set_config('lock_timeout', '1s', true);
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'This runs in a % transaction, which does not see the present catalog; run it in READ COMMITTED.',
            upper(current_setting('transaction_isolation'));
    END IF;
    SELECT c.oid INTO root FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = asked->>'schema' AND c.relname = asked->>'table' AND c.relkind IN ('r', 'p');
    IF root IS NULL THEN
        RAISE EXCEPTION 'There is no table %.', format('%I.%I', asked->>'schema', asked->>'table');
    END IF;
    LOOP
        family := (@family@);
        done := '{}';
        FOR one IN SELECT jsonb_array_elements(asked->'columns') LOOP
            own := quote_ident(one->>'column');
            SELECT a.attname::text AS name, a.attisdropped AS gone, a.attnotnull AS not_null,
                   a.atthasdef OR a.attidentity <> '' AS filled,
                   format_type(a.atttypid, a.atttypmod) AS type, col_description(root, a.attnum) AS comment
            INTO here FROM pg_attribute a
            WHERE a.attrelid = root AND a.attnum = CAST(one->>'position' AS int);
            stamp := NULL;
            IF starts_with(here.comment, '@mark@') THEN
                BEGIN
                    stamp := CAST(substr(here.comment, @after_mark@) AS jsonb);
                    PERFORM CAST(stamp->>'at' AS timestamptz);
                EXCEPTION WHEN data_exception THEN
                    stamp := NULL;
                END;
            END IF;
@states@
            IF here.type IS DISTINCT FROM one->>'type' THEN
                RAISE EXCEPTION '% is now %, it was % when this file was written.', own, here.type, one->>'type';
            END IF;
@asserted@
        END LOOP;
        EXIT WHEN locked OR cardinality(done) = jsonb_array_length(asked->'columns');
        LOOP
            BEGIN
                tries := tries + 1;
                EXECUTE format('LOCK TABLE %I.%I IN ACCESS EXCLUSIVE MODE NOWAIT', asked->>'schema', asked->>'table');
                locked := true;
                EXIT;
            EXCEPTION WHEN lock_not_available THEN
                PERFORM pg_stat_clear_snapshot();
                SELECT blockers || coalesce(jsonb_object_agg(coalesce(l.pid, 0), coalesce(
                    format('session %s (%s, %s%s)', l.pid, coalesce(nullif(s.application_name, ''), s.backend_type, 'no name'),
                           coalesce(s.state, 'its state is hidden from this role'),
                           coalesce(', in a transaction since ' || to_char(s.xact_start, 'YYYY-MM-DD HH24:MI:SS'), '')),
                    'a prepared transaction')), '{}')
                INTO blockers
                FROM pg_locks l LEFT JOIN pg_stat_activity s ON s.pid = l.pid
                WHERE l.locktype = 'relation' AND l.relation = ANY (family) AND l.granted
                  AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                  AND l.pid IS DISTINCT FROM pg_backend_pid();
            END;
            IF clock_timestamp() > began + make_interval(secs => @seconds@) THEN
                SELECT string_agg(value, '; ' ORDER BY key) INTO told FROM jsonb_each_text(blockers);
                RAISE EXCEPTION 'Nothing was changed: the table % was in use at each of % tries in @seconds@ seconds, by %.',
                    format('%I.%I', asked->>'schema', asked->>'table'), tries, coalesce(told, 'a session that is gone');
            END IF;
            PERFORM pg_sleep(0.01 + 0.02 * random());
        END LOOP;
    END LOOP;
    moment := to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
    FOR one IN SELECT jsonb_array_elements(asked->'columns') LOOP
        CONTINUE WHEN one->>'column' = ANY (done);
        own := quote_ident(one->>'column');
@act@
    END LOOP;
    SELECT string_agg(quote_ident(value->>'column'), ', ') INTO own FROM jsonb_array_elements(asked->'columns');
    told := CASE WHEN cardinality(done) = jsonb_array_length(asked->'columns') THEN
        format('%I.%I: already @done@: %s.', asked->>'schema', asked->>'table', own)
        ELSE format('%I.%I: @done@: %s, since %s.', asked->>'schema', asked->>'table', own, moment) END;
    PERFORM set_config('search_path', settings[1], true), set_config('lock_timeout', settings[2], true);
    RAISE LOG 'genreq-checks: %', told;
    RAISE NOTICE 'genreq-checks: %', told;
EXCEPTION WHEN raise_exception THEN
    RAISE LOG 'genreq-checks refused to @action@: %', SQLERRM;
    RAISE EXCEPTION 'genreq-checks refused to @action@: %', SQLERRM;
END
$genreq$;
"""


def block(action: Action, asked: dict[str, Any]) -> str:
    """The guarded DO statement of an action; `asked` is what it asserts and does."""
    parts = {
        "states": STATES[action].lstrip("\n"),
        "asserted": ASSERTED[action].lstrip("\n"),
        "act": ACT[action].lstrip("\n"),
        "family": " ".join(FAMILY.format(root="root").split()),
        "dependents": " ".join(
            DEPENDENTS.format(
                family="family", now="here.name", column="(one->>'column')", table="(asked->>'table')", locked="locked"
            ).split()
        ),
        "published": " ".join(PUBLISHED.format(family="family").split()),
        "again": AGAIN,
        "mark": MARK,
        "after_mark": str(len(MARK) + 1),
        "seconds": str(TRIES_FOR),
        "action": action,
        "done": DONE[action],
    }
    text = _BLOCK
    for _ in range(2):  # a part may hold another
        for name, part in parts.items():
            text = text.replace(f"@{name}@", part)
    return text.replace("@asked@", literal(asked)).replace("\n\n", "\n")


def literal(data: object) -> str:
    """JSON for a quoted literal: in its strings every character that could mean something else to a tool is escaped."""
    text = json.dumps(
        data, separators=(", ", "\0")
    )  # a string holds no NUL: the colons of the structure are known by it
    return "".join(c if _PLAIN.fullmatch(c) else ": " if c == "\0" else f"\\u{ord(c):04x}" for c in text)

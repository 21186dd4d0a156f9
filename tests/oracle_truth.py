"""Statements with the truth about them, set by hand: what becomes of each when `note` and `legacy` of `orders` are gone.

The truth of a statement is its fate, and the column that it is about where it is not about both.
"""

from __future__ import annotations

import json
from pathlib import Path

PLAN = """
plan_version = 1
title = "Notes go"
table = {schema = "public", name = "orders", key = ["id"]}
cohort = {column = "status", values = ["done"], time = "created_at"}
kept.total = {}
dropped.note = {claim = {holds = "any", text = "n"}}
dropped.legacy = {claim = {holds = "any", text = "l"}}
sql = {forward = "ALTER TABLE orders DROP COLUMN note CASCADE, DROP COLUMN legacy CASCADE", rollback = "SELECT 1"}
"""
SCHEMA = """
CREATE TABLE customers (id serial PRIMARY KEY, name text, email text UNIQUE, legacy jsonb, joined date);
CREATE TABLE orders (
    id serial PRIMARY KEY, customer_id int REFERENCES customers (id), status text NOT NULL DEFAULT 'open', note text,
    total numeric(10, 2), legacy jsonb, created_at timestamptz DEFAULT now(), paid boolean DEFAULT false, tags text[]);
CREATE INDEX orders_by_customer ON orders (customer_id, created_at);
CREATE UNIQUE INDEX orders_by_note ON orders (customer_id, note);
CREATE TABLE orders_old (LIKE orders INCLUDING DEFAULTS);
CREATE TABLE items (id serial PRIMARY KEY, order_id int REFERENCES orders (id), sku text, quantity int, note text);
CREATE TABLE ratings (order_id int PRIMARY KEY, note text, stars int);
CREATE TABLE staging (id int, note text, total numeric);
CREATE TABLE audit (at timestamptz DEFAULT now(), what text);
CREATE VIEW open_orders AS SELECT id, customer_id, total, created_at FROM orders WHERE status = 'open';
CREATE VIEW order_notes AS SELECT id, note FROM orders;
CREATE VIEW everything AS SELECT * FROM orders;
CREATE MATERIALIZED VIEW daily AS SELECT created_at::date AS day, sum(total) AS total FROM orders GROUP BY 1;
CREATE MATERIALIZED VIEW noted AS SELECT count(note) AS notes FROM orders;
CREATE FUNCTION total_of(int) RETURNS numeric LANGUAGE sql STABLE AS 'SELECT sum(total) FROM orders WHERE customer_id = $1';
CREATE FUNCTION note_of(int) RETURNS text LANGUAGE sql STABLE AS 'SELECT note FROM orders WHERE id = $1';
CREATE FUNCTION notes_too(int) RETURNS text LANGUAGE sql STABLE AS 'SELECT upper(note_of($1))';
CREATE FUNCTION row_of(int) RETURNS SETOF orders LANGUAGE sql STABLE AS 'SELECT * FROM orders WHERE id = $1';
CREATE FUNCTION count_all() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM orders); END $$;
CREATE FUNCTION item_added() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN UPDATE orders SET total = total + NEW.quantity WHERE id = NEW.order_id; RETURN NEW; END $$;
CREATE TRIGGER item_added AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION item_added();
CREATE FUNCTION rated() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := upper(NEW.note); RETURN NEW; END $$;
CREATE TRIGGER rated BEFORE INSERT ON ratings FOR EACH ROW EXECUTE FUNCTION rated();
CREATE FUNCTION kept_note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF OLD.note IS NOT NULL THEN INSERT INTO audit (what) VALUES (OLD.note); END IF; RETURN OLD; END $$;
CREATE TRIGGER kept_note BEFORE DELETE ON orders FOR EACH ROW EXECUTE FUNCTION kept_note();
CREATE TABLE ruled (id int, v text);
CREATE RULE also AS ON INSERT TO ruled DO ALSO UPDATE orders SET note = NEW.v WHERE id = NEW.id;
CREATE SCHEMA graphql;
CREATE FUNCTION graphql.resolve(query text) RETURNS jsonb LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION ask(query text) RETURNS jsonb LANGUAGE sql AS 'SELECT graphql.resolve(query)';
CREATE SEQUENCE orders_numbered_seq OWNED BY orders.note;
CREATE SCHEMA sales;
CREATE TABLE sales.orders (id int PRIMARY KEY, note text);
"""
# (the fate, the statement); "breaks note" is about that column alone, and untouched for the other.
TRUTH: tuple[tuple[str, str], ...] = (
    # reading by name
    ("untouched", "SELECT id, status FROM orders WHERE id = $1"),
    ("breaks note", "SELECT id, note FROM orders WHERE id = $1"),
    ("breaks legacy", "SELECT legacy->>'code' FROM orders"),
    ("breaks", "SELECT note, legacy FROM public.orders"),
    ("breaks note", "SELECT id FROM orders WHERE note IS NULL"),
    ("breaks note", "SELECT id FROM orders ORDER BY note LIMIT 10"),
    ("breaks note", "SELECT count(*) FROM orders GROUP BY note"),
    ("breaks note", 'SELECT "orders"."note" FROM "orders"'),
    ("breaks note", "SELECT o.note FROM orders AS o"),
    ("breaks note", "SELECT O.NOTE FROM ORDERS O"),
    ("breaks legacy", "SELECT id FROM orders WHERE legacy @> '{\"a\": 1}'"),
    ("untouched", "SELECT id, 'note' AS kind FROM orders -- note"),
    ("untouched", "SELECT total AS note FROM orders"),
    ("untouched", "SELECT note FROM items WHERE order_id IN (SELECT id FROM orders)"),
    ("untouched", "SELECT note FROM sales.orders"),
    ("untouched", "SELECT i.note FROM orders o JOIN items i ON i.order_id = o.id"),
    ("breaks note", "SELECT o.note, i.note FROM orders o JOIN items i ON i.order_id = o.id"),
    ("untouched", "SELECT c.legacy FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.id = 1"),
    ("untouched", "SELECT 1"),
    ("untouched", "SELECT now(), version()"),
    ("untouched", "SELECT * FROM customers"),
    ("untouched", "SELECT relname FROM pg_class"),
    # results of another shape
    ("changes", "SELECT * FROM orders"),
    ("changes", "TABLE orders"),
    ("changes", "SELECT o.* FROM orders o WHERE id = $1"),
    ("changes", "SELECT * FROM orders o JOIN customers c ON c.id = o.customer_id"),
    ("untouched", "SELECT c.* FROM orders o JOIN customers c ON c.id = o.customer_id"),
    ("changes", "SELECT row_to_json(o) FROM orders o"),
    ("changes", "SELECT to_jsonb(orders) FROM orders"),
    ("changes", "SELECT o FROM orders o"),
    ("changes", "SELECT json_agg(o) FROM orders o"),
    ("changes", "SELECT (jsonb_populate_record(null::orders, $1)).*"),
    ("changes", "SELECT jsonb_populate_record(null::orders, '{}')"),
    ("changes", "SELECT * FROM jsonb_populate_recordset(null::orders, $1)"),
    ("changes", "SELECT count(*) FROM (SELECT DISTINCT * FROM orders) d"),
    ("changes", "SELECT * FROM orders EXCEPT SELECT * FROM orders"),
    ("breaks", "SELECT * FROM orders UNION ALL SELECT * FROM orders_old"),
    ("changes", "WITH o AS (SELECT * FROM orders) SELECT * FROM o"),
    ("changes", "SELECT * FROM row_of($1)"),
    ("touches", "SELECT id FROM row_of($1)"),
    ("breaks note, touches legacy", "SELECT note FROM row_of(1)"),
    ("changes", "DELETE FROM items USING orders WHERE orders.id = order_id RETURNING *"),
    ("changes", "INSERT INTO orders (status) VALUES ('a') RETURNING *"),
    ("changes", "UPDATE orders SET paid = true WHERE id = $1 RETURNING *"),
    # read, and without consequence
    ("touches", "SELECT count(*) FROM (SELECT * FROM orders) o"),
    ("touches", "SELECT id FROM orders o WHERE EXISTS (SELECT * FROM orders p WHERE p.id = o.customer_id)"),
    ("touches", "WITH o AS (SELECT * FROM orders) SELECT id, total FROM o"),
    ("touches", "SELECT s.id FROM (SELECT * FROM orders WHERE paid) s"),
    # names that find another column
    ("changes note", "SELECT o.id FROM orders o NATURAL JOIN staging s"),
    ("breaks note", "SELECT o.id FROM orders o JOIN staging s USING (note)"),
    (
        "changes note",
        "SELECT s.id FROM staging s WHERE EXISTS (SELECT 1 FROM orders o WHERE o.id = s.id AND note = 'x')",
    ),
    (
        "breaks note",
        "SELECT s.id FROM staging s WHERE EXISTS (SELECT 1 FROM orders o WHERE o.id = s.id AND o.note = 'x')",
    ),
    (
        "untouched",
        "SELECT s.id FROM staging s WHERE EXISTS (SELECT 1 FROM orders o WHERE o.id = s.id AND s.note = 'x')",
    ),
    ("untouched", "SELECT o.id FROM orders o JOIN staging s USING (id, total)"),
    # writing
    ("untouched", "INSERT INTO orders (customer_id, status) VALUES ($1, $2)"),
    ("untouched", "INSERT INTO orders (customer_id, status) VALUES ($1, $2) RETURNING id"),
    ("untouched", "INSERT INTO orders DEFAULT VALUES"),
    ("breaks note", "INSERT INTO orders (customer_id, note) VALUES ($1, $2)"),
    ("breaks legacy", "INSERT INTO orders (legacy) SELECT legacy FROM customers"),
    ("breaks", "INSERT INTO orders VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"),
    ("breaks", "INSERT INTO orders VALUES (DEFAULT, 1, 'a', 'n', 1.5, '{}', now(), true, '{}')"),
    ("breaks", "INSERT INTO orders VALUES (1, 1, 'a', 'n', 1.5, '{}')"),
    ("changes note", "INSERT INTO orders VALUES (1, 1, 'a', '1.5')"),
    ("changes note", "INSERT INTO orders VALUES ($1, $2, $3, $4)"),
    ("untouched", "INSERT INTO orders VALUES (1, 1, 'a')"),
    ("breaks", "INSERT INTO orders SELECT * FROM orders_old"),
    ("breaks", "INSERT INTO orders_old SELECT * FROM orders"),
    ("changes", "INSERT INTO audit (what) SELECT o::text FROM orders o"),
    ("untouched", "INSERT INTO orders_old (id, note) SELECT id, 'x' FROM orders"),
    ("breaks note", "INSERT INTO orders_old (id, note) SELECT id, note FROM orders"),
    (
        "untouched",
        "INSERT INTO orders (id, status) VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET status = excluded.status",
    ),
    ("breaks note", "INSERT INTO orders (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET note = 'x'"),
    ("breaks note", "INSERT INTO orders (id, customer_id) VALUES (1, 2) ON CONFLICT (customer_id, note) DO NOTHING"),
    ("untouched", "INSERT INTO orders (id) VALUES (1) ON CONFLICT DO NOTHING"),
    ("breaks note", "INSERT INTO orders (id) VALUES (1) RETURNING id, note"),
    ("untouched", "UPDATE orders SET status = $1, paid = $2 WHERE id = $3"),
    ("breaks note", "UPDATE orders SET note = $1 WHERE id = $2"),
    ("breaks note", "UPDATE orders SET (status, note) = ($1, $2) WHERE id = $3"),
    ("breaks note", "UPDATE orders SET status = note"),
    ("breaks note", "UPDATE orders o SET total = s.total FROM staging s WHERE s.note = o.note"),
    ("untouched", "UPDATE orders o SET total = s.total FROM staging s WHERE s.id = o.id AND s.note = 'a'"),
    ("breaks note", "DELETE FROM orders WHERE id = $1"),  # its trigger reads OLD.note
    ("breaks note", "WITH gone AS (DELETE FROM orders WHERE id = 1 RETURNING id) SELECT * FROM gone"),
    ("untouched", "DELETE FROM items WHERE order_id = $1"),
    ("untouched", "MERGE INTO orders o USING staging s ON s.id = o.id WHEN MATCHED THEN UPDATE SET total = s.total"),
    ("breaks note", "MERGE INTO orders o USING staging s ON s.id = o.id WHEN MATCHED THEN UPDATE SET note = s.note"),
    (
        "breaks note",
        "MERGE INTO orders o USING staging s ON s.id = o.id WHEN NOT MATCHED THEN INSERT (id, note) VALUES (s.id, s.note)",
    ),
    (
        "changes note",
        "MERGE INTO orders o USING staging s ON s.id = o.id WHEN NOT MATCHED THEN INSERT VALUES (s.id, 1, 'a', '2')",
    ),
    (
        "untouched",
        "MERGE INTO orders o USING staging s ON s.id = o.id WHEN NOT MATCHED THEN INSERT VALUES (s.id, 1, s.note)",
    ),
    # views
    ("untouched", "SELECT * FROM open_orders"),
    ("untouched", "SELECT day FROM daily"),
    ("breaks note", "SELECT id FROM order_notes"),
    ("breaks", "SELECT id FROM everything"),
    ("breaks note", "SELECT notes FROM noted"),
    ("breaks note", "REFRESH MATERIALIZED VIEW CONCURRENTLY noted"),
    ("untouched", "REFRESH MATERIALIZED VIEW daily"),
    ("breaks", "INSERT INTO everything (id) VALUES (1)"),
    # functions and triggers
    ("untouched", "SELECT total_of(1)"),
    ("breaks note", "SELECT note_of(1)"),
    ("breaks note", "SELECT id, note_of(id) FROM orders"),
    ("breaks note", "SELECT notes_too($1)"),
    ("untouched", "SELECT count_all()"),
    ("untouched", "INSERT INTO items (order_id, sku, note) VALUES (1, 'a', 'n')"),
    ("untouched", "INSERT INTO ratings (order_id, note) VALUES (1, 'n')"),
    # around a query, and no query
    ("untouched", "BEGIN"),
    ("untouched", "COMMIT"),
    ("untouched", "SET LOCAL search_path = 'orders'"),
    ("untouched", "SAVEPOINT note"),
    ("untouched", "LOCK TABLE orders IN SHARE MODE"),
    ("untouched", "TRUNCATE orders CASCADE"),
    ("untouched", "DISCARD ALL"),
    ("untouched", "VACUUM ANALYZE orders"),
    ("changes", "COPY orders TO STDOUT"),
    ("changes", "COPY public.orders TO STDOUT WITH (FORMAT csv, HEADER)"),
    ("untouched", "COPY orders (id, total) TO STDOUT"),
    ("breaks note", "COPY orders (id, note) TO STDOUT"),
    ("breaks", "COPY orders FROM STDIN"),
    ("breaks note", "COPY orders (id, note) FROM STDIN WITH CSV"),
    ("untouched", "COPY orders (id, status) FROM STDIN BINARY"),
    ("breaks note", "COPY (SELECT id, note FROM orders WHERE id > 1) TO STDOUT"),
    ("untouched", "COPY (SELECT id FROM orders) TO STDOUT"),
    ("untouched", "COPY customers TO STDOUT"),
    ("breaks note", "DECLARE c CURSOR FOR SELECT note FROM orders"),
    ("changes", "DECLARE c NO SCROLL CURSOR WITH HOLD FOR SELECT * FROM orders"),
    ("untouched", "FETCH 100 FROM c"),
    ("breaks note", "PREPARE p (int) AS SELECT note FROM orders WHERE id = $1"),
    ("untouched", "PREPARE p AS SELECT id FROM orders WHERE id = $1"),
    ("breaks note", "EXPLAIN (ANALYZE, BUFFERS) SELECT note FROM orders"),
    ("untouched", "EXPLAIN ANALYZE SELECT id FROM orders"),
    ("breaks note", "CREATE TEMP TABLE x AS SELECT id, note FROM orders"),
    ("changes", "CREATE TABLE copied AS SELECT * FROM orders"),
    ("untouched", "CREATE TEMPORARY TABLE x ON COMMIT DROP AS SELECT id FROM orders"),
    ("untouched", "ALTER TABLE orders ADD COLUMN more text"),
    # as pg_stat_statements and drivers write it
    ("untouched", "SELECT id FROM orders WHERE created_at > now() - interval $1"),
    ("breaks note", "SELECT note FROM orders WHERE created_at > now() - interval $1 AND created_at < date $2"),
    ("untouched", "SELECT extract($1 FROM created_at) FROM orders WHERE created_at > timestamp $2"),
    ("breaks note", "SELECT extract($1 FROM created_at), note FROM orders"),
    ("untouched", "SELECT $1 FROM orders WHERE $2 = $3"),
    ("untouched", "SELECT round($1, $2), id FROM orders"),
    ("untouched", "SELECT id FROM orders WHERE tags && $1 AND status = ANY ($2)"),
    ("untouched", "SELECT id FROM orders WHERE id IN ($1 /*, ... */) LIMIT $2 OFFSET $3"),
    ("breaks note", "SELECT id FROM orders WHERE note = ?"),
    ("untouched", "SELECT id FROM orders WHERE status = ? AND total > ?"),
    ("untouched", "UPDATE orders SET status = %s WHERE id = %s"),
    ("breaks note", "UPDATE orders SET note = %(note)s WHERE id = %(id)s"),
    ("breaks note", "SELECT note FROM orders WHERE id = :id AND status = :status AND created_at::date = :day"),
    ("untouched", "SELECT id FROM orders WHERE id = :id"),
    ("untouched", "SELECT id FROM orders WHERE id IN (__[POSTCOMPILE_id_1])"),
    ("untouched", "SELECT id FROM orders WHERE status LIKE '%%x' AND id = %s"),
    ("untouched", "SELECT id FROM customers WHERE legacy ? 'code'"),
    ("breaks legacy", "SELECT id FROM orders WHERE legacy ? 'code'"),
    ("breaks legacy", "SELECT id FROM orders WHERE legacy ?| $1"),
    # as ORMs print it
    (
        "breaks",
        (
            'select "id", "customer_id", "status", "note", "total", "legacy", "created_at", "paid", "tags" from "orders" '
            'where "orders"."id" = $1 limit $2'
        ),
    ),
    (
        "breaks",
        (
            'insert into "orders" ("id", "customer_id", "status", "note", "total", "legacy", "created_at", "paid", "tags") '
            "values (default, $1, default, default, $2, default, default, default, default) returning *"
        ),
    ),
    ("untouched", 'update "orders" set "paid" = $1 where "orders"."id" = $2'),
    (
        "breaks note",
        (
            'SELECT "public"."orders"."id", "public"."orders"."note" FROM "public"."orders" WHERE ("public"."orders"."id" = $1 '
            "AND 1=1) LIMIT $2 OFFSET $3"
        ),
    ),
    (
        "untouched",
        (
            'SELECT "public"."orders"."id", "public"."orders"."total"::text FROM "public"."orders" WHERE 1=1 ORDER BY '
            '"public"."orders"."created_at" DESC OFFSET $1'
        ),
    ),
    (
        "breaks",
        (
            "SELECT orders.id, orders.customer_id, orders.status, orders.note, orders.total, orders.legacy, orders.created_at, "
            "orders.paid, orders.tags \nFROM orders \nWHERE orders.id = %(pk_1)s"
        ),
    ),
    (
        "breaks legacy",
        (
            "INSERT INTO orders (customer_id, status, legacy) VALUES (%(customer_id)s, %(status)s, %(legacy)s::JSONB) "
            "RETURNING orders.id"
        ),
    ),
    (
        "untouched",
        (
            "SELECT anon_1.id AS anon_1_id FROM (SELECT orders.id AS id FROM orders LIMIT %(param_1)s) AS anon_1 "
            "LEFT OUTER JOIN items AS items_1 ON anon_1.id = items_1.order_id"
        ),
    ),
    (
        "breaks note",
        (
            'SELECT "orders"."id", "orders"."note" FROM "orders" INNER JOIN "customers" ON ("orders"."customer_id" = '
            '"customers"."id") WHERE "customers"."email" = %s ORDER BY "orders"."id" ASC LIMIT 21'
        ),
    ),
    (
        "untouched",
        (
            'SELECT COUNT(*) AS "__count" FROM "orders" WHERE ("orders"."paid" AND NOT (EXISTS(SELECT 1 AS "a" FROM "items" U1 '
            'WHERE (U1."note" = %s AND U1."order_id" = ("orders"."id")) LIMIT 1)))'
        ),
    ),
    ("breaks note", 'UPDATE "orders" SET "note" = NULL WHERE "orders"."id" IN (%s, %s)'),
    (
        "breaks",
        (
            'SELECT "orders".*, "customers"."name", "orders"."note", "orders"."legacy" FROM "orders" LEFT JOIN "customers" '
            "ON TRUE WHERE $1::int = 1"
        ),
    ),
    # by position, by a name that another table has, by a literal
    ("changes", "SELECT orders IS NOT NULL FROM orders"),
    ("changes", "SELECT id FROM orders o WHERE o IS DISTINCT FROM NULL"),
    ("changes", "SELECT NULL::orders"),
    ("changes note", "SELECT d FROM orders AS o (a, b, c, d)"),
    ("changes note", "SELECT a FROM orders o (a, b, c, d) WHERE d = '1'"),
    ("untouched", "SELECT a FROM orders o (a, b, c)"),
    ("changes note", "SELECT a::text, e::text FROM orders AS o (a, b, c, d, e)"),
    ("breaks", "SELECT h FROM orders o (a, b, c, d, e, f, g, h)"),
    ("changes note", "SELECT e::text FROM (orders o JOIN items i ON i.order_id = o.id) AS j (a, b, c, d, e)"),
    ("untouched", "SELECT a FROM (orders o JOIN items i ON i.order_id = o.id) AS j (a, b, c)"),
    ("changes", "SELECT e::text FROM (SELECT * FROM orders) AS s (a, b, c, d, e)"),
    ("untouched", "SELECT v.b FROM orders o JOIN (VALUES (1, 'x'), (2, 'y')) AS v (a, b) ON v.a = o.id"),
    ("untouched", "SELECT x FROM orders o CROSS JOIN LATERAL unnest(o.tags) AS t (x)"),
    ("breaks", "SELECT a FROM orders o (a, b, c, d, e, f, g, h, i)"),
    ("changes", "CREATE TEMP TABLE x (LIKE orders INCLUDING ALL)"),
    ("untouched", "CREATE TEMP TABLE x (LIKE items)"),
    ("breaks note", "SELECT note FROM sales.orders s JOIN public.orders o USING (id, note)"),
    ("unknown note", "SELECT * FROM query_to_xml('SELECT note FROM orders', true, false, '')"),
    ("untouched", "SELECT * FROM query_to_xml('SELECT total FROM orders', true, false, '')"),
    ("untouched", "INSERT INTO audit (what) VALUES ('the note of orders')"),
    ("unknown", "EXECUTE p (1)"),
    ("breaks note", "SELECT currval('orders_numbered_seq')"),
    ("breaks note", "SELECT id FROM orders WHERE $1 = ANY (ARRAY[note])"),
    ("breaks legacy", "SELECT jsonb_path_query(legacy, $1::jsonpath) FROM orders"),
    ("breaks legacy", "SELECT o.id, x.key FROM orders o CROSS JOIN LATERAL jsonb_each(o.legacy) x"),
    ("breaks note", "SELECT id, row_number() OVER (PARTITION BY note ORDER BY id) FROM orders"),
    ("untouched", "SELECT id, sum(total) OVER w FROM orders WINDOW w AS (PARTITION BY customer_id)"),
    ("breaks note", "SELECT count(*) FILTER (WHERE note <> '') FROM orders"),
    (
        "breaks note",
        "WITH RECURSIVE t AS (SELECT id, note FROM orders UNION ALL SELECT id + 1, note FROM t) SELECT id FROM t",
    ),
    ("breaks note", "SELECT id FROM ONLY orders TABLESAMPLE system (1) WHERE note > ''"),
    ("untouched", "SELECT id FROM orders FOR UPDATE SKIP LOCKED"),
    ("changes", "SELECT * FROM orders FOR UPDATE OF orders"),
    ("untouched", "SELECT status, count(*) FROM orders GROUP BY ROLLUP (status, paid) HAVING count(*) > 1"),
    ("touches", "SELECT EXISTS (SELECT * FROM orders WHERE id = $1)"),
    ("touches", "SELECT EXISTS (TABLE orders)"),
    ("changes note", "INSERT INTO ruled VALUES (1, 'a')"),
    ("untouched", "UPDATE ruled SET v = 'a'"),
    ("breaks note", 'SELECT note FROM U&"\\006frders"'),
    ("untouched", 'SELECT id FROM U&"\\006frders"'),
    ("changes", "WITH w (a, b, c, d, e) AS MATERIALIZED (SELECT * FROM orders) SELECT e::text FROM w"),
    ("untouched", "WITH w (a, b) AS (SELECT id, total FROM orders) SELECT a FROM w"),
    # as PostgREST makes it, and GraphQL within the database
    (
        "changes",
        """WITH pgrst_source AS (SELECT "public"."orders".* FROM "public"."orders" LIMIT $1 OFFSET $2) SELECT null::bigint AS
        total_result_set, pg_catalog.count(_postgrest_t) AS page_total, coalesce(json_agg(_postgrest_t), '[]') AS body
        FROM (SELECT * FROM pgrst_source) _postgrest_t""",
    ),
    (
        "untouched",
        """WITH pgrst_source AS (SELECT "public"."orders"."id", "public"."orders"."status" FROM "public"."orders" WHERE
        "public"."orders"."id" = $1 LIMIT $2 OFFSET $3) SELECT null::bigint AS total_result_set, pg_catalog.count(_postgrest_t)
        AS page_total, coalesce(json_agg(_postgrest_t), '[]') AS body FROM (SELECT * FROM pgrst_source) _postgrest_t""",
    ),
    (
        "breaks note",
        """WITH pgrst_body AS (SELECT $1 AS json_data), pgrst_source AS (UPDATE "public"."orders" SET
        "note" = pgrst_update_body."note" FROM (SELECT * FROM pgrst_body) x,
        LATERAL (SELECT "note" FROM json_to_record(x.json_data::json) AS _("note" text))
        pgrst_update_body WHERE "public"."orders"."id" = $2 RETURNING 1)
        SELECT '' AS total_result_set, count(*) FROM pgrst_source""",
    ),
    ("unknown", "SELECT graphql.resolve($1)"),
    ("unknown", "SELECT ask('{ordersCollection {edges {node {note}}}}')"),
    # what cannot be told
    ("unknown note", "DO $$ BEGIN UPDATE orders SET note = 'x'; END $$"),
    ("unknown note", "ALTER TABLE orders ALTER COLUMN note SET NOT NULL"),
    ("unknown", "SELEC * FROM orders"),
    ("unknown", "SELECT id, mystery FROM orders"),
)
# What drizzle-orm, Prisma, SQLAlchemy and Django sent or printed for this schema, each by the version that is named there.
ORMS: tuple[tuple[str, str], ...] = tuple(
    (one["truth"], one["sql"])
    for one in map(json.loads, Path(__file__).with_name("orm_statements.jsonl").read_text("utf-8").splitlines())
)

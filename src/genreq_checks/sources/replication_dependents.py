"""What logical replication needs of a column: the table's replica identity, publications' subscribers, slots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from genreq_checks.snapshot import Dependent

# A table publishes under its own name or an ancestor's; a primary key is the identity unless another one was set.
_IDENTITIES = sa.text("""
    WITH tables AS (
        SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, c.relreplident = 'i' AS by_index,
               EXISTS (SELECT FROM pg_catalog.pg_publication_tables v JOIN pg_catalog.pg_publication p USING (pubname)
                       WHERE (p.pubupdate OR p.pubdelete)
                         AND (v.schemaname, v.tablename) IN (
                             SELECT an.nspname, a.relname FROM pg_catalog.pg_class a
                             JOIN pg_catalog.pg_namespace an ON an.oid = a.relnamespace
                             WHERE a.oid = c.oid OR a.oid IN (SELECT relid FROM pg_catalog.pg_partition_ancestors(c.oid))))
                   AS is_published
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = ANY (CAST(:tree AS oid[])) AND c.relkind IN ('r', 'p') AND c.relreplident IN ('i', 'd'))
    SELECT t.name, t.by_index, t.is_published, i.indexrelid::regclass::text AS index,
           ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = t.oid AND a.attnum = ANY (i.indkey)) AS columns
    FROM tables t LEFT JOIN pg_catalog.pg_index i ON i.indrelid = t.oid
     AND CASE WHEN t.by_index THEN i.indisreplident ELSE i.indisprimary END
    WHERE t.by_index OR t.is_published ORDER BY 1
""")
_PUBLICATIONS = sa.text("""
    SELECT DISTINCT format('%I', p.pubname) AS name
    FROM pg_catalog.pg_publication p LEFT JOIN pg_catalog.pg_publication_tables v USING (pubname)
    LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = v.schemaname
    LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = v.tablename
    LEFT JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid
    WHERE (p.puballtables OR c.oid = ANY (CAST(:tree AS oid[])))
      AND to_jsonb(r) ->> 'prattrs' IS NULL AND to_jsonb(r) ->> 'prqual' IS NULL
    ORDER BY 1
""")
_SLOTS = sa.text("""
    SELECT slot_name::text AS name, plugin::text AS plugin FROM pg_catalog.pg_replication_slots
    WHERE slot_type = 'logical' AND database = current_database() AND plugin <> 'pgoutput' ORDER BY 1
""")
_SET = "ALTER TABLE {name} REPLICA IDENTITY …"
_TO_SUBSCRIBERS = (
    "What its subscribers need is not known here: they get rows without it, and stop where it is NOT NULL there."
)
_BY_PLUGIN = "Its plugin {} sends rows of any table, then without the column."


def read_replication(connection: sa.Connection, tree: Sequence[int], columns: Sequence[str]) -> Iterator[Dependent]:
    """What replication needs of the columns that the table has."""
    of = {"tree": list(tree)}
    for row in connection.execute(_IDENTITIES, of).all():
        after = "publishes UPDATE or DELETE: these fail afterwards" if row.is_published else "is not published now"
        for column in columns:
            if column in row.columns:
                yield Dependent(
                    column=column,
                    kind="replica identity",
                    name=f"{row.index} of {row.name}",
                    fate="breaks",
                    confidence="certain" if row.is_published else "possible",
                    detail=f"The index is dropped with the column; the table {after}.",
                    ddl=_SET.format(name=row.name),
                )
    found = [("publication", row.name, _TO_SUBSCRIBERS) for row in connection.execute(_PUBLICATIONS, of)]
    found += [("replication slot", row.name, _BY_PLUGIN.format(row.plugin)) for row in connection.execute(_SLOTS)]
    for column in columns:
        for kind, name, detail in found:
            yield Dependent(column=column, kind=kind, name=name, fate="changes", confidence="possible", detail=detail)


def read_lost_identity(connection: sa.Connection, tree: Sequence[int], columns: Sequence[str]) -> Iterator[Dependent]:
    """Published tables whose replica identity is an index that is gone, once columns are gone: every UPDATE fails."""
    for row in connection.execute(_IDENTITIES, {"tree": list(tree)}).all() if columns else ():
        if not row.by_index or not row.is_published or row.index is not None:
            continue
        for column in columns:
            yield Dependent(
                column=column,
                kind="replica identity",
                name=f"replica identity of {row.name}",
                fate="breaks",
                confidence="certain",
                detail="Its index is gone, and the table is published: every UPDATE and DELETE fails.",
                ddl=_SET.format(name=row.name),
            )

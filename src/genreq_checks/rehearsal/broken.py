"""Functions that name a dropped column in their text: the catalog has no dependency for them."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from genreq_checks.plan import Plan
from genreq_checks.sources.function_bodies import whole_word

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

_FUNCTIONS = """
    SELECT n.nspname || '.' || p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')' AS name,
           l.lanname AS language, pg_catalog.pg_get_functiondef(p.oid) AS definition,
           p.prosrc AS body
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    WHERE p.prokind IN ('f', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND p.prosrc <> ''
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Functions:
    """Functions by name: those that the server itself now rejects, and those that name a dropped column."""

    refused: frozenset[str]
    naming: frozenset[str]


def read_functions(url: str, search_path: str, plan: Plan) -> Functions:
    """Make the server check every SQL function by defining it again (rolled back), and search the text of the others."""
    refused: set[str] = set()
    naming: set[str] = set()
    with psycopg.connect(url, prepare_threshold=None) as connection:
        connection.execute("SELECT pg_catalog.set_config('search_path', %s, true)", [search_path])
        for name, language, definition, body in connection.execute(_FUNCTIONS).fetchall():
            if any(whole_word(column).search(body) for column in plan.dropped):
                naming.add(name)
            if language == "sql":
                try:
                    with connection.transaction(force_rollback=True):
                        connection.execute(definition.encode())
                except psycopg.Error:
                    refused.add(name)
        connection.rollback()
    return Functions(frozenset(refused), frozenset(naming))

"""What becomes of a statement when the columns are gone: PostgreSQL itself is asked, on clones that are thrown away.

    with open_oracle(connection, target, plan) as oracle:
        oracle.judge("SELECT * FROM orders").worst

Nothing runs on the source but reads of its catalog and pg_dump, and no statement that is judged is run anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from genreq_checks.sources.oracle.fate import Oracle

if TYPE_CHECKING:
    import sqlalchemy as sa

    from genreq_checks.plan import Plan
    from genreq_checks.postgres.connection import Target
    from genreq_checks.postgres.deadline import Deadline

__all__ = ["Oracle", "open_oracle"]
__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password


@contextmanager
def open_oracle(
    connection: sa.Connection, target: Target, plan: Plan, deadline: Deadline | None = None
) -> Iterator[Oracle]:
    """An oracle on the source that `connection` reads; its clones are gone at the end.

    Raises: SourceError when there can be no clone; EmbeddedServerError when no server can be started.
    """
    from genreq_checks.sources.oracle.clones import make_clones

    with make_clones(connection, target, plan, deadline) as clones:
        yield Oracle.of(clones)

"""Whether a server replays another server's changes, and how far it is behind, in the snapshot's own transaction."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from genreq_checks.facts.recovery import Recovery
from genreq_checks.postgres.failure import sqlstate

# Every role sees the rows; `state` only some. A sender for logical replication is connected to a database, and pg_basebackup
# ends by itself. pg_receivewal looks like a standby.
_STANDBYS = sa.text("""
    SELECT count(*) FROM pg_catalog.pg_stat_replication r JOIN pg_catalog.pg_stat_activity a ON a.pid = r.pid
    WHERE a.datid IS NULL AND r.state IS DISTINCT FROM 'backup'
""")
_IN_RECOVERY = sa.text("SELECT pg_catalog.pg_is_in_recovery()")
_REPLAY = sa.text("""
    SELECT pg_catalog.clock_timestamp() AS now, pg_catalog.pg_is_wal_replay_paused() AS paused,
           pg_catalog.pg_last_xact_replay_timestamp() AS replayed_at,
           CAST(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn()) AS bigint)
               AS waiting
""")
# latest_end_lsn is where the WAL of the sending server ended when it sent its last message. Roles without
# pg_read_all_stats see the row, but all its columns are NULL.
_RECEIVER = sa.text("""
    SELECT r.status IS NOT NULL AS readable, r.status = 'streaming' AS streaming, r.last_msg_receipt_time AS heard_at,
           r.latest_end_lsn <= pg_catalog.pg_last_wal_replay_lsn() AS all_here
    FROM pg_catalog.pg_stat_wal_receiver r
""")
CLOCKS = 1.0  # seconds by which two servers' clocks may differ; with more, an age that uses both is not valid
NOT_ASKED = "the server does not let the role read the state of its replay"
NO_STREAM = "it does not stream from another server now"
HIDDEN = "the role may not read pg_stat_wal_receiver (GRANT pg_read_all_stats)"
OTHER_CLOCK = "its clock is behind that of the server whose changes it replays"


def replays(connection: sa.Connection) -> bool:
    """Does the server replay the changes of another one?"""
    return bool(connection.execute(_IN_RECOVERY).scalar_one())


def count_standbys(connection: sa.Connection) -> int:
    """How many servers replay this one's changes now: what runs there is in none of this server's logs."""
    return int(connection.execute(_STANDBYS).scalar_one())


def read_recovery(connection: sa.Connection) -> Recovery | None:
    """How far the server is behind; None when it replays no changes of another server.

    Raises: sqlalchemy.exc.DBAPIError when the connection is lost.
    """
    if not replays(connection):
        return None
    replay = _ask(connection, _REPLAY)
    if replay is None:
        return Recovery(unproved=(NOT_ASKED,))
    unproved: list[str] = []
    ages: list[float] = []
    receiver = _ask(connection, _RECEIVER)
    heard_at = None
    if receiver is None:
        unproved.append(NO_STREAM)
    elif not receiver.readable:
        unproved.append(HIDDEN)
    elif not receiver.streaming:
        unproved.append(NO_STREAM)
    elif receiver.all_here and receiver.heard_at is not None:
        heard_at = receiver.heard_at
        ages.append(max(0.0, (replay.now - heard_at).total_seconds()))
    if replay.replayed_at is not None:
        age = (replay.now - replay.replayed_at).total_seconds()
        if age >= -CLOCKS:
            ages.append(max(0.0, age))
        else:
            unproved.append(OTHER_CLOCK)
    return Recovery(
        paused=replay.paused,
        lag=round(min(ages), 3) if ages else None,
        replayed_at=replay.replayed_at,
        heard_at=heard_at,
        waiting=None if replay.waiting is None else max(0, replay.waiting),
        unproved=tuple(unproved),
    )


def _ask(connection: sa.Connection, question: sa.TextClause) -> sa.Row[Any] | None:
    """The one row of a result; None when there is no row, or the server does not let the role read it."""
    try:
        with connection.begin_nested():
            return connection.execute(question).one_or_none()
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated or sqlstate(error) is None:
            raise
        return None

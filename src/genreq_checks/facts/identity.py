"""The database and table that something was read from: names and numbers that differ in a copy, a dump or another server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from genreq_checks.facts.file_format import Model

Kind = Literal["same", "doubtful", "unproved", "other"]

NEW_IDENTIFIER = "pg_upgrade and a restored dump create a new system identifier; if this happened, add --other-database"


class Identity(Model):
    """A table's identity, as the server itself reports it; None for what could not be read or does not exist.

    `system_identifier` and `timeline` are those of pg_control_system() and pg_control_checkpoint(); address and port are
    the server's own (None on a Unix socket), not those of the URL, which may be a pooler's; `server_version` is
    server_version_num. `unproved` says what the role may not read.
    """

    system_identifier: str | None = None
    timeline: int | None = None
    server_address: str | None = None
    server_port: int | None = None
    server_version: int | None = None
    database: str
    database_oid: int
    table_oid: int | None = None
    unproved: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        """The database and its numbers, for a message: `leo (system 7311…, database 16384, table 16390)`."""
        system = f"system {self.system_identifier}, " if self.system_identifier else ""
        table = f", table {self.table_oid}" if self.table_oid is not None else ""
        return f"{self.database} ({system}database {self.database_oid}{table})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether two identities are of one table: `same`; `doubtful` (a physical copy has the same numbers); `unproved`
    (something could not be read); `other`. `reasons` say why it is not `same`.
    """

    kind: Kind
    reasons: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The reasons in one line."""
        return "; ".join(self.reasons)


def compare(earlier: Identity | None, now: Identity | None) -> Comparison:
    """Compare the identity read earlier with the present one."""
    if earlier is None or now is None:
        which = "neither carries" if earlier is None and now is None else "one of them carries no"
        return Comparison("unproved", (f"{which} identity",))
    other = _other(earlier, now)
    if other:
        return Comparison("other", other)
    missing = dict.fromkeys((*earlier.unproved, *now.unproved))
    doubts = _doubts(earlier, now)
    if missing or earlier.system_identifier is None or now.system_identifier is None:
        return Comparison("unproved", (*missing, *doubts) or ("the system identifier could not be read",))
    return Comparison("doubtful", doubts) if doubts else Comparison("same")


def _other(earlier: Identity, now: Identity) -> tuple[str, ...]:
    """What proves that the two are different tables."""
    if earlier.system_identifier and now.system_identifier and earlier.system_identifier != now.system_identifier:
        numbers = f"the system identifier was {earlier.system_identifier} and is {now.system_identifier}"
        return (f"{numbers} ({NEW_IDENTIFIER})",)
    if earlier.database_oid != now.database_oid:
        return (
            f"the database was {earlier.database} (OID {earlier.database_oid}), now {now.database} ({now.database_oid})",
        )
    if earlier.table_oid is not None and now.table_oid is not None and earlier.table_oid != now.table_oid:
        return (
            f"the table's OID was {earlier.table_oid} and is {now.table_oid}: it was created again, or is another one",
        )
    return ()


def _doubts(earlier: Identity, now: Identity) -> tuple[str, ...]:
    """What differs in a physical copy, but also in a server that moved or failed over."""
    found: list[str] = []
    if None not in (earlier.server_address, now.server_address):
        one, two = ((one.server_address, one.server_port) for one in (earlier, now))
        if one != two:
            found.append(f"the server's own address was {one[0]}:{one[1]} and is {two[0]}:{two[1]}")
    if None not in (earlier.timeline, now.timeline) and earlier.timeline != now.timeline:
        found.append(
            f"the timeline was {earlier.timeline} and is {now.timeline} (a promotion or a recovery happened in between)"
        )
    return tuple(found)

"""Whether an archive has a column's values: of this table, verified, complete, and not older than what it stands for. Pure."""

from __future__ import annotations

from genreq_checks.evidence.sides import Evidence
from genreq_checks.facts import ArchiveFacts
from genreq_checks.snapshot import Snapshot
from genreq_checks.text import plural


def why_not_archived(archive: ArchiveFacts | None, snapshot: Snapshot, column: str, stored: int) -> bool | str:
    """True when a verified archive of this table has every value that is not NULL, otherwise why it does not count."""
    if archive is None:
        return ""
    if archive.table != snapshot.plan_table:
        return f"The archive {archive.path} is of {archive.table}."
    if not archive.verified:
        return f"The archive {archive.path} is not verified: {archive.problem or 'it was not read back'}"
    held = archive.columns.get(column)
    if held is None:
        return f"The archive {archive.path} does not have {column}."
    if held.values < stored:
        return f"The archive {archive.path} has {held.values:,} of {plural(stored, 'value')} that are not NULL."
    return True


def why_stale(archive: ArchiveFacts | None, column: str) -> str:
    """Why an archive does not have the table's values by now; '' when it has."""
    if archive is None or not archive.stale or not archive.stale.get(column):
        return ""
    rows = plural(archive.stale[column], "row")
    return f"The archive {archive.path} is stale: {rows} of the table by now hold a value that it does not have."


def why_elsewhere(evidence: Evidence, snapshot: Snapshot) -> str:
    """Why the archive is, or may be, of another database than the source; '' when it is of the same one."""
    archive, comparison = evidence.now.archive, evidence.compared.get("archive")
    if archive is None or comparison is None or evidence.other_database:
        return ""
    if comparison.kind == "other":
        return f"the archive is of another database or table: {comparison.text}."
    if archive.identity is not None or snapshot.source.kind != "postgresql":
        return ""
    # An archive of format 1 carries no identity: only the places can be compared.
    one, two = archive.location.rpartition("@")[2], snapshot.source.location.rpartition("@")[2]
    if not one or one == two:
        return ""
    return f"whether the archive is of this database: it was made at {one}, the source is {two}."


def why_not_compared(evidence: Evidence, column: str) -> str:
    """An archive counts by its values, not by their number: '' when they are known to be those of the table.

    Before the drop they were compared with it. After the drop the archive was made from the table after the baseline was,
    or the baseline has the outcome of that comparison.
    """
    archive, then = evidence.now.archive, evidence.baseline
    if archive is None or evidence.phase == "rolled-back":
        return ""
    if evidence.phase == "before":
        if archive.stale is not None and column in archive.stale:
            return ""
        return f"whether the archive {archive.path} has the values of the table: the two were not compared."
    if then is None or archive.created_at >= then.source.read_at:
        return ""
    was = then.archive
    if was is not None and was.is_same(archive) and was.stale is not None and was.stale.get(column) == 0:
        return ""
    return f"whether the archive {archive.path} has the values of the baseline: it is older, and the two were not compared."

"""Counts are right however often and in any order they are read."""

from __future__ import annotations

from genreq_checks.tally import FacetClasses, Tally, TallyRow


def test_a_part_of_a_tally_has_its_own_total_also_after_the_total_of_the_whole() -> None:
    rows = (TallyRow("2025-01-01", None, "completed", (0,), 3), TallyRow("2025-01-02", None, "failed", (1,), 4))
    tally = Tally(facets=(FacetClasses(name="a", classes=("x", "y")),), rows=rows)
    assert tally.total == 7
    assert tally.of_status(["completed"]).total == 3
    assert tally.where(lambda row: row.day == "2025-01-02").total == 4
    assert (tally + tally).total == 14

"""Outputs: each a pure function of the report, all with the same numbers."""

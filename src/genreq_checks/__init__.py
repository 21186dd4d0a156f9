"""Checks that dropping columns from a live PostgreSQL table is safe, that it worked, and that one can go back."""

from __future__ import annotations

__version__ = "0.1.0"

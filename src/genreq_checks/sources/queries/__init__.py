"""Statements from files, SQL text and server logs, and what becomes of each when the columns are gone."""

from genreq_checks.sources.queries.read import read_queries

__all__ = ["read_queries"]

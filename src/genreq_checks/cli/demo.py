"""`genreq-checks demo`."""


def demo() -> None:
    """Show the whole story on an embedded PostgreSQL."""

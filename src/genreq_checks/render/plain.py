"""Text from anywhere made fit for any output: one line that steers no terminal, turns no direction and floods no page."""

from __future__ import annotations

import re

LIMIT = 2_000
# Bounded, so that a megabyte of letters costs no quadratic search.
URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20})://(?:[^\s/@]{0,300}@)?([^\s/\"'<>?#@]{1,300})[^\s\"'<>]*")


def line(text: str, limit: int = LIMIT) -> str:
    """The text in one line of at most `limit` characters; a longer one says how long it was.

    White space of any kind becomes a space; control characters, bidirectional marks and half characters become `�`.
    """
    shown = "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in text[:limit])
    return shown if len(text) <= limit else f"{shown}… ({len(text):,} characters in all)"


def masked(text: str) -> str:
    """The text with each URL's scheme and host only: `https://github.com/***`, never a user, a password or a path."""
    return URL.sub(r"\1://\2/***", text)

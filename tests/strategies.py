"""Hypothesis strategies for values that break naive code."""

from __future__ import annotations

from hypothesis import strategies as st

from javascript import HOSTILE_URLS

_PIECES = [
    "https://github.com/",
    "http://",
    "leo",
    "app",
    ".git",
    "-artifacts",
    "user:password@",
    "javascript:",
    "<b>",
    "null",
    "/",
    "//",
    "\\",
    "?",
    "#",
    "%",
    "_",
    "$&",
    "'",
    '"',
    " ",
    "\t",
    "\n",
    "\r\n",
    "\v",
    "\x00",
    "\x1b[31m",
    "\x7f",
    "\u0085",
    "\u00a0",
    "\u2028",
    "\u3000",
    "\ufeff",
    "\u00e9",
    "e\u0301",
    "\u0130",
    "\U0001f600",
    "\ud800",
    "\udc00",
]


def _as_javascript_has_it(text: str) -> str:
    """The same text with neighbouring surrogates joined into the one character that they are in UTF-16."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def is_storable(text: str) -> bool:
    """Can PostgreSQL hold this text? It takes neither NUL nor lone surrogates."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def urls(*, storable: bool = False) -> st.SearchStrategy[str]:
    """Texts such as a github_url column may hold: near-URLs, white space, control characters, any Unicode.

    With `storable`, only those that PostgreSQL can hold.
    """
    pieces = [piece for piece in _PIECES if is_storable(piece) or not storable]
    known = [url for url in HOSTILE_URLS if is_storable(url) or not storable]
    characters = (
        st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
        if storable
        else st.characters(exclude_categories=[])
    )
    near_urls = st.tuples(
        st.sampled_from(["", "https://github.com/leo/app", "https://github.com/"]),
        st.lists(st.sampled_from(pieces), max_size=6).map("".join),
        st.sampled_from(["", "/", "//", "/\n", "\n", "/ "]),
    ).map("".join)
    texts = st.sampled_from(known) | near_urls | st.text(characters, max_size=30)
    return texts.map(_as_javascript_has_it)

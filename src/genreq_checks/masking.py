"""Values as they may be shown: their shape, never their content; and no control character in anything."""

from __future__ import annotations

import re

SHAPE_LENGTH = 2048  # so much of a value is enough to see its shape

_URL = re.compile(r"(https?)://([^/?#\s]*@)?([A-Za-z0-9.-]{1,253})(:[0-9]{1,5})?(/[^?#]*)?(\?[^#]*)?(#.*)?", re.DOTALL)
_EMPTY = {"": "'' (empty)", "null": "null", "{}": "{}", "[]": "[]"}


def mask(value: str | None, length: int, is_json: bool) -> str:
    """A value's shape, of its first characters and its length: `https://github.com/***/***`, `text, 12 characters`, `NULL`.

    Host and number of segments of a URL are shown; its path, user, query and fragment are not, nor is any other text.
    """
    if value is None:
        return "NULL"
    size = f"{length:,} character" + ("" if length == 1 else "s")
    if is_json:
        bare = value.strip()
        kinds = {"{": "object", "[": "array", '"': "string"}
        return f"JSON {bare}" if bare in _EMPTY else f"JSON {kinds.get(bare[:1], 'value')}, {size}"
    if value == "":
        return _EMPTY[value]
    if not value.strip():
        return f"blank, {size}"
    found = _URL.fullmatch(value)
    if not found:
        return f"text, {size}"
    scheme, user, host, port, path, query, fragment = found.groups()
    shape = f"{scheme}://{'***@' if user else ''}{host}{port or ''}{re.sub(r'[^/]+', '***', path or '')}"
    return shape + ("?***" if query else "") + ("#***" if fragment else "")


def printable(text: str) -> str:
    r"""Text in which whatever moves a cursor or turns a line is written out, such as `\x1b` and `\u202e`."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)

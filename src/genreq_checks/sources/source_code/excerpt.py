"""A line of code as a report may show it: short, without control characters, without secrets."""

from __future__ import annotations

import re
import unicodedata

LIMIT = 120
_URL_USER = re.compile(r"(://)[^\s'\"`]+@")
_NAMED = re.compile(
    r"(?i)([\w-]*(?:password|passwd|pwd|secret|token|api[_-]?key|private[_-]?key|authorization|credential)[\w-]*[\"']?\s*[:=]+\s*)"
    r"(\"[^\"]*\"?|'[^']*'?|`[^`]*`?|[^\s,;)}]+)"
)
_SHAPED = re.compile(
    r"\b(?:gh[a-z]_\w{10,}|github_pat_\w{10,}|glpat-[\w-]{10,}|sk-[\w-]{10,}|xox[a-z]-[\w-]{8,}|AKIA\w{8,}|AIza[\w-]{20,}|fo1_[\w-]{10,}"
    r"|eyJ[\w-]{8,}(?:\.[\w-]+)*|(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[\w+=]{32,}|(?i:bearer\s+)[\w.~+/=-]{8,})"
)


def excerpt(line: str, start: int = 0) -> str:
    """At most 120 characters of a line around the place `start`, in one line, with secrets as `***`."""
    left = max(0, start - 400)  # masked before it is cut, so that a part of a secret is found too
    near = line[left : start + 400]
    masked = _SHAPED.sub("***", _NAMED.sub(r"\1***", _URL_USER.sub(r"\1***@", near)))
    text = " ".join("".join(c if unicodedata.category(c)[0] not in "CZ" else " " for c in masked).split())
    if len(text) <= LIMIT:
        return text
    word = re.match(r"[\w$]+", line[start:])
    at = max(0, text.find(word.group())) if word else 0
    begin = max(0, min(at - 40, len(text) - LIMIT + 2))
    return ("…" if begin else "") + text[begin : begin + LIMIT - 2] + ("…" if begin + LIMIT - 2 < len(text) else "")

"""What a well-formed URL is, as patterns that PostgreSQL, DuckDB and Python read alike.

Patterns use only what the three agree on. `$` is never used with Python (where it also matches before a final
newline): match a whole value there with `fullmatch` and the pattern's body.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from genreq_checks.plan import UrlShape

# White space as people mean it: ASCII's, the no-break spaces, Unicode's spaces and line ends, and the byte-order mark.
WHITE_SPACE = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)

# A password or a token in a URL: user information before '@', GitHub's token forms, a secret as a query parameter.
CREDENTIALS = (
    r"([a-z][a-z0-9+.-]*://[^/?#\s]*:[^/?#\s]*@|https?://[^/?#\s]+@|gh[pousr]_[a-z0-9]{16}|github_pat_[a-z0-9]{16}"
    r"|[?&#;](access_token|token|password|passwd|pwd|secret|client_secret|api_?key|private_token|signature|sig"
    r"|x-amz-signature|x-amz-security-token)=[^&#\s])"
)

_SEGMENT = "[a-z0-9._~!$&'()*+,;=:%-]+"
_LABELS = "[a-z0-9][a-z0-9.-]*"


@dataclass(frozen=True, slots=True)
class CheapTest:
    """A value that is LIKE `like` and in which `refused` finds nothing is well-formed and holds no credentials."""

    like: str
    refused: str


# No other character, no '_' (tokens begin with 'ghp_' and the like), no second ':', no slash at the end.
_PLAIN = "[^A-Za-z0-9./:-]|:.*:|/$"


def cheap_tests(shape: UrlShape) -> Iterator[CheapTest]:
    """The cheap tests for a shape, one a host: a plain prefix, and one negated search that scans the value once."""
    if "https" not in shape.schemes:
        return
    for host in shape.hosts:
        if "*" not in host:
            no_empty_segment = "[^:]//"
            yield CheapTest(f"https://{host}" + "/_%" * max(shape.segments, 1), f"{_PLAIN}|{no_empty_segment}")
        elif host == "*" and shape.segments == 0:
            nothing_behind_host, no_odd_host = "[^:/]/", "//[./-]"
            yield CheapTest("https://_%", f"{_PLAIN}|{nothing_behind_host}|{no_odd_host}")


def well_formed(shape: UrlShape) -> str:
    """The pattern of a well-formed value, anchored at both ends; to be matched without regard to case."""
    hosts = "|".join(_host(host) for host in shape.hosts)
    scheme = "|".join(shape.schemes)
    path = f"(/{_SEGMENT}){{{shape.segments},}}" if shape.segments else f"(/{_SEGMENT})*"
    return rf"^({scheme})://({hosts})(:[0-9]{{1,5}})?{path}/?([?#][a-z0-9._~!$&'()*+,;=:%/?#-]*)?$"


def _host(host: str) -> str:
    if host == "*":
        return _LABELS
    if host.startswith("*."):
        return _LABELS + re.escape(host[1:]).replace(r"\-", "-")
    return re.escape(host).replace(r"\-", "-")

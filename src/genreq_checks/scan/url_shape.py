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


ESCAPE = "!"  # in the patterns of LIKE; a backslash is no escape in DuckDB

# CREDENTIALS finds nothing in a value that has no '@' and no '=', and in lower case is like none of TOKENS.
SIGNS = ("%@%", "%=%")
TOKENS = ("%gh_!_%", "%github!_pat!_%")


@dataclass(frozen=True, slots=True)
class CheapTest:
    """A value is well-formed when it is LIKE `like` and none of `unlike`, is not less than `least` in the C collation,
    `refused` finds nothing in it, and it holds no token: it has no underscore, or is in lower case like none of TOKENS.

    A regular expression costs per alternative. So there is one, of one class of characters, and the rest is LIKE.
    """

    like: str
    unlike: tuple[str, ...]
    least: str
    refused: str


_NOT_IN_A_PATH = "[^A-Za-z0-9._~/:-]"
_NOT_AFTER_ANY_HOST = "[^A-Za-z0-9./:-]"  # no underscore: a host has none


def cheap_tests(shape: UrlShape) -> Iterator[CheapTest]:
    """The cheap tests for a shape, one a host. They accept what real repositories and deployments have: `_`, `~`, a slash
    at the end. No '@' and no '=' pass, so that only tokens are left of CREDENTIALS.
    """
    if "https" not in shape.schemes:
        return
    for host in shape.hosts:
        if "*" not in host:
            path = "/_%" * max(shape.segments, 1)
            yield CheapTest(f"https://{_literal(host)}{path}", ("https://%//%",), "", _NOT_IN_A_PATH)
        elif host == "*" and shape.segments == 0:  # '-', '.' and '/' are less than '0'; a port has a ':'
            yield CheapTest("https://_%", ("https://%//%", "https://%:%"), "https://0", _NOT_AFTER_ANY_HOST)


def prefixes(shape: UrlShape) -> list[str]:
    """Patterns of LIKE, one of which every well-formed value fits in lower case."""
    hosts = ["" if "*" in host else _literal(host.lower()) for host in shape.hosts]
    return [f"{scheme}://{host}%" for scheme in shape.schemes for host in dict.fromkeys(hosts)]


def _literal(text: str) -> str:
    """Text that stands for itself in a pattern of LIKE."""
    return re.sub("([!%_])", r"!\1", text)


def well_formed(shape: UrlShape) -> str:
    """The pattern of a well-formed value, anchored at both ends, in lower case; to be matched without regard to case."""
    hosts = "|".join(_host(host.lower()) for host in shape.hosts)
    scheme = "|".join(shape.schemes)
    path = f"(/{_SEGMENT}){{{shape.segments},}}" if shape.segments else f"(/{_SEGMENT})*"
    return rf"^({scheme})://({hosts})(:[0-9]{{1,5}})?{path}/?([?#][a-z0-9._~!$&'()*+,;=:%/?#-]*)?$"


def _host(host: str) -> str:
    if host == "*":
        return _LABELS
    if host.startswith("*."):
        return _LABELS + re.escape(host[1:]).replace(r"\-", "-")
    return re.escape(host).replace(r"\-", "-")

"""What a database's encoding can hold: its white space, and which of its values cannot be converted to UTF-8."""

from __future__ import annotations

import psycopg
import sqlalchemy as sa

from genreq_checks.scan.facets import WHITE_SPACE
from genreq_checks.scan.url_shape import WHITE_SPACE as ALL_WHITE_SPACE

_CODECS = {"utf8": "utf-8", "sql_ascii": "ascii", "koi8r": "koi8_r", "koi8u": "koi8_u", "euc_cn": "gb2312"}
_CODECS |= {"euc_jis_2004": "euc_jis_2004", "latin10": "iso8859_16", "win866": "cp866", "win874": "cp874"}
_UTF_8 = (  # the sequences of bytes that are characters: RFC 3629, section 4
    r"[\x01-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}"
    r"|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)

# The codes of multi-byte encodings that PostgreSQL cannot convert to UTF-8 (a test compares each with the server).
_UNASSIGNED = {
    "EUC_JP": (
        "a2af-a2b9 a2c2-a2c9 a2d1-a2db a2eb-a2f1 a2fa-a2fd a3a1-a3af a3ba-a3c0 a3db-a3e0 a3fb-a3fe "
        "a4f4-a4fe a5f7-a5fe a6b9-a6c0 a6d9-a6fe a7c2-a7d0 a7f2-a7fe a8c1-acfe adbf add7-adde adfd-affe "
        "cfd4-cffe f4a7-fefe 8fa1a1-8fa2ae 8fa2b7 8fa2ba-8fa2c1 8fa2c5-8fa2ea 8fa2f2-8fa6e0 8fa6e6 8fa6e8 "
        "8fa6eb 8fa6ed-8fa6f0 8fa6fd-8fa7c1 8fa7cf-8fa7f1 8fa8a1-8fa8fe 8fa9a3 8fa9a5 8fa9a7 8fa9aa "
        "8fa9ae 8fa9b1-8fa9c0 8fa9d1-8fa9fe 8faab9 8faaf8-8faafe 8fabbc 8fabc4 8fabf8-8faffe "
        "8fede4-8ff3f2 8ff5a1-8ffefe"
    ),
    "EUC_CN": (
        "a2a1-a2b0 a2e3-a2e4 a2ef-a2f0 a2fd-a2fe a4f4-a4fe a5f7-a5fe a6b9-a6c0 a6d9-a6fe a7c2-a7d0 "
        "a7f2-a7fe a8bb-a8c4 a8ea-a9a3 a9f0-affe d7fa-d7fe f8a1-fefe"
    ),
    "EUC_KR": (
        "a2e9-a2fe a5ab-a5af a5ba-a5c0 a5d9-a5e0 a5f9-a5fe a6e5-a6fe a7f0-a7fe a8a5 a8a7 a8b0 aaf4-aafe "
        "abf7-abfe acc2-acd0 acf2-affe c9a1-c9fe fea1-fefe"
    ),
    "EUC_JIS_2004": (
        "a4fc-a4fe a8df-a8e6 a8fd-a8fe acf4-acfc add8-adde adf0-adf2 adf4-adf7 adfa-adfc 8fa2a1-8fa2fe "
        "8fa6a1-8fa7fe 8fa9a1-8fabfe 8fb0a1-8fedfe 8ffef7-8ffefe"
    ),
}


def server_encoding(connection: sa.Connection) -> str:
    """The database's encoding, by PostgreSQL's name for it."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver.info.parameter_status("server_encoding") or "UTF8"


def known_white_space(connection: sa.Connection) -> dict[str, str]:
    """The parameter of `facets.is_blank`: the white space that the database's encoding has."""
    return {WHITE_SPACE: white_space_in(server_encoding(connection))}


def white_space_in(encoding: str) -> str:
    """The white space characters of a PostgreSQL encoding; for one that Python does not know, those of ASCII."""
    codec = _codec(encoding)

    def is_known(character: str) -> bool:
        try:
            character.encode(codec)
        except (LookupError, UnicodeError):
            return character.isascii()
        return True

    return "".join(filter(is_known, ALL_WHITE_SPACE))


def decodable(encoding: str) -> str | None:
    """The regular expression of the values that can be converted to UTF-8; None where that need not be tested.

    All values of UTF8 can. SQL_ASCII holds any bytes. Other encodings have bytes, or codes of several bytes, without a
    character. Those of EUC_TW are not detected: the regular expression has no codes of four bytes.
    """
    if encoding == "SQL_ASCII":
        return f"^({_UTF_8})*$"
    if encoding in _UNASSIGNED:
        codes = "".join(f"\\x{code}" for code in _UNASSIGNED[encoding].split())
        return f"^[^{codes}]*$".replace("-", "-\\x")
    if encoding in ("UTF8", "MULE_INTERNAL", "EUC_TW"):
        return None
    codec, refused = _codec(encoding), ""
    for byte in range(0x80, 0x100):
        try:
            bytes((byte,)).decode(codec)
        except LookupError:
            return None
        except UnicodeDecodeError:
            refused += f"\\x{byte:02x}"
    return f"^[^{refused}]*$" if refused else None


def _codec(encoding: str) -> str:
    """Python's name of the encoding."""
    name = encoding.lower()
    return _CODECS.get(name, f"cp{name[3:]}" if name.startswith("win") else name)

"""What a database's encoding can hold: its white space, and which of its values have no form in UTF-8."""

from __future__ import annotations

import psycopg
import sqlalchemy as sa

from genreq_checks.facets import WHITE_SPACE
from genreq_checks.url_shape import WHITE_SPACE as ALL_WHITE_SPACE

_CODECS = {"utf8": "utf-8", "sql_ascii": "ascii", "koi8r": "koi8_r", "koi8u": "koi8_u", "euc_cn": "gb2312"}
_CODECS |= {"euc_jis_2004": "euc_jis_2004", "latin10": "iso8859_16", "win866": "cp866", "win874": "cp874"}
_UTF_8 = (  # the sequences of bytes that are characters: RFC 3629, section 4
    r"[\x01-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}"
    r"|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)


def server_encoding(connection: sa.Connection) -> str:
    """The database's encoding, by PostgreSQL's name for it."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver.info.parameter_status("server_encoding") or "UTF8"


def known_white_space(connection: sa.Connection) -> dict[str, str]:
    """The parameter of `facets.is_blank`: the white space that the database's encoding has."""
    return {WHITE_SPACE: white_space_in(server_encoding(connection))}


def white_space_in(encoding: str) -> str:
    """The characters of white space that an encoding of PostgreSQL's has; of one that Python does not know, ASCII's."""
    codec = _codec(encoding)

    def is_known(character: str) -> bool:
        try:
            character.encode(codec)
        except (LookupError, UnicodeError):
            return character.isascii()
        return True

    return "".join(filter(is_known, ALL_WHITE_SPACE))


def decodable(encoding: str) -> str | None:
    """The regular expression of the values that can be converted to UTF-8; None where that is not asked.

    All values of UTF8 can. SQL_ASCII holds any bytes. Some encodings of one byte a character have bytes that stand for
    no character. In those of several bytes (EUC_*) such values are not told from others.
    """
    if encoding == "SQL_ASCII":
        return f"^({_UTF_8})*$"
    if encoding == "UTF8" or encoding == "MULE_INTERNAL" or encoding.startswith("EUC_"):
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

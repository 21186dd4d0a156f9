"""The digest of an archived column: the same for the same values in the same order, whatever the sizes of the pieces."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa


class ColumnDigest:
    """Reads a column's values piece by piece, in the file's order.

    The digest is SHA-256 of two SHA-256 digests joined: that of the lengths (8 bytes each, little endian; bytes of UTF-8;
    −1 for NULL) and that of the values' bytes one after the other. So '' and NULL differ, and so do 'a', 'bc' and 'ab', 'c'.
    """

    def __init__(self) -> None:
        self._lengths = hashlib.sha256()
        self._bytes = hashlib.sha256()
        self.values = 0

    def add(self, piece: pa.StringArray) -> None:
        """Add the next values, NULLs included."""
        rows = len(piece)
        self.values += rows - piece.null_count
        if rows == 0:
            return
        lengths = np.diff(_ends(piece)).astype("<i8")
        if piece.null_count:
            bits = np.frombuffer(piece.is_valid().buffers()[1], np.uint8)  # `to_numpy` would import pandas, for 60 MB
            lengths[np.unpackbits(bits, count=rows, bitorder="little") == 0] = -1
            piece = piece.drop_null()
        self._lengths.update(lengths.tobytes())
        data = piece.buffers()[2]
        if data is not None and len(piece):
            ends = _ends(piece)
            self._bytes.update(memoryview(data)[ends[0] : ends[-1]])

    def hexdigest(self) -> str:
        """The digest of all values added so far, as 64 hex digits."""
        return hashlib.sha256(self._lengths.digest() + self._bytes.digest()).hexdigest()


def _ends(piece: pa.StringArray) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """Where the values begin and end in their buffer, one more than there are values."""
    return np.frombuffer(piece.buffers()[1], np.int32)[piece.offset : piece.offset + len(piece) + 1]

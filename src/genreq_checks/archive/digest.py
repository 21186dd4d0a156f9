"""The digest of an archived column: the same for the same values in the same order, however they are cut into pieces."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


class ColumnDigest:
    """Takes a column's values piece by piece, in the file's order.

    The digest is SHA-256 of two SHA-256 digests joined: that of the lengths (8 bytes each, little endian; bytes of UTF-8;
    −1 for NULL) and that of the values' bytes one after the other. So '' and NULL differ, and so do 'a', 'bc' and 'ab', 'c'.
    """

    def __init__(self) -> None:
        self._lengths = hashlib.sha256()
        self._bytes = hashlib.sha256()
        self.values = 0

    def add(self, piece: pa.StringArray) -> None:
        """Take the next values, NULLs included."""
        lengths = pc.fill_null(pc.binary_length(piece), -1).to_numpy(zero_copy_only=False)
        self._lengths.update(lengths.astype("<i8").tobytes())
        present = piece.drop_null() if piece.null_count else piece
        self.values += len(present)
        _, offsets, data = present.buffers()
        if len(present) and data is not None:
            ends = np.frombuffer(offsets, np.int32)[present.offset : present.offset + len(present) + 1]
            self._bytes.update(memoryview(data)[ends[0] : ends[-1]])

    def hexdigest(self) -> str:
        """The digest of all values taken so far, as 64 hex digits."""
        return hashlib.sha256(self._lengths.digest() + self._bytes.digest()).hexdigest()

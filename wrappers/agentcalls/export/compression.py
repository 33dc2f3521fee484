"""Compressed text in independent pieces: a file can be cut after any piece, and continued.

gzip and zstd read a file of several members, or frames, as one text.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Protocol

from agentcalls.table.extras import need

if TYPE_CHECKING:
    from collections.abc import Callable

_ZSTD_LEVEL = 6


class Piece(Protocol):
    """A piece that is being compressed."""

    def compress(self, data: bytes, /) -> bytes:
        """The compressed bytes that are ready to be written."""
        ...

    def flush(self) -> bytes:
        """The rest of the piece."""
        ...


class _Plain:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


def _gzip() -> Piece:
    return zlib.compressobj(wbits=zlib.MAX_WBITS | 16)  # 16: a gzip header, with time 0


def _zstd() -> Piece:
    piece: Piece = need("zstandard").ZstdCompressor(_ZSTD_LEVEL).compressobj()
    return piece


PIECES: dict[str, Callable[[], Piece]] = {"": _Plain, ".gz": _gzip, ".zst": _zstd}
"""The function that starts a piece, by the file's ending."""

"""Compressed text in pieces that stand alone, so that a file can be cut off behind any of them and added to.

gzip and zstd read a file of several members, or frames, as one.
"""

from __future__ import annotations

import zlib
from typing import Protocol

from agentcalls.table.extras import need

_ZSTD_LEVEL = 6


class Piece(Protocol):
    """A piece that is being compressed."""

    def compress(self, data: bytes, /) -> bytes:
        """What can be written of it by now."""
        ...

    def flush(self) -> bytes:
        """The rest of it."""
        ...


class _Plain:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


def _gzip() -> Piece:
    return zlib.compressobj(wbits=zlib.MAX_WBITS | 16)  # 16: gzip's header, whose time stays 0


def _zstd() -> Piece:
    piece: Piece = need("zstandard").ZstdCompressor(_ZSTD_LEVEL).compressobj()
    return piece


PIECES = {"": _Plain, ".gz": _gzip, ".zst": _zstd}
"""What begins a piece, by the file's ending."""

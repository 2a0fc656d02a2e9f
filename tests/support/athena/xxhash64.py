"""xxHash64, as its specification has it (Trino's ``xxhash64``: seed 0, eight bytes, big-endian)."""

from __future__ import annotations

import struct

_1, _2, _3, _4, _5 = (
    11400714785074694791,
    14029467366897019727,
    1609587929392839161,
    9650029242287828579,
    2870177450012600261,
)
_MASK = (1 << 64) - 1


def _rotated(x: int, bits: int) -> int:
    return ((x << bits) | (x >> (64 - bits))) & _MASK


def _round(accumulator: int, lane: int) -> int:
    return _rotated((accumulator + lane * _2) & _MASK, 31) * _1 & _MASK


def xxhash64(raw: bytes) -> bytes:
    """The digest."""
    at, length = 0, len(raw)
    if length >= 32:
        lanes = [(_1 + _2) & _MASK, _2, 0, -_1 & _MASK]
        while at + 32 <= length:
            four = struct.unpack_from("<4Q", raw, at)
            lanes = [_round(one, lane) for one, lane in zip(lanes, four, strict=True)]
            at += 32
        digest = sum(_rotated(one, bits) for one, bits in zip(lanes, (1, 7, 12, 18), strict=True)) & _MASK
        for one in lanes:
            digest = ((digest ^ _round(0, one)) * _1 + _4) & _MASK
    else:
        digest = _5
    return _finished(raw, at, (digest + length) & _MASK).to_bytes(8, "big")


def _finished(raw: bytes, at: int, digest: int) -> int:
    """Take in what is left of the input (less than 32 bytes), then mix."""
    while at + 8 <= len(raw):
        lane = struct.unpack_from("<Q", raw, at)[0]
        digest = (_rotated(digest ^ _round(0, lane), 27) * _1 + _4) & _MASK
        at += 8
    if at + 4 <= len(raw):
        lane = struct.unpack_from("<I", raw, at)[0]
        digest = (_rotated(digest ^ (lane * _1 & _MASK), 23) * _2 + _3) & _MASK
        at += 4
    for byte in raw[at:]:
        digest = _rotated(digest ^ (byte * _5 & _MASK), 11) * _1 & _MASK
    for shift, prime in ((33, _2), (29, _3)):
        digest = (digest ^ (digest >> shift)) * prime & _MASK
    return digest ^ (digest >> 32)

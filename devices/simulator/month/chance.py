"""Chance without a state: numbers drawn by hashing what they are for.

A sample's noise depends on seed, lift and time only, so it is the same however time is cut into
windows. Hash: the finaliser of MurmurHash3 (Appleby), 32 bits.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
U32 = NDArray[np.uint32]
_POOL: Final = 1 << 16
_NORMAL: Final[F32] = np.random.default_rng(65_537).standard_normal(_POOL).astype(np.float32)


def mix(a: NDArray[Any], b: NDArray[Any] | int, seed: int) -> U32:
    """Return uint32 hashes of pairs of whole numbers."""
    h = a.astype(np.uint32) * np.uint32(0x9E3779B1)
    h ^= np.asarray(b).astype(np.uint32) * np.uint32(0x85EBCA77)
    h ^= np.uint32(seed * 0x27D4EB2F & 0xFFFFFFFF)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return h


def again(h: U32, salt: int) -> U32:
    """Return other hashes of the same things."""
    other: U32 = (h ^ np.uint32(salt * 0x9E3779B1 & 0xFFFFFFFF)) * np.uint32(0xC2B2AE3D)
    return other


def normal(h: U32, salt: int) -> F32:
    """Return standard normal numbers for hashes, from a pool of 65,536."""
    taken: F32 = _NORMAL.take((again(h, salt) >> np.uint32(16)).astype(np.intp))
    return taken


def uniform(h: U32, salt: int) -> F32:
    """Return numbers in 0..1 for hashes."""
    found: F32 = (again(h, salt) >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
    return found

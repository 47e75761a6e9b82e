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
_STEP: Final = 4_099  # a prime; each salt reads the pool from another place
_SALTS: Final = 16
_RNG: Final = np.random.default_rng(65_537)
_NORMAL: Final[F32] = _RNG.standard_normal(_POOL + _STEP * _SALTS).astype(np.float32)
_UNIFORM: Final[F32] = _RNG.random(_POOL + _STEP * _SALTS).astype(np.float32)


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


def places(h: U32) -> NDArray[np.intp]:
    """Return where in the pools of chance the numbers for these hashes begin."""
    found: NDArray[np.intp] = (h >> np.uint32(16)).astype(np.intp)
    return found


def normal(place: NDArray[np.intp], salt: int) -> F32:
    """Return standard normal numbers, another for each salt 0..15."""
    return _NORMAL[salt * _STEP : salt * _STEP + _POOL].take(place)


def uniform(place: NDArray[np.intp], salt: int) -> F32:
    """Return numbers in 0..1, another for each salt 0..15."""
    return _UNIFORM[salt * _STEP : salt * _STEP + _POOL].take(place)

"""Values: one number of one channel checked carefully, or a whole matrix at once."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from devices.batch import MessageRows
from devices.codecs.refuse import Refusals
from devices.vocabulary import Channel, Kind, Vocabulary

_FLOAT32_MAX = float(np.finfo(np.float32).max)
_NUMBERS = {int, float, type(None)}
NO_MESSAGES = MessageRows.empty()  # shared: a telemetry batch never writes into it
# A number that no channel has, as long as the word: a null that is read as fast as a number.
STANDS_FOR_NULL, NULL = b"7e37", np.float32(7e37)
_REMEMBERED = 4096  # combinations of channels; a sender uses one or two


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Some channels in the order a message names them, with limits shaped [k, 1]."""

    index: NDArray[np.intp]
    place: NDArray[np.intp] | slice  # the same, as a slice where that can be
    lo: NDArray[np.float32]
    hi: NDArray[np.float32]
    integral: NDArray[np.intp] | slice  # positions within the selection
    holes: tuple[int, ...]  # positions of enums whose codes are not contiguous
    not_bool: frozenset[int]


Single = tuple[int, float, float, bool]  # column, lo, hi, takes fractions


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A vocabulary prepared for decoding; get it from `plan_of`."""

    vocab: Vocabulary
    index: dict[str, int]
    lo: NDArray[np.float32]
    hi: NDArray[np.float32]
    holes: frozenset[int]
    singles: dict[str, Single]
    _selections: dict[tuple[str, ...], Selection] = field(default_factory=dict)

    def select(self, names: tuple[str, ...]) -> Selection | None:
        """Return the selection of these channels; None if one of them is unknown."""
        known = self._selections.get(names)
        if known is None and all(name in self.index for name in names):
            known = self._remember(names)
        return known

    def present(self, columns: Sequence[object]) -> Selection:
        """Return the selection of the channels that are set in `columns`, one entry each."""
        channels = self.vocab.channels
        names = [c.name for c, v in zip(channels, columns, strict=True) if v is not UNSET]
        return self._selections.get(tuple(names)) or self._remember(tuple(names))

    def _remember(self, names: tuple[str, ...]) -> Selection:
        if len(self._selections) >= _REMEMBERED:
            self._selections.clear()
        made = self._selections[names] = self._make(names)
        return made

    def _make(self, names: tuple[str, ...]) -> Selection:
        index = np.array([self.index[name] for name in names], np.intp)
        kinds = [self.vocab.channels[i].kind for i in index]
        not_bool = frozenset(k for k, kind in enumerate(kinds) if kind is not Kind.BOOL)
        return Selection(
            index,
            _neighbours(index),
            self.lo[index][:, None],
            self.hi[index][:, None],
            _neighbours(np.flatnonzero(self.vocab.integral[index])),
            tuple(k for k, i in enumerate(index) if int(i) in self.holes),
            not_bool,
        )


def _neighbours(places: NDArray[np.intp]) -> NDArray[np.intp] | slice:
    """Return places that follow each other as a slice: reading by it copies nothing."""
    if len(places) and (np.diff(places) == 1).all():
        return slice(int(places[0]), int(places[-1]) + 1)
    return places


_PLANS: dict[int, Plan] = {}


def plan_of(vocab: Vocabulary) -> Plan:
    """Return the prepared form of a vocabulary, made once."""
    plan = _PLANS.get(id(vocab))
    if plan is None:  # the plan holds the vocabulary, so its id stays its own
        index = {channel.name: channel.index for channel in vocab.channels}
        holes = frozenset(
            channel.index
            for channel in vocab.channels
            if channel.kind is Kind.ENUM
            and len(channel.values) != int(channel.hi) - int(channel.lo) + 1
        )
        # a value beyond float32 becomes inf, which even an unlimited channel must not take
        lo = np.maximum(vocab.lo, np.float32(-_FLOAT32_MAX))
        hi = np.minimum(vocab.hi, np.float32(_FLOAT32_MAX))
        singles = {
            c.name: (c.index, float(lo[c.index]), float(hi[c.index]), c.kind is Kind.FLOAT)
            for c in vocab.channels
            if c.index not in holes
        }
        plan = _PLANS[id(vocab)] = Plan(vocab, index, lo, hi, holes, singles)
    return plan


@lru_cache(maxsize=256)
def floats(n: int) -> Callable[..., bytes]:
    """Return what packs n numbers or truth values as float32.

    It raises struct.error or TypeError for any other thing, also for a wrong count, and
    OverflowError for what no float32 holds.
    """
    return struct.Struct(f"={n}f").pack


def flat(rows: Iterable[Iterable[float | None]], count: int) -> NDArray[np.float32]:
    """Return all numbers of all rows as float32[count]; None becomes NaN."""
    with np.errstate(over="ignore"):
        return np.fromiter(chain.from_iterable(rows), np.float32, count)


def without_nulls(matrix: NDArray[np.float32], nulls: int) -> NDArray[np.float32] | None:
    """Return the matrix with NaN for each number that stands for a null.

    None where there are not `nulls` of them: then the number itself was sent, written another
    way, or a null stood where no value is.
    """
    stand_in = matrix == NULL
    if np.count_nonzero(stand_in) != nulls:
        return None
    return np.where(stand_in, np.float32(np.nan), matrix)


def all_valid(selection: Selection, matrix: NDArray[np.float32], plan: Plan) -> bool:
    """True if every number of float32[k, n] is in range, whole where it must be, or NaN."""
    outside = np.less(matrix, selection.lo)
    outside |= matrix > selection.hi
    if np.count_nonzero(outside):
        return False
    whole = matrix[selection.integral]
    if np.count_nonzero(whole > np.floor(whole)):
        return False
    for position in selection.holes:
        codes = list(plan.vocab.channels[int(selection.index[position])].values)
        row = matrix[position]
        if not (np.isin(row, codes) | np.isnan(row)).all():
            return False
    return True


def faults(selection: Selection, matrix: NDArray[np.float32], plan: Plan) -> NDArray[np.bool_]:
    """Return bool[k, n]: where float32[k, n] is out of range, or not whole where it must be."""
    bad = (matrix < selection.lo) | (matrix > selection.hi)
    whole = matrix[selection.integral]
    bad[selection.integral] |= whole > np.floor(whole)
    for position in selection.holes:
        codes = list(plan.vocab.channels[int(selection.index[position])].values)
        bad[position] |= ~(np.isin(matrix[position], codes) | np.isnan(matrix[position]))
    return bad


def read_column(plan: Plan, channel: Channel, raw: Sequence[object]) -> NDArray[np.float32] | None:
    """Return a column as float32[n] if every value of it is right, else None."""
    kinds = set(map(type, raw))
    if kinds - _NUMBERS and (channel.kind is not Kind.BOOL or kinds - _NUMBERS != {bool}):
        return None
    with np.errstate(over="ignore"):
        column = np.array(raw, np.float64).astype(np.float32)
    selection = plan.select((channel.name,))
    if selection is None or np.count_nonzero(np.isnan(column)) != raw.count(None):
        return None  # a NaN that was sent as such
    return column if all_valid(selection, column[None, :], plan) else None


def read_value(channel: Channel, raw: object) -> tuple[float, str | None]:
    """Return (value, None) or (NaN, reason). null is NaN: absent.

    Limits hold for the value as float32, the form in which it is stored.
    """
    if raw is None:
        return math.nan, None
    if isinstance(raw, bool):
        return (float(raw), None) if channel.kind is Kind.BOOL else (math.nan, "wrong_type")
    if isinstance(raw, str) and channel.kind is Kind.ENUM:
        for code, value in channel.values.items():
            if value.name == raw:
                return float(code), None
        return math.nan, "out_of_range"
    if not isinstance(raw, int | float):
        return math.nan, "wrong_type"
    return _read_number(channel, raw)


def _read_number(channel: Channel, raw: float) -> tuple[float, str | None]:
    # the common case first: rounding to float32 keeps order, so what is within stays within
    value = float(raw)
    within = channel.lo <= value <= channel.hi
    if not within or (channel.kind is not Kind.FLOAT and not value.is_integer()):
        if not math.isfinite(value):
            return math.nan, "not_finite"
        value = float(np.float32(value)) if abs(value) <= _FLOAT32_MAX else math.inf
        if not np.float32(channel.lo) <= value <= np.float32(channel.hi) or math.isinf(value):
            return math.nan, "out_of_range"
        if channel.kind is not Kind.FLOAT and not value.is_integer():
            return math.nan, "wrong_type"
    if channel.kind is Kind.ENUM and int(value) not in channel.values:
        return math.nan, "out_of_range"
    return value, None


def check_value(
    channel: Channel, raw: object, refusals: Refusals, field: str, lift: str | None
) -> float:
    """Return the value, or NaN after noting why it cannot be taken."""
    value, reason = read_value(channel, raw)
    if reason is not None:
        refusals.add(reason, field, raw, channel.limit, lift)
    return value

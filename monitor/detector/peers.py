"""A lift beside lifts of its own kind: what was wrong from the first day, no own normal shows.

Lifts of the same type and rated speed (`peer_row` of the registry) form a group. Once a minute
one feature after the other is compared over the whole fleet:

    z = (usual − median of the group) / max(1.4826 · MAD of the group, 2 · floor)

usual being the lift's learned level with the mean of what distance, load and hour add to it
(`baseline`); the floor is that of the feature without the share of the period, which a mean of
many trips does not have. Only lifts with 100 trips take part, only groups of 5; else z is 0. The
median and the MAD break down only when half of a group is wrong (F. R. Hampel, JASA 69, 1974,
doi:10.1080/01621459.1974.10482962).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from config.text import Text
from devices.vocabulary import EnumValue, Kind
from monitor.detector import expected
from monitor.detector.baseline import FLOOR, NORMAL, SHARE
from monitor.detector.columns import DerivedColumn, mark, number
from monitor.detector.features import FEATURES, F
from monitor.detector.method.robust import MAD_TO_SIGMA
from monitor.detector.step import Departed, Memory, State
from monitor.detector.table import Table

Values = NDArray[np.float32]

PEERS: Final = "peers"
LEAST_TRIPS, LEAST_LIFTS = 100, 5
MINUTE_MS: Final = 60_000
CLEAR = np.float32(4)  # sigma from which the feature is named

MEMORY = Memory(
    marks=("peer_z", "peer_cause"),
    tables={PEERS: State(tuple(f"z.{feature.name}" for feature in FEATURES))},
)

COLUMNS: Mapping[str, DerivedColumn] = {
    "peer_z": number("与同类电梯之差", "against lifts of its kind", "sigma", mark("peer_z")),
    "peer_cause": DerivedColumn(
        Kind.ENUM, "", Text("与同类不同之处", "what differs from its kind"),
        values={
            0: EnumValue("nothing", Text("无", "nothing")),
            **{i + 1: EnumValue(f.name, f.text) for i, f in enumerate(FEATURES)},
        },
        compute=mark("peer_cause"),
    ),
}  # fmt: skip


def settle(d: Departed) -> None:
    """Nothing by trip: peers are compared by the minute."""


def compare(
    own: Mapping[str, Table[Any]],
    marks: Table[np.float32],
    registry: Mapping[str, Values],
    minute: int,
) -> None:
    """Compare the feature whose minute it is, over the whole fleet, and tell the worst of all."""
    i = minute % F
    normal, peers = own[NORMAL], own[PEERS]
    name = FEATURES[i].name
    usual = normal.data[:, normal.index[f"level.{name}"]].copy()
    for ring in np.flatnonzero(i == expected.FEATURE):
        first = normal.index["factor.0"]
        bins = slice(first + expected.OFFSET[ring], first + expected.OFFSET[ring + 1])
        usual += normal.data[:, bins].mean(axis=1)
    trips = normal.data[:, normal.index[f"n.{name}"]]
    group = registry["peer_row"]
    known = np.flatnonzero((trips >= LEAST_TRIPS) & (group >= 0))
    z = np.zeros(len(usual), np.float32)
    if len(known):
        kind = group[known].astype(np.int64)
        z[known] = against(usual[known], kind, FLOOR[i, 0], SHARE[i, 0])
    peers.data[:, i] = z
    worst = np.abs(peers.data).argmax(axis=1)
    found = peers.data[np.arange(len(worst)), worst]
    marks.data[:, marks.index["peer_z"]] = found
    marks.data[:, marks.index["peer_cause"]] = np.where(np.abs(found) >= CLEAR, worst + 1, 0)


def against(x: Values, group: NDArray[np.int64], floor: np.float32, share: np.float32) -> Values:
    """Return how far x [j] lies from the median of its group, sigma; 0 in a small group."""
    number_of, lifts = np.unique(group, return_inverse=True, return_counts=True)[1:]
    middle = _median(x, number_of, len(lifts))[number_of]
    off = x - middle
    mad = _median(np.abs(off), number_of, len(lifts))[number_of]
    least = 2 * (floor + share * np.abs(middle))
    z = off / np.maximum(np.float32(MAD_TO_SIGMA) * mad, least)
    return np.where(lifts[number_of] >= LEAST_LIFTS, z, 0).astype(np.float32)


def _median(x: Values, group: NDArray[np.intp], groups: int) -> Values:
    """Median of x in each group 0 … groups − 1, none of them empty."""
    ordered = x[np.lexsort((x, group))]
    count = np.bincount(group, minlength=groups)
    begin = np.cumsum(count) - count
    low, high = ordered[begin + (count - 1) // 2], ordered[begin + count // 2]
    return np.asarray((low + high) / np.float32(2), np.float32)

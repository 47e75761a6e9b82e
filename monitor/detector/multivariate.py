"""Channels that move together, judged together: motor current, start current, vibration, travel
time and motor heat of one trip, each already without what load, direction and hour explain.

Their covariance is learned by lift (`method.multivariate`); the distance of a trip from it,

    d² = zᵀ S⁻¹ z,    told as √(2 d²) − √(2 C − 1)  (R. A. Fisher; standard normal for normal z)

is itself a feature, `joint`, judged at the next departure by what this lift's distance usually
is and summed up by `drift`: a friction that raises the current a little and slows the car a
little, both within their own limits, is seen where the two never did so together. The channel
named as the cause is the one that would lower d² most if it did what the others let expect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from config.text import Text
from devices.vocabulary import EnumValue, Kind
from monitor.detector.columns import DerivedColumn, mark
from monitor.detector.features import FEATURES, PENDING, PLACE, gather, scatter
from monitor.detector.method import multivariate as method
from monitor.detector.step import Departed, Memory, State

Values = NDArray[np.float32]

CHANNELS: Final = ("motor_current", "start_current", "vibration", "travel_time", "motor_heat")
C: Final = len(CHANNELS)
WHERE: Final = np.array([PLACE[name] for name in CHANNELS])
TOGETHER: Final = "together"
GAIN = 0.002  # forgets in 500 trips: what parts company stays strange for that long
LEAST_TRIPS = 200  # before, the distance tells of the learning, not of the lift
LEAST = np.float32(3)  # sigma of the joint distance from which a cause is named

MEMORY = Memory(
    marks=("joint_cause",),
    tables={TOGETHER: State(("n", *(f"s.{i}" for i in range(method.size(C)))))},
)

COLUMNS: Mapping[str, DerivedColumn] = {
    "joint_cause": DerivedColumn(
        Kind.ENUM, "", Text("偏离主因", "channel that left the others"), ("motor_current",),
        values={
            0: EnumValue("nothing", Text("无", "nothing")),
            **{
                i + 1: EnumValue(name, FEATURES[PLACE[name]].text)
                for i, name in enumerate(CHANNELS)
            },
        },
        compute=mark("joint_cause"),
    ),
}  # fmt: skip


def settle(d: Departed) -> None:
    """Judge the channels of the lifts that set off together, then learn from them."""
    z = d.z[WHERE]
    told = (~np.isnan(z)).sum(axis=0) >= 2  # one channel alone goes with nothing
    rows, z = d.rows[told], z[:, told]
    if not len(rows):
        return
    state = gather(d.tables[TOGETHER], rows)
    distance, cause = judge(state, z)
    distance = np.where(state[0] > LEAST_TRIPS, distance, np.float32(np.nan))
    scatter(d.tables[TOGETHER], rows, state)
    d.tables[PENDING].data[rows, PLACE["joint"]] = distance
    clear = distance > LEAST
    d.marks.data[rows[clear], d.marks.index["joint_cause"]] = cause[clear]


def judge(state: Values, z: Values) -> tuple[Values, Values]:
    """Judge z float32[C, j] and learn in place from it: state float32[1 + C(C + 1)/2, j].

    Returns the distance as a normal deviate and the cause, 1 … C: float32[j] each.
    """
    before = method.Together(state[0].copy(), state[1:].copy())
    verdict = method.judge(before, z)
    after = method.learn(before, z, verdict, GAIN)
    state[0], state[1:] = after
    cause = (verdict.part.argmax(axis=0) + 1).astype(np.float32)
    return method.deviation(verdict), cause

"""The features of a trip and of the stop after it: what is compared with a lift's own normal.

Cut from the samples by `ride` and `doorway`, judged together by `baseline`, `drift` and
`multivariate` when the car departs again. A feature that could not be measured is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from config.text import Text
from monitor.detector.step import State
from monitor.detector.table import NEVER, Table


@dataclass(frozen=True, slots=True)
class Feature:
    """The least deviation worth speaking of: `floor` in `unit`, `share` of the level, and
    `per_period` for each second between two samples (a time cut from samples is no truer).

    warm_up: trips before it is told at all.
    one_sided: only more is worse. speaks: it has a drift column of its own. sources: channels.
    """

    name: str
    text: Text
    unit: str
    floor: float
    share: float = 0.0
    per_period: float = 0.0
    one_sided: bool = False
    speaks: bool = True
    warm_up: int = 30
    sources: tuple[str, ...] = ()


# Floors are domain defaults: what a mechanic would not get up for.
FEATURES: Final = (
    Feature("travel_time", Text("行程时间", "travel time"), "s", 0.4, 0.0, 0.4,
            sources=("car_status", "car_position")),
    Feature("motor_current", Text("曳引机电流", "motor current"), "A", 0.3, 0.04,
            sources=("motor_current",)),
    Feature("start_current", Text("启动电流", "start current"), "A", 0.6, 0.08, speaks=False,
            sources=("motor_current",)),
    Feature("vibration", Text("振动", "vibration"), "m/s2", 0.005, 0.05, one_sided=True,
            sources=("acc_rms",)),
    Feature("shock", Text("加速度峰值", "peak acceleration"), "m/s2", 0.1, 0.1, one_sided=True,
            speaks=False, sources=("acc_peak",)),
    Feature("levelling", Text("平层", "levelling"), "mm", 1.5, sources=("level_offset",)),
    Feature("opening_time", Text("开门时间", "door opening time"), "s", 0.15, 0.04, 0.4,
            sources=("door_state",)),
    Feature("closing_time", Text("关门时间", "door closing time"), "s", 0.15, 0.04, 0.4,
            sources=("door_state",)),
    Feature("door_current", Text("门机电流", "door current"), "A", 0.02, 0.04,
            sources=("door_current",)),
    Feature("motor_heat", Text("曳引机温升", "motor heat"), "degC", 4.0, 0.05, one_sided=True,
            warm_up=400, sources=("motor_temp",)),
    Feature("load_zero", Text("空载读数", "load cell when empty"), "% rated", 1.0,
            sources=("load",)),
    Feature("joint", Text("各通道关系", "channels together"), "sigma", 1.75, one_sided=True,
            warm_up=100),
)  # fmt: skip
NAMES: Final = tuple(feature.name for feature in FEATURES)
F: Final = len(FEATURES)
PLACE: Final = {name: i for i, name in enumerate(NAMES)}
ONE_SIDED: Final = np.array([[feature.one_sided] for feature in FEATURES])

# How the trip was made: what the expected value of a feature depends on.
HOW: Final = ("floors", "up", "load")
PENDING: Final = "pending"
# What the sensors said at the departure (the first six: looked at for flat lines), and when the
# door of the idle car opened before it.
SENSED: Final = (
    "load", "level_offset", "motor_temp", "room_temp", "humidity", "acc_peak",
    "presence", "idle_presence", "idle_load",
)  # fmt: skip
LEAVES: Final = {name: i for i, name in enumerate(SENSED)}
SAID: Final = F + len(HOW)  # the first of them in `pending`
PENDING_STATE: Final = State((*NAMES, *HOW, *(f"said.{x}" for x in SENSED)), fill=float("nan"))
FLOORS, UP, LOAD = range(F, F + len(HOW))

DUE: Final = "due"  # when a lift set off that has not been judged since
LEGS: Final = "legs"  # times of the present trip and stop
TRIP: Final = "trip"  # sums of the present trip and stop, and what the last ones showed
SUMS: Final = ("shake", "shakes", "amps", "amp_samples", "amps_most", "shock_most", "top_speed")
DOOR_SUMS: Final = ("door_amps", "door_samples")
SHOWN: Final = ("trip_s", "relevels", "opening_s", "closing_s", "dwell_s", "trips_hour")
LEG_TIMES: Final = ("set_off", "arrived", "odd", "visit", "hour", "door_began", "contact")
TRIP_NAMES: Final = (
    *SUMS,
    *DOOR_SUMS,
    *SHOWN,
    "from_floor",
    "trips_now",
    "bounces",
    "bounces_most",
)
_NAN: Final = float("nan")
STATES: Final = {
    PENDING: PENDING_STATE,
    DUE: State(("at",), np.int64, NEVER),
    LEGS: State(LEG_TIMES, np.int64, NEVER),
    TRIP: State(TRIP_NAMES, np.float32, tuple(
        _NAN if name in ("trip_s", "opening_s", "closing_s", "dwell_s", "from_floor") else 0.0
        for name in TRIP_NAMES
    )),
}  # fmt: skip
LEG: Final = {name: i for i, name in enumerate(LEG_TIMES)}
SLOT: Final = {name: i for i, name in enumerate(TRIP_NAMES)}


def gather(table: Table[Any], rows: NDArray[np.int32]) -> NDArray[Any]:
    """Return a copy of these rows as columns, [K, j]: for the few lifts that depart."""
    return np.ascontiguousarray(table.data.take(rows, axis=0).T)


def scatter(table: Table[Any], rows: NDArray[np.int32], columns: NDArray[Any]) -> None:
    """Write them back."""
    lying = np.empty(columns.shape[::-1], columns.dtype)
    for i, column in enumerate(columns):  # four times as fast as to turn all at once
        lying[:, i] = column
    table.write(rows, lying)

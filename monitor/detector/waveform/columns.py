"""What rules and evidence may name of a lift's bursts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from config.text import Text
from monitor.detector.waveform.learning import DRIFT, STATE

if TYPE_CHECKING:
    from monitor.detector.signals import SignalColumns

# name → text and unit; a truth has none
TEXTS: Final[Mapping[str, tuple[Text, str]]] = {
    "ride_a95_h": (Text("水平振动 A95", "A95 vibration across"), "m/s²"),
    "ride_a95_v": (Text("垂直振动 A95", "A95 vibration up and down"), "m/s²"),
    "ride_jerk": (Text("最大加加速度", "largest jerk of the ride"), "m/s³"),
    "ride_speed": (Text("波形所测最大速度", "largest speed, from the burst"), "m/s"),
    "bearing_line_hz": (Text("包络谱最强谱线", "strongest line of the envelope"), "Hz"),
    "bearing_prominence": (Text("谱线突出度", "prominence of that line"), "× median"),
    "door_time_s": (Text("门机动作时长", "time of the door movement"), "s"),
    "door_signature_distance": (
        Text("门机电流特征偏离度", "door motor signature against its normal"),
        "sigma",
    ),
    "z_ride_a95_h": (Text("水平振动偏离度", "vibration across, off its normal"), "sigma"),
    "z_ride_a95_v": (Text("垂直振动偏离度", "vertical vibration, off its normal"), "sigma"),
    "z_ride_jerk": (Text("加加速度偏离度", "jerk against its normal"), "sigma"),
    "z_bearing_prominence": (Text("谱线偏离度", "that line against its normal"), "sigma"),
    DRIFT: (Text("波形持续偏离", "bursts stay off their normal"), ""),
}


def reader(name: str) -> Callable[[SignalColumns], NDArray[np.float32]]:
    """Return what gathers this column of the lifts of a round, float32[k]."""
    table = DRIFT if name == DRIFT else STATE
    return lambda c: c.own(table, name)


def since_column(name: str) -> str:
    """Return the column of TIMES that tells since when a column of ours is what it is."""
    if name == DRIFT:
        return "drift"
    return "current" if name.startswith("door") else "acceleration"

"""Every name a rule may use: channels, columns of the registry, derived columns, codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from config.text import Text
from devices.vocabulary import EnumValue, Kind, Vocabulary
from monitor.detector import waveform


@dataclass(frozen=True, slots=True)
class DerivedColumn:
    """One column beside the channels.

    `sources`: channels it is made of; their last change tells "since when".
    `time_driven`: it changes by waiting alone, so rules on it are looked at over the fleet.
    """

    kind: Kind
    unit: str
    text: Text
    sources: tuple[str, ...] = ()
    time_driven: bool = False
    values: Mapping[int, EnumValue] = field(default_factory=dict)


def _truth(zh: str, en: str, *sources: str, time_driven: bool = False) -> DerivedColumn:
    return DerivedColumn(Kind.BOOL, "", Text(zh, en), sources, time_driven)


def _number(zh: str, en: str, unit: str, *sources: str, time_driven: bool = False) -> DerivedColumn:
    return DerivedColumn(Kind.FLOAT, unit, Text(zh, en), sources, time_driven)


def _count(zh: str, en: str, *sources: str) -> DerivedColumn:
    return DerivedColumn(Kind.INT, "", Text(zh, en), sources)


_MOVING = ("car_status", "speed")
_DOOR = ("door_closed", "door_state")

DERIVED: Mapping[str, DerivedColumn] = {
    "with_people": _truth(
        "轿内有人", "people in the car", "passenger", "people", "car_call", "alarm_button"
    ),
    "running": _truth("运行中", "running", *_MOVING),
    "stopped": _truth("停止", "stopped", *_MOVING),
    "at_level": _truth("在平层", "at a floor", "door_zone", "level_offset"),
    "door_open": _truth("门开（未关到位）", "door open (not fully closed)", *_DOOR),
    "door_passable": _truth("门开或正在开", "door open or opening", *_DOOR),
    "still_s": _number("静止时长", "time without movement", "s", "car_position", *_MOVING),
    "position_still_s": _number("楼层未变时长", "time at the same position", "s", "car_position"),
    "ran_with_door_open": _truth(
        "2 秒内曾开门运行", "ran with the door open within 2 s", *_MOVING, *_DOOR
    ),
    "start_with_door_open": _truth("开门启动", "started with the door open", *_MOVING, *_DOOR),
    "left_zone_with_door_open": _truth(
        "开门离开门区", "left the door zone with the door open", "door_zone", *_DOOR
    ),
    "relevelling": _truth("再平层", "re-levelling", "speed", *_DOOR),
    "cycles_here": _count("本层开关门次数", "door cycles without leaving", *_DOOR),
    "failed_closes": _count("5 分钟内关门失败次数", "failed closes in 5 min", "door_state"),
    "hard_stop": _truth("急停", "hard stop in this sample", "speed"),
    "hard_stops_day": _count("24 小时内急停次数", "hard stops in 24 h", "speed"),
    "flat_samples": _count("数值不变的样本数", "samples without any noise", "acc_rms"),
    "position_jumps": _count("1 小时内楼层跳变次数", "jumps of position in 1 h", "car_position"),
    "contradiction": _truth("传感器自相矛盾", "sensors contradict each other", *_MOVING, *_DOOR),
    "z_vibration": _number("振动偏离度", "vibration against its normal", "sigma", "acc_rms"),
    "z_door_current": _number(
        "门机电流偏离度", "door current against its normal", "sigma", "door_current"
    ),
    "z_levelling": _number("平层偏离度", "levelling against its normal", "sigma", "level_offset"),
    "vibration_drift": _truth("振动持续偏离", "vibration stays off its normal", "acc_rms"),
    "door_current_drift": _truth(
        "门机电流持续偏离", "door current stays off its normal", "door_current"
    ),
    "levelling_drift": _truth("平层持续偏离", "levelling stays off its normal", "level_offset"),
    **{
        name: DerivedColumn(Kind.FLOAT if unit else Kind.BOOL, unit, text)
        for name, (text, unit) in waveform.TEXTS.items()
    },
    "silent_s": _number("无数据时长", "time without a sample", "s", time_driven=True),
    "gateway_silent": _truth("整个网关离线", "whole gateway silent", time_driven=True),
}

REGISTRY: Mapping[str, DerivedColumn] = {
    "rated_speed": _number("额定速度", "rated speed", "m/s"),
    "rated_load_kg": _number("额定载重", "rated load", "kg"),
    "floor_lo": _number("最低楼层", "lowest floor", "floor"),
    "floor_hi": _number("最高楼层", "highest floor", "floor"),
    "period_s": _number("上报周期", "reporting period", "s"),
    "gateway_row": _count("网关序号", "gateway number"),
}


def rule_schema(vocab: Vocabulary) -> dict[str, DerivedColumn]:
    """Return every usable name with its type: for `alerts.rules.load_rules`."""
    schema = {
        channel.name: DerivedColumn(
            channel.kind, channel.unit, channel.text, (channel.name,), values=channel.values
        )
        for channel in vocab.channels
    }
    schema |= REGISTRY
    schema |= DERIVED
    for code, message in vocab.messages.items():
        for form in ("code", "once"):
            schema[f"{form}({code})"] = DerivedColumn(Kind.BOOL, "", message.text)
    return schema

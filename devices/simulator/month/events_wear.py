"""What wears and warms over hours and days: rules 24, 26, 27."""

from __future__ import annotations

from devices.simulator.month.fleet import HOUR_MS
from devices.simulator.month.scene import Drift, Scene, event


@event(None, rule="24", needs=(("battery",),))
def battery_low(scene: Scene) -> None:
    """The emergency battery has aged: it holds 8 to 17 %, until it is changed days later."""
    col, level = scene.options["col"], round(scene.between(8, 17))
    end = scene.t + int(HOUR_MS * scene.between(20, 100))
    label = scene.begin(scene.t)
    scene.ripe(label, scene.t, float(scene.fleet.slow_ms[scene.row]) / 1000)
    scene.lie(scene.t, end, col["battery"], lambda old, _: old * 0 + level)
    scene.over(label, end)


@event(None, rule="26", needs=(("room_temp",),))
def hot_machine_room(scene: Scene) -> None:
    """Cooling fails: the machine room warms up by 22 to 30 K within an hour or two."""
    rise, ramp = scene.between(22, 30), HOUR_MS * scene.between(0.7, 2.0)
    end = scene.t + int(HOUR_MS * scene.between(6, 40))
    label = scene.begin(scene.t)
    # the time at which the warmest reading is certainly above the limit, and its ten minutes
    scene.ripe(label, scene.t + int(ramp) + 600_000, float(scene.fleet.slow_ms[scene.row]) / 500)
    if rise + 20.0 + float(scene.fleet.room_offset[scene.row]) < 42.0:
        rise = 42.0 - 20.0 - float(scene.fleet.room_offset[scene.row])
    begun = scene.t
    for name in ("room_temp", "motor_temp"):
        scene.lie(begun, end, scene.options["col"][name],
                  lambda old, t: old + rise * ((t - begun) / ramp).clip(0, 1))  # fmt: skip
    scene.over(label, end)


def _drift(scene: Scene, name: str, goal: float, channel: str) -> None:
    """Wears for days; due a day after it is complete, mended some days later."""
    full = scene.t + int(24 * HOUR_MS * scene.between(3, 7))
    mended = full + int(24 * HOUR_MS * scene.between(2, 8))
    label = scene.begin(scene.t)
    scene.ripe(label, full + 24 * HOUR_MS)
    scene.over(label, mended)
    scene.drifts.append(Drift(scene.row, name, goal, scene.t, full, mended))
    if channel in scene.fleet.dialects[scene.row].lacks:
        scene.unseen(label, "no such sensor")


@event(None, rule="27")
def rising_vibration(scene: Scene) -> None:
    """Guide shoes wear: the ride gets rougher from day to day."""
    _drift(scene, "roughness", scene.between(2.2, 3.5), "acc_rms")


@event(None, rule="27")
def worn_door(scene: Scene) -> None:
    """Friction of the door rises."""
    _drift(scene, "door_drag", scene.between(1.7, 2.6), "door_current")


@event(None, rule="27")
def levelling_drift(scene: Scene) -> None:
    """Landings are missed by more and more millimetres."""
    _drift(scene, "level_mm", scene.between(12, 25) * (1 if scene.chance(0.5) else -1),
           "level_offset")  # fmt: skip


@event(None, rule="27")
def motor_drift(scene: Scene) -> None:
    """A dragging brake: the motor draws more and more current."""
    _drift(scene, "amps", scene.between(1.35, 1.8), "motor_current")

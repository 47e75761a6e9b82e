"""What fails beside the lift: silence, sensors that lie, channels that are missing."""

from __future__ import annotations

from devices.simulator.month.fleet import HOUR_MS
from devices.simulator.month.scene import Scene, event
from devices.simulator.stage import DUE_S

_DAY_MS = 24 * HOUR_MS


def _silent_due(scene: Scene) -> float:
    return max(DUE_S["23"], 3 * scene.fleet.registry.lift(scene.row).period_s)


@event(None, rule="23")
def device_silent(scene: Scene) -> None:
    """One device says nothing for minutes or hours; the lift goes on."""
    end = scene.t + int(60_000 * scene.between(4, 240))
    label = scene.begin(scene.t, _silent_due(scene))
    scene.silent(scene.t, end)
    scene.over(label, end)


@event(None, rule="23", scope="gateway")
def gateway_silent(scene: Scene) -> None:
    """A gateway is cut off; what it kept it sends afterwards."""
    end = scene.t + int(60_000 * scene.between(4, 120))
    label = scene.begin(scene.t, _silent_due(scene))
    rows = scene.options["rows"]
    registry = scene.fleet.registry
    label.subject_kind, label.row = "gateway", -1
    label.subject = registry.lift(scene.row).gateway
    label.covers = frozenset(registry.lift(row).reg_code for row in rows)
    scene.silent(scene.t, end, rows)
    scene.over(label, end)


@event(None, near="32", also="32")
def missing_channels(scene: Scene) -> None:
    """Some channels are not sent for hours: a loose plug, a bus node that restarts."""
    col = scene.options["col"]
    names = ("load", "passenger", "people", "motor_current", "acc_rms", "level_offset", "room_temp",
             "door_current", "humidity", "car_call", "safety_chain", "brake")  # fmt: skip
    lost = scene.rng.choice(len(names), 2, replace=False)
    end = scene.t + int(HOUR_MS * scene.between(1, 12))
    label = scene.begin(scene.t, rule=None)
    for i in lost.tolist():
        scene.lie(scene.t, end, col[names[i]], lambda old, _: old * float("nan"))
    scene.over(label, end)


def _defect(
    scene: Scene, channel: str, lo_h: float, hi_h: float, due_h: float
) -> tuple[int, int, int]:
    """Label a lying channel; returns start, end, column."""
    end = scene.t + int(HOUR_MS * scene.between(lo_h, hi_h))
    label = scene.begin(scene.t, 3600 * due_h)
    scene.over(label, end)
    return scene.t, end, scene.options["col"][channel]


@event(None, rule="32", only_with=(("passenger",),))
def presence_stuck_on(scene: Scene) -> None:
    """The presence sensor says somebody is there, hour after hour, whoever comes and goes."""
    t0, t1, column = _defect(scene, "passenger", 30, 120, 24)
    scene.lie(t0, t1, column, lambda old, _: old * 0 + 1)


@event(None, near="32", also="32", only_with=(("passenger",),))
def presence_stuck_off(scene: Scene) -> None:
    """The presence sensor sees nobody any more."""
    end = scene.t + int(HOUR_MS * scene.between(12, 72))
    label = scene.begin(scene.t, rule=None)
    scene.over(label, end)
    scene.lie(scene.t, end, scene.options["col"]["passenger"], lambda old, _: old * 0)


@event(None, near="2", also="32", only_with=(("car_call",),))
def call_stuck(scene: Scene) -> None:
    """A car button is stuck: a call is registered for ever."""
    end = scene.t + int(HOUR_MS * scene.between(2, 30))
    label = scene.begin(scene.t, rule=None)
    scene.over(label, end)
    scene.lie(scene.t, end, scene.options["col"]["car_call"], lambda old, _: old * 0 + 1)


@event(None, rule="32", only_with=(("motor_current",),))
def current_flat(scene: Scene) -> None:
    """The current sensor freezes at what it read; the lift goes on with its days."""
    value = round(scene.between(3, 12), 1)
    t0, t1, column = _defect(scene, "motor_current", 30, 90, 24)
    scene.lie(t0, t1, column, lambda old, _: old * 0 + value)


@event(None, rule="32", only_with=(("car_position",),), needs=(("car_position",),))
def position_jumps(scene: Scene) -> None:
    """A bad floor counter: now and then it shows the far end of the shaft for some seconds."""
    fleet, row = scene.fleet, scene.row
    lo, hi = float(fleet.floor_lo[row]), float(fleet.floor_lo[row] + fleet.top[row])
    t0, t1, column = _defect(scene, "car_position", 3, 20, 3)

    def jump(old, t):  # type: ignore[no-untyped-def]
        odd = (t // 7000 * 2654435761 >> 7) % 23 == 0
        far = lo + (old - lo < (hi - lo) / 2) * (hi - lo)
        return far * odd + old * ~odd

    scene.lie(t0, t1, column, jump)
    if hi - lo < 5:
        scene.unseen(scene.labels[-1], "too few floors")


@event(None, rule="32", also="13 16 18", only_with=(("door_closed",),))
def door_contact_bounces(scene: Scene) -> None:
    """A worn contact: while running the door seems open now and then, for one sample."""
    t0, t1, column = _defect(scene, "door_closed", 6, 60, 6)

    def bounce(old, t):  # type: ignore[no-untyped-def]
        odd = (t // 500 * 2654435761 >> 9) % 61 == 0
        return old * ~odd

    scene.lie(t0, t1, column, bounce)


@event(None, near="32", also="32", only_with=(("load",),))
def load_offset(scene: Scene) -> None:
    """The load cell has lost its zero: an empty car weighs some per cent, slowly more."""
    rise, end = scene.between(4, 12), scene.t + int(_DAY_MS * scene.between(1, 5))
    begun, ramp = scene.t, _DAY_MS * scene.between(0.2, 1.0)
    label = scene.begin(scene.t, rule=None)
    scene.over(label, end)
    scene.lie(begun, end, scene.options["col"]["load"],
              lambda old, t: old + (rise * ((t - begun) / ramp).clip(0, 1)).round())  # fmt: skip


@event(None, near="2", also="32", only_with=(("people",),))
def camera_sees_ghost(scene: Scene) -> None:
    """The camera takes a poster or a mirror for a person: one too many."""
    end = scene.t + int(HOUR_MS * scene.between(3, 40))
    label = scene.begin(scene.t, rule=None)
    scene.over(label, end)
    scene.lie(scene.t, end, scene.options["col"]["people"], lambda old, _: old + 1)

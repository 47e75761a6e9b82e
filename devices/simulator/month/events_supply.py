"""A power cut over a feeder: every lift on it stops where it is, whoever is inside."""

from __future__ import annotations

from devices.simulator.month.director import ANY
from devices.simulator.month.scene import PEOPLE, MonthLabel, Scene, event
from devices.simulator.month.segments import CLOSED, OPEN


@event(
    ANY, rule="11", near="11", also="1 2 12 13 15 16 17 18 19 23", scope="feeder",
    needs=(("power", "code 41"), PEOPLE),
)  # fmt: skip
def power_cut(scene: Scene) -> None:
    """Brakes fall, doors and buttons are dead; some lifts have a rescue device, some do not."""
    play, until = scene.play, int(scene.options["until"])
    held = play.people > 0 and play.state["door"] == CLOSED
    play.put(power=1, call=0, alarm=0)
    play.fault(41)
    if abs(play.v) > 1e-6:
        play.brake(1.2)
    rescue = bool(scene.fleet.rescue_device[scene.row])
    begun = play.t
    label = scene.begin(begun, rule="11" if held and not rescue else None)
    if scene.dark(label, (until - begun) / 1000) and label.rule:
        scene.unseen(label, "device dies with the mains")
    if held and rescue:
        play.stay(scene.between(5, 14))
        play.to_level(0.3)
        play.open(1.5)
        play.leave()
    elif held:
        _in_the_dark(scene, label, until)
    elif play.people:
        play.stay(2.0, door=OPEN)
        play.leave()
    play.stay_until(max(play.t + 1000, until))
    play.put(power=0)
    play.over(41)
    play.stay(scene.between(5, 25))
    if abs(play.off) > 0.02:
        play.to_level(0.3)
    play.freed()
    if label.end_ms is None:
        scene.over(label, play.t)


def _in_the_dark(scene: Scene, label: MonthLabel, until: int) -> None:
    """People wait; some press the button; somebody winds the car to a landing, or light comes."""
    play = scene.play
    if scene.chance(0.5):
        play.stay(scene.between(20, 100))
        play.press(scene.between(2, 6))
        label.also |= {"3"}
    help_at = play.t + int(60_000 * scene.between(8, 40))
    play.stay_until(max(play.t + 1000, min(until, help_at)))
    if play.t < until:
        play.to_level(0.1)
        play.open(3.0)
        play.leave()
        scene.over(label, play.t)

"""Mechanics at work: half-monthly visits with all the odd signals they make."""

from __future__ import annotations

from devices.simulator.month.director import STANDING
from devices.simulator.month.scene import Scene, event
from devices.simulator.month.segments import CLOSED, OPEN, PARTLY


@event(STANDING, near="1", also="25")
def maintenance_visit(scene: Scene) -> None:
    """The half-monthly visit: slow runs, stop switch, doors by hand, alarm test, mains off."""
    play = scene.play
    end = play.t + int(60_000 * scene.between(45, 115))
    label = scene.begin(play.t, rule=None)
    if "service_mode" in play.dialect.lacks and not play.dialect.passes(43):
        # nobody tells this device; what it sees is true of the lift all the same
        label.also |= {"12", "13", "16", "17", "18", "19", "11"}
    play.tell(43)
    play.stay(scene.between(20, 90), mode=2)
    play.open()
    play.press(scene.between(2, 6))
    play.stay(scene.between(60, 300))
    play.close()
    while play.t < end - 900_000:
        _task(scene)
    play.to_level(0.25)
    play.put(chain=0, power=0)
    play.open()
    play.stay(scene.between(60, 200))
    play.close()
    play.put(mode=1)
    play.tell(40)
    play.stay(5.0)
    play.ride(play.top if play.floor == 0 else 0)
    play.open()
    play.stay(5.0)
    play.close()
    scene.over(label, play.t)
    label.end_ms = (label.end_ms or 0) + 30_000


def _task(scene: Scene) -> None:
    """One of the things mechanics do, in inspection mode."""
    play = scene.play
    what = int(scene.rng.integers(0, 6))
    goal = int(scene.rng.integers(0, play.top + 1))
    if what == 0:  # slow run, stop between floors, stop switch, a walk on the roof
        if goal == play.floor:
            goal = play.top if play.floor == 0 else 0
        play.ride_part(goal, 0.5) if play.top < 3 else _creep(scene, goal)
        play.brake(1.0)
        play.stay(scene.between(60, 500), chain=1)
        play.put(chain=0)
    elif what == 1:  # doors by hand, at a landing
        play.to_level(0.25)
        for _ in range(int(scene.rng.integers(2, 7))):
            play.open(scene.between(0.8, 3.0))
            play.stay(scene.between(2, 40))
            play.close()
            play.stay(scene.between(1, 10))
    elif what == 2:  # the landing door unlocked with the key, the car door half open
        play.stay(scene.between(10, 120), door=PARTLY, chain=1)
        play.stay(1.0, door=CLOSED, chain=0)
    elif what == 3:  # mains off to work in the cabinet
        play.to_level(0.25)
        play.fault(41)
        seconds = scene.between(120, 900)
        scene.dark(scene.labels[0], seconds)
        play.stay(seconds, power=1)
        play.put(power=0)
        play.over(41)
        play.stay(20.0)
    elif what == 4:  # a mechanic rides in the car and talks
        play.to_level(0.25)
        play.open()
        play.put(people=1, mass=80.0)
        play.stay(10.0)
        play.close()
        play.ride(goal, fastest=0.3)
        play.open()
        play.stay(10.0)
        play.put(people=0, mass=0.0)
        play.stay(3.0)
        play.close()
    else:
        play.stay(scene.between(60, 400))


def _creep(scene: Scene, goal: int) -> None:
    play = scene.play
    way = 1 if goal > play.floor else -1
    near = play.floor + way * min(2, abs(goal - play.floor))
    play.ride(near, fastest=0.3, rise=-way * play.storey * scene.between(0.3, 0.6))
    assert play.state["door"] != OPEN

"""Faults of the lift without anybody held by them: rules 12 to 22 and 28."""

from __future__ import annotations

from devices.simulator.month.director import ARRIVING, BOARDED, EMPTY_RIDE, STANDING
from devices.simulator.month.scene import Scene, event
from devices.simulator.month.segments import OPEN

_DOOR = ("door_closed", "door_state")


def _stands(scene: Scene, lo_min: float, hi_min: float) -> None:
    scene.play.stay(60 * scene.between(lo_min, hi_min))


@event(EMPTY_RIDE, rule="12", also="13 15 17 19", needs=(("door_zone", "code 4"),))
def stopped_outside_zone(scene: Scene) -> None:
    """The empty car stops between floors and stays there until somebody resets it."""
    play = scene.play
    play.brake(1.5)
    label = scene.begin(play.t)
    if scene.chance(0.6):
        play.tell(4, after_s=30.0)
    if scene.chance(0.5):
        play.fault(8)
    if scene.chance(0.5):
        play.put(call=0)
    _stands(scene, 5, 60)
    play.over(8)
    play.to_level(0.3)
    scene.over(label, play.t)
    play.freed()


@event(STANDING, rule="13", also="12 15", needs=(("safety_chain",),))
def safety_chain_open(scene: Scene) -> None:
    """A contact of the safety chain opens while the empty car stands."""
    play = scene.play
    label = scene.begin(play.t)
    play.put(chain=1)
    _stands(scene, 5, 90)
    play.put(chain=0)
    scene.over(label, play.t)
    play.stay(5.0)


@event(EMPTY_RIDE, rule="13", also="12 15 17 19", needs=(("safety_chain", "code 1"),))
def safety_chain_running(scene: Scene) -> None:
    """A landing door contact opens as the empty car passes."""
    play = scene.play
    play.put(chain=1)
    label = scene.begin(play.t)
    play.fault(1)
    play.brake(1.6)
    _stands(scene, 5, 60)
    play.over(1)
    play.put(chain=0)
    play.to_level(0.3)
    scene.over(label, play.t)
    play.freed()


@event(STANDING, rule="14", also="2 15 17", needs=(("code 6",),))
def motor_limiter(scene: Scene) -> None:
    """The rope slips: the motor turns, the car stays, the limiter trips after 20 s or more."""
    play = scene.play
    play.put(drive=1, effort=1.6, call=1)
    play.stay(scene.between(20, 45))
    play.put(drive=0, effort=0.0, call=0)
    label = scene.begin(play.t)
    play.fault(6)
    _stands(scene, 10, 90)
    play.over(6)
    scene.over(label, play.t)
    play.freed()


@event(STANDING, rule="15", also="12", needs=(("code 8",),))
def prevent_restart(scene: Scene) -> None:
    """The controller refuses to start again."""
    play = scene.play
    play.fault(8)
    label = scene.begin(play.t)
    _stands(scene, 5, 90)
    play.over(8)
    scene.over(label, play.t)
    play.stay(5.0)


@event(BOARDED, rule="16", also="18", needs=(_DOOR,))
def door_close_fault(scene: Scene) -> None:
    """A stone in the sill: the door closes three quarters and turns back, again and again."""
    play = scene.play
    play.leave()
    begun = play.t
    label = scene.begin(begun)
    for turn in range(int(scene.rng.integers(5, 25))):
        play.close(0.7)
        play.open(0.7, keep=True)
        play.stay(scene.between(3, 9))
        if turn == 3:
            play.fault(2)
            scene.ripe(label, max(play.t, begun + 60_000), 60.0)
    play.over(2)
    scene.over(label, play.t)
    play.carry_on()


@event(BOARDED, rule="16", also="18", needs=(_DOOR,))
def door_stays_open(scene: Scene) -> None:
    """The door does not close any more, for minutes."""
    play = scene.play
    play.leave()
    label = scene.begin(play.t, 60.0)
    if scene.chance(0.5):
        play.fault(2, after_s=40.0)
    _stands(scene, 4, 60)
    play.over(2)
    scene.over(label, play.t)
    play.carry_on()


@event(EMPTY_RIDE, rule="17", also="2 15", needs=(("code 3",),))
def door_open_fault(scene: Scene) -> None:
    """The empty car comes to its landing and the door will not open."""
    play = scene.play
    goal = play.floor
    play.brake(0.7)
    play.ride(goal)
    label = scene.begin(play.t)
    play.fault(3, after_s=8.0)
    _stands(scene, 2, 30)
    play.over(3)
    scene.over(label, play.t)
    play.freed()


@event(BOARDED, rule="18", also="16", needs=(_DOOR,), samples=1)
def repeated_door_cycles(scene: Scene) -> None:
    """A landing button hangs: the door opens and closes again and again, the car stays."""
    play = scene.play
    play.leave()
    begun = play.t
    label = scene.begin(begun)
    for turn in range(int(scene.rng.integers(8, 30))):
        play.close()
        play.stay(scene.between(0.8, 3.0))
        play.open(keep=True)
        play.stay(scene.between(2.0, 4.0))
        if turn == 5:
            scene.ripe(label, play.t, 30.0)
    scene.shown(label, 3.0)
    scene.over(label, play.t)
    play.carry_on()


@event(EMPTY_RIDE, rule="19", also="12 13", needs=(("speed",),), ride_s=9.0, samples=1)
def hard_stops(scene: Scene) -> None:
    """Three hard stops from speed within an hour; the car goes on by itself."""
    play = scene.play
    label = scene.begin(play.t)
    for _ in range(3):
        play.brake(scene.between(2.0, 3.0))
        scene.ripe(label, play.t)
        play.stay(scene.between(4, 12))
        play.to_level(0.3)
        play.stay(scene.between(20, 600))
        play.ride_part(play.top if play.floor < play.top / 2 else 0, 0.5)
    play.put(drive=0)
    goal = play.floor
    play.brake(0.5)
    play.ride(goal)
    scene.shown(label, 2.0 if abs(play.rated) > 1.2 else 0.0)
    scene.over(label, play.t)
    play.freed()


@event(STANDING, rule="20", needs=(("code 7",),))
def position_lost(scene: Scene) -> None:
    """The floor counter is lost; the car creeps to the lowest landing and waits."""
    play = scene.play
    play.fault(7)
    label = scene.begin(play.t)
    play.put(lost=1)
    play.ride(0, fastest=0.4)
    _stands(scene, 3, 40)
    play.put(lost=0)
    play.over(7)
    scene.over(label, play.t)
    play.stay(5.0)


@event(STANDING, rule="21", also="12 16 18", needs=(("service_mode", "code 44"),))
def fire_service(scene: Scene) -> None:
    """A fire alarm: to the entrance, doors open, waiting; sometimes firefighters ride."""
    _fire(scene)


@event(STANDING, rule="21", also="12 16 18", needs=(("service_mode", "code 44"),), scope="feeder")
def fire_drill(scene: Scene) -> None:
    """A drill in a building: all of its lifts go to the entrance and wait."""
    _fire(scene)


def _fire(scene: Scene) -> None:
    play = scene.play
    play.put(mode=3)
    play.tell(44)
    label = scene.begin(play.t)
    play.ride(int(scene.fleet.lobby[scene.row]))
    play.open()
    _stands(scene, 5, 40)
    if scene.chance(0.3):
        play.tell(45)
        play.put(mode=4)
        play.close()
        play.ride(play.top)
        play.open()
        _stands(scene, 3, 10)
    scene.over(label, play.t)
    play.put(mode=1)
    play.tell(40)
    play.close()


@event(STANDING, rule="22", also="12 13 16 18", needs=(("service_mode", "code 43"),))
def inspection_too_long(scene: Scene) -> None:
    """The lift is left in inspection mode over hours."""
    play = scene.play
    play.put(mode=2)
    play.tell(43)
    label = scene.begin(play.t)
    play.stay(3600 * scene.between(4.5, 12))
    play.put(mode=1)
    play.tell(40)
    scene.over(label, play.t)
    play.stay(5.0)


@event(BOARDED, rule="28", also="16", needs=(("code 1013",),), only_with=(("code 1013",),))
def e_bike(scene: Scene) -> None:
    """Somebody pushes an e-bike into the car; the camera knows it and the door is held."""
    play = scene.play
    play.stay(3.0)
    play.fault(1013)
    label = scene.begin(play.t, 30.0)
    play.put(people=1, mass=66.0 + scene.between(45, 80), call=1)
    play.stay(scene.between(15, 75))
    play.over(1013)
    scene.over(label, play.t)
    play.carry_on()


@event(ARRIVING, near="28")
def scooter_without_motor(scene: Scene) -> None:
    """A child's scooter or a pram: heavy and bulky, no e-bike."""
    play = scene.play
    play.put(drive=0, call=0)
    play.x, play.v = play.floor * play.storey, 0.0
    label = scene.begin(play.t, rule=None)
    play.put(mass=play.state["mass"] + 15)
    play.open()
    play.stay(scene.between(8, 25))
    scene.over(label, play.t)
    play.leave()
    assert play.state["door"] == OPEN
    play.close()

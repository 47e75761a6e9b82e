"""Near misses of the lift itself: what comes close to a fault and must not ring."""

from __future__ import annotations

from devices.simulator.month.director import ARRIVING, BOARDED, EMPTY_RIDE, RIDING, STANDING
from devices.simulator.month.scene import Scene, event

_G = 9.81


@event(RIDING, near="1", also="13 15 19")
def short_stop(scene: Scene) -> None:
    """The drive trips with people between floors, resets before half a minute, and goes on."""
    play = scene.play
    goal = play.floor
    play.brake(1.5)
    label = scene.begin(play.t, rule=None)
    play.stay(scene.between(12, 24))
    play.ride(goal)
    scene.over(label, play.t)
    play.freed()


@event(ARRIVING, near="2", also="17")
def slow_door(scene: Scene) -> None:
    """The door needs most of a minute until it opens."""
    play = scene.play
    play.put(drive=0, call=0)
    play.x, play.v = play.floor * play.storey, 0.0
    label = scene.begin(play.t, rule=None)
    play.stay(scene.between(25, 48))
    scene.over(label, play.t)
    play.freed()


@event(BOARDED, near="3")
def button_brush(scene: Scene) -> None:
    """A bag touches the alarm button for a moment; the controller filters it."""
    play = scene.play
    label = scene.begin(play.t, rule=None)
    play.press(scene.between(0.1, 0.35))
    scene.over(label, play.t)
    play.carry_on()


@event(EMPTY_RIDE, near="4")
def level_overrun(scene: Scene) -> None:
    """The car overruns its last landing by centimetres, short of the limit, and comes back."""
    play = scene.play
    top = play.v > 0
    end = play.top if top else 0
    play.brake(0.7)
    play.ride(end, rise=scene.between(0.05, 0.1) * (1 if top else -1))
    label = scene.begin(play.t, rule=None)
    play.stay(scene.between(2, 10))
    play.ride(end, fastest=0.08)
    scene.over(label, play.t)
    play.freed()


@event(BOARDED, near="6", also="32")
def relevelling(scene: Scene) -> None:
    """Ropes stretch at loading: the car re-levels by centimetres with its door open."""
    play = scene.play
    label = scene.begin(play.t, rule=None)
    sag = scene.between(0.02, 0.05)
    for _ in range(2):
        play.pull(1.0, -2 * sag)
        play.v = 0.0
        play.stay(1.0)
        play.put(drive=1)
        play.pull(0.5, 4 * sag)
        play.brake(4 * sag)
    play.x = play.floor * play.storey
    scene.over(label, play.t)
    play.carry_on()


@event(RIDING, near="9", ride_s=10.0)
def a_little_fast(scene: Scene) -> None:
    """The drive runs at up to 1.12 times rated speed for seconds."""
    play = scene.play
    way = 1 if play.v > 0 else -1
    room = (play.top * play.storey - play.x) if way > 0 else play.x
    goal = scene.between(1.05, 1.12) * play.rated
    label = scene.begin(play.t, rule=None)
    if abs(play.v) < goal:
        play.pull((goal - abs(play.v)) / 0.3, 0.3 * way)
    seconds = min(4.0, (room - goal * goal - 1.0) / goal)
    if seconds > 0.5:
        play.pull(seconds, 0.0)
    goal_floor = play.floor
    play.brake(0.8)
    play.stay(0.5)
    play.to_level(play.rated)
    scene.over(label, play.t)
    assert 0 <= goal_floor <= play.top
    play.freed()


@event(BOARDED, near="10")
def jumping(scene: Scene) -> None:
    """Children jump in the car: ±0.25 g and nothing more."""
    play = scene.play
    label = scene.begin(play.t, rule=None)
    for _ in range(4):
        play.stay(1.5)
        play.shock(_G + scene.between(1.0, 2.6), _G - scene.between(1.0, 2.4))
    scene.over(label, play.t)
    play.carry_on()


@event(RIDING, near="11", also="13 19")
def power_blink(scene: Scene) -> None:
    """The mains are gone for less than half a minute, with somebody in the car."""
    play = scene.play
    goal = play.floor
    play.put(power=1, call=0)
    play.fault(41)
    play.brake(1.2)
    label = scene.begin(play.t, rule=None)
    seconds = scene.between(3, 18)
    scene.dark(label, seconds)
    play.stay(seconds)
    play.put(power=0)
    play.over(41)
    play.stay(3.0)
    play.ride(goal, fastest=0.4)
    scene.over(label, play.t)
    play.freed()


@event(EMPTY_RIDE, near="12", also="19")
def short_empty_stop(scene: Scene) -> None:
    """The empty car stands between floors for less than three quarters of a minute."""
    play = scene.play
    goal = play.floor
    play.brake(1.5)
    label = scene.begin(play.t, rule=None)
    play.stay(scene.between(15, 35))
    play.ride(goal)
    scene.over(label, play.t)
    play.freed()


@event(STANDING, near="13")
def chain_blink(scene: Scene) -> None:
    """A contact of the chain opens for a few seconds while the car stands."""
    play = scene.play
    label = scene.begin(play.t, rule=None)
    play.stay(scene.between(1, 4), chain=1)
    play.put(chain=0)
    scene.over(label, play.t)
    play.stay(5.0)


@event(STANDING, near="15")
def short_restart_block(scene: Scene) -> None:
    """The controller refuses to start for less than a minute."""
    play = scene.play
    label = scene.begin(play.t, rule=None)
    play.fault(8)
    play.stay(scene.between(10, 40))
    play.over(8)
    scene.over(label, play.t)


@event(EMPTY_RIDE, near="19", ride_s=9.0)
def one_hard_stop(scene: Scene) -> None:
    """One hard stop from speed; the car goes on by itself."""
    play = scene.play
    goal = play.floor
    label = scene.begin(play.t, rule=None)
    play.brake(scene.between(2.0, 3.0))
    play.stay(scene.between(2, 8))
    play.ride(goal, fastest=0.4)
    scene.over(label, play.t)
    play.freed()


@event(STANDING, near="20", also="22")
def parked(scene: Scene) -> None:
    """Taken out of service for hours, lights off, standing at a landing."""
    play = scene.play
    play.ride(int(scene.fleet.lobby[scene.row]))
    label = scene.begin(play.t, rule=None)
    play.put(mode=0)
    play.tell(42)
    play.stay(3600 * scene.between(1, 5))
    play.put(mode=1)
    play.tell(40)
    scene.over(label, play.t)
    play.stay(10.0)


@event(None, near="23")
def short_silence(scene: Scene) -> None:
    """The device says nothing for some seconds."""
    label = scene.begin(scene.t, rule=None)
    seconds = min(40.0, 1.6 * scene.fleet.dialects[scene.row].heartbeat_s + 10)
    scene.silent(scene.t, scene.t + int(1000 * seconds))
    scene.over(label, scene.t + int(1000 * seconds))

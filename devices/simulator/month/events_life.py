"""Events on which a life may hang: people held, a car that moves as it must not."""

from __future__ import annotations

from devices.simulator.month.director import ARRIVING, BOARDED, RIDING
from devices.simulator.month.play import Play
from devices.simulator.month.scene import PEOPLE, MonthLabel, Scene, event
from devices.simulator.month.segments import PARTLY

_G = 9.81
_DOOR = ("door_closed", "door_state")


def _wait_for_help(scene: Scene, label: MonthLabel, lo_min: float, hi_min: float) -> None:
    """People wait, some press the button (once or more often), until somebody comes."""
    play = scene.play
    end = play.t + int(60_000 * scene.between(lo_min, hi_min))
    if not scene.fleet.keeps_calls[scene.row]:
        play.stay(scene.between(2, 8))
        play.put(call=0)
    if play.people and scene.chance(0.55):
        play.stay(scene.between(15, 150))
        for _ in range(int(scene.rng.integers(1, 4))):
            play.press(scene.between(1.5, 6.0))
            play.stay(scene.between(10, 90))
        label.also |= {"3"}
    play.stay_until(max(end, play.t + 1000))


def _rescue(scene: Scene, label: MonthLabel) -> None:
    """A mechanic comes, or a reset from afar: the car is brought to a landing, people leave."""
    play = scene.play
    if scene.chance(0.6):
        play.tell(43)
        play.put(mode=2, call=0)
        play.stay(scene.between(20, 120))
        if abs(play.off) > 0.02:
            play.to_level(0.2)
        play.open(slow=2.0)
        play.leave()
        scene.over(label, play.t)
        play.stay(scene.between(120, 1500), chain=1)
        play.put(chain=0)
        play.close()
        play.tell(40)
    elif abs(play.off) > 0.02:
        play.put(chain=0)
        play.to_level(0.3)
    play.freed()
    if label.end_ms is None:
        scene.over(label, play.t)


def _stop(scene: Scene, decel: float) -> None:
    play = scene.play
    play.brake(decel)
    if scene.chance(0.3):
        play.put(mode=0)  # some controllers take themselves out of service


@event(
    RIDING, rule="1", also="2 12 13 15 16 17 19", needs=(("door_zone", "code 4"), PEOPLE),
)  # fmt: skip
def trap_between_floors(scene: Scene) -> None:
    """The drive trips or the safety chain opens in mid-ride; the car stays where it stopped."""
    play = scene.play
    chain = scene.chance(0.35)
    _stop(scene, 1.5)
    label = scene.begin(play.t)
    if chain:
        play.put(chain=1)
        play.fault(1)
    elif scene.chance(0.4):
        play.fault(8)
    if scene.chance(0.6):
        play.tell(4, after_s=30.0)
    _wait_for_help(scene, label, 15, 60)
    if chain:
        play.over(1)
        play.put(chain=0)
    _rescue(scene, label)


@event(ARRIVING, rule="2", also="1 15 16 17", needs=(PEOPLE,))
def trap_at_level(scene: Scene) -> None:
    """The car comes to its landing and the door will not open."""
    play = scene.play
    play.put(drive=0, call=0)
    play.x, play.v = play.floor * play.storey, 0.0
    label = scene.begin(play.t)
    reported = scene.chance(0.6)
    if reported:
        play.fault(3, after_s=10.0)
    play.tell(93, after_s=60.0)
    if scene.chance(0.5):  # they press other floors
        play.stay(scene.between(3, 20))
        play.put(call=1)
    _wait_for_help(scene, label, 8, 45)
    if reported:
        play.over(3)
    _rescue(scene, label)


@event(BOARDED, rule="2", also="15 16 17", needs=(PEOPLE,))
def trap_before_start(scene: Scene) -> None:
    """People get in, the door shuts, and then nothing: no start, no opening."""
    play = scene.play
    play.put(call=1)
    play.stay(2.0)
    play.close()
    label = scene.begin(play.t)
    if scene.chance(0.5):
        play.fault(8, after_s=5.0)
    play.tell(93, after_s=60.0)
    _wait_for_help(scene, label, 8, 45)
    play.over(8)
    _rescue(scene, label)


@event(BOARDED, rule="3", needs=(("alarm_button", "code 90"),), samples=1)
def alarm_button(scene: Scene) -> None:
    """Somebody presses the alarm button for seconds, in earnest or not; the lift is well."""
    play = scene.play
    if scene.chance(0.6):
        play.put(call=1)
        play.close()
    seconds = scene.between(2.5, 9.0)
    label = scene.begin(play.t)
    play.press(seconds)
    scene.shown(label, seconds if play.dialect.sampling == 0 else 60.0, 90)
    scene.over(label, play.t)
    play.carry_on()


def _overtravel(scene: Scene, top: bool) -> None:
    play = scene.play
    if scene.chance(0.3):
        play.put(people=0, mass=0.0)
    play.put(call=1)
    play.close()
    play.stay(0.7)
    end = play.top if top else 0
    if play.floor == end:
        play.ride(0 if top else play.top)
    play.ride(end, rise=scene.between(0.24, 0.5) * (1 if top else -1))
    play.put(chain=1)
    play.fault(1)
    play.tell(92 if top else 91, after_s=5.0)
    label = scene.begin(play.t)
    _wait_for_help(scene, label, 15, 50)
    play.over(1)
    _rescue(scene, label)


_ENDS = "1 2 12 13 15 17 19 20"


@event(BOARDED, rule="4", also=_ENDS, needs=(("final_limit", "code 92"),))
def overtravel_top(scene: Scene) -> None:
    """Past the top landing, into the final limit switch."""
    _overtravel(scene, top=True)


@event(BOARDED, rule="5", also=_ENDS, needs=(("final_limit", "code 91"),))
def overtravel_bottom(scene: Scene) -> None:
    """Past the bottom landing, onto the buffers."""
    _overtravel(scene, top=False)


def _drift_off(play: Play, up: bool, metres: float) -> float:
    """The brake slips: the car gathers speed until it is caught. Returns seconds on the way."""
    begun = play.t
    play.pull((2 * metres / 0.5) ** 0.5, 0.5 if up else -0.5)
    play.brake(2.0)
    return (play.t - begun) / 1000


@event(
    BOARDED, rule="6", also="1 2 7 8 12 13 15 16 17 32",
    needs=((*_DOOR, "code 5"), ("door_zone", "code 5")),
)  # fmt: skip
def unintended_movement(scene: Scene) -> None:
    """The car leaves the door zone with its door open, by the heavier side."""
    play = scene.play
    if scene.chance(0.4):
        play.leave()
    heavy = play.state["mass"] > 0.5 * scene.fleet.rated_kg[scene.row]
    up = (not heavy or play.floor == 0) and play.floor < play.top
    begun = play.t
    _drift_off(play, up, scene.between(0.4, 0.7))
    play.put(chain=1)
    play.fault(5)
    label = scene.begin(begun + 900)
    scene.ripe(label, play.t)
    _wait_for_help(scene, label, 10, 45)
    play.over(5)
    _rescue(scene, label)


@event(
    RIDING,
    rule="7",
    also="1 6 8 13 16 19 32",
    needs=(_DOOR, ("speed",)),
    samples=3,
    ride_s=9.0,
    early=True,
)
def door_opens_while_running(scene: Scene) -> None:
    """A bridged contact: the door is pushed open in mid-ride and nothing stops the car."""
    play = scene.play
    room = (play.top * play.storey - play.x) if play.v > 0 else play.x
    speed = max(abs(play.v), 0.2)
    seconds = min(scene.between(5, 14), (room - speed * speed / 1.2 - 0.3) / speed)
    begun = play.t
    play.put(door=PARTLY, drive=1)
    if seconds > 0.5:
        play.pull(seconds, 0.0)
    label = scene.begin(begun)
    scene.shown(label, (play.t - begun) / 1000)
    play.brake(0.6)
    scene.over(label, play.t)
    play.close()
    play.stay(1.0)
    play.to_level(play.rated)
    play.freed()


@event(
    BOARDED, rule="8", also="1 2 6 7 12 13 15 16 17 32", needs=(_DOOR, ("car_status",)), samples=2,
)  # fmt: skip
def starts_with_door_open(scene: Scene) -> None:
    """The controller leaves the landing with the door standing open, then is stopped."""
    play = scene.play
    begun = play.t
    play.ride_part(play.top if play.floor == 0 else 0, 0.5 if play.top < 4 else 0.35)
    play.brake(1.2)
    label = scene.begin(begun)
    scene.shown(label, (play.t - begun) / 1000, None)
    play.put(chain=1)
    _wait_for_help(scene, label, 10, 40)
    _rescue(scene, label)


@event(
    RIDING,
    rule="9",
    also="1 2 10 12 13 15 17 19",
    needs=(("speed",),),
    samples=3,
    ride_s=14.0,
    early=True,
)
def overspeed(scene: Scene) -> None:
    """The drive runs away until the governor trips and breaks the safety chain."""
    play = scene.play
    way = 1 if play.v > 0 else -1
    room = (play.top * play.storey - play.x) if way > 0 else play.x
    goal = scene.between(1.28, 1.45) * play.rated
    rise = max(0.1, (goal - abs(play.v)) / 0.7)
    used = 0.5 * (goal + abs(play.v)) * rise + goal * goal / 4.0
    seconds = min(scene.between(2, 7), (room - used - 0.2) / goal)
    if seconds < 0.2:
        seconds, rise = 0.0, 0.1  # no shaft left for it: it stays a hard stop, unseen
    play.put(drive=1)
    play.pull(rise, 0.7 * way)
    begun = play.t
    if seconds:
        play.pull(seconds, 0.0)
    fast = abs(play.v) > 1.2 * play.rated
    label = scene.begin(begun)
    scene.shown(label, (play.t - begun) / 1000 if fast else 0.0)
    play.put(chain=1)
    play.fault(1)
    play.brake(2.0)
    _wait_for_help(scene, label, 15, 50)
    play.over(1)
    _rescue(scene, label)


@event(RIDING, rule="10", also="1 2 9 12 13 15 17 19 27", needs=(("acc_peak", "acc_min"),))
def fall_and_catch(scene: Scene) -> None:
    """Traction is lost for a moment; the safety gear bites at almost 1 g."""
    play = scene.play
    play.put(drive=0)
    play.pull(0.2, -8.6)
    play.brake(9.0)
    play.shock(_G + scene.between(8.0, 11.0), scene.between(0.4, 1.6))
    label = scene.begin(play.t)
    play.put(chain=1)
    play.fault(1)
    _wait_for_help(scene, label, 15, 50)
    play.over(1)
    _rescue(scene, label)

"""What people do with lifts every day, and what must not ring: held doors, parcels, children."""

from __future__ import annotations

from devices.simulator.month.director import BOARDED, STANDING
from devices.simulator.month.scene import Scene, event


@event(STANDING, near="2")
def slow_passenger(scene: Scene) -> None:
    """Somebody gets in, looks at the telephone, and presses a button only after a while."""
    play = scene.play
    play.open()
    play.board(1, call=0)
    play.close()
    label = scene.begin(play.t, rule=None)
    play.stay(scene.between(15, 45))
    play.put(call=1)
    play.stay(1.0)
    play.ride(play.top if play.floor == 0 else 0)
    scene.over(label, play.t)
    play.freed()


@event(BOARDED, near="16")
def door_held(scene: Scene) -> None:
    """Somebody holds the door for a neighbour, for less than a minute in all."""
    play = scene.play
    label = scene.begin(play.t, rule=None)
    play.stay(scene.between(25, 42))
    scene.over(label, play.t)
    play.carry_on()


@event(BOARDED, near="16", also="16 18")
def moving_house(scene: Scene) -> None:
    """Furniture goes in and out; the door is held for minutes. That it is open is the truth."""
    play = scene.play
    label = scene.begin(play.t, rule=None)
    for _ in range(int(scene.rng.integers(2, 5))):
        play.put(mass=play.state["mass"] + scene.between(20, 60))
        play.stay(scene.between(40, 150))
        if scene.chance(0.5):
            play.close(0.4)
            play.open(0.4, keep=True)
    scene.over(label, play.t)
    play.close()
    play.ride(play.top if play.floor == 0 else 0)
    play.open()
    play.stay(scene.between(20, 45))
    play.freed()


@event(BOARDED, near="16")
def two_failed_closings(scene: Scene) -> None:
    """A bag in the door, twice; then it closes."""
    play = scene.play
    label = scene.begin(play.t, rule=None)
    for _ in range(2):
        play.close(0.6)
        play.open(0.6, keep=True)
        play.stay(scene.between(2, 6))
    scene.over(label, play.t)
    play.carry_on()


@event(BOARDED, near="18")
def three_door_cycles(scene: Scene) -> None:
    """Children play with the button: the door opens and closes three times, then they ride."""
    play = scene.play
    label = scene.begin(play.t, rule=None)
    for _ in range(2):
        play.close()
        play.stay(1.0)
        play.open(keep=True)
        play.stay(2.0)
    play.close()
    scene.over(label, play.t)
    play.ride(play.top if play.floor == 0 else 0)
    play.freed()


@event(STANDING, near="2")
def parcel_left(scene: Scene) -> None:
    """A parcel stays in the car: the load cell shows some per cent, nobody is there."""
    play = scene.play
    label = scene.begin(play.t, rule=None)
    play.open()
    play.put(mass=scene.between(0.04, 0.08) * float(scene.fleet.rated_kg[scene.row]))
    play.stay(4.0)
    play.close()
    play.stay(60 * scene.between(3, 40))
    play.open()
    play.put(mass=0.0)
    play.stay(4.0)
    scene.over(label, play.t)
    play.close()


@event(STANDING, near="2")
def cleaners_cart(scene: Scene) -> None:
    """A cleaner wipes the car with the door shut off and on, a cart in it, and goes up and down."""
    play = scene.play
    label = scene.begin(play.t, rule=None)
    for _ in range(3):
        play.open()
        play.board(1, call=0)
        play.put(mass=100.0)
        play.stay(scene.between(5, 40))
        play.close()
        play.stay(scene.between(2, 30))
        play.ride(int(scene.rng.integers(0, play.top + 1)))
        play.open()
        play.stay(scene.between(5, 30))
        play.leave()
        play.close()
        play.stay(scene.between(5, 30))
    scene.over(label, play.t)


@event(STANDING, near="2", only_with=(("passenger",),))
def cart_left(scene: Scene) -> None:
    """A cleaner leaves the cart in the car and goes for water: the presence sensor sees it."""
    play = scene.play
    label = scene.begin(play.t, rule=None)
    play.open()
    play.board(1, call=0)
    play.put(mass=95.0)
    play.stay(2.0)
    play.put(people=0, mass=30.0)
    begun = play.t
    play.stay(3.0)
    play.close()
    play.stay(60 * scene.between(2, 25))
    play.open()
    scene.lie(begun, play.t, scene.options["col"]["passenger"], lambda old, _: old * 0 + 1)
    play.put(mass=0.0)
    play.stay(4.0)
    scene.over(label, play.t)
    play.close()

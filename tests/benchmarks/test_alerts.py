"""The benchmarks of the alert rooms in their short form: nothing is lost, nothing doubled."""

from __future__ import annotations

from benchmarks import alertmanager, flood, timers


def test_a_small_flood_loses_nothing_and_shows_every_car() -> None:
    found = flood.run(["--lifts", "60", "--trapped", "6"])
    assert found["transitions"] == 600
    assert found["alerts"] == 420
    assert (found["lost"], found["doubled"], found["dead"]) == (0, 0, 0)
    assert found["cars_shown"] == 6
    assert found["journal_sound"] is True


def test_timers_fire_once_each() -> None:
    found = timers.run(["--open", "2000", "--due", "100"])
    assert found["fired"] == 100
    assert found["twice"] == 0


def test_after_a_kill_all_that_was_accepted_still_comes() -> None:
    found = alertmanager.run(["--alerts", "60", "--batch", "20"])
    assert found["ours"]["delivered"] == found["ours"]["delivered_after_kill"] == 60

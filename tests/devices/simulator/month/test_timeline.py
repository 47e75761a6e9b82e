"""The timelines: without gap or jump, physical, and with the traffic that was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.simulator.month.dialects import load_month
from devices.simulator.month.director import find, take_over
from devices.simulator.month.fleet import Fleet
from devices.simulator.month.scene import EVENTS, Scene
from devices.simulator.month.segments import CLOSED, OPENING, REST, RIDE, SCRIPTED, motion
from devices.simulator.month.traffic import DAY_MS, Carry, day
from tests.devices.simulator.month.conftest import COL, Small, make

FLEET = Fleet(60, 9, load_month())


def carry(fleet: Fleet) -> Carry:
    n = fleet.n
    return Carry(fleet.lobby.copy(), np.zeros(n, np.int64), np.full(n, -(1 << 40), np.int64))


@pytest.fixture(scope="module")
def lines():
    return day(FLEET, 1, 0, carry(FLEET))


def tiled(line) -> bool:
    return bool((line["t1"][:-1] == line["t0"][1:]).all() and (line["t1"] > line["t0"]).all())


def jumps(line) -> float:
    """Largest step in position from one segment to the next, m."""
    x, _, _ = motion(line, line["t1"] - line["t0"])
    return float(np.abs(x[:-1] - line["x"][1:]).max())


def test_a_day_has_no_gap_and_the_car_never_jumps(lines):
    assert all(tiled(line) for line in lines)
    assert max(jumps(line) for line in lines) < 2e-3


def test_ordinary_traffic_never_moves_with_the_door_open(lines):
    for line in lines:
        assert (line["door"][line["law"] != REST] == CLOSED).all()


def test_speed_integrates_to_the_way_and_stays_at_rated(lines):
    line = max(lines, key=len)
    ride = line[line["law"] == RIDE][:50]
    for one in ride:
        part = np.repeat(np.array([one]), 2001)
        ms = np.linspace(0, int(one["t1"] - one["t0"]), 2001)
        x, v, a = motion(part, ms)
        way = np.trapezoid(v, ms / 1000)
        assert abs(abs(way) - one["length"]) < 0.02
        assert np.abs(v).max() <= FLEET.rated[one["lift"]] * 1.0001
        assert np.abs(a).max() < 1.0
        assert abs((x[-1] - x[0]) - way) < 0.02


def test_people_who_enter_leave_and_a_standing_car_is_empty(lines):
    for line in lines:
        idle = (line["law"] == REST) & (line["door"] == CLOSED) & (line["call"] == 0)
        assert (line["people"][idle] == 0).all()
        assert line["people"].min() >= 0
        assert line["people"].max() <= FLEET.capacity[line["lift"][0]]


def test_a_call_goes_out_only_where_the_door_opens_for_it(lines):
    for line in lines:
        out = np.flatnonzero((line["call"][:-1] != 0) & (line["call"][1:] == 0)) + 1
        assert (line["door"][out] == OPENING).all()
        # and who is in a shut car that is about to leave has pressed one
        leaves = np.flatnonzero(line["law"] == RIDE)
        assert (line["call"][leaves] == (line["people"][leaves] > 0)).all()


def test_traffic_has_its_peaks_and_its_weekend():
    fleet = Fleet(200, 4, load_month())
    office = np.array([lift.type == "office" for lift in fleet.registry.lifts])

    def rides(number: int) -> np.ndarray:
        since = carry(fleet)
        since.since[:] = number * DAY_MS
        whole = np.concatenate(day(fleet, 1, number, since))
        whole = whole[(whole["law"] == RIDE) & office[whole["lift"]]]
        return np.bincount((whole["t0"] - number * DAY_MS) // 3_600_000, minlength=25)

    monday, saturday = rides(0), rides(5)
    assert monday[8] > 1.5 * monday[10] and monday[18] > 1.5 * monday[15]
    assert monday[3] < 0.1 * monday[8]
    assert saturday[:24].sum() < 0.5 * monday[:24].sum()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 500), st.integers(1, 90)), max_size=40))
def test_the_queue_equals_its_plain_twin(rows):
    from devices.simulator.month.traffic import _Calls, _lindley

    rows = sorted(rows)
    lift, at, took = (np.array(c, np.int64) for c in zip(*rows, strict=True)) if rows else (
        np.zeros(0, np.int64),) * 3  # fmt: skip
    none = np.zeros(len(lift), np.int64)
    calls = _Calls(lift, at, none, none, none, none, none, none.astype(bool))
    since = np.array([0, 40, 0, 1000])
    begun = _lindley(calls, took, Carry(none, since, none))
    free = since.copy()
    for i in range(len(lift)):
        start = max(int(at[i]), int(free[lift[i]]))
        free[lift[i]] = start + took[i]
        assert begun[i] == start


@pytest.mark.parametrize("name", sorted(n for n, e in EVENTS.items() if e.where is not None))
@pytest.mark.parametrize("row", [0, 7, 23, 41])
def test_each_event_leaves_a_whole_day_behind(lines, name, row):
    event, fleet = EVENTS[name], FLEET
    rng = np.random.default_rng([row, len(name)])
    storey = float(fleet.storey[row])
    moment = find(lines[row], event.where, 9 * 3_600_000, rng, min(event.ride_s, 4.0), storey)
    assert moment is not None
    options = {"until": moment[1] + 600_000, "col": COL, "rows": (row,)}
    scene = Scene(fleet, row, event, moment[1], rng, 0, DAY_MS, options=options)

    def script(play):
        scene.play = play
        event.script(scene)

    line, play = take_over(fleet, lines[row], row, moment, script)
    assert tiled(line)
    assert jumps(line) < 5e-3
    assert scene.labels
    # given back at a landing, shut and empty, nothing left switched
    assert abs(play.off) < 0.02
    last = line[np.flatnonzero(line["part"] == SCRIPTED)[-1]]
    assert last["door"] == CLOSED and last["people"] == 0
    assert [last[n] for n in ("mode", "chain", "power", "alarm", "lost")] == [1, 0, 0, 0, 0]
    reach = float(fleet.top[row]) * storey
    assert line["x"].min() > -1.0 and line["x"].max() < reach + 1.0


def test_after_events_the_whole_month_is_without_gap():
    month = make(11, 30, 2, 30.0)
    list(month.windows())
    for line in month._lines:
        assert tiled(line)
        assert jumps(line) < 5e-3


def test_what_a_trap_looks_like(small: Small):
    """People in a shut car that stands outside every zone, from the label on, for minutes."""
    from devices.simulator.month.month import START_MS

    seen = 0
    for label in small.month.labels:
        if label.fault != "trap_between_floors" or not label.visible:
            continue
        line = small.month._lines[label.row]
        t = label.start_ms - START_MS
        at = int(np.searchsorted(line["t1"], t + 5_000, "right"))
        one = line[at]
        if not one["t0"] <= t + 5_000 < one["t1"]:
            continue  # of a day that is no longer kept
        seen += 1
        assert one["people"] >= 1 and one["door"] == CLOSED and one["law"] == REST
        part = one["x"] / small.month.fleet.storey[label.row] % 1.0
        assert 0.06 < part < 0.94
        assert label.end_ms is not None and label.end_ms - label.start_ms > 14 * 60_000
    assert seen

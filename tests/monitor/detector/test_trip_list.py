"""Trips cut from history are those that the live detector tells."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from devices.batch import MessageRows, TelemetryBatch
from devices.vocabulary import load_vocabulary
from monitor.detector import Detector
from monitor.detector.features import PLACE
from monitor.detector.trip_list import Trips, cut, judged

VOCAB = load_vocabulary()
START = 1_790_035_200_000
RATED, PERIOD = 1.75, 1.0
REGISTRY = {
    "rated_speed": np.array([RATED], np.float32),
    "period_s": np.array([PERIOD], np.float32),
    "floor_lo": np.array([1.0], np.float32),
    "floor_hi": np.array([20.0], np.float32),
}


def ride(trips: int, seed: int = 3) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float32]]]:
    """Trips of different lengths, each with a stop at which the door opens and shuts."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, float]] = []
    floor = 1
    for _ in range(trips):
        to = int(rng.integers(1, 20))
        to += to == floor
        run, opening, stood, closing = (int(rng.integers(a, b)) for a, b in
                                        ((6, 20), (2, 5), (3, 9), (2, 5)))  # fmt: skip
        for i in range(run):
            rows.append(
                {
                    "car_status": 1,
                    "speed": RATED * min(1, (i + 1) / 3, (run - i) / 3),
                    "car_position": round(floor + (to - floor) * i / run),
                    "door_state": 2,
                    "door_zone": 0,
                    "acc_rms": 0.1 + 0.02 * rng.random(),
                    "acc_peak": 9.8 + rng.random(),
                    "motor_current": 12 + rng.random(),
                }
            )
        floor = to
        for state, seconds in ((2, 1), (3, opening), (4, stood), (1, closing), (2, 4)):
            for _i in range(seconds):
                row = {"car_status": 0, "speed": 0, "car_position": floor, "door_state": state,
                       "door_zone": 1, "level_offset": float(rng.integers(-9, 9))}  # fmt: skip
                if state in (1, 3):
                    row["door_current"] = 0.8 + rng.random()
                rows.append(row)
    at = START + np.arange(len(rows), dtype=np.int64) * 1000
    names = sorted({name for row in rows for name in row})
    nan = float("nan")
    said = {n: np.array([row.get(n, nan) for row in rows], np.float32) for n in names}
    said["service_mode"] = np.ones(len(rows), np.float32)
    return at, said


def batch_of(
    at: NDArray[np.int64], said: dict[str, NDArray[np.float32]], which: slice
) -> TelemetryBatch:
    values = np.full((len(at[which]), len(VOCAB)), np.nan, np.float32)
    for name, column in said.items():
        values[:, VOCAB.index(name)] = column[which]
    n = len(values)
    return TelemetryBatch(
        np.zeros(n, np.int32), at[which], values, np.zeros(n, np.bool_), MessageRows.empty()
    )


def test_the_live_detector_tells_the_same_of_every_trip() -> None:
    at, said = ride(12)
    found = cut(at, said, PERIOD, RATED)
    assert len(found) == 11, "the first sample is no departure: nobody saw the lift stand before"
    detector = Detector(VOCAB, REGISTRY, 1)
    fed = 0
    for i, next_off in enumerate(found.set_off.tolist()[1:]):
        end = int(np.searchsorted(at, next_off, "right"))
        detector.update(batch_of(at, said, slice(fed, end)), next_off)
        fed = end
        pending = detector.own["pending"].data[0].copy()
        live = detector.live(0)
        for name in ("opening_s", "closing_s", "dwell_s"):
            assert live[name][0] == found.columns[name][i], (name, i)
        assert live["trip_s"][0] == found.columns["travel_s"][i]
        for feature in ("travel_time", "motor_current", "start_current", "vibration", "shock",
                        "levelling", "opening_time", "closing_time", "door_current"):  # fmt: skip
            assert pending[PLACE[feature]] == pytest.approx(
                found.pending[PLACE[feature], i], rel=1e-4
            ), (feature, i)


def without(found: Trips, at: NDArray[np.int64], moment: int) -> bool:
    return not ((found.set_off <= at[moment]) & (at[moment] <= found.arrived)).any()


def test_a_trip_with_a_hole_or_in_inspection_is_none() -> None:
    at, said = ride(8)
    whole = cut(at, said, PERIOD, RATED)
    moment = int(np.searchsorted(at, whole.set_off[3])) + 2
    mode = said["service_mode"].copy()
    mode[moment] = 2
    assert without(cut(at, said | {"service_mode": mode}, PERIOD, RATED), at, moment)
    late = at.copy()
    late[moment:] += 60_000
    assert without(cut(late, said, PERIOD, RATED), late, moment)


def test_re_levelling_is_counted_and_ends_no_trip() -> None:
    at, said = ride(6)
    plain = cut(at, said, PERIOD, RATED)
    stop = int(np.searchsorted(at, plain.arrived[2]))
    moved = {name: column.copy() for name, column in said.items()}
    moved["car_status"][stop + 5 : stop + 7] = 1  # with the door open, in the zone
    moved["speed"][stop + 5 : stop + 7] = 0.1
    found = cut(at, moved, PERIOD, RATED)
    assert found.set_off.tolist() == plain.set_off.tolist()
    assert found.columns["relevels"].tolist() == [0, 0, 1, 0, 0]
    assert found.columns["travel_s"].tolist() == plain.columns["travel_s"].tolist()


def test_trips_stand_beside_the_normal_that_was_learned() -> None:
    at, said = ride(40)
    detector = Detector(VOCAB, REGISTRY, 1)
    detector.update(batch_of(at, said, slice(0, len(at))), int(at[-1]))
    detector.live(0)
    before = detector.own["normal"].data.copy()
    told = judged(detector, 0, cut(at, said, PERIOD, RATED))
    assert np.array_equal(before, detector.own["normal"].data), "to ask teaches nothing"
    i = PLACE["vibration"]
    assert (told.sigma[i] > 0).all()
    assert (np.abs(told.value[i] - told.normal[i]) < 4 * told.sigma[i]).all()
    assert np.isnan(told.normal[PLACE["load_zero"]]).all()


def test_nothing_gives_nothing() -> None:
    found = cut(np.empty(0, np.int64), {}, PERIOD, RATED)
    assert len(found) == 0 and found.pending.shape[1] == 0

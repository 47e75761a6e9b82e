"""What a lift's bursts teach: equal to the slow twin, through save, load, growth and repeats."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.detector import Detector
from monitor.detector.waveform import (
    DRIFT,
    FIGURES,
    STATE,
    TEXTS,
    TIMES,
    WaveformFeatures,
    learn,
    tables,
)
from tests.monitor.detector.fleets import T0, VOCAB, batch, registry
from tests.monitor.detector.waveform import signals
from tests.naive.learning import LiftBursts

LIFTS = 3
SHAPE = 1 + np.sin(np.arange(16) / 4)


def made_up(seed, count, worn, from_):
    """Features of some bursts, mostly usual, in any order, some of them old or repeated."""
    rng = np.random.default_rng(seed)
    tail = np.arange(count) >= from_
    current = rng.random(count) < 0.4
    columns = {name: np.full(count, np.nan, np.float32) for name in FIGURES}
    for name in ("ride_a95_h", "ride_a95_v", "ride_jerk", "ride_speed", "bearing_prominence"):
        x = rng.choice([0.1, 1.0, 5.0]) * rng.normal(1, 0.05, count) * np.where(tail, worn, 1)
        columns[name][:] = np.where(current | (rng.random(count) < 0.1), np.nan, x)
    signature = SHAPE * rng.normal(1, 0.02, (count, 16)) * np.where(tail, worn, 1)[:, None]
    signature[~current | (rng.random(count) < 0.1)] = np.nan
    return WaveformFeatures(
        rng.integers(0, LIFTS, count).astype(np.int32),
        T0 + rng.integers(0, 50, count) + 10 * np.arange(count),
        current,
        columns,
        signature.astype(np.float32),
        rng.random(count) < 0.3,
    )


PART = st.tuples(
    st.integers(0, 10_000), st.integers(0, 60), st.sampled_from([1.0, 1.0, 4.0]), st.integers(0, 60)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(PART, max_size=3))
def test_learning_equals_the_slow_twin(parts):
    own, lifts = tables(LIFTS), [LiftBursts() for _ in range(LIFTS)]
    for part in parts:
        f = made_up(*part)
        new = set()
        for i in sorted(range(len(f)), key=lambda i: f.ts_ms[i]):
            figures = {name: column[i] for name, column in f.columns.items()}
            told = (int(f.ts_ms[i]), bool(f.current[i]), figures, f.signature[i], f.backwards[i])
            if lifts[f.lift[i]].take(*told):
                new.add(int(f.lift[i]))
        assert learn(own, f).tolist() == sorted(new)
        for row, lift in enumerate(lifts):
            for name in TEXTS:
                table = own[DRIFT if name == DRIFT else STATE]
                got = table.data[row, table.index[name]]
                np.testing.assert_allclose(got, lift.column(name), rtol=1e-5, err_msg=name)


@settings(max_examples=20, deadline=None)
@given(PART)
def test_a_repeat_changes_nothing(part):
    f = made_up(*part)
    own = tables(LIFTS)
    learn(own, f)
    before = {name: table.data.copy() for name, table in own.items()}
    assert learn(own, f).tolist() == []
    for name, table in own.items():
        np.testing.assert_array_equal(table.data, before[name])


def some_bursts(k):
    worn = 1 if k < 16 else 4
    return [
        signals.ride(0, T0 + 60_000 * k, across=0.05 * worn, noise=0.02, seed=k),
        signals.door(1, T0 + 60_000 * k, seed=k),
        signals.ride(1, T0 + 60_000 * k + 5, noise=0.02, seed=k + 100),
    ]


def update(detector, k):
    rows = batch([(i, T0 + 60_000 * k, {"speed": 0}) for i in range(2)])
    rows.waveforms = some_bursts(k)
    return detector.update(rows, T0 + 60_000 * k)


def test_save_and_load_in_the_middle_change_nothing(tmp_path):
    whole, again = (Detector(VOCAB, registry(2), 2, asleep_s=1e9) for _ in range(2))
    for k in range(14):
        update(whole, k)
    whole.save(tmp_path)
    again.load(tmp_path)
    again.grow(7, registry(7))
    for k in range(14, 24):
        for one, other in zip(update(whole, k), update(again, k), strict=True):
            for name in TEXTS:
                np.testing.assert_array_equal(one.columns[name], other.columns[name])
    assert whole.evidence(0, ["waveform_drift"])[0][1] == 1
    for name, table in whole.tables.items():
        np.testing.assert_array_equal(table.data, again.tables[name].data[:2], err_msg=name)
    assert np.isnan(again.own[STATE].data[2:, 0]).all()


def test_samples_of_the_batch_keep_what_was_known_before_its_bursts():
    detector = Detector(VOCAB, registry(2), 2)
    before = update(detector, 0)
    assert [s.sampled.tolist() for s in before] == [[True, True], [False, False]]
    assert np.isnan(before[0].columns["ride_speed"]).all()
    np.testing.assert_allclose(before[1].columns["ride_speed"], 1.75, rtol=0.02)
    later = detector.update(batch([(1, T0 + 90_000, {"speed": 0})]), T0 + 90_000)
    np.testing.assert_allclose(later[0].columns["ride_speed"], 1.75, rtol=0.02)
    fleet = detector.tick(T0 + 91_000).columns
    np.testing.assert_allclose(fleet["ride_speed"], 1.75, rtol=0.02)


def test_evidence_tells_since_which_burst():
    detector = Detector(VOCAB, registry(2), 2, asleep_s=1e9)
    for k in range(20):
        update(detector, k)
    at = dict.fromkeys(TEXTS)
    at |= {name: since for name, _, since in detector.evidence(0, TEXTS)}
    assert at["ride_a95_h"] == T0 + 60_000 * 19
    assert at["waveform_drift"] == T0 + 60_000 * 18  # the third worn one
    assert detector.evidence(1, ["door_time_s"])[0][1:] == (np.float32(3.0), T0 + 60_000 * 19)


def test_a_lift_whose_first_word_is_a_burst():
    detector = Detector(VOCAB, registry(3), 3)
    rows = batch()
    rows.waveforms = [signals.ride(2, T0)]
    (found,) = detector.update(rows, T0 + 10)
    assert (found.rows.tolist(), found.at_ms.tolist()) == ([2], [T0])
    assert detector.update(rows, T0 + 20) == []
    assert detector.own[TIMES].data[2].tolist()[0] == T0

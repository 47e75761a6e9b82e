"""History: a batch is there whole or not at all, and reads back as it arrived."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest

from devices.batch import MessageRows, TelemetryBatch, Waveform
from devices.vocabulary import load_vocabulary
from monitor.quarantine.choice import Choice
from monitor.store import quarantine
from monitor.store.compact import DAY_MS, compact
from monitor.store.history import History, QuarantineRow
from monitor.store.replay import batches_after
from monitor.store.series import count_samples, series

VOCAB = load_vocabulary()
SPEED = VOCAB.index("speed")
NOT_JSON = '[{"reason":"not_json"}]'


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    opened = History(tmp_path, VOCAB)
    yield opened
    opened.close()


def some_batch(seed: int, rows: int = 50, ts_ms: int = 0) -> TelemetryBatch:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, len(VOCAB))).astype(np.float32)
    values[rng.random(values.shape) < 0.7] = np.nan
    batch = TelemetryBatch(
        rng.integers(0, 9, rows).astype(np.int32),
        ts_ms + rng.integers(0, 1000, rows).astype(np.int64),
        values,
        rng.random(rows) < 0.1,
    )
    batch.messages = MessageRows(
        np.array([1, 2], np.int32),
        np.array([5, 6], np.int64),
        np.array([90, 93], np.int32),
        np.array([1, 2], np.int8),
        np.array([False, True]),
    )
    return batch


def assert_same(left: TelemetryBatch, right: TelemetryBatch) -> None:
    np.testing.assert_array_equal(left.lift, right.lift)
    np.testing.assert_array_equal(left.ts_ms, right.ts_ms)
    np.testing.assert_array_equal(left.values, right.values)
    np.testing.assert_array_equal(left.late, right.late)
    for name in ("lift", "ts_ms", "code", "state", "late"):
        np.testing.assert_array_equal(getattr(left.messages, name), getattr(right.messages, name))


def test_batches_read_back_bit_for_bit_in_order(history: History) -> None:
    batches = [some_batch(seed) for seed in range(230)]
    for i, batch in enumerate(batches):
        assert history.append(batch, 1000 + i, {}) == i + 1
    logged = list(batches_after(history, 0))
    assert [(one.id, one.now_ms) for one in logged] == [(i + 1, 1000 + i) for i in range(230)]
    for one, batch in zip(logged, batches, strict=True):
        assert_same(one.batch, batch)
    assert [one.id for one in batches_after(history, 228)] == [229, 230]


def test_a_failed_batch_leaves_nothing(history: History) -> None:
    broken = some_batch(1)
    broken.messages.code = np.array(["no", "code"])  # fails after the samples went in
    with pytest.raises(duckdb.Error):
        history.append(broken, 1, {("gw", 1): "1;1"})
    assert count_samples(history) == 0
    assert history.ledger() == []
    assert history.append(some_batch(2), 2, {("gw", 1): "1;1-2"}) == 1
    assert history.ledger() == [("gw", 1, "1;1-2")]


def test_the_ledger_survives_with_and_without_folding(tmp_path: Path) -> None:
    first = History(tmp_path, VOCAB)
    first.append(some_batch(1), 1, {("a", 1): "1;1-5", ("b", 1): "1;1"})
    first.fold_ledger(1)
    first.append(some_batch(2), 2, {("a", 1): "1;1-9"})
    first.close()
    second = History(tmp_path, VOCAB)
    assert sorted(second.ledger()) == [("a", 1, "1;1-9"), ("b", 1, "1;1")]
    second.fold_ledger(3)
    assert sorted(second.ledger()) == [("a", 1, "1;1-9"), ("b", 1, "1;1")]
    assert second.last_batch == 2
    second.close()


def test_rows_of_lifts_never_change(history: History) -> None:
    history.number_lifts(["a", "b"])
    history.number_lifts(["a", "b", "c"])
    assert history.known_lifts() == ["a", "b", "c"]


def test_a_chart_keeps_the_extremes(history: History) -> None:
    batch = TelemetryBatch.empty(len(VOCAB))
    batch.lift = np.zeros(1000, np.int32)
    batch.ts_ms = np.arange(1000, dtype=np.int64)
    batch.values = np.full((1000, len(VOCAB)), np.nan, np.float32)
    batch.values[:, SPEED] = 0
    batch.values[500, SPEED] = 9
    batch.late = np.zeros(1000, np.bool_)
    history.append(batch, 1, {})
    found = series(history, 0, "speed", 0, 1000, points=10)
    assert len(found.ts_ms) == 10
    assert found.hi.max() == 9
    assert found.lo.min() == 0
    assert found.samples.sum() == 1000
    with pytest.raises(KeyError):
        series(history, 0, "no such", 0, 1000)


def test_compaction_moves_days_and_changes_no_answer(history: History, tmp_path: Path) -> None:
    for day in range(3):
        history.append(some_batch(day, ts_ms=day * DAY_MS), day, {})
    before = series(history, 3, "speed", 0, 3 * DAY_MS, points=50)
    done = compact(history, 2 * DAY_MS + 5, history.last_batch, 400, 1)
    assert (done.segments, done.samples) == (2, 100)
    after = series(history, 3, "speed", 0, 3 * DAY_MS, points=50)
    np.testing.assert_array_equal(before.ts_ms, after.ts_ms)
    np.testing.assert_allclose(before.mean, after.mean, rtol=1e-6)
    assert count_samples(history) == 150
    # what a crash left between the file and its row is removed, what is named stays
    (tmp_path / "segments" / "stray.parquet").write_bytes(b"x")
    compact(history, 2 * DAY_MS + 5, history.last_batch, 400, 1)
    assert len(list((tmp_path / "segments").iterdir())) == 2
    # late data of a day that was moved becomes a segment of its own
    history.append(some_batch(9, ts_ms=0), 9, {})
    assert compact(history, 2 * DAY_MS + 5, history.last_batch, 400, 1).segments == 1
    assert count_samples(history) == 200


def test_batches_the_detector_may_need_stay_in_the_log(history: History) -> None:
    history.append(some_batch(1), 1, {})
    history.append(some_batch(2), 2, {})
    compact(history, 5 * DAY_MS, 1, 400, 1)
    assert_same(next(iter(batches_after(history, 1))).batch, some_batch(2))


def test_retention_forgets_whole_days_and_goes_on_counting(history: History) -> None:
    for day in range(3):
        history.append(some_batch(day, ts_ms=day * DAY_MS), day * DAY_MS, {("g", day): "1;1"})
    compact(history, 3 * DAY_MS, history.last_batch, 1, 1)
    assert count_samples(history) == 50
    assert history.append(some_batch(7), 7, {}) == 4


def test_quarantine_keeps_the_bytes_within_its_bound(history: History) -> None:
    empty = TelemetryBatch.empty(len(VOCAB))
    rows = [
        QuarantineRow(
            i, "gw", "t", 1, i, "not_json", '[{"reason":"not_json"}]', bytes([i]) * 9000, 9000
        )
        for i in range(200)
    ]
    history.append(empty, 1, {}, rows)
    assert quarantine.count(history) == 200
    newest = quarantine.recent(history, 2)
    assert [one.id for one in newest] == [200, 199]
    assert newest[0].size == 9000
    assert newest[0].payload == bytes([199]) * quarantine.BYTES_SHOWN
    assert quarantine.payload(history, 1) == bytes([0]) * 9000
    assert quarantine.recent(history, 5, choice=Choice(gateway="other")) == []
    compact(history, 5, history.last_batch, 400, 1)
    assert quarantine.count(history) == 1024 * 1024 // 9000
    assert quarantine.recent(history, 1)[0].id == 200


def test_waveforms_are_kept(history: History) -> None:
    batch = TelemetryBatch.empty(len(VOCAB))
    batch.waveforms = [Waveform(3, 7, 800.0, "m/s2", {"x": np.arange(4, dtype=np.float32)})]
    history.append(batch, 1, {})
    db = history.reader()
    row = db.execute("SELECT lift, axis, data FROM waveform").fetchone()
    db.close()
    assert row is not None
    assert row[:2] == (3, "x")
    assert np.frombuffer(row[2], "<f4").tolist() == [0, 1, 2, 3]


def test_waveforms_read_back_each_as_it_arrived(history: History) -> None:
    """Two bursts of one lift and time with different axes stay two, also the same one twice."""
    x, y = np.arange(4, dtype=np.float32), np.float32([0.1, np.pi, -7, 1e-30])
    bursts = [
        Waveform(3, 7, 800.0, "m/s2", {"z": x, "x": y}),
        Waveform(3, 7, 800.0, "m/s2", {"y": y}),
        Waveform(3, 7, 800.0, "m/s2", {"y": y}),
        Waveform(1, 9, 50.5, "A", {"door": x}),
    ]
    for part in (bursts, [], bursts[:1]):
        batch = some_batch(1)
        batch.waveforms = part
        history.append(batch, 1, {})
    read = [one.batch.waveforms for one in batches_after(history, 0)]
    assert [len(part) for part in read] == [4, 0, 1]
    for got, want in zip([*read[0], *read[2]], [*bursts, bursts[0]], strict=True):
        assert (got.lift, got.ts_ms, got.rate_hz, got.unit) == (
            want.lift, want.ts_ms, want.rate_hz, want.unit,
        )  # fmt: skip
        assert list(got.axes) == list(want.axes)
        for name, values in want.axes.items():
            np.testing.assert_array_equal(got.axes[name], values)
            assert got.axes[name].dtype == np.float32


def test_waveforms_from_before_they_were_numbered_read_back(tmp_path: Path) -> None:
    first = History(tmp_path, VOCAB)
    batch = some_batch(1)
    axes = {name: np.arange(3, dtype=np.float32) for name in "xyz"}
    batch.waveforms = [Waveform(3, t, 50.0, "m/s2", axes) for t in (7, 8)]
    first.append(batch, 1, {})
    first.run(("ALTER TABLE waveform DROP COLUMN burst", ()))
    first.close()
    again = History(tmp_path, VOCAB)
    (logged,) = batches_after(again, 0)
    assert [(w.ts_ms, list(w.axes)) for w in logged.batch.waveforms] == [
        (7, ["x", "y", "z"]), (8, ["x", "y", "z"]),
    ]  # fmt: skip
    again.append(batch, 2, {})
    assert len(next(iter(batches_after(again, 1))).batch.waveforms) == 2
    again.close()


def test_numbers_of_old_batches_go_and_counting_goes_on(tmp_path: Path) -> None:
    first = History(tmp_path, VOCAB)
    for i in range(5):
        first.append(some_batch(i, ts_ms=9 * DAY_MS), i, {("gw", 1): f"1;1-{i + 1};0"})
    first.fold_ledger(5)
    compact(first, 9 * DAY_MS, first.last_batch, 400, 1)
    assert [one.id for one in batches_after(first, 0)] == [5]
    first.close()
    second = History(tmp_path, VOCAB)
    assert second.ledger() == [("gw", 1, "1;1-5;0")]
    assert second.append(some_batch(9), 9, {}) == 6
    assert count_samples(second) == 300
    second.close()


def test_compaction_beside_a_running_pipeline(history: History) -> None:
    """Appending goes on while days are moved; nothing is lost, doubled or refused."""
    for i in range(20):
        history.append(some_batch(i, ts_ms=0), i, {})
    done = threading.Event()

    def tidy() -> None:
        for _ in range(5):
            compact(history, 3 * DAY_MS, history.last_batch, 400, 1)
        done.set()

    threading.Thread(target=tidy, daemon=True).start()
    appended = 20
    while not done.is_set():
        history.append(some_batch(appended, ts_ms=0), appended, {})
        appended += 1
    assert appended > 20
    assert count_samples(history) == 50 * appended

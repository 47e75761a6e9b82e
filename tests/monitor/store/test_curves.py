"""Curves: every extreme survives, from fresh rows, segments, rollups and bundles alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from devices.batch import MessageRows, TelemetryBatch
from devices.vocabulary import load_vocabulary
from monitor.store.bundles import HOUR_MS
from monitor.store.compact import compact
from monitor.store.curves import Curves, curves
from monitor.store.history import History
from monitor.store.rollup import BUCKET_MS, FOLDER, roll_up, rollup_of

VOCAB = load_vocabulary()
DAY = 86_400_000
START = 1_790_035_200_000  # midnight UTC, 22 September 2026
NAMES = ("speed", "door_state", "motor_temp")


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    history = History(tmp_path / "history", VOCAB)
    history.number_lifts(["a", "b"])
    yield history
    history.close()


def write(
    history: History, day: int, step_s: int = 30, lift: int = 0, late: bool = False, seed: int = 0
) -> None:
    ts = START + day * DAY + np.arange(0, 86_400, step_s, dtype=np.int64) * 1000
    rng = np.random.default_rng(seed + day)
    values = np.full((len(ts), len(VOCAB)), np.nan, np.float32)
    values[:, VOCAB.index("speed")] = rng.normal(0, 1, len(ts))
    values[::7, VOCAB.index("door_state")] = rng.integers(1, 5, len(ts[::7]))
    batch = TelemetryBatch(
        np.full(len(ts), lift, np.int32), ts, values, np.full(len(ts), late), MessageRows.empty()
    )
    history.append(batch, int(ts[-1]), {})


def tidy(history: History, day: int) -> None:
    compact(history, START + day * DAY, history.last_batch, 400, 64)


def the_same(a: Curves, b: Curves) -> None:
    assert a.ts_ms.tolist() == b.ts_ms.tolist()
    assert a.n.tolist() == b.n.tolist() and a.late.tolist() == b.late.tolist()
    for name in NAMES:
        for part in ("lo", "hi", "last"):
            np.testing.assert_array_equal(
                getattr(a.channels[name], part), getattr(b.channels[name], part)
            )


def test_extremes_survive_any_thinning(history: History) -> None:
    write(history, 0)
    db = history.reader()
    ((least, most),) = db.execute("SELECT min(speed), max(speed) FROM sample").fetchall()
    db.close()
    for points in (10, 60, 288, 2880):
        found = curves(history, 0, NAMES, START, START + DAY, points)
        assert len(found.ts_ms) <= points
        assert np.nanmin(found.channels["speed"].lo) == np.float32(least)
        assert np.nanmax(found.channels["speed"].hi) == np.float32(most)
        assert found.n.sum() == 2880
        assert np.isnan(found.channels["motor_temp"].last).all()


@pytest.mark.parametrize("points", [6, 500])
def test_rollups_and_bundles_tell_what_the_samples_tell(history: History, points: int) -> None:
    days = 12  # over the end of a month
    for day in range(days):
        write(history, day)
        write(history, day, 60, lift=1, seed=50)
    tidy(history, days - 1)  # the last day stays fresh
    span = (START, START + days * DAY)
    plain = curves(history, 0, NAMES, *span, points)
    assert roll_up(history) == days - 1
    assert roll_up(history) == 0
    assert len(list((history.folder / FOLDER).glob("month-2026-09-*"))) == 1
    the_same(curves(history, 0, NAMES, *span, points), plain)
    assert plain.width_ms % (HOUR_MS if points < 200 else BUCKET_MS) == 0


def test_what_comes_late_counts_at_once_and_is_rolled_up_later(history: History) -> None:
    for day in range(10):
        write(history, day, 300)
    tidy(history, 10)
    roll_up(history)
    span = (START, START + 10 * DAY)
    before = curves(history, 0, NAMES, *span, 10)
    write(history, 2, 600, late=True, seed=900)
    tidy(history, 10)
    found = curves(history, 0, NAMES, *span, 10)
    assert (found.n - before.n).tolist() == [0, 0, 144, 0, 0, 0, 0, 0, 0, 0]
    assert found.late.tolist() == [0, 0, 144, 0, 0, 0, 0, 0, 0, 0]
    assert roll_up(history) == 1
    the_same(curves(history, 0, NAMES, *span, 10), found)
    assert len(list((history.folder / FOLDER).glob("month-2026-09-*"))) == 1, "the old one left"


def test_a_crash_while_rolling_up_leaves_nothing_wrong(history: History) -> None:
    for day in range(3):
        write(history, day, 60)
    tidy(history, 3)
    span = (START, START + 3 * DAY)
    plain = curves(history, 0, NAMES, *span, 12)
    roll_up(history)
    folder = history.folder / FOLDER
    made = sorted(folder.glob("*-*.parquet"))
    made[0].rename(made[0].with_suffix(".part"))  # the name it has until it is whole
    (folder / "20000-1.parquet").write_bytes(b"of a segment that is gone")
    the_same(curves(history, 0, NAMES, *span, 12), plain)
    assert roll_up(history) == 1
    assert not list(folder.glob("*.part")) and not (folder / "20000-1.parquet").exists()
    the_same(curves(history, 0, NAMES, *span, 12), plain)


def test_a_channel_newer_than_the_files_is_unknown_there(history: History) -> None:
    write(history, 0, 300)
    tidy(history, 2)
    db = history.reader()
    ((file,),) = db.execute("SELECT file FROM segment").fetchall()
    part = file + ".old"
    db.execute(f"COPY (SELECT * EXCLUDE motor_temp FROM read_parquet('{file}')) TO '{part}'"
               " (FORMAT parquet)")  # fmt: skip
    db.close()
    Path(part).replace(file)
    found = curves(history, 0, NAMES, START, START + DAY, 100)
    assert np.isnan(found.channels["motor_temp"].last).all()
    roll_up(history)
    assert rollup_of(file).exists()
    the_same(curves(history, 0, NAMES, START, START + DAY, 100), found)


def test_an_unknown_channel_is_named(history: History) -> None:
    with pytest.raises(KeyError):
        curves(history, 0, ["no_such"], START, START + DAY, 10)

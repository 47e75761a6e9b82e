"""What is taken from a history: safely while a service writes, and refused with a way out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from config.errors import ConfigError
from monitor.backtest import source as module
from monitor.backtest.source import take
from monitor.store.history import History
from monitor.store.series import count_samples
from tests.monitor.backtest.house import LIFTS, VOCAB, House

HOLD = """
import sys
from pathlib import Path
from devices.batch import TelemetryBatch
from devices.vocabulary import load_vocabulary
from monitor.store.history import History
import numpy as np
vocab = load_vocabulary()
history = History(Path(sys.argv[1]), vocab)
values = np.full((1, len(vocab)), 0.5, np.float32)
one = TelemetryBatch(np.zeros(1, np.int32), np.array([5]), values, np.zeros(1, np.bool_))
history.append(one, 5, {})
print("held", flush=True)
sys.stdin.readline()
history.close()
"""


def test_everything_is_taken_and_the_database_let_go(house: House, tmp_path: Path) -> None:
    found = take(house.history, tmp_path)
    history = History(house.history, VOCAB)  # would fail if it were still held
    try:
        assert sum(one.samples for one in found.files) == count_samples(history)
        assert list(found.lifts) == history.known_lifts()
        assert len(found.lifts) == LIFTS
    finally:
        history.close()
    assert len(found.files) == 2, "a segment and fresh rows"
    for one in found.files:
        told = duckdb.execute(
            "SELECT min(ts_ms), max(ts_ms), count(*) FROM read_parquet(?)", [one.path]
        ).fetchone()
        assert told == (one.lo_ms, one.hi_ms, one.samples)
    assert "speed" in found.channels
    assert set(found.channels) <= {channel.name for channel in VOCAB.channels}
    assert not found.copied


def test_while_a_service_writes_a_copy_is_taken(tmp_path: Path) -> None:
    folder = tmp_path / "history"
    service = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        cwd=Path(__file__).parents[3], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert service.stdout.readline() == "held\n"
        with pytest.raises(duckdb.IOException):
            duckdb.connect(str(folder / "history.duckdb"), read_only=True)
        work = tmp_path / "work"
        work.mkdir()
        found = take(folder, work)
        assert found.copied
        assert [one.samples for one in found.files] == [1], "what only the log holds is there too"
        assert not list(work.glob("history.duckdb*")), "the copy is gone"
    finally:
        service.communicate("\n", timeout=60)
    assert service.returncode == 0


def test_a_copy_in_the_middle_of_a_checkpoint_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "history.duckdb").write_bytes(b"anything")
    changes = iter(range(1000))
    monkeypatch.setattr(module, "_stamp", lambda file: (next(changes), 0))
    monkeypatch.setattr(module.time, "sleep", lambda s: None)
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(ConfigError, match="file-system snapshot"):
        take(tmp_path, work)


def test_no_history_and_a_lost_segment_are_named(house: House, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no history here yet"):
        take(tmp_path, tmp_path)
    (tmp_path / "w").mkdir()
    duckdb.connect(str(tmp_path / "history.duckdb")).close()
    with pytest.raises(ConfigError, match="no history of ours"):
        take(tmp_path, tmp_path / "w")
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "history.duckdb").write_bytes((house.history / "history.duckdb").read_bytes())
    with pytest.raises(ConfigError, match="folder segments"):
        take(copy, tmp_path / "w")

"""The order of effects: committed, applied, then acknowledged; judged again, nothing changes."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from sqlalchemy.exc import OperationalError

from alerts.desk.accepting import AT_ONCE
from alerts.desk.alert_desk import AlertDesk
from alerts.model import Transition
from config.settings import load_settings
from devices.batch import Waveform
from monitor.batches import Answer
from monitor.pipeline import Wires
from monitor.service import Service
from monitor.store.series import count_samples
from tests.monitor.detector.waveform import signals
from tests.support.site import reg_code, write_small_site

START_MS = 1_795_000_000_000
TRAPPED = {
    "car_status": "stopped", "speed": 0, "door_zone": False, "door_closed": True,
    "door_state": "closed", "passenger": True, "people": 2,
}  # fmt: skip


class Hand:
    """A service whose time and messages are in the test's hand; it never meets a broker."""

    def __init__(self, folder: Path) -> None:
        write_small_site(folder / "site")
        settings = load_settings(None, data_dir=folder / "var", site={"folder": folder / "site"})
        self.now_ms = START_MS
        self.service = Service(settings, _Stopped(self))  # type: ignore[arg-type]
        self.acknowledged: list[tuple[int, int]] = []
        self.answers: list[Answer] = []
        self.pipeline = self.service.pipeline
        self.pipeline._wires = Wires(self.acknowledge, self.answers.extend, lambda: None)
        self.seq = 0

    def acknowledge(self, receipts: Sequence[tuple[int, int]]) -> None:
        self.acknowledged += receipts

    def say(self, values: dict[str, Any], lift: int = 0) -> None:
        """Offer one sample of now, and let the pipeline take it."""
        self.seq += 1
        said = {"v": 1, "boot": 1, "seq": self.seq, "lift": reg_code(lift), "ts": self.now_ms}
        payload = json.dumps(said | {"values": values}).encode()
        self.service.intake.offer(f"lift/v1/gw-{lift % 3}/telemetry", payload, (0, self.seq))
        closed = self.service.intake.take(5)
        assert closed is not None
        self.pipeline.process(closed)

    def burst(self, burst: Waveform, lift: int = 0) -> None:
        """Offer one waveform, and let the pipeline take it."""
        self.seq += 1
        said = {
            "v": 1, "boot": 1, "seq": self.seq, "lift": reg_code(lift), "ts": burst.ts_ms,
            "rate_hz": burst.rate_hz, "unit": burst.unit,
            "axes": {name: values.round(4).tolist() for name, values in burst.axes.items()},
        }  # fmt: skip
        payload = json.dumps(said).encode()
        self.service.intake.offer(f"lift/v1/gw-{lift % 3}/waveform", payload, (0, self.seq))
        closed = self.service.intake.take(5)
        assert closed is not None
        self.pipeline.process(closed)

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds * 2)):
            self.now_ms += 500
            self.pipeline._tick(self.now_ms)

    def alerts(self) -> list[tuple[str, str, int]]:
        db = sqlite3.connect(self.service.settings.data_dir / "liftwatch.db")
        found = db.execute("SELECT rule, subject, since_ms FROM alert ORDER BY id").fetchall()
        db.close()
        return found

    def close(self) -> None:
        self.service.history.close()
        self.service.engine.dispose()


class _Stopped:
    """A clock that only the test moves."""

    speed = 1.0

    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    def __call__(self) -> int:
        return self._hand.now_ms


@pytest.fixture
def hand(tmp_path: Path) -> Iterator[Hand]:
    one = Hand(tmp_path)
    yield one
    one.close()


def test_a_trapped_passenger_becomes_an_alert_after_thirty_seconds(hand: Hand) -> None:
    hand.say(TRAPPED)
    hand.pass_time(29)
    assert hand.alerts() == []
    hand.pass_time(2)
    assert hand.alerts() == [("1", reg_code(0), START_MS)]
    assert hand.acknowledged == [(0, 1)]
    assert (hand.answers[0].durable, hand.answers[0].refused) == (1, [])


def test_nothing_is_acknowledged_before_it_is_committed(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full twice; the third try succeeds, and only then is the sender told."""
    real, failures = hand.service.history.append, [2]

    def append(*args: Any) -> int:
        assert hand.acknowledged == []
        if failures[0]:
            failures[0] -= 1
            raise duckdb.IOException("no space left on device")
        return real(*args)

    monkeypatch.setattr(hand.service.history, "append", append)
    monkeypatch.setattr("monitor.pipeline.RETRY_S", 0.01)
    hand.say(TRAPPED)
    assert hand.acknowledged == [(0, 1)]
    assert count_samples(hand.service.history) == 1
    assert hand.pipeline.trouble is None


def test_a_flood_holds_up_no_batch_and_no_entrapment(hand: Hand, tmp_path: Path) -> None:
    """Accepted is enough to acknowledge; a kill before the rest is worked off loses none of it."""
    desk, many = hand.service.desk, 60
    flood = [
        Transition("lift", f"{i:020d}", "17", True, hand.now_ms, hand.now_ms) for i in range(many)
    ]
    hand.pipeline.apply(flood, hand.now_ms)
    assert (len(hand.alerts()), desk.waiting) == (AT_ONCE, True)
    hand.say(TRAPPED)
    assert hand.acknowledged == [(0, 1)]
    hand.pass_time(31)
    assert hand.alerts()[-1][:2] == ("1", reg_code(0)), "before what waits"
    assert len(hand.alerts()) == AT_ONCE + 1
    hand.close()
    again = Hand(tmp_path)
    again.pipeline.recover()
    while again.service.desk.waiting:
        again.pipeline._turn()
    assert len(again.alerts()) == len(set(again.alerts())) == many + 1
    again.close()


def test_what_cannot_be_worked_off_waits_and_batches_go_on(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_now_ms: int) -> None:
        raise RuntimeError("a fault of ours")

    with monkeypatch.context() as patch:
        patch.setattr(hand.service.desk, "work_off", fails)
        hand.pipeline._turn()
        assert hand.pipeline.trouble == "alerts: a fault of ours"
        hand.say(TRAPPED)
        assert hand.acknowledged == [(0, 1)]
    assert hand.service.desk.waiting
    monkeypatch.setattr(hand.pipeline, "_work_after", 0.0)
    hand.pipeline._turn()
    assert not hand.service.desk.waiting


def test_a_fault_of_the_detector_costs_no_sample_and_is_told(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(hand.pipeline._judge, "judge", lambda *_: 1 / 0)
        hand.say(TRAPPED)
    assert count_samples(hand.service.history) == 1
    assert hand.acknowledged == [(0, 1)]
    assert hand.pipeline.trouble == "detector failed on batch 1"
    hand.say({"speed": 0})
    assert count_samples(hand.service.history) == 2


def test_judging_the_log_again_changes_nothing(hand: Hand, tmp_path: Path) -> None:
    """Alerts as after a crash without a snapshot: the whole log is judged again."""
    hand.say(TRAPPED)
    hand.pass_time(31)
    hand.say(TRAPPED | {"car_status": "running", "speed": 1.0, "car_position": 4})
    hand.pass_time(10)
    hand.say(TRAPPED, lift=3)
    hand.pass_time(31)
    before = hand.alerts()
    assert [(rule, lift) for rule, lift, _ in before] == [("1", reg_code(0)), ("1", reg_code(3))]
    now_ms = hand.now_ms
    hand.close()
    again = Hand(tmp_path)
    again.now_ms = now_ms
    assert again.pipeline.recover() == 3
    again.pass_time(5)
    assert again.alerts() == before
    again.close()


def test_a_snapshot_shortens_the_replay_and_the_hold_goes_on(hand: Hand, tmp_path: Path) -> None:
    hand.say(TRAPPED)
    hand.pass_time(20)
    hand.pipeline._snapshot()
    hand.say(TRAPPED)
    now_ms = hand.now_ms
    hand.close()
    again = Hand(tmp_path)
    again.now_ms = now_ms + 1000
    assert again.pipeline.recover() == 1
    again.pass_time(12)
    assert again.alerts() == [("1", reg_code(0), START_MS)]
    again.close()


def test_late_samples_enter_history_and_ring_no_bell(hand: Hand) -> None:
    hand.now_ms -= 200_000
    late_ms, hand.now_ms = hand.now_ms, START_MS
    payload = json.dumps(
        {"v": 1, "boot": 1, "seq": 1, "lift": reg_code(0), "ts": late_ms, "values": TRAPPED}
    ).encode()
    hand.service.intake.offer("lift/v1/gw-0/telemetry", payload, (0, 1))
    closed = hand.service.intake.take(5)
    assert closed is not None
    hand.pipeline.process(closed)
    hand.pass_time(40)
    assert count_samples(hand.service.history) == 1
    assert hand.alerts() == []


def test_bursts_are_judged_again_after_a_crash(tmp_path: Path) -> None:
    """What bursts taught is there again, bit for bit: from the log alone, and after a snapshot."""
    first = Hand(tmp_path)
    for k in range(8):
        first.now_ms += 1000
        first.burst(signals.ride(ts_ms=first.now_ms, across=0.1, noise=0.02, seed=k))
        if k == 4:
            first.pipeline._snapshot()
        first.burst(signals.door(ts_ms=first.now_ms, seed=k))
    state = {name: table.data.copy() for name, table in first.service.detector.own.items()}
    assert state["waveform"][0].any()
    first.close()
    for snapshots in ("kept", "lost"):
        if snapshots == "lost":
            shutil.rmtree(tmp_path / "var" / "snapshots")
        again = Hand(tmp_path)
        again.now_ms = first.now_ms
        assert again.pipeline.recover() == (7 if snapshots == "kept" else 16)
        for name, data in state.items():
            np.testing.assert_array_equal(again.service.detector.own[name].data, data, err_msg=name)
        again.close()


def test_what_was_judged_and_not_accepted_is_judged_again_at_the_next_start(
    hand: Hand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alerts' database is away, and somebody restarts the service."""
    hand.pipeline._snapshot()
    hand.say(TRAPPED)
    hand.pass_time(29)

    def away(*_: Any) -> None:
        raise OperationalError("INSERT", None, Exception("no connection"))

    with monkeypatch.context() as patched:
        patched.setattr(AlertDesk, "accept", away)
        hand.pipeline._stopping.set()
        hand.pass_time(2)
        hand.pipeline.stop()
    assert hand.alerts() == []
    again = Hand(tmp_path)
    again.now_ms = hand.now_ms
    again.pipeline.recover()
    again.pass_time(31)
    assert again.alerts() == [("1", reg_code(0), START_MS)]
    again.close()


def test_one_transition_that_trips_a_fault_holds_up_no_other(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = AlertDesk.accept

    def accept(desk: AlertDesk, now_ms: int, transitions: Sequence[Transition], silent: Any) -> Any:
        if any(one.subject == reg_code(0) for one in transitions):
            raise ValueError("a fault of ours")
        return real(desk, now_ms, transitions, silent)

    monkeypatch.setattr(AlertDesk, "accept", accept)
    hand.say(TRAPPED)
    hand.say(TRAPPED, lift=1)
    hand.pass_time(32)
    assert [(rule, subject) for rule, subject, _ in hand.alerts()] == [("1", reg_code(1))]
    assert hand.pipeline.trouble


def test_a_call_between_two_batches_that_fails_ends_nothing(hand: Hand) -> None:
    done: list[int] = []
    hand.pipeline.between(lambda: done.append(1 // 0))
    hand.pipeline.between(lambda: done.append(2))
    hand.pipeline._turn()
    assert "zero" in (hand.pipeline.trouble or "")
    hand.pipeline._turn()
    assert done == [2]


def test_history_keeps_nothing_for_a_lane_that_has_nothing_to_do(hand: Hand) -> None:
    for _ in range(3):
        hand.say({"speed": 0})
        hand.now_ms += 1000
    hand.pipeline._snapshot()
    assert hand.service.late.saved_cursor == hand.service.history.last_batch > 0

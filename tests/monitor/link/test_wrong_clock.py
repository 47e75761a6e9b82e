"""Somebody is trapped behind a device whose clock is wrong; and what is old stays old."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.settings import Ingest
from monitor.link.clocks import PROOF_MS
from tests.monitor.test_late import through
from tests.monitor.test_pipeline import START_MS, TRAPPED, Hand
from tests.support.site import reg_code

FREE = TRAPPED | {"door_closed": False, "door_state": "open", "door_zone": True}
HOUR_MS = 3_600_000
STEP_S = 4
PROOF_S = PROOF_MS // 1000 + 45


class Lines(Hand):
    """A service in the hand, and devices whose clocks go as they like."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.service.intake._settings = Ingest(batch_ms=5)  # real time that nobody needs to wait

    def send(
        self, values: dict[str, Any], off_ms: int = 0, lift: int = 0, seq: int | None = None,
        boot: int = 1,
    ) -> None:  # fmt: skip
        """One sample of `off_ms` ago by the device's clock."""
        if seq is None:
            self.seq += 1
            seq = self.seq
        said = {
            "v": 1,
            "boot": boot,
            "seq": seq,
            "lift": reg_code(lift),
            "ts": self.now_ms - off_ms,
        }
        self.offer(said | {"values": values}, "telemetry", lift)

    def tell(self, code: int, off_ms: int = 0, lift: int = 0) -> None:
        self.seq += 1
        said = {"v": 1, "boot": 1, "seq": self.seq, "lift": reg_code(lift),
                "ts": self.now_ms - off_ms, "code": code, "state": "on"}  # fmt: skip
        self.offer(said, "message", lift)

    def offer(self, said: dict[str, Any], kind: str, lift: int) -> None:
        topic = f"lift/v1/gw-{lift % 3}/{kind}"
        self.service.intake.offer(topic, json.dumps(said).encode(), (0, self.seq))
        closed = self.service.intake.take(5)
        assert closed is not None
        self.pipeline.process(closed)

    def live(self, seconds: int, values: dict[str, Any], off_ms: int = 0, lift: int = 0) -> None:
        """A sample every four seconds."""
        for _ in range(-(-seconds // STEP_S)):
            self.now_ms += 1000 * STEP_S
            self.send(values, off_ms, lift)
            self.pipeline._tick(self.now_ms)
            self.service.link.turn(self.now_ms)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        db = sqlite3.connect(self.service.settings.data_dir / "liftwatch.db")
        found = db.execute(sql).fetchall()
        db.close()
        return found

    def ringing(self) -> dict[str, int]:
        """rule → late, of open alerts of the first lift."""
        found = self.rows(f"SELECT rule, late FROM alert WHERE subject = '{reg_code(0)}'")
        return dict(found)


@pytest.fixture
def hand(tmp_path: Path) -> Iterator[Lines]:
    one = Lines(tmp_path)
    yield one
    one.close()


@pytest.mark.parametrize("off_ms", [600_000, 8 * HOUR_MS, -8 * HOUR_MS, -90_000])
def test_behind_a_wrong_clock_the_trapped_are_heard(hand: Lines, off_ms: int) -> None:
    hand.live(30, FREE)
    hand.live(PROOF_S, FREE, off_ms)
    begun = hand.now_ms
    hand.live(35, TRAPPED, off_ms)
    assert hand.ringing().get("1") == 0, "judged as of now, and not as late"
    assert hand.rows("SELECT count(*) > 0 FROM outbox") == [(1,)], "somebody is called"
    ((since_ms, evidence),) = hand.rows("SELECT since_ms, evidence FROM alert WHERE rule = '1'")
    assert begun <= since_ms <= begun + 5000, "at our time, not at the device's"
    clock = {one["name"]: one["value"] for one in json.loads(evidence)}["clock_offset_s"]
    assert clock == pytest.approx(off_ms / 1000, abs=1), "and the evidence says so"
    assert hand.ringing().get("33") == 0, "1093: the clock itself is an alert"
    db = hand.service.history.reader()
    kept = db.execute(
        "SELECT ts_ms, shift_ms, late FROM sample ORDER BY batch DESC LIMIT 1"
    ).fetchone()
    db.close()
    assert kept is not None
    assert kept[0] == hand.now_ms - off_ms, "history keeps the time as it was told"
    assert kept[1] == pytest.approx(off_ms, abs=1000)
    assert kept[2] is False


def test_an_alarm_code_rings_too(hand: Lines) -> None:
    hand.live(30, FREE)
    hand.live(PROOF_S, FREE, 600_000)
    hand.tell(93, 600_000)
    assert hand.ringing().get("2") == 0


def test_a_backlog_from_the_front_calls_nobody(hand: Lines) -> None:
    """Ten minutes of outage; then all of it in order, ten times as fast as it was made."""
    hand.live(60, FREE)
    for i in range(1, 601, 10):
        hand.now_ms = START_MS + 60_000 + 600_000 + 1000 + 100 * i
        made = [START_MS + 60_000 + 1000 * (i + k) for k in range(10)]
        samples = [{"ts": one, "values": TRAPPED if 100 < i < 200 else FREE} for one in made]
        hand.seq += 1
        said = {"v": 1, "boot": 1, "seq": hand.seq, "lift": reg_code(0), "samples": samples}
        hand.offer(said, "telemetry", 0)
        hand.pipeline._tick(hand.now_ms)
        hand.service.link.turn(hand.now_ms)
    through(hand)
    assert hand.ringing().get("1") == 1, "on record, marked late"
    assert "33" not in hand.ringing()
    assert hand.rows("SELECT count(*) FROM outbox WHERE step IS NOT NULL AND alert_id IN"
                     " (SELECT id FROM alert WHERE rule = '1')") == [(0,)]  # fmt: skip


def test_gaps_of_a_slow_device_are_not_of_now(hand: Lines) -> None:
    """Its clock is ten minutes slow; of an outage it sends what is missing, with old numbers."""
    hand.live(30, FREE)
    hand.live(PROOF_S, FREE, 600_000)
    missing = hand.seq + 1
    hand.seq += 100
    hand.live(5, FREE, 600_000)
    for i in range(40):
        hand.send(TRAPPED, 600_000, seq=missing + i)
    hand.pass_time(40)
    assert "1" not in hand.ringing()


def test_a_clock_that_is_set_right_goes_on_at_once(hand: Lines) -> None:
    hand.live(30, FREE)
    hand.live(PROOF_S, FREE, 600_000)
    assert hand.ringing().get("33") == 0
    hand.live(35, TRAPPED)
    assert hand.ringing().get("1") == 0
    hand.live(PROOF_S + 60, FREE)
    ((cleared,),) = hand.rows("SELECT cleared_ms IS NOT NULL FROM alert WHERE rule = '33'")
    assert cleared


def test_a_clock_that_was_fast_and_is_set_right(hand: Lines) -> None:
    hand.live(30, FREE)
    hand.live(PROOF_S, FREE, -HOUR_MS)
    hand.live(90, TRAPPED)
    assert hand.ringing().get("1") == 0


def test_a_clock_that_jumps_to_and_fro_is_heard_of_but_never_of_the_past(hand: Lines) -> None:
    hand.live(30, FREE)
    for off_ms in (600_000, 0, 7_200_000, -300_000, 0):
        hand.live(PROOF_S, FREE, off_ms)
    assert hand.ringing().keys() <= {"33", "23"}
    hand.live(40, TRAPPED)
    assert hand.ringing().get("1") == 0


def test_what_is_known_of_clocks_survives_a_restart(hand: Lines, tmp_path: Path) -> None:
    hand.live(30, FREE)
    hand.live(PROOF_S, FREE, 600_000)
    hand.pipeline._snapshot()
    hand.live(10, TRAPPED, 600_000)  # judged again from the log, at the same times
    hand.close()
    again = Lines(tmp_path)
    again.now_ms, again.seq = hand.now_ms, hand.seq
    again.pipeline.recover()
    again.live(25, TRAPPED, 600_000)
    assert again.ringing().get("1") == 0
    again.close()


def test_a_gateway_that_tells_its_own_clock_is_believed_at_once(hand: Lines) -> None:
    """After a power cut its clock goes on where it stopped: as silent as it is slow."""
    hand.live(30, FREE)
    hand.now_ms += HOUR_MS
    hand.service.link.witness("gw-0", -HOUR_MS, hand.now_ms)
    hand.live(45, FREE, HOUR_MS)
    hand.live(35, TRAPPED, HOUR_MS)
    assert hand.ringing().get("1") == 0

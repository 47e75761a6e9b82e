"""A second try takes what is right today, once, whatever was taken before and whatever crashes."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from alerts.model import Actor, Role
from monitor.quarantine import runs
from monitor.quarantine.choice import Choice
from monitor.store import quarantine
from monitor.store.compact import DAY_MS, compact
from monitor.store.series import count_samples
from tests.monitor.test_late import through
from tests.monitor.test_pipeline import START_MS, TRAPPED, Hand
from tests.support.site import reg_code

ADMIN = Actor("刘洋", Role.ADMIN)
STRANGER = reg_code(77)


class Bench(Hand):
    """A service in the hand, with a quarantine to work on."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.site = folder / "site"

    def send(self, payload: dict[str, Any] | bytes, gateway: str = "gw-0", kind: str = "") -> None:
        """Offer one wire message and let the pipeline take it."""
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.service.intake.offer(f"lift/v1/{gateway}/{kind or 'telemetry'}", raw, (0, 1))
        self.take()

    def take(self) -> None:
        closed = self.service.intake.take(5)
        assert closed is not None
        self.pipeline.process(closed)

    def register(self, lift: str, gateway: str = "gw-0") -> None:
        """Add a lift (and its gateway) to the site's files and take them up."""
        lifts = self.site / "lifts.csv"
        row = f"{lift},9,新梯,梧桐苑,so-1,uu-1,firm-1,{gateway},residential,1.75,1000,-1,18,f,"
        row += "9,29,106\n"
        lifts.write_text(lifts.read_text("utf-8") + row, "utf-8")
        names = self.site / "gateways.csv"
        if f"{gateway}," not in names.read_text("utf-8"):
            names.write_text(names.read_text("utf-8") + f"{gateway},acme,机房\n", "utf-8")
        self.service.reload()
        for _ in range(5):  # one thing a turn, and others wait in line too
            self.pipeline._turn()
        assert lift in self.service.registry.row_of

    def run(self, kind: runs.Kind = "replay", choice: Choice = Choice()) -> dict[str, int]:  # noqa: B008
        """Ask for a run and do it, with the pipeline taking what comes."""
        number = runs.ask(self.service.engine, kind, choice, ADMIN, self.now_ms, "because")
        return self.work(number)

    def work(self, number: int) -> dict[str, int]:
        over = threading.Event()

        def pump() -> None:
            while not over.is_set():
                closed = self.service.intake.take(0.05)
                if closed is not None:
                    self.pipeline.process(closed)

        thread = threading.Thread(target=pump)
        thread.start()
        try:
            while self.service.replayer.turn():
                pass
        finally:
            over.set()
            thread.join()
        found = runs.find(self.service.engine, number)
        assert found is not None and found.state == "done"
        assert found.done == found.counts["rows"] or kind_of(found) == "try"
        return dict(found.counts)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        db = self.service.history.reader()
        found = db.execute(sql).fetchall()
        db.close()
        return found

    def journal(self) -> list[tuple[str, str, dict[str, Any]]]:
        db = sqlite3.connect(self.service.settings.data_dir / "liftwatch.db")
        rows = db.execute(
            "SELECT kind, actor, data FROM journal WHERE kind LIKE 'quarantine%' ORDER BY id"
        ).fetchall()
        db.close()
        return [(kind, actor, json.loads(data)) for kind, actor, data in rows]


def kind_of(run: runs.Run) -> str:
    return run.kind


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    one = Bench(tmp_path)
    yield one
    one.close()


def rows_of(lift: str, count: int, first_ms: int = START_MS, **more: Any) -> dict[str, Any]:
    samples = [{"ts": first_ms + 1000 * i, "values": {"speed": 0.1 * i}} for i in range(count)]
    return {"v": 1, "boot": 1, "seq": 1, "lift": lift, "samples": samples} | more


def test_an_unknown_lift_is_registered_and_replayed_once(bench: Bench) -> None:
    bench.send(rows_of(STRANGER, 5))
    assert [g.reason for g in quarantine.groups(bench.service.history, Choice())] == [
        "unknown_lift"
    ]
    assert bench.run("try")["refused_unknown_lift"] == 1
    bench.register(STRANGER)
    assert bench.run("try") == {
        "rows": 1, "replayed": 1, "refused": 0, "dropped": 0, "known": 0, "samples": 5,
        "fields": 0, "messages": 0, "bursts": 0,
    }  # fmt: skip
    assert count_samples(bench.service.history) == 0, "a look takes nothing"
    first = bench.run()
    assert (first["rows"], first["replayed"], first["samples"]) == (1, 1, 5)
    assert bench.run()["rows"] == 0, "it is no more open"
    assert bench.rows("SELECT count(*), count(DISTINCT ts_ms), bool_and(late) FROM sample") == [
        (5, 5, True)
    ]
    (kept,) = quarantine.recent(bench.service.history, 10)
    assert (kept.outcome, kept.ended_by, kept.took["samples"]) == ("replayed", "刘洋", 5)
    kinds = [(kind, actor) for kind, actor, _ in bench.journal()]
    assert kinds == [("quarantine_replay_asked", "刘洋"), ("quarantine_replay", "刘洋")] * 2
    assert bench.journal()[1][2]["samples"] == 5


def test_what_is_replayed_is_judged_at_its_own_time_and_calls_nobody(bench: Bench) -> None:
    hours_ago = START_MS - 5 * 3_600_000
    samples = [{"ts": hours_ago + 1000 * i, "values": TRAPPED} for i in range(40)]
    bench.now_ms = hours_ago + 41_000  # it came live, then
    bench.send({"v": 1, "boot": 1, "seq": 1, "lift": STRANGER, "samples": samples})
    bench.now_ms = START_MS
    bench.register(STRANGER)
    assert bench.run()["samples"] == 40
    through(bench)
    db = sqlite3.connect(bench.service.settings.data_dir / "liftwatch.db")
    assert db.execute("SELECT rule, since_ms, late FROM alert").fetchall() == [("1", hours_ago, 1)]
    assert db.execute("SELECT count(*) FROM outbox").fetchall() == [(0,)]
    db.close()


def test_of_a_message_taken_in_part_only_the_rest_is_new(bench: Bench) -> None:
    columns = {
        "v": 1, "boot": 1, "seq": 1, "ts": START_MS, "lifts": [reg_code(0), STRANGER],
        "columns": {"speed": [0.5, 0.6], "load": [10, 20]},
    }  # fmt: skip
    bench.send(columns)
    bench.register(STRANGER)
    found = bench.run()
    assert (found["samples"], found["fields"], found["replayed"]) == (1, 0, 1)
    speeds = bench.rows("SELECT reg_code, speed FROM sample JOIN lift ON slot = lift ORDER BY 1")
    assert [(code, round(speed, 3)) for code, speed in speeds] == [
        (reg_code(0), 0.5), (STRANGER, 0.6),
    ]  # fmt: skip


@pytest.mark.parametrize("moved", [False, True], ids=["fresh", "in a segment"])
def test_a_field_refused_then_fills_the_sample_that_stands(
    bench: Bench, moved: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = {"v": 1, "boot": 1, "seq": 1, "lift": reg_code(0), "ts": START_MS}
    bench.send(sample | {"values": {"speed": 35.0, "load": 10}})
    if moved:
        later = START_MS + 3 * DAY_MS
        compact(bench.service.history, later, bench.service.history.last_batch, 400, 512)
        assert bench.rows("SELECT count(*) FROM sample") == [(0,)]
    files = bench.rows("SELECT file FROM segment")
    mended = {"speed": 1.5}
    real = bench.service.intake._decoded

    def by_a_mended_map(found: Any, topic: str, payload: bytes, now_ms: int) -> Any:
        told = json.loads(payload)
        told["values"] |= mended
        return real(found, topic, json.dumps(told).encode(), now_ms)

    monkeypatch.setattr(bench.service.intake, "_decoded", by_a_mended_map)
    assert bench.run("try")["fields"] == 1
    assert bench.rows("SELECT file FROM segment") == files
    found = bench.run()
    assert (found["fields"], found["samples"], found["known"]) == (1, 0, 0)
    source = "sample"
    if moved:
        ((file,),) = bench.rows("SELECT file FROM segment")
        assert file != files[0][0]
        source = f"read_parquet('{file}')"
    assert bench.rows(f"SELECT speed, load, count(*) OVER () FROM {source}") == [(1.5, 10.0, 1)]
    compact(bench.service.history, bench.now_ms, 0, 400, 512)
    assert not moved or not Path(files[0][0]).exists(), "the old segment is swept away"


def test_a_gateway_that_resends_is_not_stored_twice(bench: Bench) -> None:
    """An unknown gateway keeps and resends what nobody confirmed: the replay must know it."""
    message = rows_of(STRANGER, 3)
    bench.send(message, "gw-new")
    bench.send(message, "gw-new")  # resent after 30 s without an answer: kept a second time
    bench.register(STRANGER, "gw-new")
    found = bench.run()
    assert (found["rows"], found["samples"], found["known"]) == (2, 3, 1)
    bench.send(message, "gw-new")  # and once more, now that it is registered
    assert bench.answers[-1].durable == 1
    assert bench.rows("SELECT count(*) FROM sample") == [(3,)]
    assert quarantine.count(bench.service.history) == 0
    other = rows_of(STRANGER, 3, START_MS + 10_000, seq=2)
    bench.send(other, "gw-x")
    bench.register(reg_code(78), "gw-x")
    assert bench.run()["refused"] == 1, "a lift of another gateway stays refused"
    (kept,) = quarantine.recent(bench.service.history, 1)
    assert (kept.outcome, kept.reason) == ("open", "wrong_gateway")


def test_messages_count_once(bench: Bench) -> None:
    told = {"v": 1, "boot": 1, "seq": 1, "lift": STRANGER, "ts": START_MS, "code": 93,
            "state": "on"}  # fmt: skip
    for seq in (1, 2):
        bench.send(told | {"seq": seq}, kind="message")
    bench.register(STRANGER)
    found = bench.run()
    assert (found["rows"], found["messages"], found["known"]) == (2, 1, 1)
    assert bench.rows("SELECT count(*) FROM message") == [(1,)]


def test_a_drop_is_a_decision_with_a_name_and_deletes_nothing(bench: Bench) -> None:
    bench.send(b"not json")
    bench.send(rows_of(STRANGER, 1))
    assert bench.run("drop", Choice(reason="not_json"))["dropped"] == 1
    (kept,) = quarantine.recent(bench.service.history, 10, choice=Choice(state="dropped"))
    assert (kept.payload, kept.ended_by, kept.why) == (b"not json", "刘洋", "because")
    assert quarantine.count(bench.service.history) == 1
    assert bench.journal()[-1][2]["why"] == "because"


def test_what_history_will_not_take_holds_up_no_live_sample(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.send(rows_of(STRANGER, 2))
    bench.register(STRANGER)
    number = runs.ask(bench.service.engine, "replay", Choice(), ADMIN, bench.now_ms)

    def broken(*_: Any, **more: Any) -> Any:
        raise duckdb.IOException("a segment is gone")

    monkeypatch.setattr("monitor.store.history.settle", broken)
    thread = threading.Thread(target=bench.service.replayer.turn)
    thread.start()
    bench.take()
    thread.join(10)
    found = runs.find(bench.service.engine, number)
    assert found is not None and (found.state, found.error) == (
        "failed", "IOException: a segment is gone",
    )  # fmt: skip
    bench.send(rows_of(reg_code(0), 1, seq=9))
    assert bench.rows("SELECT count(*) FROM sample") == [(1,)]
    monkeypatch.undo()
    assert bench.run()["samples"] == 2, "it is still there"


def test_a_crash_in_the_middle_goes_on_and_doubles_nothing(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.quarantine.replayer.ROWS", 4)
    for seq in range(1, 11):
        bench.send(rows_of(STRANGER, 2, START_MS + 5000 * seq - 60_000, seq=seq))
    bench.register(STRANGER)
    number = runs.ask(bench.service.engine, "replay", Choice(), ADMIN, bench.now_ms)
    portions = []
    real = bench.service.history.append

    def dies(*args: Any, **more: Any) -> int:
        portions.append(1)
        if len(portions) == 2:  # within the commit of the second portion
            raise KeyboardInterrupt
        return real(*args, **more)

    monkeypatch.setattr(bench.service.history, "append", dies)
    bench.service.replayer.worker._stop.clear()
    thread = threading.Thread(target=bench.service.replayer.turn, daemon=True)
    thread.start()
    bench.take()
    with pytest.raises(KeyboardInterrupt):
        bench.take()
    bench.service.replayer.worker.stop()
    thread.join(10)
    assert bench.rows("SELECT count(*) FROM sample") == [(8,)]
    bench.close()
    again = Bench(tmp_path)
    again.register(STRANGER)  # the small site was written anew
    again.pipeline.recover()
    found = again.work(number)
    assert (found["rows"], found["samples"]) == (10, 20)
    assert again.rows("SELECT count(*), count(DISTINCT ts_ms) FROM sample") == [(20, 20)]
    assert [kind for kind, _, _ in again.journal()] == [
        "quarantine_replay_asked", "quarantine_replay",
    ]  # fmt: skip
    again.close()

"""The store: crash-safe at any byte, honest about what it gave up, one number for one thing."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.gateway import store as store_module
from devices.gateway.encoding import JsonColumns
from devices.gateway.lanes import Batching, Lanes
from devices.gateway.pace import Pace
from devices.gateway.rows import Rows
from devices.gateway.store import Store
from devices.gateway.trim import Trimmer, WhenFull
from tests.support.process import Spawn
from tests.support.wait import until

T0 = 1_760_000_000_000
BIG = 10**9


def rows(store: Store, second: int, lifts: int = 5) -> Rows:
    ids = store.names.ids([f"lift-{i}" for i in range(lifts)])
    channels = store.names.ids(["speed", "load"])
    noise = np.random.default_rng(second).random(lifts)
    values = np.float32([np.full(lifts, second % 7), noise])
    return Rows(ids, np.full(lifts, T0 + 1000 * second), channels, values)


def put(store: Store, seconds: range) -> None:
    for second in seconds:
        one = rows(store, second)
        store.add_rows(one, one.pack(), T0 + 1000 * second)


def lanes(store: Store, policy: WhenFull = "raise") -> Lanes:
    trimmer = Trimmer(store, policy, None)
    pace = Pace()
    pace.window = 16.0
    return Lanes(store, trimmer, JsonColumns(), Batching(), pace)


def drained(store: Store) -> dict[tuple[int, int], dict[str, Any]]:
    """Number and encode everything, as the forwarder does; nothing is settled."""
    all_, found = lanes(store), {}
    for number in list(store.numbers.values()):
        found[number.key] = json.loads(all_.again(number, T0).payload)
    while store.waiting or store.todo:
        if made := all_.next_event() or all_.next_backfill(1e9, T0, 0)[0]:
            found[made.number.key] = json.loads(made.payload)
    return found


def seconds_of(bodies: Any) -> list[int]:
    out = []
    for body in bodies:
        ts = body.get("ts")
        times = ts if isinstance(ts, list) else [ts] * len(body.get("lifts", []))
        out += [(one - T0) // 1000 for one in times]
    return sorted(out)


def test_what_was_written_is_there_after_opening_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "SEAL_ROWS", 100)
    store = Store(tmp_path / "a.db", BIG, T0)
    put(store, range(50))
    store.add_event("message", b'{"code":93}', T0)
    assert {part.sealed for part in store.parts} == {True, False}
    size = store.bytes
    store.close()
    again = Store(tmp_path / "a.db", BIG, T0)
    assert (again.count, again.bytes) == (251, size)
    found = drained(again)
    assert seconds_of(found.values()) == sorted(list(range(50)) * 5)
    again.settle(list(again.numbers))
    assert again.empty and again.bytes == 0
    assert again._db.execute("SELECT (SELECT count(*) FROM part), (SELECT count(*) FROM number), "
                             "(SELECT count(*) FROM event)").fetchone() == (0, 0, 0)  # fmt: skip
    again.close()


def test_a_crash_at_any_byte_leaves_some_whole_moment(tmp_path: Path) -> None:
    """The log is cut at 60 places: each time the store opens with a prefix of what was said."""
    store = Store(tmp_path / "a.db", BIG, T0)
    put(store, range(40))
    store.number(store.boot, 0, 25)
    files = {name: (tmp_path / name).read_bytes() for name in ("a.db", "a.db-wal")}
    store.close()
    log = files["a.db-wal"]
    counts = []
    for i in range(60):
        cut = len(log) * i // 59
        folder = tmp_path / f"cut-{i}"
        folder.mkdir()
        (folder / "a.db").write_bytes(files["a.db"])
        (folder / "a.db-wal").write_bytes(log[:cut] + b"\x55" * min(37, len(log) - cut))
        torn = Store(folder / "a.db", BIG, T0)
        there = seconds_of(drained(torn).values())
        assert there == sorted(list(range(len(there) // 5)) * 5)  # whole publishes, the first ones
        counts.append(len(there))
        torn.close()
        shutil.rmtree(folder)
    assert counts == sorted(counts) and counts[0] < 50 and counts[-1] == 200


CHILD = """
import sys
from pathlib import Path
from devices.gateway import store as m
from tests.devices.gateway.test_store import put
m.SEAL_ROWS = 200
store = m.Store(Path(sys.argv[1]), 10**9, 0)
for second in range(int(sys.argv[2]), 10**6):
    put(store, range(second, second + 1))
    print(second, flush=True)
"""


def test_sigkill_loses_nothing_that_was_promised(spawn: Spawn, tmp_path: Path) -> None:
    file, begin = tmp_path / "a.db", 0
    for _ in range(3):
        child = spawn(sys.executable, "-c", CHILD, file, str(begin))
        until(lambda c=child: c.output.count("\n") > 150)
        child.kill()
        lines = child.output.splitlines(keepends=True)
        promised = int([line for line in lines if line.endswith("\n")][-1])
        store = Store(file, BIG, T0)
        there = seconds_of(body for body in peek(store))
        assert there in (whole(promised), whole(promised + 1))
        begin = there[-1] + 1
        store.close()


def whole(last: int) -> list[int]:
    return sorted(list(range(last + 1)) * 5)


def peek(store: Store) -> list[dict[str, Any]]:
    """All samples, without numbering them."""
    read = [store.rows(part.lo, part.hi) for part in store.parts]
    return [{"ts": one.ts_ms.tolist(), "lifts": one.lift.tolist()} for one in read]


def test_a_copied_disk_gives_the_same_numbers_to_the_same_samples(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.db", BIG, T0)
    put(store, range(300))
    store.add_event("message", b'{"code":93}', T0)
    store.close()
    shutil.copy(tmp_path / "a.db", tmp_path / "copy.db")
    one = Store(tmp_path / "a.db", BIG, T0 + 5000)
    other = Store(tmp_path / "copy.db", BIG, T0 + 9_999_000)
    assert one.boot != other.boot
    put(one, range(300, 310))
    put(other, range(500, 510))
    first, second = drained(one), drained(other)
    common = first.keys() & second.keys()
    assert all(first[key] == second[key] for key in common)
    fresh = [first[key] for key in first.keys() - common]
    assert seconds_of(fresh) == sorted(list(range(300, 310)) * 5)
    assert seconds_of(first[key] for key in common) == whole(299)
    one.close()
    other.close()


def test_thinning_keeps_a_thinner_whole_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "SEAL_ROWS", 1000)
    store = Store(tmp_path / "a.db", 30_000, T0)
    trimmer = Trimmer(store, "thin", None)
    store.add_event("message", b'{"code":93}', T0)
    for second in range(600):
        one = rows(store, second, 20)
        body = one.pack()
        assert trimmer.make_room(len(body), T0)
        store.add_rows(one, body, T0)
    bodies = list(drained(store).values())
    kept = seconds_of(bodies)
    told = [gap for body in bodies for gap in body.get("gaps", [])]
    assert trimmer.lost == sum(gap["samples"] for gap in told) == 12_000 - len(kept) > 0
    assert {gap["reason"] for gap in told} == {"thinned"}
    assert kept[0] == 0 and kept[-1] == 599  # old times are thinner, not gone
    assert any(body.get("code") == 93 for body in bodies)
    assert store.bytes < 30_000 + 1000
    store.close()


def test_dropping_the_oldest_names_the_gap(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.db", 3000, T0)
    trimmer = Trimmer(store, "drop_oldest", None)
    for second in range(300):
        one = rows(store, second)
        body = one.pack()
        assert trimmer.make_room(len(body), T0)
        store.add_rows(one, body, T0)
    bodies = list(drained(store).values())
    kept = seconds_of(bodies)
    (gap,) = [gap for body in bodies for gap in body.get("gaps", [])]
    assert kept == sorted(list(range(kept[0], 300)) * 5) and kept[0] > 0
    assert gap == {"from": T0, "to": T0 + 1000 * (kept[0] - 1), "samples": 5 * kept[0],
                   "kept": 0, "reason": "dropped"}  # fmt: skip
    store.close()


def test_what_is_too_old_goes_but_never_a_message(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.db", BIG, T0)
    trimmer = Trimmer(store, "raise", 60_000)
    put(store, range(100))
    store.add_event("message", b'{"code":93}', T0)
    trimmer.drop_aged(T0 + 100_000)
    bodies = list(drained(store).values())
    assert seconds_of(bodies) == sorted(list(range(40, 100)) * 5)
    assert {gap["reason"] for body in bodies for gap in body.get("gaps", [])} == {"aged"}
    assert any(body.get("code") == 93 for body in bodies)
    store.close()


def test_a_damaged_part_is_named_and_its_numbers_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "SEAL_ROWS", 100)
    store = Store(tmp_path / "a.db", BIG, T0)
    put(store, range(40))
    all_ = lanes(store)
    sent, _ = all_.next_backfill(1e9, T0, 0)  # numbered, on its way
    assert sent is not None
    store._db.execute("UPDATE part SET body = zeroblob(length(body)) WHERE lo < 150")
    store._read.clear()
    again = all_.again(sent.number, T0)
    report = json.loads(again.payload)
    assert (report["boot"], report["seq"]) == sent.number.key
    assert report["gaps"][0]["samples"] == sent.samples
    assert report["gaps"][0]["reason"] == "damaged"
    bodies = list(drained(store).values())
    lost = sum(gap["samples"] for body in bodies for gap in body.get("gaps", []))
    assert lost + len(seconds_of(bodies)) == 200
    store.close()


def test_a_damaged_file_is_set_aside_not_deleted(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.db", BIG, T0)
    put(store, range(2000))
    store.close()
    content = bytearray((tmp_path / "a.db").read_bytes())
    content[4096:-4096] = b"\xff" * (len(content) - 8192)
    (tmp_path / "a.db").write_bytes(content)
    again = Store(tmp_path / "a.db", BIG, T0)
    assert again.empty
    assert [file.name for file in tmp_path.glob("a.db.broken-*")]
    again.close()


def test_the_first_layout_is_taken_over(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "a.db")
    db.executescript(
        "CREATE TABLE start (boot INTEGER PRIMARY KEY);"
        "CREATE TABLE held (boot INTEGER NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL,"
        " body BLOB NOT NULL, PRIMARY KEY (boot, seq));"
    )
    body = b'{"v":1,"boot":77,"seq":3,"lift":"x","ts":5,"values":{"speed":1.0}}'
    db.execute("INSERT INTO start VALUES (78)")
    db.execute("INSERT INTO held VALUES (77, 3, 'telemetry', ?)", (body,))
    db.commit()
    db.close()
    store = Store(tmp_path / "a.db", BIG, 50)
    assert store.boot > 78
    made = lanes(store).again(store.numbers[77, 3], T0)
    assert json.loads(made.payload) == json.loads(body) | {"first": 3}
    assert made.kind == "telemetry"
    store.close()

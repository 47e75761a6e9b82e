"""Real recordings: played to the real service as a gateway does, then read by the product's judge.

    python -m benchmarks recordings --data FOLDER [--picture docs/pictures/door-recording.png]

FOLDER holds elevator-door/predictive-maintenance-dataset.csv and ride/skyscraper_up.csv; where to
get them is told in docs/recordings.md. Every sample that was sent must be in history once, with
its own time and value. --picture draws what the judge saw (matplotlib, a dev dependency).
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from benchmarks._district import reg_code, say, write_site
from benchmarks._reading import Reading, read
from benchmarks._service import service
from devices.replay import Recording, ReplayMap, ReplayResult, load_map, read_recording, replay
from devices.vocabulary import load_vocabulary
from monitor.broker import GATEWAY_USER, EmbeddedBroker, free_port

DOOR = Path("elevator-door") / "predictive-maintenance-dataset.csv"
RIDE = Path("ride") / "skyscraper_up.csv"
# not yet the map of the same name that the product ships: see the note in this one
DOOR_MAP = "elevator-door"
RIDE_MAP = "phone-ride"
STRAIGHT = 0.002  # of acc_rms as sent; the steps of the file and of the reader, no more


@dataclass(slots=True)
class Played:
    """A recording on its way: lift `number` of gateway `number`, offsets count from start_ms."""

    name: str
    file: Path
    mapping: ReplayMap
    number: int
    recording: Recording
    start_ms: int = 0
    result: ReplayResult | None = None


def deliver(folder: Path, played: list[Played]) -> dict[str, dict[str, Any]]:
    """Play all to a service of its own in `folder`; return by name what arrived of each."""
    broker = EmbeddedBroker(folder / "broker", free_port(0))
    broker.start()
    try:
        write_site(folder / "site", len(played), len(played))
        with service(folder, broker.url, broker.credentials.service):
            for one in played:
                say(f"{one.name}: {len(one.recording)} samples ...")
                _play(one, broker)
    finally:
        broker.stop()
    return {one.name: _arrived(folder / "var", one) for one in played}


def _play(one: Played, broker: EmbeddedBroker) -> None:
    one.start_ms = round((time.time() - one.recording.duration_s) * 1000)
    one.result = replay(
        one.file,
        reg_code(one.number),
        f"gw-{one.number:02d}",
        one.mapping,
        broker.url,
        speed=0,
        start_ms=one.start_ms,
        username=GATEWAY_USER,
        password=broker.credentials.gateway,
    )


def _arrived(var: Path, one: Played) -> dict[str, Any]:
    """Compare history, opened after the service has ended, with the recording itself."""
    names = list(one.recording.values)
    listed = ", ".join(f'"{name}"' for name in names)
    code = reg_code(one.number)
    db = duckdb.connect(str(var / "history" / "history.duckdb"), read_only=True)
    try:
        of_lift = "WHERE lift = (SELECT slot FROM lift WHERE reg_code = ?)"
        found = db.execute(
            f"SELECT ts_ms, {listed} FROM sample {of_lift} ORDER BY ts_ms", [code]
        ).fetchnumpy()
        row = db.execute(f"SELECT count(*) FROM waveform {of_lift}", [code]).fetchone()
    finally:
        db.close()
    stored = np.ma.filled(found["ts_ms"], 0)
    due = one.recording.offset_ms + one.start_ms
    same = np.array_equal(stored, due) and all(
        np.array_equal(
            np.ma.filled(found[name].astype(np.float32), np.nan),
            one.recording.values[name].astype(np.float32),
            equal_nan=True,
        )
        for name in names
    )
    alerts = sqlite3.connect(f"file:{var / 'liftwatch.db'}?mode=ro", uri=True)
    (rung,) = alerts.execute("SELECT count(*) FROM alert WHERE subject = ?", (code,)).fetchone()
    alerts.close()
    result = one.result or ReplayResult()
    return {
        "sent": result.samples,
        "stored": len(stored),
        "twice": len(stored) - len(np.unique(stored)),
        "lost": int(np.count_nonzero(~np.isin(due, stored))),
        "same_times_and_values": bool(same),
        "waves_sent": sum(len(burst.axes) for burst in one.recording.bursts),
        "waves_stored": int(row[0]) if row else 0,
        "refused": sum(result.refused.values()),
        "durable": result.durable,
        "alerts": int(rung),
        "seconds": round(result.seconds, 2),
    }


def told(reading: Reading) -> dict[str, Any]:
    """What the judge said, for the JSON line."""
    raised = [change for change in reading.changes if change.raised]
    return {
        "trips_learned": reading.trips,
        "z_most": round(float(np.max(reading.state["z"], initial=0.0)), 2),
        "z_least": round(float(np.min(reading.state["z"], initial=0.0)), 2),
        "drift_share": round(float(np.mean(reading.state["drift"])), 4),
        "rules": [f"{change.rule}@{change.at_s:.0f}s" for change in raised],
    }


def straight(recording: Recording, channel: str, every_s: float = 1000.0) -> tuple[int, float]:
    """Points `every_s` apart, and how far the channel is at most from straight lines between."""
    at_s, values = recording.offset_ms / 1000.0, recording.values[channel]
    # the grid of the file's own rows; the reader tells a sample at the end of its interval
    points = np.append(np.arange(at_s[0], at_s[-1], every_s), at_s[-1])
    line = np.interp(at_s, points, np.interp(points, at_s, values))
    return len(points), float(np.nanmax(np.abs(line - values)))


def missing(data: Path | None) -> str:
    """One line naming what is not there; empty when all is."""
    if data is None:
        return f"--data FOLDER 缺少 missing: 录制文件所在目录 the folder with {DOOR} and {RIDE}"
    gone = [str(data / name) for name in (DOOR, RIDE) if not (data / name).is_file()]
    where = "来源见 see docs/recordings.md"
    return f"缺少录制文件 recordings missing: {', '.join(gone)}; {where}" if gone else ""


def run(argv: list[str]) -> dict[str, Any]:
    """Play, check and read both recordings; exits 2 with one line where they are not there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks recordings", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the recordings")
    parser.add_argument("--picture", type=Path, help="PNG to write")
    parser.add_argument("--door-map", default=DOOR_MAP, help="map of the door recording")
    parser.add_argument("--block-s", type=float, default=60.0, help="what stands for a trip")
    args = parser.parse_args(argv)
    if gone := missing(args.data):
        say(gone)
        sys.exit(2)
    vocab = load_vocabulary()
    door_map, ride_map = load_map(args.door_map, vocab), load_map(RIDE_MAP, vocab)
    door_file, ride_file = args.data / DOOR, args.data / RIDE
    door, ride = read_recording(door_file, door_map), read_recording(ride_file, ride_map)
    whole_map = replace(ride_map, time=replace(ride_map.time, from_s=0.0, to_s=float("inf")))
    whole = read_recording(ride_file, whole_map)
    with tempfile.TemporaryDirectory() as name:
        arrived = deliver(
            Path(name),
            [
                Played("door", door_file, door_map, 0, door),
                Played("ride", ride_file, ride_map, 1, ride),
            ],
        )
    say("reading ...")
    as_sent, in_blocks = read(door), read(door, args.block_s)
    ride_said, whole_said = read(ride), read(whole)
    points, off = straight(door, "acc_rms")
    if args.picture is not None:
        from benchmarks import _recordings_picture as picture

        raw = read_recording(
            ride_file, replace(whole_map, time=replace(whole_map.time, every_s=None))
        )
        lines = points if off <= STRAIGHT else 0
        cut = (ride_map.time.from_s, ride_map.time.to_s)
        picture.draw(
            args.picture, door, as_sent, in_blocks, args.block_s, lines, raw, whole_said, cut
        )
        say(f"{args.picture}: {args.picture.stat().st_size} bytes")
    return {
        "lost": sum(part["lost"] for part in arrived.values()),
        "twice": sum(part["twice"] for part in arrived.values()),
        "exact": all(part["same_times_and_values"] for part in arrived.values()),
        "door_straight": {"points": points, "off_most": round(off, 5)},
        "door": arrived["door"],
        "ride": arrived["ride"],
        "door_as_sent": told(as_sent),
        "door_in_blocks": told(in_blocks) | {"block_s": args.block_s},
        "ride_as_sent": told(ride_said),
        "ride_uncut": told(whole_said),
    }

"""The recordings benchmark, with recordings made here: the real ones are not part of the tree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import recordings
from benchmarks._reading import read
from devices.replay import Recording, load_map, read_recording
from devices.vocabulary import load_vocabulary


def damaged(value: float) -> str:
    """A number as the spreadsheet of the real file left it; see the map."""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    whole, _, decimals = text.partition(".")
    if len(decimals) == 4:
        return f"{whole}{decimals[0]}.{decimals[1:]}".lstrip("0")
    if len(decimals) in (1, 2):
        return f"{int(whole):02d}. Mai"
    return text


def door_csv(file: Path, course: np.ndarray) -> None:
    rows = [f"90.5;74.25;{damaged(float(value))}" for value in course]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(["ball-bearing;humidity;vibration", *rows]) + "\n", "utf-8")


def ride_csv(file: Path, seconds: float = 36.0) -> None:
    lines = ["relative_time,LinearAccelerometerSensor,AccX,AccY,AccZ"]
    for k in range(int(seconds * 50)):
        hand = 30.0 if k < 100 else 9.8  # 2 s in a hand, which the map leaves out
        lines.append(f"{k * 20},{0.1 + 0.001 * (k % 7)},0.1,0.1,{hand + 0.01 * (k % 5)}")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", "utf-8")


def made(values: np.ndarray, step_s: float = 2.0) -> Recording:
    offset_ms = np.rint((np.arange(len(values)) + 1) * step_s * 1000).astype(np.int64)
    return Recording(offset_ms, {"acc_rms": values}, [], len(values), 0, {})


def test_without_the_data_one_line_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for argv in ([], ["--data", str(tmp_path)]):
        with pytest.raises(SystemExit) as left:
            recordings.run(argv)
        assert left.value.code == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        assert "predictive-maintenance-dataset.csv" in lines[0]


def test_the_map_undoes_the_spreadsheet(tmp_path: Path) -> None:
    """Down through ten and up again, where the file leaps tenfold."""
    course = 10.02 - np.arange(1600) * 0.00125
    course = np.round(np.concatenate([course, course[::-1]]), 4)
    file = tmp_path / "door.csv"
    door_csv(file, course)
    found = read_recording(file, load_map(recordings.DOOR_MAP, load_vocabulary()))
    lines = np.array([course[k : k + 8].min() for k in range(0, len(course), 8)]) * 0.01
    assert "99.9" in file.read_text("utf-8")
    assert found.strays["vibration"] > 0
    np.testing.assert_allclose(found.values["acc_rms"], lines, atol=1.1e-4)


def test_a_lift_that_tells_no_trips_is_not_judged_and_blocks_find_the_step() -> None:
    rng = np.random.default_rng(1)
    values = 0.1 + 0.01 * rng.random(60 * 30)
    values[45 * 30 :] *= 6  # block 46 on
    recording = made(values)
    as_sent, blocks = read(recording), read(recording, 60.0)
    assert (as_sent.trips, as_sent.changes) == (0, [])
    assert blocks.trips == 58  # the first began unseen, the last waits for the next departure
    [(begin, end)] = blocks.spans("27")
    assert begin == 51 * 60 + 4  # six blocks beyond, told once the next has begun
    assert end == 60 * 60


def test_straight_lines_are_told_from_noise() -> None:
    line = np.interp(np.arange(2001), [0, 500, 1000, 1500, 2000], [0.1, 0.3, 0.2, 0.2, 0.1])
    points, off = recordings.straight(made(line), "acc_rms")
    assert points == 5
    assert off < 1e-9
    noisy = line + 0.02 * np.random.default_rng(1).random(len(line))
    assert recordings.straight(made(noisy), "acc_rms")[1] > recordings.STRAIGHT


def test_what_was_played_is_in_history_once_and_drawn(tmp_path: Path) -> None:
    door_csv(tmp_path / recordings.DOOR, np.linspace(18.0, 21.0, 2401).round(3))
    ride_csv(tmp_path / recordings.RIDE)
    picture = tmp_path / "seen.png"
    told = recordings.run(["--data", str(tmp_path), "--picture", str(picture), "--block-s", "10"])
    assert (told["lost"], told["twice"], told["exact"]) == (0, 0, True)
    assert told["door"]["sent"] == told["door"]["stored"] == 301
    assert told["ride"]["waves_stored"] == told["ride"]["waves_sent"] > 0
    assert told["door_as_sent"]["trips_learned"] == 0
    assert told["door_in_blocks"]["trips_learned"] == 58  # the first began unseen
    assert told["ride_as_sent"]["rules"] == []
    assert told["ride_uncut"]["rules"] == ["10@2s"]
    assert picture.read_bytes()[:4] == b"\x89PNG"

"""Maps and recordings: files of the tests' own, CSV and Parquet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from config.errors import ConfigError
from devices.replay import ReplayMap, find_map, load_map, read_recording
from devices.replay.mapping import FOLDER
from tests.devices.wire import VOCAB

PLAIN = """
[time]
rate_hz = 4
[[channel]]
column = "v"
channel = "acc_rms"
scale = 0.5
offset = 1.0
"""


def a_map(folder: Path, text: str) -> ReplayMap:
    file = folder / "map.toml"
    file.write_text(text, "utf-8")
    return load_map(file, VOCAB)


def csv(folder: Path, text: str, name: str = "r.csv") -> Path:
    file = folder / name
    file.write_text(text, "utf-8")
    return file


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_of_any_delimiter_with_missing_and_mangled_cells(
    tmp_path: Path, delimiter: str
) -> None:
    lines = ["a,v,b", "1,2,x", "1,,y", "1,19. Jan,z", "1, 4.5 ,", "1,1e2,"]
    file = csv(tmp_path, "\n".join(lines).replace(",", delimiter) + "\n")
    read = read_recording(file, a_map(tmp_path, PLAIN))
    assert read.offset_ms.tolist() == [0, 750, 1000]
    assert read.values["acc_rms"].tolist() == [2.0, 3.25, 51.0]
    assert (read.rows, read.strays, read.duration_s) == (5, {"v": 1}, 1.0)


def test_parquet_with_its_own_times(tmp_path: Path) -> None:
    stamps = pa.array([5_000, 2_000, None, 3_500], pa.timestamp("ms", tz="UTC"))
    table = pa.table({"t": stamps, "v": pa.array([1.0, 2.0, 9.0, None]), "other": ["a"] * 4})
    pyarrow.parquet.write_table(table, tmp_path / "r.parquet")
    text = PLAIN.replace("rate_hz = 4", 'column = "t"\nunit = "ms"')
    read = read_recording(tmp_path / "r.parquet", a_map(tmp_path, text))
    assert read.offset_ms.tolist() == [0, 3000]  # in order of time, absent cells left out
    assert read.values["acc_rms"].tolist() == [2.0, 1.5]
    assert read.without_time == 1


@pytest.mark.parametrize(
    ("gather", "expected"),
    [
        ("last", [3.0, 4.0, 7.0]),
        ("mean", [2.0, 4.0, 6.5]),
        ("max", [3.0, 4.0, 7.0]),
        ("min", [1.0, 4.0, 6.0]),
        ("rms", [np.sqrt(14 / 3), 4.0, np.sqrt((36 + 49) / 2)]),
        ("std", [np.sqrt(2 / 3), 0.0, 0.5]),
    ],
)
def test_gathering_into_one_sample_a_second(
    tmp_path: Path, gather: str, expected: list[float]
) -> None:
    # seconds 0, 1 and 3; second 2 has only a missing value and so no sample
    rows = [(0, 1), (300, 2), (999, 3), (1000, ""), (1900, 4), (2500, ""), (3000, 6), (3999, 7)]
    file = csv(tmp_path, "t,v\n" + "".join(f"{t},{v}\n" for t, v in rows))
    text = f"""
    [time]
    column = "t"
    every_s = 1.0
    [[channel]]
    column = "v"
    channel = "acc_rms"
    gather = "{gather}"
    """
    read = read_recording(file, a_map(tmp_path, text))
    assert read.offset_ms.tolist() == [1000, 2000, 4000]  # when each second was over
    np.testing.assert_allclose(read.values["acc_rms"], expected)


def test_magnitude_of_axes_that_come_one_at_a_time(tmp_path: Path) -> None:
    file = csv(tmp_path, "t,x,y\n0,3,\n10,,4\n20,0,\n30,,\n")
    text = '[time]\ncolumn="t"\n[[channel]]\ncolumns=["x","y"]\nchannel="acc_peak"\n'
    read = read_recording(file, a_map(tmp_path, text))
    assert read.offset_ms.tolist() == [10, 20, 30]  # before that, y is not known
    assert read.values["acc_peak"].tolist() == [5.0, 4.0, 4.0]


def test_bursts_are_evenly_spaced_and_a_hole_ends_one(tmp_path: Path) -> None:
    times = np.concatenate([np.arange(0, 3000, 7), np.arange(5000, 6500, 7)])
    rows = "".join(f"{t},{t / 1000:.3f}\n" for t in times)
    text = """
    [time]
    column = "t"
    [[waveform]]
    axes = { x = "x" }
    unit = "m/s2"
    rate_hz = 100
    burst_s = 2.0
    scale = 2.0
    """
    read = read_recording(csv(tmp_path, "t,x\n" + rows), a_map(tmp_path, text))
    # 0..2 s, then 0.99 s that are too short, a hole of 2 s, then 1.49 s
    assert [(b.offset_ms, len(b.axes["x"])) for b in read.bursts] == [(0, 200), (5000, 149)]
    expected = 2.0 * (5.0 + np.arange(149) / 100.0)
    np.testing.assert_allclose(read.bursts[1].axes["x"], expected, rtol=1e-6)


def test_cutting(tmp_path: Path) -> None:
    file = csv(tmp_path, "v\n" + "".join(f"{i}\n" for i in range(20)))
    text = PLAIN.replace("rate_hz = 4", "rate_hz = 4\nfrom_s = 1.0\nto_s = 2.0")
    read = read_recording(file, a_map(tmp_path, text))
    assert read.offset_ms.tolist() == [0, 250, 500, 750, 1000]
    assert read.values["acc_rms"].tolist() == [3.0, 3.5, 4.0, 4.5, 5.0]


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("rate_hz = 4", ""), "time.column"),
        (("rate_hz = 4", 'rate_hz = 4\ncolumn = "t"'), "time.column"),
        (("rate_hz = 4", "rate_hz = 0"), "time.rate_hz"),
        (("rate_hz = 4", 'rate_hz = "4"'), "time.rate_hz"),
        (("rate_hz = 4", 'column = "t"\nunit = "h"'), "time.unit"),
        (("rate_hz", "rate"), "time.rate"),
        (('"acc_rms"', '"acc"'), "channel[0].channel"),
        (('column = "v"', ""), "channel[0].column"),
        (("scale = 0.5", "scale = true"), "channel[0].scale"),
        (("offset = 1.0", 'gather = "most"'), "channel[0].gather"),
        (("[[channel]]", "[[chanel]]"), "chanel"),
        (('"v"', '"v'), "TOML"),
    ],
)
def test_a_wrong_map_is_named(tmp_path: Path, change: tuple[str, str], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        a_map(tmp_path, PLAIN.replace(*change))
    assert caught.value.key == key or caught.value.key.endswith(key)
    assert caught.value.way_out.zh and caught.value.way_out.en


def test_a_wrong_recording_is_named(tmp_path: Path) -> None:
    mapping = a_map(tmp_path, PLAIN)
    for text, key in (("w\n1\n", "column"), ("v\nmuch\n", "v"), ("v\n1,2\n", "file")):
        with pytest.raises(ConfigError) as caught:
            read_recording(csv(tmp_path, text), mapping)
        assert caught.value.key == key
    with pytest.raises(ConfigError, match="No such file"):
        read_recording(tmp_path / "none.csv", mapping)
    (tmp_path / "r.parquet").write_bytes(b"no parquet")
    with pytest.raises(ConfigError, match="Parquet"):
        read_recording(tmp_path / "r.parquet", mapping)


def test_our_own_maps_load_by_name() -> None:
    names = {file.stem for file in FOLDER.glob("*.toml")}
    assert names == {"elevator-door", "phone-ride"}
    for name in names:
        mapping = load_map(name, VOCAB)
        assert mapping.text.zh != mapping.text.en
    with pytest.raises(ConfigError, match="elevator-door"):
        find_map("elevator_door")

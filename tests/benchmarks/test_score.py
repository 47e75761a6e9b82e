"""The command that scores any recording: formats, causality, errors. All files are made here."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest

from benchmarks import score
from benchmarks.score import RecordingError, number, score_file, seconds


def recording(file, columns, mark=",", head=True, stamps=None):
    """A CSV of named columns; a column is a list of cells."""
    n = len(next(iter(columns.values())))
    stamps = stamps or [
        f"2026-03-{1 + i // 1440:02d} {i // 60 % 24:02d}:{i % 60:02d}:00" for i in range(n)
    ]
    with file.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream, delimiter=mark)
        if head:
            out.writerow(["time", *columns])
        out.writerows(zip(stamps, *columns.values(), strict=True))
    return file


def noise(n, seed=1, shift=0.0):
    x = np.random.default_rng(seed).normal(10, 1, n)
    x[int(0.7 * n) : int(0.8 * n)] += shift
    return [f"{v:.4f}" for v in x]


def scores(file, learn=None):
    return [one.score for one in score_file(file, learn)]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("learn", [None, 200])
def test_no_row_depends_on_a_later_one(tmp_path, channels, learn):
    columns = {f"c{i}": noise(420, i, 6.0) for i in range(channels)}
    whole = scores(recording(tmp_path / "whole.csv", columns), learn)
    assert max(whole) >= 0.5
    for cut in (1, 149, 150, 151, 199, 201, 310, 419):
        part = {name: cells[:cut] for name, cells in columns.items()}
        assert scores(recording(tmp_path / "part.csv", part), learn) == whole[:cut]


@pytest.mark.parametrize("channels", [1, 2])
def test_rows_that_are_learned_from_are_written_and_silent(tmp_path, channels):
    columns = {f"c{i}": noise(300, i, 9.0) for i in range(channels)}
    file = recording(tmp_path / "in.csv", columns)
    said = list(score_file(file, 250))
    assert len(said) == 300
    assert all(one.score == 0 and not one.anomaly for one in said[:250])
    assert any(one.score > 0 for one in said[250:])


def test_labels_are_never_read(tmp_path):
    columns = {"flow": noise(300, 1, 8.0), "load": noise(300, 2)}
    plain = scores(recording(tmp_path / "plain.csv", columns))
    rng = np.random.default_rng(0)
    labels = {
        "anomaly": [f"{v:.1f}" for v in rng.integers(0, 2, 300)],
        "Changepoint": [f"{v:.1f}" for v in rng.integers(0, 2, 300)],
    }
    assert scores(recording(tmp_path / "labelled.csv", columns | labels)) == plain


def test_semicolons_commas_tabs_and_no_header_say_the_same(tmp_path):
    columns = {"flow": noise(260, 1, 8.0), "load": noise(260, 2)}
    plain = scores(recording(tmp_path / "a.csv", columns))
    assert scores(recording(tmp_path / "b.csv", columns, ";")) == plain
    assert scores(recording(tmp_path / "c.csv", columns, "\t")) == plain
    assert scores(recording(tmp_path / "d.csv", columns, head=False)) == plain
    decimal = {name: [c.replace(".", ",") for c in cells] for name, cells in columns.items()}
    assert scores(recording(tmp_path / "e.csv", decimal, ";")) == plain


def test_gaps_constants_text_and_ragged_rows_are_lived_with(tmp_path):
    n = 300
    columns = {
        "flow": ["" if i % 7 == 0 else c for i, c in enumerate(noise(n, 1, 8.0))],
        "still": ["5"] * n,
        "empty": [""] * n,
        "place": ["pump room"] * n,
        "late word": ["1.0"] * (n - 20) + ["error"] * 20,
    }
    file = recording(tmp_path / "in.csv", columns)
    file.write_text(file.read_text("utf-8") + "2026-03-02 00:00:00,1\n\n", "utf-8")
    said = list(score_file(file))
    assert len(said) == n + 1
    assert all(0 <= one.score <= 1 and not math.isnan(one.score) for one in said)
    assert any(one.why == "flow: shift" for one in said)


def test_hundreds_of_columns(tmp_path):
    columns = {f"c{i}": noise(220, i) for i in range(150)}
    said = list(score_file(recording(tmp_path / "in.csv", columns)))
    assert sum(one.anomaly for one in said) <= 20


@pytest.mark.parametrize(
    ("stamp", "hour"),
    [
        ("2026-03-01 14:30:00", 14.5),
        ("2026-03-01T14:30:00+08:00", 14.5),
        ("2026-03-01T14:30:00.000Z", 14.5),
        ("01/03/2026 2:30 PM", 14.5),
        ("1.3.2026 14:30", 14.5),
        ("14:30:00", 14.5),
        ("12:15 am", 0.25),
        ("1772375400", 14.5),
        ("1772375400000", 14.5),
    ],
)
def test_any_usual_time_shows_its_hour(stamp, hour):
    assert seconds(stamp) % 86_400 / 3600 == pytest.approx(hour)


def test_a_plain_number_or_nonsense_shows_no_hour():
    assert all(math.isnan(seconds(stamp)) for stamp in ("17", "0.5", "row 9", ""))


def test_numbers():
    assert (number(" 1.5 "), number("1,5", comma=True), number("1e3")) == (1.5, 1.5, 1000.0)
    assert number("door") is None
    assert all(math.isnan(number(cell)) for cell in ("", "NaN", "inf", "null", "-"))


def test_out_has_a_row_for_each_row_of_in(tmp_path, capsys):
    file = recording(tmp_path / "in.csv", {"flow": noise(260, 1, 9.0), "load": noise(260)})
    told = score.run([str(file), str(tmp_path / "out.csv"), "--learn", "100"])
    with (tmp_path / "out.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    with file.open(encoding="utf-8") as stream:
        stamps = [row["time"] for row in csv.DictReader(stream)]
    assert [row["timestamp"] for row in rows] == stamps
    assert all((float(row["score"]) >= 0.5) == (row["anomaly"] == "1") for row in rows)
    assert told["rows"] == 260
    assert told["anomaly_rows"] == sum(row["anomaly"] == "1" for row in rows) > 10
    assert told["alarms"] == 1


def test_errors_teach(tmp_path, capsys):
    words = recording(tmp_path / "words.csv", {"place": ["hall"] * 9, "anomaly": ["0"] * 9})
    with pytest.raises(RecordingError, match="no column of numbers among place, anomaly"):
        list(score_file(words))
    (tmp_path / "one.csv").write_text("value\n1\n2\n", "utf-8")
    with pytest.raises(RecordingError, match="a time column and at least one"):
        list(score_file(tmp_path / "one.csv"))
    (tmp_path / "empty.csv").write_text("", "utf-8")
    with pytest.raises(RecordingError, match="needs a time column"):
        list(score_file(tmp_path / "empty.csv"))
    with pytest.raises(SystemExit) as stopped:
        score.run([str(tmp_path / "gone.csv"), str(tmp_path / "out.csv")])
    assert stopped.value.code == 2
    assert "gone.csv" in capsys.readouterr().err
    for wrong in ([str(words), str(words)], [str(words), "out.csv", "--learn", "-3"]):
        with pytest.raises(SystemExit):
            score.run(wrong)

"""The command as a person meets it: tables in two languages, files, errors that teach."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from alerts.migrations import migrate
from alerts.rules import DEFAULT_RULES
from monitor import cli
from tests.monitor.backtest import house as made
from tests.monitor.backtest.house import SECONDS, T0, House, twin

SVG = "{http://www.w3.org/2000/svg}"
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def run(house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(house.folder)

    def call(*args: object, config: bool = True) -> tuple[int, str, str]:
        site = ("--config", "site.toml", "--cores", "1") if config else ()
        monkeypatch.setattr("sys.argv", ["liftwatch", "backtest", *map(str, args), *site])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return call


def changed(file: Path, old: str, new: str) -> Path:
    text = DEFAULT_RULES.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    return file


def slower(tmp_path: Path) -> Path:
    """Rule 12 with a hold of 110 s instead of 45 s, rule 23 after 90 s instead of 60 s."""
    file = changed(tmp_path / "slower.toml", "hold_s = 45", "hold_s = 110")
    text = file.read_text("utf-8")
    file.write_text(text.replace("max(3 * period_s, 60)", "max(3 * period_s, 90)"), "utf-8")
    return file


def test_against_themselves_no_difference(run, house: House) -> None:
    code, out, _ = run("--rules", DEFAULT_RULES, "--json")
    assert code == 0
    found = json.loads(out)
    total = found["total"]
    assert total["only"] == {"a": 0, "b": 0} and total["b_later_s"] == 0
    rang = {rule["rule"]: rule["rang"] for rule in found["rules"]}
    lines = twin(house.registry, made.rules(), house.batches)
    end = T0 + SECONDS * 1000
    for rule, count in rang.items():
        expected = sum(x[1] == rule and x[3] and x[2] < end for x in lines)
        assert count == {"a": expected, "b": expected}
    assert found["lifts"] == made.LIFTS


def test_a_longer_hold_rings_later_and_less(run, tmp_path: Path) -> None:
    code, out, _ = run("--rules", DEFAULT_RULES, "--against", slower(tmp_path), "--json",
                       "--changed")  # fmt: skip
    assert code == 0
    rules = {rule["rule"]: rule for rule in json.loads(out)["rules"]}
    assert set(rules) <= {"12", "23"} and "23" in rules
    for rule in rules.values():
        assert rule["rang"]["b"] <= rule["rang"]["a"]
        assert rule["only"]["b"] == 0
        if rule["both"]:
            # rule 12 also rings at once, by a message of the controller
            assert rule["b_later_s"] == 30 if rule["rule"] == "23" else rule["b_later_s"] <= 65
    assert rules["23"]["only"]["a"] == 1  # the silence of 75 s
    _, whole, _ = run("--rules", DEFAULT_RULES, "--against", slower(tmp_path), "--json")
    same = {rule["rule"]: rule for rule in json.loads(whole)["rules"]}
    assert {name: same[name] for name in rules} == rules


def test_tables_in_each_language(run, tmp_path: Path) -> None:
    file = slower(tmp_path)
    _, both, _ = run("--rules", file)
    for words in ("By rule", "各规则", "非平层困人", "passengers trapped", "alone", "仅此"):
        assert words in both
    _, english, _ = run("--rules", file, "--lang", "en")
    table = english.split("Lifts that differ")[0]
    assert not CHINESE.search(table) and "passengers trapped between floors" in table
    _, chinese, _ = run("--rules", file, "--lang", "zh")
    assert "By rule" not in chinese and "各规则" in chinese


def test_labels_tell_missed_and_false(run, house: House, tmp_path: Path) -> None:
    silent = house.registry.lift(1).reg_code
    labels = tmp_path / "labels.csv"
    begin, end = "2026-09-22T08:11:40+08:00", "2026-09-22T08:12:55+08:00"  # second 700..775
    labels.write_text(f"reg_code,rule,start,end\n{silent},23,{begin},{end}\n", "utf-8")
    _, out, _ = run("--rules", DEFAULT_RULES, "--against", slower(tmp_path), "--labels", labels,
                    "--rule", "23", "--json")  # fmt: skip
    found = json.loads(out)
    (rule,) = found["rules"]
    assert rule["labels"] == 1
    assert rule["missed"] == {"a": 0, "b": 1}, "75 s of silence: found after 60 s, not after 90 s"
    assert rule["false"] == {"a": rule["rang"]["a"] - 1, "b": rule["rang"]["b"]}
    _, table, _ = run("--rules", DEFAULT_RULES, "--labels", labels, "--rule", "23")
    assert "missed" in table and "漏报" in table


def test_the_picture_is_xml_with_the_numbers_in_it(run, tmp_path: Path) -> None:
    file = slower(tmp_path)
    svg, page = tmp_path / "p.svg", tmp_path / "p.html"
    assert run("--rules", DEFAULT_RULES, "--against", file, "--picture", svg)[0] == 0
    _, out, _ = run("--rules", DEFAULT_RULES, "--against", file, "--picture", page, "--json")
    root = ET.fromstring(svg.read_text("utf-8"))
    told = {}
    for group in root.iter(f"{SVG}g"):
        if group.get("class") == "rule":
            texts = ["".join(t.itertext()) for t in group.iter(f"{SVG}text")]
            counts = [int(t.split()[1]) for t in texts if re.match(r"[AB] \d", t)]
            told[texts[0]] = counts
    rules = {rule["rule"]: [rule["rang"]["a"], rule["rang"]["b"]]
             for rule in json.loads(out)["rules"]}  # fmt: skip
    assert told == rules
    hours = [t.text for t in root.iter(f"{SVG}title") if t.text and ": A " in t.text]
    for side, letter in enumerate("AB"):
        counts = [int(re.search(rf"{letter} (\d+)", t)[1]) for t in hours]
        assert sum(counts) == sum(counts_[side] for counts_ in rules.values())
    assert "<svg" in page.read_text("utf-8") and "<table" in page.read_text("utf-8")


def test_single_transitions_as_csv(run, house: House, tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    code = house.registry.lift(1).reg_code
    assert run("--rules", DEFAULT_RULES, "--lifts", code, "--csv", file)[0] == 0
    with file.open(encoding="utf-8-sig") as stream:
        rows = [row for row in csv.DictReader(stream) if row["side"] == "A"]
    lines = twin(house.registry, made.rules(), house.batches)
    end = T0 + SECONDS * 1000
    expected = [(at, rule, raised) for lift, rule, at, raised, _ in lines
                if lift == code and at < end]  # fmt: skip
    found = [(int(r["at_ms"]), r["rule"], r["transition"] == "raised") for r in rows]
    assert sorted(found) == sorted(expected) and expected


def test_a_span_counts_what_is_in_it_and_warms_up(run, house: House) -> None:
    begin, end = T0 + 300_000, T0 + 900_000
    asked = ("--from", "2026-09-22T00:05:00+00:00", "--to", "2026-09-22T08:15")
    _, out, _ = run("--rules", DEFAULT_RULES, *asked, "--json")
    found = json.loads(out)
    assert found["warm_up_from"] < found["from"] == "2026-09-22T08:05:00+08:00"
    lines = twin(house.registry, made.rules(), house.batches)
    expected = sum(raised and begin <= at < end for _, _, at, raised, _ in lines)
    assert found["total"]["rang"]["a"] == expected


def test_what_rang_in_life(run, house: House) -> None:
    code, _, err = run("--rules", DEFAULT_RULES, "--against", "life")
    assert code == 2 and "no alert database" in err
    file = house.folder / "var" / "liftwatch.db"
    migrate(f"sqlite:///{file}")
    first = next(x for x in twin(house.registry, made.rules(), house.batches) if x[1] == "23")
    try:
        with sqlite3.connect(file) as db:
            db.execute("PRAGMA foreign_keys = OFF")
            db.execute(
                "INSERT INTO occurrence (subject_kind, subject, rule, since_ms, alert_id, at_ms)"
                " VALUES ('lift', ?, '23', ?, 1, ?)", (first[0], first[4], first[2] + 400),
            )  # fmt: skip
        db.close()
        _, out, _ = run("--rules", DEFAULT_RULES, "--against", "life", "--rule", "23", "--json")
    finally:
        file.unlink()
    (rule,) = json.loads(out)["rules"]
    assert rule["rang"]["b"] == 1 and rule["both"] == 1 and rule["b_later_s"] == 0.4
    assert rule["only"] == {"a": rule["rang"]["a"] - 1, "b": 0}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--rules", "none.toml"), ("none.toml", "cannot be read", "无法读取")),
        (("--rules", DEFAULT_RULES, "--from", "soon"), ("--from", "soon", "2026-03-02T08:00")),
        (("--rules", DEFAULT_RULES, "--from", "2026-09-22", "--to", "2026-09-21"),
         ("--from … --to", "before", "应早于")),
        (("--rules", DEFAULT_RULES, "--from", "2020-01-01", "--to", "2020-02-01"),
         ("history holds 2026-09-22T08:00", "历史只有")),
        (("--rules", DEFAULT_RULES, "--lifts", "77"), ("--lifts", "'77'", "lifts.csv")),
        (("--rules", DEFAULT_RULES, "--rule", "77"), ("--rule", "'77'", "must be one of 1 2 3")),
        (("--rules", DEFAULT_RULES, "--picture", "x.png"), ("--picture", "x.png", ".svg", "位图")),
        (("--rules", DEFAULT_RULES, "--lang", "fr"), ("--lang", "fr", "both, zh")),
        (("--rules", DEFAULT_RULES, "--csv", "no/such/folder/x.csv"), ("x.csv", "writable")),
        (("--rules", DEFAULT_RULES, "--history", "."), ("no history here", "还没有历史")),
    ],
)  # fmt: skip
def test_errors_teach(run, args: tuple[object, ...], words: tuple[str, ...]) -> None:
    code, _, err = run(*args)
    assert code == 2
    for word in words:
        assert word in err
    assert "Traceback" not in err


def test_help_has_examples(run) -> None:
    code, out, _ = run("--help", config=False)
    assert code == 0
    for words in ("Examples / 示例", "--against old.toml", "life", "规则回测"):
        assert words in out

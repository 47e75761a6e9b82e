from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devices.simulator.scenario import ScenarioError, load_scenario, parse_scenario
from devices.simulator.story import Heard, Story
from devices.simulator.times import read_length, read_mark


def _story(**changes: Any) -> dict[str, Any]:
    event = {"at": "+00:20", "lift_index": 1, "do": "trap_between_floors", "for": "1m"}
    expect = {"rule": "1", "lift_index": 1, "by": "+01:10"}
    base = {
        "title": "t", "lifts": 3, "start": "2026-03-02T08:00:00+08:00", "length": "3m",
        "event": [event], "expect": [expect],
    }  # fmt: skip
    return {**base, **changes}


def _event(**changes: Any) -> dict[str, Any]:
    return _story(event=[{**_story()["event"][0], **changes}])


def _expect(**changes: Any) -> dict[str, Any]:
    return _story(expect=[{**_story()["expect"][0], **changes}])


WRONG = [
    (_story(lenght="3m"), "lenght", "3m", "length"),
    (_story(length="long"), "length", "long", "5m"),
    (_story(start="2026-03-02 08:00"), "start", "2026-03-02 08:00", "zone"),
    (_story(lifts=0), "lifts", 0, "1..10000"),
    (_story(title=""), "title", "", "not empty"),
    (_story(vendors=["acme"]), "vendors", ["acme"], "yunzhi"),
    (_event(do="explode"), "event 1.do", "explode", "trap_between_floors"),
    (_event(at="00:20"), "event 1.at", "00:20", "+minutes:seconds"),
    (_event(at="+09:00"), "event 1.at", "+09:00", "after the end"),
    (_event(lift_index=3), "event 1.lift_index", 3, "0..2"),
    (_event(people="two"), "event 1.people", "two", "whole number"),
    (_event(who="me"), "event 1.who", "me", "lift_index"),
    (_event(**{"for": "5 minutes"}), "event 1.for", "5 minutes", "90s"),
    (_story(lift=[{"lift_index": 9}]), "lift 1.lift_index", 9, "0..2"),
    (_story(lift=[{"lift_index": 1, "voice_link": 1}]), "lift 1.voice_link", 1, "true or false"),
    (_story(lift=[{"lift_index": 1, "last_visit": "x"}]), "lift 1.last_visit", "x", "2026-03-31"),
    (_story(lift=[{"lift_index": 1, "floor_lo": 3}]), "lift 1.floor_lo", 3, "planned_visit"),
    (_expect(not_rule="2"), "expect 1.rule", "1", "exactly one"),
    (_expect(by="soon"), "expect 1.by", "soon", "+01:30"),
]


@pytest.mark.parametrize(("data", "key", "value", "way_out"), WRONG)
def test_an_error_names_file_key_value_and_way_out(
    data: dict[str, Any], key: str, value: object, way_out: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(data, "bad.toml")
    error = caught.value
    assert (error.file, error.key, error.value) == ("bad.toml", key, value)
    assert way_out in error.way_out.en and error.way_out.zh


@pytest.mark.parametrize("text", ['title = "x', "\xff"])
def test_a_file_that_is_no_toml_is_named(text: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ScenarioError, match=r"bad\.toml"):
        load_scenario(file)
    with pytest.raises(ScenarioError, match=r"none\.toml"):
        load_scenario(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("+00:40", 40), ("+1:02:03", 3723), ("+90:00", 5400), ("+00:00.5", 0.5), ("00:40", None),
     ("+0:5", None), (40, None)],
)  # fmt: skip
def test_marks(text: object, seconds: float | None) -> None:
    assert read_mark(text) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("1h30m", 5400), ("", None), ("5", None)]
)
def test_lengths(text: str, seconds: float | None) -> None:
    assert read_length(text) == seconds


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Story:
    story = Story(parse_scenario(_story(nothing_else=True)), tmp_path_factory.mktemp("story"))
    assert sum(len(page.batch) for page in story.pages()) > 500
    return story


def _heard(told: Story, row: int, rule: str, at_s: float) -> Heard:
    return Heard(row, rule, told.scenario.start_ms + int(at_s * 1000))


def test_an_event_strikes_close_to_its_time(told: Story) -> None:
    (label,) = told.labels
    assert 0 <= label.start_ms - told.scenario.start_ms - 20_000 <= 5_000
    assert label.row == 1 and label.people >= 1


def test_a_story_judges_what_was_heard(told: Story) -> None:
    good = _heard(told, 1, "1", 52)
    assert told.judge([good]) == []
    assert "must ring on lift 1" in told.judge([])[0]
    assert "it rang: +01:30.0" in told.judge([_heard(told, 1, "1", 90)])[0]
    assert "it rang: never" in told.judge([_heard(told, 2, "1", 52)])[0]
    assert "rule 9 rang on lift 0" in told.judge([good, _heard(told, 0, "9", 60)])[0]
    assert told.judge([good, _heard(told, 1, "12", 60)]) == []  # the label explains it
    assert told.judge([good, _heard(told, 0, "9", -60)]) == []  # before the story


def test_a_story_that_cannot_be_told_is_refused(tmp_path: Path) -> None:
    two = [_story()["event"][0], {**_story()["event"][0], "do": "ride"}]
    clash = Story(parse_scenario(_story(event=two)), tmp_path / "a")
    with pytest.raises(ScenarioError, match="busy with"):
        list(clash.pages(stride_s=5))
    late = Story(parse_scenario(_event(at="+03:00")), tmp_path / "b")
    with pytest.raises(ScenarioError, match="too short"):
        list(late.pages(stride_s=5))

"""Code maps: there and back without loss, nothing ambiguous left silent, the page says the same."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from bacpypes3 import basetypes

from config.errors import ConfigError
from devices.codes import CodeMap, find_code_map, load_code_map, shipped
from devices.codes.__main__ import update
from devices.kinds import is_escalator
from devices.registry import Lift
from devices.vocabulary import load_vocabulary

VOCAB = load_vocabulary()
MAPS = {name: find_code_map(name, VOCAB) for name in shipped()}
DOC = Path(__file__).parents[3] / "docs" / "codes.md"
SMALL = """
platform = "here"
zh = "本地"
en = "here"
version = "2017"
source = "a test"
topic = "here/{gateway}/{kind}"
lift = "id"
time = "t"
time_format = "ms"
zone = "UTC"
code = [{ theirs = "08", ours = 8 }, { theirs = "11", ours = 93, also = [1012] }]
open = [{ theirs = "02", zh = "门", en = "door", ours = [2, 3] }]
[status]
field = [{ name = "dir", channel = "car_direction", values = { "1" = "up", "2" = "down" } }]
[message]
code = "c"
"""


def read(folder: Path, text: str) -> CodeMap:
    file = folder / "here.toml"
    file.write_text(text, "utf-8")
    return load_code_map(file, VOCAB)


@pytest.mark.parametrize("name", sorted(MAPS))
def test_every_code_goes_there_and_back(name: str) -> None:
    one = MAPS[name]
    assert one.codes
    told = {ours for code in one.codes for ours in (code.ours, *code.also)}
    for code in one.codes:
        ours = one.decode(code.theirs)
        assert ours == code.ours
        back = one.encode(ours)
        assert back is not None and one.decode(back) == ours
        single = sum(other.ours == ours for other in one.codes) == 1
        assert back == code.theirs or not single
        for also in code.also:  # told by a code that says less: it comes back as the main one
            assert one.encode(also) == code.theirs
    assert set(one.unspeakable(VOCAB)) == set(VOCAB.messages) - told
    for opened in one.open:
        assert one.decode(opened.theirs) is None
        assert one.told(opened.theirs) is opened


@pytest.mark.parametrize("name", sorted(MAPS))
def test_every_value_of_a_field_goes_there_and_back(name: str) -> None:
    for _, part in MAPS[name].parts():
        for field in part.fields:
            for value in (field.values or {}).values():
                if not math.isnan(value):
                    back = field.encode(value)
                    assert back is not None and field.values is not None
                    assert field.values[back] == value
            assert field.encode(math.nan) is None


def test_the_same_number_means_different_things() -> None:
    assert MAPS["chongqing"].decode(93) == 93
    assert MAPS["provincial"].decode(11) == MAPS["provincial"].decode("11") == 93
    assert MAPS["shanghai"].decode("09") == 93
    assert MAPS["four-digit"].decode("0101") == MAPS["four-digit"].decode(101) == 93
    assert MAPS["chongqing"].decode(8) == 8
    assert MAPS["collector"].decode(8) == 1002
    assert MAPS["chongqing"].decode("08") is None  # not as it writes: not guessed
    assert MAPS["chongqing"].decode(True) is None
    assert MAPS["bacnet"].decode("LiftFault.5") == 1
    assert MAPS["bacnet"].decode("EscalatorFault.5") == 61
    doors = {f.name: f.values for f in MAPS["provincial"].status.fields}
    assert doors["door_zone"] == {"1": 1.0, "2": 0.0}
    assert {f.name: f.values for f in MAPS["standard"].status.fields}["Door_Zone"] is None


def test_bacnet_numbers_are_those_of_the_library() -> None:
    lists = {
        "LiftFault": basetypes.LiftFault,
        "EscalatorFault": basetypes.EscalatorFault,
        "Car_Mode": basetypes.LiftCarMode,
    }
    for code in MAPS["bacnet"].codes:
        kind, _, number = code.theirs.partition(".")
        if kind in lists and code.text is not None:
            name = str(lists[kind](int(number)))
            assert name.replace("-", "").lower() == code.text.en.lower()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('{ theirs = "08", ours = 8 }', '{ theirs = "11", ours = 8 }', "8 / 93"),
        ('{ theirs = "08", ours = 8 }', '{ theirs = "12", ours = 93 }', "11"),
        ('theirs = "08", ours = 8', 'theirs = "08", ours = 94', "94"),
        ('theirs = "08", ours = 8', 'theirs = "08", ours = 1012', "1012"),
        ('theirs = "08"', "theirs = 8", "theirs"),
        ('theirs = "02"', 'theirs = "11"', "open.theirs"),
        ('"2" = "down"', '"2" = "up"', "preferred"),
        ('"2" = "down"', '"2" = "sideways"', "sideways"),
        ('channel = "car_direction"', 'channel = "way"', "way"),
        ('name = "dir", channel', 'nmae = "dir", channel', "nmae"),
        ('lift = "id"', "lift = 1", "lift"),
        ("[message]", '[message]\nstates = { "1" = "gone" }', "gone"),
        (
            "} }]",
            '} }, { name = "d2", channel = "car_direction" }]',
            "fallback",
        ),
    ],
)
def test_what_is_ambiguous_or_wrong_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert read(tmp_path, SMALL).decode("08") == 8
    assert old in SMALL
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, SMALL.replace(old, new, 1))
    assert "here.toml" in str(caught.value)
    assert said in str(caught.value)


def test_two_codes_for_one_of_ours_need_a_preferred_one(tmp_path: Path) -> None:
    twice = '{ theirs = "8", ours = 8 }, { theirs = "08", ours = 8, preferred = true }'
    one = read(tmp_path, SMALL.replace('{ theirs = "08", ours = 8 }', twice))
    assert one.decode("8") == one.decode("08") == 8
    assert one.encode(8) == "08"


def test_an_unknown_map_is_answered_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="chongqing"):
        find_code_map("nowhere", VOCAB, tmp_path)


def test_escalators_are_a_kind_of_their_own() -> None:
    codes = {code for code, m in VOCAB.messages.items() if m.device == "escalator"}
    assert codes == {61, 62, 63, 64, 65}
    told = {MAPS["bacnet"].encode(code) for code in codes}
    assert told == {f"EscalatorFault.{n}" for n in (0, 1, 2, 3, 5)}
    blank = ("", "", "", "", "", "", "gw")
    for kind, is_one in (("escalator", True), ("walkway", True), ("passenger", False)):
        lift = Lift("3" * 20, *blank, kind, 0.5, 1000, 1, 2, "", 1.0, 0, 0)
        assert is_escalator(lift) is is_one


def test_the_page_is_up_to_date() -> None:
    text = DOC.read_text("utf-8")
    assert update(text, VOCAB) == text, "run: python -m devices.codes docs/codes.md"

"""A mapping file that is wrong is told with file, line, key, value and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ConfigError
from devices.codecs.mapping import codec_of, find_mapping, load_mapping, shipped
from devices.codecs.mapping.paths import parse_path, shown
from tests.devices.mapping.maps import carefully, fast, of_text
from tests.devices.wire import NOW, VOCAB, code

GOOD = """zh = "x"
en = "x"
topic = "acme/{gateway}/up"

[lift]
path = "data[*].id"

[time]
path = "data[*].ts"
format = "ms"

[[field]]
path = "data[*].speed"
channel = "speed"
unit = "mm/s"

[[field]]
path = "data[*].dir"
channel = "car_direction"
values = { "1" = "up", "2" = "down" }

[[message]]
path = "data[*].code"
codes = "chongqing"
states = { "1" = "on" }
"""


def read(folder: Path, text: str) -> object:
    file = folder / "acme.toml"
    file.write_text(text, "utf-8")
    return load_mapping(file, VOCAB)


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("acme/{gateway}/up", "acme/up", None, "gateway"),
        ("acme/{gateway}/up", "acme/{gateway}/{gateway}", 3, "{gateway}"),
        ("acme/{gateway}/up", "acme/#/{gateway}", 3, "#"),
        ("acme/{gateway}/up", "acme/{gateway}/{lift}", 6, "lift"),
        ('zh = "x"', 'zn = "x"', 1, "zh"),
        ('channel = "speed"', 'channel = "sped"', 14, "speed"),
        ('unit = "mm/s"', 'unit = "mph"', 15, "m/s, mm/s"),
        ('unit = "mm/s"', "scale = true", 15, "number"),
        ('"2" = "down"', '"2" = "sideways"', 20, "down"),
        ('"data[*].dir"', '"data[*.dir"', 18, "▸"),
        ('"data[*].dir"', '"other[*].dir"', None, "data[*]"),
        ('format = "ms"', 'format = "minutes"', 10, "strftime"),
        ('format = "ms"', 'zone = "Mars"', 10, "IANA"),
        ('path = "data[*].ts"', "", 8, "receipt"),
        ('codes = "chongqing"', 'codes = "atlantis"', None, "shanghai"),
        ('states = { "1" = "on" }', 'states = { "1" = "up" }', 25, "on"),
        (
            "[[message]]",
            '[[field]]\npath = "data[*].v2"\nchannel = "speed"\n[[message]]',
            24,
            "fallback",
        ),
        ("[[message]]", "[constants]\nspeed = 99\n[[message]]", None, "-20..20"),
        ("[[message]]", "[constant]\n[[message]]", None, "constants"),
        ("[lift]", '[csv]\ndelimiter = ";;"\n[lift]', None, "format"),
    ],
)
def test_a_mistake_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, line: int | None, said: str
) -> None:
    assert read(tmp_path, GOOD)
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    told = str(caught.value)
    assert "acme.toml" in told or "atlantis" in told
    assert said in told
    if line is not None:
        assert f"line {line}," in told


def test_paths_are_read_and_shown_as_they_are_written() -> None:
    for text in ("a", "a.b", "data[*].v.speed", "[*].id", "lifts.{lift}.v", "a[*][0]", "x[*].y[*]"):
        assert shown(parse_path(text)) == text
    assert shown(parse_path("data[*].v[*].x"), (3, 1)) == "data[3].v[1].x"
    assert parse_path('a."b c"') == ("a", "b c")
    for text in ("", ".", "a..b", "a[", "a[x]", "{gateway}", "a[*][*][*][*]"):
        with pytest.raises(ValueError):
            parse_path(text)


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_map_is_right(name: str) -> None:
    one = find_mapping(name, VOCAB)
    assert one.text.zh and one.text.en and one.fields
    assert codec_of(one)


def test_an_array_of_arrays_is_read_with_care() -> None:
    text = (
        'topic = "a/{gateway}"\n[lift]\npath = "[*][0]"\n[time]\npath = "[*][1]"\n'
        '[[field]]\npath = "[*][2]"\nchannel = "speed"\n'
    )
    from tests.devices.mapping import maps

    maps.MAPS["pairs"] = text
    found = carefully("pairs", f'[["{code(1)}",{NOW},1.5],["{code(2)}",{NOW}]]'.encode())
    assert found.samples == [(code(1), NOW, {"speed": 1.5}, False)]
    assert fast("pairs", b"[]") is None


def test_one_and_true_cannot_differ() -> None:
    text = GOOD.replace('{ "1" = "up", "2" = "down" }', '{ "1" = "up", "true" = "down" }')
    with pytest.raises(ConfigError, match="true"):
        of_text(text)

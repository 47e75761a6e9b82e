"""`liftwatch codec`: what became of each field, what is there, and a map to begin with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from config.errors import ConfigError
from devices.codecs.mapping import load_mapping, shipped
from devices.codecs.mapping.dialect import dialect_names
from devices.vocabulary import load_vocabulary
from monitor.commands.codec import app
from tests.support.site import reg_code, write_small_site

AT = "2026-01-01T00:00:05Z"
NESTED = {
    "sent": 1,
    "lifts": [
        {
            "id": "A-1",
            "samples": [
                {"t": 1767225600000, "v": {"speed": 1750, "dir": "UP", "load": 320, "fan": 1}},
                {"t": 1767225601000, "v": {"dir": "X", "door": 2}},
            ],
            "faults": [{"code": 8, "since": 1767225590000, "active": True}],
        }
    ],
}


def run(*args: str, stdin: str | None = None) -> Any:
    return CliRunner().invoke(app, list(args), input=stdin)


def tried(file: str, body: Any, *args: str) -> tuple[int, dict[str, Any]]:
    text = body if isinstance(body, str) else json.dumps(body)
    result = run("try", file, "--payload", "-", "--at", AT, "--json", *args, stdin=text)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.stdout)


def test_every_field_is_accounted_for() -> None:
    status, told = tried("nested-json", NESTED)
    assert status == 1
    first, second = told["samples"]
    assert first["lift"] == "31105001992014000001"
    assert first["ts_ms"] == 1767225600000
    values = {v["channel"]: (v["value"], v["unit"], v["source"]) for v in first["values"]}
    assert values["speed"] == (1.75, "m/s", "lifts[*].samples[*].v.speed")
    assert values["car_direction"][0] == "up"
    assert values["load"][:2] == (32.0, "% rated")
    assert [v["value"] for v in second["values"]] == ["open"]
    assert told["messages"][0]["code"] == 1002
    (refused,) = told["refused"]
    assert (refused["reason"], refused["field"]) == (
        "unmapped_value", "lifts[0].samples[1].v.dir"
    )  # fmt: skip
    assert refused["way_out"]["zh"] and refused["way_out"]["en"]
    assert told["unread"] == ["sent", "lifts[*].samples[*].v.fan"]
    assert told["silent"] == ["lifts[*].samples[*].v.floor"]


def test_the_table_says_it_in_words() -> None:
    text = json.dumps(NESTED)
    told = run("try", "nested-json", "--payload", "-", "--at", AT, stdin=text).stdout
    words = ("speed", "1.75", "m/s", "1002 运行中开门", "unmapped_value", "UP | DN", "v.fan")
    for word in (*words, "lifts[*].samples[*].v.speed", "not read by anybody"):
        assert word in told


def test_all_taken_ends_with_zero_and_a_site_is_asked_when_there_is_one(tmp_path: Path) -> None:
    site = write_small_site(tmp_path / "site")
    line = {"Registration_Code": reg_code(1), "Time_Stamps": "2026-01-01 08:00:00", "Car_Status": 1}
    status, told = tried("gbt24476-chongqing", [line], "--site", str(site), "--topic",
                         "gbt24476/chongqing/gw-1/status")  # fmt: skip
    assert (status, told["refused"], told["fast"]) == (0, [], True)
    line["Registration_Code"] = reg_code(99)
    status, told = tried("gbt24476-chongqing", [line], "--site", str(site), "--topic",
                         "gbt24476/chongqing/gw-1/status")  # fmt: skip
    assert (status, told["rejected"]) == (1, True)
    assert told["refused"][0]["reason"] == "unknown_lift"


def test_without_a_topic_the_gateway_of_the_site_is_found(tmp_path: Path) -> None:
    site = write_small_site(tmp_path / "site")
    row = {"Registration_Code": reg_code(1), "Time_Stamps": "2026-01-01 08:00:00"}
    row["Message_Code"] = "93"
    status, told = tried("gbt24476-chongqing", row, "--site", str(site))
    assert (status, told["gateway"], told["messages"][0]["code"]) == (0, "gw-1", 93)


def test_the_kind_is_found_by_what_takes_something() -> None:
    row = {"reg_cod": "3" * 20, "fault_timestamp": "2026-01-01 08:00:00", "fault_type": "11",
           "deal_status": "01"}  # fmt: skip
    status, told = tried("gbt24476-provincial", row)
    assert (status, told["messages"][0]["code"]) == (0, 93)


def test_csv_and_rescue_codes_without_a_site() -> None:
    text = "code;time;door;zone;speed;load;temp\n100001;2026-01-01 08:00:00;0;1;1,75;32,5;31\n"
    status, told = tried("collector-csv", text)
    assert (status, told["fast"]) == (0, True)
    assert {v["channel"]: v["value"] for v in told["samples"][0]["values"]}["speed"] == 1.75


def test_init_writes_a_map_that_is_right_and_overwrites_nothing(tmp_path: Path) -> None:
    for like in shipped():
        file = tmp_path / f"{like}.toml"
        assert run("init", str(file), "--like", like).exit_code == 0
        assert load_mapping(file, load_vocabulary()).fields
        again = run("init", str(file))
        assert isinstance(again.exception, ConfigError)
    wrong = run("init", str(tmp_path / "x.toml"), "--like", "nothing")
    assert "commented" in str(wrong.exception)


def test_list_shows_all_there_is(tmp_path: Path) -> None:
    run("init", str(tmp_path / "own.toml"))
    config = tmp_path / "site.toml"
    config.write_text('[ingest]\ndialects = ["gbt24476-shanghai"]\nmaps = ["own.toml"]\n', "utf-8")
    told = run("list", "--config", str(config))
    assert told.exit_code == 0
    flat = told.stdout.replace("\n", "")
    for name in (*dialect_names(), "nested-json.toml", "json_rows"):
        assert name[:12] in flat
    assert "my-platform" in flat


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("try", "nowhere", "--payload", "-"), "nested-json"),
        (("try", "terminal", "--payload", "no such file"), "--payload"),
        (("try", "terminal", "--payload", "-", "--topic", "a/b"), "terminal/{gateway}"),
        (("try", "terminal", "--payload", "-", "--at", "noon"), "2026"),
    ],
)
def test_mistakes_are_named(args: tuple[str, ...], said: str) -> None:
    result = run(*args, stdin="{}")
    assert isinstance(result.exception, ConfigError)
    assert said in str(result.exception)

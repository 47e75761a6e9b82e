"""month.toml: what vendors pass on and show, and errors that name what is wrong."""

from __future__ import annotations

from itertools import pairwise

import pytest

from config.errors import ConfigError
from devices.simulator.month.dialects import load_month
from devices.simulator.month.scene import PEOPLE
from devices.simulator.vendors import DEMO
from tests.devices.simulator.month.conftest import COL

DATA = load_month()
BY_ID = {dialect.id: dialect for dialect in DATA.dialects}


def test_there_are_many_vendors_and_they_differ():
    assert len(DATA.dialects) >= 8
    sets = {(d.lacks, d.sampling, d.messages, d.once, d.car_alarms) for d in DATA.dialects}
    assert len(sets) == len(DATA.dialects)
    assert {d.sampling for d in DATA.dialects} == {0, 1, 2}
    assert any(not d.backup for d in DATA.dialects)
    assert any("alarm_button" in d.lacks and not d.passes(90) for d in DATA.dialects)


def test_they_lack_only_channels_there_are():
    for dialect in DATA.dialects:
        assert dialect.lacks <= set(COL), dialect.id


def test_each_vendor_shows_people_somehow_but_not_all_ride_quality():
    for dialect in DATA.dialects:
        assert dialect.sees((PEOPLE,)), dialect.id
    assert not BY_ID["zongxian"].sees((("passenger", "people", "load"),))


def test_codes_of_the_device_itself_are_not_the_controllers():
    assert not BY_ID["wuxun"].passes(90)
    assert BY_ID["honglan"].passes(90) and not BY_ID["honglan"].passes(93)
    assert BY_ID["jiyun"].passes(93)
    assert BY_ID["shijing"].passes(1013) and not BY_ID["menci"].passes(1013)


def test_a_lost_channel_is_not_seen():
    dialect = BY_ID["honglan"]
    assert dialect.sees((("passenger",),))
    assert not dialect.sees((("passenger",),), frozenset({"passenger"}))


def test_arrival_times_fit_the_overlap_of_windows():
    """A window looks back 90 s for what is still on its way."""
    for dialect in DATA.dialects:
        assert dialect.heartbeat_s + dialect.delay_s[1] + 2.5 * dialect.period_s + 5 < 90
        assert all(a <= b for a, b in pairwise(dialect.delay_s))


def test_an_incomplete_vendor_is_named(tmp_path):
    text = (DEMO / "month.toml").read_text("utf-8").replace("ppm = 5\n", "", 1)
    file = tmp_path / "month.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match="ppm"):
        load_month(file)

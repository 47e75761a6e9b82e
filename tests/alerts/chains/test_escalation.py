from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.chains import escalation
from alerts.chains.chains_file import load_chains
from alerts.chains.ladder import DEFAULT_CHAINS, Chains
from alerts.desk import alert_desk
from alerts.model import RuleMeta, Step
from config.errors import ConfigError
from config.text import Text
from tests.alerts.conftest import CAR_2, CAR_3, T0, House, cleared, raised, without

S = 1000
MIN = 60 * S


def told(house: House, at_ms: int) -> list[str]:
    """Who is newly paged by a tick at that time."""
    before = set(house.pages())
    house.desk.tick(at_ms)
    return sorted(key.split(":")[2] for key in set(house.pages()) - before)


def test_the_rescue_ladder_when_nobody_answers(house: House) -> None:
    house.raise_(raised())
    assert sorted(k.split(":")[2] for k in house.pages()) == ["desk1", "pm1", "zhang"]
    ladder = {
        29: [],
        30: ["pm2"],
        60: ["li"],
        179: [],
        180: ["station1"],
        300: ["duty", "f119"],
        719: [],
        720: ["desk1", "zhang"],
        900: ["duty", "street1"],
        3600: ["leader"],
        7199: [],
        7200: ["desk1", "duty", "leader", "street1"],
    }
    for after_s, people in ladder.items():
        assert told(house, T0 + after_s * S) == people, after_s
    assert house.alert()["accident"] is True
    assert "accident" in house.kinds()
    assert house.desk.next_due_ms() is None


@pytest.mark.parametrize(("profile", "arrival_s"), [("legal_city", 1800), ("legal_rural", 3600)])
def test_the_arrival_limit_follows_the_profile(house: House, profile: str, arrival_s: int) -> None:
    house.desk = replace(house.desk, chains=load_chains(profile=profile))
    house.raise_(raised())
    assert house.alert()["arrival_due_ms"] == T0 + arrival_s * S
    due = {one["step"]: one["due_ms"] for one in house.alert()["timers"]}
    assert due["arrival_warning"] == T0 + arrival_s * 800
    assert due["arrival_overdue"] == T0 + arrival_s * S


def test_accepting_stops_the_search_but_not_the_arrival_clock(house: House) -> None:
    house.raise_(raised())
    house.act(1, Step.ACCEPT, "zhang", T0 + 20 * S)
    states = {one["step"]: (one["state"], one["reason"]) for one in house.alert()["timers"]}
    assert states["station"] == ("cancelled", "accepted")
    assert states["public"] == ("cancelled", "accepted")
    assert states["use_unit_second"] == ("pending", None)
    assert states["arrival_overdue"] == ("pending", None)
    assert house.pages("withdrawn") == ["1:desk:desk1:mqtt", "1:maintenance:zhang:mqtt"]
    house.act(1, Step.ARRIVE, "zhang", T0 + 600 * S)
    assert told(house, T0 + 1000 * S) == ["pm2"]
    assert told(house, T0 + 3600 * S) == ["leader"]
    house.act(1, Step.FREE, "zhang", T0 + 3700 * S)
    assert told(house, T0 + 7200 * S) == []
    assert house.alert()["next_due_ms"] is None


def test_the_use_unit_answers_with_any_tap(house: House) -> None:
    house.raise_(raised())
    house.act(1, Step.ACKNOWLEDGE, "operator", T0 + 5 * S)
    answer = house.act(1, Step.ACKNOWLEDGE, "pm1", T0 + 10 * S)
    assert (answer.ok, answer.changed) == (True, False)
    assert "answered" in house.kinds()
    assert told(house, T0 + 30 * S) == []
    assert told(house, T0 + 60 * S) == ["li"]


def test_the_fault_ladder(house: House) -> None:
    house.raise_(raised("16", people=None))
    assert house.pages() == ["1:maintenance:zhang:mqtt"]
    assert told(house, T0 + 15 * MIN) == ["boss"]
    assert told(house, T0 + 60 * MIN) == ["pm1"]
    house.act(1, Step.ACKNOWLEDGE, "zhang", T0 + 61 * MIN)
    assert told(house, T0 + 24 * 60 * MIN) == ["street1"]


def test_a_fault_that_is_gone_stops_calling_and_calls_on_when_it_returns(house: House) -> None:
    one = raised("16", people=None)
    house.raise_(one)
    house.raise_(cleared(one, T0 + MIN))
    assert house.pages("withdrawn") == ["1:maintenance:zhang:mqtt"]
    assert told(house, T0 + 20 * MIN) == []
    house.raise_(raised("16", people=None, at_ms=T0 + 21 * MIN))
    assert house.pages("due") == ["1:maintenance:zhang:mqtt"]
    assert told(house, T0 + 21 * MIN + S) == ["boss"]


def test_roles_told_at_once_beside_the_chain(house: House) -> None:
    house.raise_(raised("9", people=None), raised("21", CAR_2, people=None))
    assert house.pages() == [
        "1:maintenance:zhang:mqtt",
        "1:also_bureau:duty:mqtt",
        "2:desk:desk1:mqtt",
        "2:also_use_unit:pm1:mqtt",
    ]


def test_the_administrative_ladder(house: House) -> None:
    day = 24 * 60 * MIN
    house.raise_(raised("29", people=None))
    assert told(house, T0 + 6 * day) == []
    assert told(house, T0 + 7 * day) == ["street1"]
    assert told(house, T0 + 15 * day) == ["duty"]


def test_nobody_on_duty_falls_to_the_bureau_and_the_journal_says_so(house: House) -> None:
    house.desk.take_up(without(house.directory, "kone"))
    house.raise_(raised("16", CAR_3, people=None))
    assert house.pages()[:2] == ["1:maintenance:duty:mqtt", "1:maintenance:leader:mqtt"]
    line = next(one for one in house.alert()["timeline"] if one["kind"] == "fallback")
    assert "Unit kone has no contact" in line["data"]["text"]["en"]


def test_a_restart_in_the_middle_of_a_chain(house: House) -> None:
    house.raise_(raised())
    assert told(house, T0 + 30 * S) == ["pm2"]
    house.restart()
    assert told(house, T0 + 30 * S) == []
    # Down for four minutes: what fell due meanwhile happens now, once.
    assert told(house, T0 + 290 * S) == ["li", "station1"]
    house.restart()
    assert told(house, T0 + 290 * S) == []
    assert told(house, T0 + 300 * S) == ["duty", "f119"]
    keys = house.pages()
    assert len(keys) == len(set(keys))


def test_many_desks_fire_each_timer_once(house: House) -> None:
    for i in range(20):
        house.raise_(raised(at_ms=T0 + i, subject=f"{i:020d}"))
    url, desk = house.url, house.desk
    start = threading.Barrier(4)
    failures: list[BaseException] = []

    def race() -> None:
        mine = House(url, desk.directory)
        start.wait()
        try:
            for after_s in (30, 60, 180, 300):
                mine.desk.tick(T0 + after_s * S + 100)
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)
        finally:
            mine.engine.dispose()

    threads = [threading.Thread(target=race) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert failures == []
    fired = Counter(
        (line["alert_id"], line["data"]["step"])
        for i in range(1, 21)
        for line in house.alert(i)["timeline"]
        if line["kind"] == "paged"
    )
    assert set(fired.values()) == {1}
    assert len(fired) == 20 * 7


def test_what_returns_after_acceptance_calls_nobody(house: House) -> None:
    one = raised("11")  # not latched
    house.raise_(one)
    house.raise_(cleared(one, T0 + S))
    house.act(1, Step.ARRIVE, "zhang", T0 + 2 * S)
    house.raise_(raised("11", at_ms=T0 + 10 * S))
    assert house.alert()["alarm_state"] == "acknowledged"
    assert house.pages("due") == ["1:use_unit:pm1:mqtt"]
    assert told(house, T0 + 1000 * S) == ["pm2"]


def test_more_timers_than_one_transaction_takes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (escalation, alert_desk):
        monkeypatch.setattr(module, "FIRE_AT_ONCE", 7)
    house.raise_(*[raised("16", f"{i:020d}", people=None) for i in range(30)])
    house.desk.tick(T0 + 15 * MIN)
    assert len([key for key in house.pages() if ":manager:" in key]) == 60  # two at the bureau


# --- chains as data --------------------------------------------------------------------------


def broken(tmp_path: Path, old: str, new: str) -> Chains:
    text = DEFAULT_CHAINS.read_text("utf-8")
    assert old in text
    file = tmp_path / "chains.toml"
    file.write_text(text.replace(old, new, 1), "utf-8")
    return load_chains(file)


@pytest.mark.parametrize(
    ("old", "new", "key", "value"),
    [
        ('to = ["operator"]', 'to = ["operater"]', "chain.R.step[0].to", "operater"),
        ('until = ["acknowledged", "freed"]', 'until = ["seen"]', "chain.R.step[0].until", "seen"),
        ("after_s = 0", "after_s = -1", "chain.R.step[0].after_s", -1),
        ("after_s = 0", "afters = 0", "chain.R.step[0].afters", 0),
        ("arrival_s = 900", "arrival_s = 9", "profile.urban.arrival_s", 9),
        ('id = "use_unit"', 'id = "desk"', "chain.R.step[1].id", "desk"),
        ("[chain.R]\nrescue = true", '[chain.R]\nrescue = "yes"', "chain.R.rescue", "yes"),
        ('mark = "accident"', 'mark = "oops"', "chain.R.step[10].mark", "oops"),
        ('name_zh = "救援"', 'name_zh = ""', "chain.R.name_zh", ""),
        ("version = 1", "version = 2", "version", 2),
        ("after_s = 0", 'after_s = 0\nchannels = ["pigeon"]', "chain.R.step[0].channels", "pigeon"),
        ("after_s = 0", 'after_s = 0\nseverities = ["bad"]', "chain.R.step[0].severities", "bad"),
        ("[chain.R]", '[[area]]\nprofile = "x"\n[chain.R]', "area[0].profile", "x"),
        ("[chain.R]", '[[area]]\nprofile = "urban"\n[chain.R]', "area[0].groups", None),
        ("[chain.R]", '[[area]]\nprofile = "urban"\ngroups = [1]\n[chain.R]', "area[0].groups", 1),
        ("[chain.A]", "[chain.A", "TOML", None),
    ],
)
def test_a_wrong_chain_file_is_refused_by_name(
    tmp_path: Path, old: str, new: str, key: str, value: object
) -> None:
    with pytest.raises(ConfigError) as refused:
        broken(tmp_path, old, new)
    assert refused.value.key == key
    assert refused.value.file.endswith("chains.toml")
    if value is not None:
        assert refused.value.value == value


def test_an_unknown_profile_or_chain_is_refused() -> None:
    with pytest.raises(ConfigError, match="urban"):
        load_chains(profile="moon")
    chains = load_chains()
    for name in ("X", "F+nobody"):
        rule = RuleMeta("5", Text("冲顶", "overtravel"), chain=name)
        with pytest.raises(ConfigError, match="rule 5, chain"):
            chains.check([rule])


def test_a_chain_without_a_step_for_the_severity_of_its_rule_is_refused(tmp_path: Path) -> None:
    chains = broken(tmp_path, "[chain.U]", '[chain.U]\nseverities = ["critical"]')
    chains.check([RuleMeta("28", Text("电动车", "e-bike"), "critical", chain="U")])
    with pytest.raises(ConfigError, match="a step for major") as refused:
        chains.check([RuleMeta("28", Text("电动车", "e-bike"), "major", chain="U")])
    assert refused.value.key == "rule 28, chain"


def test_a_sites_own_file_without_the_desks_own_chain_gets_the_shipped_one(tmp_path: Path) -> None:
    text = DEFAULT_CHAINS.read_text("utf-8")
    file = tmp_path / "chains.toml"
    file.write_text(text[: text.index("# --- D:")], "utf-8")
    assert load_chains(file).of("D") == load_chains().of("D")

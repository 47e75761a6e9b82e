"""Rule 23 and a device whose death was told: silent at once, until it speaks again."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.rules import DEFAULT_RULES, load_rules
from devices.arrays_file import read_arrays, write_arrays
from devices.batch import LinkFact
from devices.registry import Registry, load_registry
from devices.vocabulary import load_vocabulary
from monitor.detector import rule_schema, stored
from monitor.judge import Judge
from tests.monitor.detector.fleets import batch
from tests.support.site import reg_code, write_small_site

VOCAB = load_vocabulary()
RULES = load_rules(DEFAULT_RULES, rule_schema(VOCAB))
T0 = 1_772_330_400_000
Told = list[tuple[str, bool]]
DEAD = [("gw-0", LinkFact(False, T0)), *(("gw-0", LinkFact(False, T0, i)) for i in (0, 3, 6, 9))]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return load_registry(write_small_site(tmp_path / "site"))  # a value an hour is promised


@pytest.fixture
def judge(registry: Registry) -> Judge:
    made = Judge(VOCAB, registry, RULES)
    hear(made, T0, *range(12))
    return made


def hear(judge: Judge, now: int, *lifts: int) -> Told:
    told = judge.judge(batch([(lift, now, {"speed": 0}) for lift in lifts]), now, 1)
    return [(one.subject, one.raised) for one in told if one.rule == "23"] + tick(judge, now)


def tick(judge: Judge, now: int) -> Told:
    return [(one.subject, one.raised) for one in judge.tick(now) if one.rule == "23"]


def test_a_goodbye_is_silence_at_once(judge: Judge) -> None:
    assert tick(judge, T0 + 1_000) == []
    judge.links(DEAD)
    assert tick(judge, T0 + 2_000) == [(reg_code(i), True) for i in (0, 3, 6, 9)]
    assert set(judge.silent_gateways()) == {"gw-0"}
    assert tick(judge, T0 + 60_000) == []
    assert hear(judge, T0 + 61_000, 3) == [(reg_code(3), False)]
    assert not judge.silent_gateways()


def test_a_goodbye_of_one_device_is_of_it_alone(judge: Judge) -> None:
    judge.links([("gw-0", LinkFact(False, T0, 3))])
    assert tick(judge, T0 + 1_000) == [(reg_code(3), True)]


def test_a_birth_takes_the_goodbye_back(judge: Judge) -> None:
    judge.links([*DEAD, ("gw-0", LinkFact(True, T0))])
    assert tick(judge, T0 + 1_000) == []
    judge.links(DEAD)
    judge.links([("gw-0", LinkFact(True, T0)), ("gw-0", LinkFact(False, T0, 9))])
    assert tick(judge, T0 + 2_000) == [(reg_code(9), True)]


def test_who_said_goodbye_is_remembered_over_a_restart(
    judge: Judge, registry: Registry, tmp_path: Path
) -> None:
    judge.links(DEAD)
    tick(judge, T0 + 1_000)
    judge.detector.save(tmp_path)
    after = Judge(VOCAB, registry, RULES)
    after.detector.load(tmp_path)
    assert {lift for lift, _ in tick(after, T0 + 2_000)} == {reg_code(i) for i in (0, 3, 6, 9)}


def test_a_snapshot_from_before_there_were_goodbyes_is_taken(
    judge: Judge, registry: Registry, tmp_path: Path
) -> None:
    judge.detector.save(tmp_path)
    file = tmp_path / stored.NAME
    header, arrays = read_arrays(file, stored._meaning(judge.detector))
    del arrays["gone"]
    write_arrays(file, header, arrays)
    after = Judge(VOCAB, registry, RULES)
    after.detector.load(tmp_path)
    assert tick(after, T0 + 2_000) == []

"""A wrong rule file is refused with file, rule, key, position, value and the way out."""

from __future__ import annotations

import pytest

from alerts.rules import DEFAULT_RULES, RuleError, load_rules, parse_rules
from devices.vocabulary import load_vocabulary
from monitor.detector import rule_schema

SCHEMA = rule_schema(load_vocabulary())
RULE = '[[rule]]\nid = "x1"\nname_zh = "规则"\nname_en = "a rule"\n'


def refused(text: str) -> RuleError:
    with pytest.raises(RuleError) as caught:
        parse_rules(text, SCHEMA, "site/rules.toml")
    error = caught.value
    assert error.file == "site/rules.toml"
    assert error.way_out.zh and error.way_out.en
    assert "site/rules.toml" in str(error)
    return error


@pytest.mark.parametrize(
    ("body", "key", "value", "word"),
    [
        ("", "when", None, "not empty"),
        ('when = ""', "when", "", "not empty"),
        ("when = 1", "when", 1, "needs a string"),
        ('when = "running"\nhold_s = -1', "hold_s", -1, "0..2.592e+06"),
        ('when = "running"\nhold_s = "30"', "hold_s", "30", "number"),
        ('when = "running"\nhold_s = true', "hold_s", True, "number"),
        ('when = "running"\nhold_s = nan', "hold_s", None, "number"),
        ('when = "running"\nseverity = "critical"\nhold_s = 121', "hold_s", 121, "0..120"),
        ('when = "running"\nclear_s = 1e9', "clear_s", 1e9, "604800"),
        ('when = "running"\nmin_samples = 0', "min_samples", 0, "1..50"),
        ('when = "running"\nseverity = "bad"', "severity", "bad", "critical, major"),
        ('when = "running"\ngroup = "lift"', "group", "lift", "feeder"),
        ('when = "running"\nlatched = 1', "latched", 1, "true or false"),
        ('when = "running"\ncode = 4711', "code", 4711, "no code"),
        ('when = "running"\nholds_s = 3', "holds_s", 3, "hold_s"),
        ('when = "running"\nsuppressed_by = "fier"', "suppressed_by", "fier", "unknown name"),
    ],
)
def test_each_wrong_value_is_named(body, key, value, word):
    error = refused(RULE + body)
    assert (error.rule, error.key) == ("x1", key)
    assert value is None or error.value == value
    assert word in error.way_out.en


def test_an_unknown_name_is_named_with_line_column_and_the_nearest_names():
    error = refused("version = 1\n" + RULE + 'when = "running and abs(sped) > 0.1"')
    assert (error.rule, error.key, error.value) == ("x1", "when", "sped")
    assert (error.line, error.position) == (6, 17)
    assert "speed" in error.way_out.en
    assert "line 6, rule x1, when, column 17 = 'sped'" in str(error)


def test_an_enumeration_names_its_values():
    error = refused(RULE + 'when = "service_mode == firefigther"')
    assert "firefighter" in error.way_out.en


def test_definitions_are_checked_too():
    error = refused('[define]\nq = "speed"\n' + RULE + 'when = "q"')
    assert (error.rule, error.key) == ("x1", "when")  # a number is fine until used as a truth
    assert refused('[define]\nq = "sped > 1"\n' + RULE + 'when = "q"').key == "define.q"
    assert refused('[define]\nspeed = "load"\n' + RULE + 'when = "running"').value == "load"
    assert refused('[define]\nq = "p"\np = "q"\n' + RULE + 'when = "q"').key.startswith("define")
    assert refused("[define]\nq = 3\n").key == "define"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "rule"),
        ("[[rule]\n", "TOML"),
        ("rule = 3", "rule"),
        ("rules = []", "rules"),
        (RULE + 'when = "running"\n' + RULE + 'when = "running"', "id"),
    ],
)
def test_the_file_as_a_whole(text, key):
    assert refused(text).key == key


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(RuleError, match="cannot be read"):
        load_rules(tmp_path / "rules.toml", SCHEMA)
    (tmp_path / "rules.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RuleError, match="cannot be read"):
        load_rules(tmp_path / "rules.toml", SCHEMA)


def test_what_a_rule_says_is_kept():
    text = RULE + (
        'when = "running"\nat_once = "once(8)"\nhold_s = 1.5\nclear_s = 2\nmin_samples = 2\n'
        'severity = "major"\nseverity_with_people = "critical"\nchain = "F+bureau"\n'
        'chain_with_people = "R"\nlatched = true\nmanual_reset = true\ngroup = "feeder"\n'
        'code = 8\nbell = false\nsuppressed_by = "code(43)"'
    )
    rules = parse_rules(text, SCHEMA)
    rule, meta = rules.rules[0], rules.meta["x1"]
    assert (rule.hold_s, rule.clear_s, rule.min_samples, rule.bell) == (1.5, 2, 2, False)
    assert rule.names == ("running", "once(8)", "code(43)")
    assert rules.codes == (8, 43)
    assert (meta.severity, meta.severity_with_people) == ("major", "critical")
    assert (meta.chain, meta.chain_with_people, meta.group) == ("F+bureau", "R", "feeder")
    assert meta.latched and meta.manual_reset and meta.code == 8


def test_the_shipped_file_and_its_chains_are_sound():
    from alerts.chains.chains_file import load_chains

    rules = load_rules(DEFAULT_RULES, SCHEMA)
    load_chains().check(rules.meta.values())

"""Two rule sets as one: what is equal is judged once, what cannot be judged is named."""

from __future__ import annotations

from alerts.rules import RuleSet, parse_rules
from monitor.backtest.both import plan
from monitor.detector import rule_schema
from tests.monitor.backtest.house import VOCAB, longer, rules


def of(**when: str) -> RuleSet:
    text = "version = 1\n" + "".join(
        f'[[rule]]\nid = "{ident}"\nname_zh = "甲"\nname_en = "x"\nwhen = "{condition}"\n'
        for ident, condition in when.items()
    )
    return parse_rules(text, rule_schema(VOCAB))


def test_equal_rules_are_judged_once() -> None:
    a = rules()
    both = plan(a, longer(a, "12", hold_s=90.0))
    judged = [rule for rule in a.ids if rule not in both.left_out]
    assert len(both.sampled) + len(both.timed) == len(judged) + 1
    assert both.a["12"] != both.b["12"]
    assert all(both.a[rule] == both.b[rule] for rule in judged if rule != "12")
    assert len(plan(a, a).sampled) + len(plan(a, a).timed) == len(judged)


def test_a_rule_under_another_name_is_the_same_work() -> None:
    both = plan(of(x="stopped", y="running"), of(z="stopped"))
    assert both.a["x"] == both.b["z"] and len(both.sampled) == 2


def test_only_what_changed_or_was_asked_for() -> None:
    a = rules()
    b = longer(longer(a, "12", hold_s=90.0), "23", clear_s=7.0)
    changed = plan(a, b, changed=True)
    assert set(changed.a) == set(changed.b) == {"12", "23"}
    assert (len(changed.sampled), len(changed.timed)) == (2, 2)
    assert set(plan(a, b, only=["1", "23"]).a) == {"1", "23"}


def test_silence_mixed_with_samples_is_named() -> None:
    a = of(x="silent_s > 60 and stopped", y="silent_s > 2 * period_s", z="stopped")
    both = plan(a, a)
    assert both.left_out == ("x",)
    assert set(both.a) == {"y", "z"}


def test_codes_of_both_are_listened_to() -> None:
    assert plan(of(x="code(6)"), of(x="code(8)")).codes == (6, 8)

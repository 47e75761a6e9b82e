"""The compiled expression says what the slow twin says, for every mixture of unknowns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.rules import nodes
from alerts.rules.compile import Compiler
from alerts.rules.expression import ExpressionError, Parser
from tests.alerts.rules.columns import SCHEMA
from tests.naive import expression as naive

DEFINES = {"d1": "a or x > 1.1", "d2": "d1 and not certain(b)"}
FLOATS = st.sampled_from([0.0, -1.1, 0.1, 1.1, 1.2, 2.0, 0.3, float("nan")])
VALUES = st.fixed_dictionaries(
    {
        **{n: st.sampled_from([0.0, 1.0, float("nan")]) for n in ("a", "b", "c")},
        **{n: FLOATS for n in ("x", "y", "w", "silent_s")},
        "mode": st.sampled_from([0.0, 1.0, 2.0, 3.0, float("nan")]),
        "code(93)": st.sampled_from([0.0, 1.0]),
        "once(93)": st.sampled_from([0.0, 1.0]),
        "raised(30,1)": st.sampled_from([0.0, 1.0, 2.0, 3.0]),
    }
)
SPEEDS = st.recursive(
    st.sampled_from(["x", "y", "1.1", "0.1", "2", "-1.1"]),
    lambda e: st.one_of(
        st.tuples(e, st.sampled_from("+-"), e).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        e.map(lambda t: f"({t} * 1.2)"),
        e.map(lambda t: f"({t} / 0.7)"),
        e.map(lambda t: f"abs({t})"),
        e.map(lambda t: f"-{t}"),
        st.tuples(e, e).map(lambda t: f"min({t[0]}, {t[1]})"),
        st.tuples(e, e, e).map(lambda t: f"max({t[0]}, {t[1]}, {t[2]})"),
    ),
    max_leaves=5,
)
COMPARE = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
ATOMS = st.one_of(
    st.sampled_from(["a", "b", "c", "d1", "d2", "true", "False", "code(93)", "once(93)"]),
    st.tuples(SPEEDS, COMPARE, SPEEDS).map(" ".join),
    st.tuples(SPEEDS, COMPARE, SPEEDS, COMPARE, SPEEDS).map(" ".join),
    st.sampled_from(
        [
            "mode == a", "mode != stopped", "mode in (normal, inspection)", "mode not in (a,)",
            "x in (0.1, 1.1)", "known(x)", "known(mode)", "known(a)", "x / y > 0.5",
            "raised(30, 1) >= 2", "raised( 30,1 ) * 2 - 1 < 3",
        ]
    ),
)  # fmt: skip
TRUTHS = st.recursive(
    ATOMS,
    lambda e: st.one_of(
        st.tuples(e, st.sampled_from(["and", "or"]), e).map(lambda t: f"({' '.join(t)})"),
        e.map(lambda t: f"(not {t})"),
        e.map(lambda t: f"certain({t})"),
        e.map(lambda t: f"known({t} or a)"),
    ),
    max_leaves=8,
)


def run(node: nodes.Node, rows: list[dict[str, float]]) -> list[bool | None]:
    compiler = Compiler()
    yes, no = compiler.true(node), compiler.false(node)
    compiler.always([yes])
    names = [*SCHEMA, "raised(30,1)"]
    columns = {n: np.array([row.get(n, 0) for row in rows], np.float32) for n in names}
    with np.errstate(all="ignore"):
        found = compiler.run(columns)
        t = np.broadcast_to(found.slots[yes], len(rows))
        f = np.broadcast_to(found.get(no), len(rows))
    assert not (t & f).any()
    return [True if a else False if b else None for a, b in zip(t, f, strict=True)]


@settings(max_examples=120, deadline=None)
@given(TRUTHS, st.lists(VALUES, min_size=0, max_size=6))
def test_compiled_equals_the_slow_twin(source, rows):
    node = Parser(SCHEMA, DEFINES).truth(source)
    expected = [naive.evaluate(source, row, SCHEMA, DEFINES) for row in rows]
    assert run(node, rows) == expected


def test_numbers_are_compared_as_float32_like_the_columns():
    node = Parser(SCHEMA).truth("x > 1.2 * y")  # in float64 1.2f would be more than 1.2
    assert run(node, [{n: 0.0 for n in SCHEMA} | {"x": 1.2, "y": 1.0}]) == [False]


def test_equal_parts_are_computed_once():
    compiler = Compiler()
    parser = Parser(SCHEMA, {"fast": "abs(x) > 1.1"})
    roots = [compiler.true(parser.truth(s)) for s in ("fast and a", "fast and b", "fast")]
    compiler.always(roots)
    calls = [call for _, call, _, _ in compiler._always]
    assert calls.count(np.abs) == 1


@pytest.mark.parametrize(
    ("source", "position", "word"),
    [
        ("a and speeed > 1", 7, "x"),
        ("a and aa", 7, "a"),
        ("x", 1, "x >= 1"),
        ("mode", 1, "mode =="),
        ("a == 1", 1, "not a"),
        ("mode == 3", 9, "normal"),
        ("mode == norml", 9, "normal"),
        ("mode > normal", 1, "=="),
        ("x > w", 1, "m/s and s"),
        ("x > min(w, y)", 5, "units"),
        ("a and code(94)", 12, "93"),
        ("a and code(x)", 12, "93"),
        ("sqrt(x) > 1", 1, "abs"),
        ("", 1, "rules know"),
        ("a if b else c", 1, "rules know"),
        ("x ** 2 > 1", 1, "only + - * /"),
        ("a and [1]", 7, "rules know"),
        ("__import__('os')", 1, "unknown name"),
        ("a.b", 1, "rules know"),
        ("known(a, b)", 1, "one argument"),
        ("abs()", 1, "abs(…)"),
        ("a and\n  (b or\n   zz)", 18, "unknown name"),
        ("(x > 1) and ä", 13, "unknown name"),
    ],
)
def test_what_is_wrong_is_named_with_its_position(source, position, word):
    with pytest.raises(ExpressionError) as caught:
        Parser(SCHEMA).truth(source)
    assert caught.value.position == position
    assert word in caught.value.way_out.en
    assert caught.value.way_out.zh


@pytest.mark.parametrize("source", ["a and", "x > 1 if", "a b", "(a", "a)", "a and\n and b"])
def test_what_is_no_expression_is_refused(source):
    with pytest.raises(ExpressionError, match="not an expression") as caught:
        Parser(SCHEMA).truth(source)
    assert 1 <= caught.value.position <= len(source) + 1


def test_nesting_and_length_have_a_limit():
    for source in ("(" * 500 + "a" + ")" * 500, "not " * 900 + "a", "a or " * 1000 + "a"):
        with pytest.raises(ExpressionError):
            Parser(SCHEMA).truth(source)


def test_circle_of_definitions_is_refused():
    parser = Parser(SCHEMA, {"p": "q or a", "q": "not r", "r": "p"})
    with pytest.raises(ExpressionError, match="p → q → r → p"):
        parser.truth("p")

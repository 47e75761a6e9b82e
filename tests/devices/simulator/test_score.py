from __future__ import annotations

from devices.simulator.labels import Label
from devices.simulator.score import Ring, family, score


def _label(rule: str | None, subject: str = "a", **more: object) -> Label:
    due = None if rule is None else 40_000
    label = Label("lift", subject, 0, "f", rule, 10_000, due, end_ms=60_000)
    for name, value in more.items():
        setattr(label, name, value)
    return label


def test_in_time_late_missed_and_without_cause() -> None:
    rings = [Ring("a", "1", 39_000), Ring("b", "1", 50_000), Ring("x", "9", 20_000)]
    found = score([_label("1"), _label("1", "b"), _label("1", "c")], rings, 100_000)
    counts = found.as_json()
    assert (counts["raised_in_time"], counts["raised_late"], counts["missed"]) == (1, 1, 1)
    assert found.false == [Ring("x", "9", 20_000)]


def test_consequences_are_explained_and_not_asked_for() -> None:
    label = _label("1", also=frozenset({"12"}))
    found = score([label], [Ring("a", "1", 20_000), Ring("a", "12", 30_000)], 100_000)
    assert (len(found.hits), len(found.excused), len(found.false)) == (1, 1, 0)


def test_what_is_not_due_or_not_visible_is_not_missed() -> None:
    hidden, young = _label("1", visible=False), _label("1", must_ring_by_ms=200_000)
    assert score([hidden, young], [], 100_000).as_json()["injected"] == 0


def test_a_near_miss_is_quiet_unless_something_rings_in_it() -> None:
    quiet, loud = _label(None), _label(None, "b")
    found = score([quiet, loud], [Ring("b", "1", 30_000)], 100_000)
    assert (found.near_all, found.near_quiet, len(found.false)) == (2, 1, 1)


def test_a_gateway_stands_for_its_lifts() -> None:
    label = _label("23", "gw", covers=frozenset({"a", "b"}))
    found = score([label], [Ring("a", "23", 30_000), Ring("b", "23", 30_000)], 100_000)
    assert len(found.hits) == 1 and not found.false


def test_family() -> None:
    assert [family(rule) for rule in ("16", "16b", "27c")] == ["16", "16", "27"]

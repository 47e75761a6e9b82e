"""Cases of rules 33: what an escalator reports by messages; see cases.py."""

from __future__ import annotations

from tests.monitor.detector.cases import Case


def _case(rule: str, code: int, hold_s: float, clear_s: float) -> Case:
    raised = 2 + hold_s
    return Case(
        rule,
        lambda s: s.message(2, code, "on").until(raised + 8 * (hold_s > 0)),
        raised,
        (lambda s: s.message(2, code, "off").until(90),),
        lambda s: s.message(raised + 9, code, "off").until(raised + 40),
        raised + 9 + clear_s,
    )


ESCALATOR = (
    _case("33", 62, 0, 10),
    _case("33b", 63, 0, 10),
    _case("33c", 64, 0, 10),
    _case("33d", 61, 0, 5),
    _case("33e", 65, 60, 5),
)

"""Cases of rules 34: what an escalator reports by messages; see cases.py."""

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
    _case("34", 62, 0, 10),
    _case("34b", 63, 0, 10),
    _case("34c", 64, 0, 10),
    _case("34d", 61, 0, 5),
    _case("34e", 65, 60, 5),
)

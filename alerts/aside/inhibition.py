"""Inhibition as data: while a lift's graver alert is seen, what follows from it pages nobody.

`inhibits = ["15"]` of a rule in rules.toml. What is inhibited is recorded, shown and set aside (see
asides.py) for the reason of the graver rule; it pages once the graver one ended and it did not.
An alarm with people in the car is never inhibited.
"""

from __future__ import annotations

from alerts.aside.asides import HOUR_MS, LONGEST_MS, Asides, Order
from alerts.desk.work import Row, Work
from alerts.model import SYSTEM, Actor, Aside, Role, RuleMeta

LASTS_MS = min(24 * HOUR_MS, LONGEST_MS[Aside.SUPPRESSED])


def begin(work: Work, asides: Asides, row: Row, rule: RuleMeta) -> None:
    """Set aside what this alert explains, unless that is so already."""
    if not rule.inhibits or row["exercise"] or row["late"] or row["cleared_ms"] is not None:
        return
    if _standing(work, asides, row):
        return
    reason = f"规则 {rule.id} {rule.text.zh} · rule {rule.id}: {rule.text.en}"
    until_ms = work.now_ms + LASTS_MS
    order = Order(
        Aside.SUPPRESSED, row["subject_kind"], row["subject"], reason, until_ms, rule.inhibits
    )
    asides.begin(work, order, Actor(_by(row), Role.SYSTEM))  # refused while people are held there


def end(work: Work, asides: Asides, row: Row) -> None:
    """The alert is over: what is still seen of the others goes on.

    Also where the rule inhibits nothing any more: its file may have changed meanwhile.
    """
    for one in _standing(work, asides, row):
        asides.end(work, one, SYSTEM, "cleared")


def _standing(work: Work, asides: Asides, row: Row) -> list[Row]:
    orders = asides.orders(work, row["subject_kind"], row["subject"])
    return [one for one in orders if one["begun_by"] == _by(row)]


def _by(row: Row) -> str:
    return f"rule {row['rule']}"

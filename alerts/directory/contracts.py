"""Which maintenance firm serves a lift at a moment: contracts by period.

The contract in force at the moment of the page counts, not the one of the day the lift was put on
record. Where none is in force, the firm named in lifts.csv serves the lift.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time, tzinfo
from typing import Protocol

from alerts.directory.roster import DAY, moment_ms
from config.text import Text

MIDNIGHT = time(0)
FAR_MS = 2**62


class Served(Protocol):
    """What a contract must know of a lift."""

    @property
    def id(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def use_unit(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Contract:
    """`unit` serves the lifts it names from `first` to `last`, both days included.

    Lifts are named one by one, by their group of lifts.csv, or by their use unit; a contract that
    names nothing holds for every lift. `last` None: until further notice.
    """

    unit: str
    first: date
    last: date | None
    tz: tzinfo
    lifts: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    use_units: tuple[str, ...] = ()

    @property
    def from_ms(self) -> int:
        """The first moment of the first day."""
        return moment_ms(self.first, MIDNIGHT, self.tz)

    @property
    def to_ms(self) -> int:
        """The moment after the last day."""
        return FAR_MS if self.last is None else moment_ms(self.last + DAY, MIDNIGHT, self.tz)

    def closeness(self, lift: Served) -> int:
        """Return how closely it names a lift: 3 itself, 2 its group, 1 its use unit or all; 0 not.

        All and a use unit are two ways to say "this customer", so neither beats the other.
        """
        if lift.id in self.lifts:
            return 3
        if lift.group and lift.group in self.groups:
            return 2
        if lift.use_unit and lift.use_unit in self.use_units:
            return 1
        return 0 if self.lifts or self.groups or self.use_units else 1


def in_force(contracts: Sequence[Contract], lift: Served, at_ms: int) -> Contract | None:
    """Return the contract that counts: the closest, of equally close ones the latest begun."""
    best: Contract | None = None
    for one in contracts:
        close = one.closeness(lift)
        if not close or not one.from_ms <= at_ms < one.to_ms:
            continue
        if best is None or (close, one.first) >= (best.closeness(lift), best.first):
            best = one
    return best


def overlaps(contracts: Sequence[Contract], lift: Served) -> Iterator[Text]:
    """Name where two firms serve a lift at once by contracts that name it equally closely."""
    mine = [one for one in contracts if one.closeness(lift)]
    for i, one in enumerate(mine):
        for other in mine[i + 1 :]:
            alike = one.closeness(lift) == other.closeness(lift)
            first = max(one.first, other.first)
            last = min(one.last or date.max, other.last or date.max)
            if alike and one.unit != other.unit and first <= last:
                end = Text("长期", "further notice") if last == date.max else Text(*[f"{last}"] * 2)
                yield Text(
                    f"{lift.id}：{one.unit} 与 {other.unit} 的合同自 {first} 至 {end.zh} 重叠，"
                    f"以后开始的为准；请改其中一份的 to",
                    f"{lift.id}: the contracts of {one.unit} and {other.unit} overlap from {first} "
                    f"to {end.en}; the later begun counts: mend one's `to`",
                )


def missing(
    contracts: Sequence[Contract], lift: Served, firm: str, days: Iterable[date]
) -> Iterator[Text]:
    """Name the first of these days on which a lift has no contract, where the site keeps any."""
    if not contracts:
        return
    for day in days:
        if not any(
            one.closeness(lift) and one.first <= day <= (one.last or date.max) for one in contracts
        ):
            yield Text(
                f"{lift.id}：{day} 没有维保合同，届时按 lifts.csv 通知 {firm}；请补合同",
                f"{lift.id}: no maintenance contract on {day}; {firm} of lifts.csv is then paged: "
                f"enter one",
            )
            return

"""The fleet by groups: how many lifts, and how many of them call for somebody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.text import Text
from monitor.web.fleet.fleet import Moment
from monitor.web.fleet.states import STATE_OF, STATES


@dataclass(frozen=True, slots=True)
class Line:
    """One group. `states`: how many lifts are of each of STATES; each counts once, as the gravest
    it is, so they add up to `lifts`. `people`: known to be held in cars. `arrived`: the mean share
    of promised samples that came today; None where none was due.
    """

    id: str
    name: Text
    lifts: int
    states: Mapping[str, int]
    people: int
    arrived: float | None


def lines(
    moment: Moment, dimension: str, mask: NDArray[np.bool_], arrived: NDArray[np.float64]
) -> list[Line]:
    """Return the groups of a dimension that have a lift of the mask, in order of their ids."""
    roster, state = moment.roster, STATE_OF[moment.codes].astype(np.int64)
    if dimension == "state":
        names = [(one, Text(one, one)) for one in STATES]
        group = state
    else:
        names = [(one.id, one.name) for one in roster.groups[dimension]]
        group = roster.of_group[dimension].astype(np.int64)
    count, kinds = len(names), len(STATES)
    pairs = np.bincount((group * kinds + state)[mask], minlength=count * kinds)
    by_state = pairs.reshape(count, kinds)
    people = np.bincount(group[mask], weights=_people(moment)[mask], minlength=count)
    due = ~np.isnan(arrived) & mask
    sums = np.bincount(group[due], weights=arrived[due], minlength=count)
    dues = np.bincount(group[due], minlength=count)
    found = []
    for i, (one, name) in enumerate(names):
        lifts = int(by_state[i].sum())
        if lifts:
            told = dict(zip(STATES, by_state[i].tolist(), strict=True))
            share = float(sums[i] / dues[i]) if dues[i] else None
            found.append(Line(one, name, lifts, told, int(people[i]), share))
    return found


def totals(moment: Moment, mask: NDArray[np.bool_]) -> dict[str, int]:
    """Return how many lifts of the mask are of each of `STATES`."""
    found = np.bincount(STATE_OF[moment.codes][mask], minlength=len(STATES))
    return dict(zip(STATES, found.tolist(), strict=True))


def _people(moment: Moment) -> NDArray[np.int64]:
    found = np.zeros(len(moment.roster), np.int64)
    for subject, people in moment.alarms.people.items():
        if (i := moment.roster.at.get(subject)) is not None:
            found[i] = max(0, people)
    return found

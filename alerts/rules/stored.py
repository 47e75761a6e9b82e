"""The rule engine's state on disk: folder/rules.npz."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alerts.rules.holds import ACTIVE, CLEARING, Holds
from alerts.rules.model import RuleTransitions
from config.text import Text
from devices.arrays_file import StoredError, read_arrays, write_arrays

if TYPE_CHECKING:
    from alerts.rules.engine import RuleEngine

NAME = "rules.npz"
LAYOUT = "rules-1"


def save(engine: RuleEngine, folder: Path) -> None:
    """Write the state of all pairs and the lifts' clocks."""
    n, holds = engine.n, engine.holds
    arrays = {name: getattr(holds, name)[:n] for name in Holds.FIELDS}
    arrays |= {"last_at": engine.last_at[:n], "offset": engine.offset[:n]}
    tally, arrays["tally"] = engine.tally.saved()
    header = {
        "layout": LAYOUT,
        "lifts": n,
        "rules": list(engine.ruleset.ids),
        "tally": tally,
        "last_now_ms": engine.last_now_ms,
        "last_fleet_ms": engine.last_fleet_ms,
    }
    write_arrays(folder / NAME, header, arrays)


def carry(old: RuleEngine, new: RuleEngine, at_ms: int) -> RuleTransitions:
    """Give a new engine, of other rules over the same lifts, the state of an old one, by rule id.

    Returns the clearing, at at_ms, of what stood under rules that the new one has no more; rule
    numbers in it are those of the old one.
    """
    n, number = old.n, {rule: r for r, rule in enumerate(new.ruleset.ids)}
    kept = [(r, number[rule]) for r, rule in enumerate(old.ruleset.ids) if rule in number]
    source, target = [r for r, _ in kept], [r for _, r in kept]
    for name in Holds.FIELDS:
        getattr(new.holds, name)[:n][:, target] = getattr(old.holds, name)[:n][:, source]
    new.holds.relist()
    names, times = old.tally.saved()
    new.tally.load({"tally": names}, {"tally": times})
    new.last_at[:n], new.offset[:n] = old.last_at[:n], old.offset[:n]
    new.last_now_ms, new.last_fleet_ms = old.last_now_ms, old.last_fleet_ms
    stood = old.active()
    gone = ~np.isin(stood.rule, source)
    count = int(np.count_nonzero(gone))
    return RuleTransitions(
        stood.lift[gone],
        stood.rule[gone],
        np.zeros(count, np.bool_),
        np.full(count, at_ms, np.int64),
        stood.since_ms[gone],
    )


def load(engine: RuleEngine, folder: Path) -> tuple[str, ...]:
    """Take up the state; see RuleEngine.load."""
    file = folder / NAME
    header, arrays = read_arrays(file, {"layout": LAYOUT})
    n = int(header["lifts"])
    if n > engine.n:
        way_out = Text(
            "登记表缺少已知电梯；请用保留行号的登记表启动",
            "the registry lacks lifts it had; start with a registry that keeps their rows",
        )
        raise StoredError(file, f"{n} lifts, this program has {engine.n}", way_out)
    number = {rule: r for r, rule in enumerate(engine.ruleset.ids)}
    kept = [(old, number[rule]) for old, rule in enumerate(header["rules"]) if rule in number]
    fresh = Holds(engine.n, len(number))
    source, target = [old for old, _ in kept], [new for _, new in kept]
    for name in Holds.FIELDS:
        getattr(fresh, name)[:n][:, target] = arrays[name][:, source]
    fresh.relist()
    engine.holds = fresh
    engine.tally.load(header, arrays)
    engine.last_at[:n], engine.offset[:n] = arrays["last_at"], arrays["offset"]
    engine.last_now_ms = int(header["last_now_ms"])
    engine.last_fleet_ms = int(header["last_fleet_ms"])
    state = arrays["state"]
    standing = ((state == ACTIVE) | (state == CLEARING)).any(axis=0).tolist()
    return tuple(
        rule for old, rule in enumerate(header["rules"]) if rule not in number and standing[old]
    )

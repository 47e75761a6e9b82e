"""Which lift is meant: by registration code, rescue code, name, or the map's own alias table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from devices.codecs.context import Context
from devices.codecs.mapping.model import LiftRule
from devices.codecs.refuse import Refusals
from devices.registry import Registry

_AMBIGUOUS = -1
LIMITS = {
    "reg_code": "20 digits, registered",
    "rescue_code": "a rescue code of lifts.csv",
    "name": "a lift's name of lifts.csv",
    "alias": "an entry of the map's alias table, registered",
}


@dataclass(slots=True, eq=False)
class Lifts:
    """Finds rows of the registry by one kind of name; made anew when the registry changed."""

    rule: LiftRule
    _of: Mapping[str, int] = field(default_factory=dict)
    _seen: Mapping[str, int] | None = None

    def table(self, registry: Registry) -> Mapping[str, int]:
        """Return name → row; −1 where several lifts have the name."""
        if self._seen is not registry.row_of:
            self._of, self._seen = self._make(registry), registry.row_of
        return self._of

    def _make(self, registry: Registry) -> Mapping[str, int]:
        rule, rows = self.rule, registry.row_of
        if rule.key == "alias":
            return {theirs: rows[code] for theirs, code in rule.alias.items() if code in rows}
        if rule.key == "reg_code":
            return rows
        found: dict[str, int] = {}
        for lift in registry.lifts:
            name = getattr(lift, rule.key)
            found[name] = _AMBIGUOUS if name in found else rows[lift.reg_code]
        return found

    def named(self, context: Context) -> str | None:
        """Return the lift that the topic or the map itself names; None: the payload does."""
        if self.rule.level is not None:
            levels = context.topic.split("/")
            return levels[self.rule.level] if self.rule.level < len(levels) else ""
        return self.rule.constant

    def rows(self, raw: Sequence[object], context: Context) -> NDArray[np.int32] | None:
        """Return int32[n], None where one of them is not a lift of this gateway."""
        table = self.table(context.registry)
        try:
            rows = np.array([table[name] for name in raw], np.int32)  # type: ignore[index]
        except (KeyError, TypeError):
            return None
        if not len(rows) or rows.min() < 0:
            return None
        own = context.registry.lift_gateway[rows] == context.gateway
        return rows if np.count_nonzero(own) == len(rows) else None

    def check(self, raw: object, context: Context, refusals: Refusals, name: str) -> int | None:
        """Return the row of one lift, or None after noting why not."""
        limit = LIMITS[self.rule.key]
        if isinstance(raw, bool) or not isinstance(raw, str | int) or raw == "":
            missing = raw is None or raw == ""
            refusals.add("missing_field" if missing else "wrong_type", name, raw, limit)
            return None
        if isinstance(raw, int):  # a number cannot be a code of 20 digits, but it can be an alias
            raw = str(raw)
        row = self.table(context.registry).get(raw)
        if row is None or row < 0:
            refusals.add("unknown_lift", name, raw, limit, raw)
            return None
        owner = int(context.registry.lift_gateway[row])
        if owner != context.gateway:
            gateway = context.registry.gateways[owner].id
            refusals.add("wrong_gateway", name, raw, f"sent by gateway {gateway}", raw)
            return None
        return row

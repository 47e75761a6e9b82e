"""The fleet as the web asks for it: roster, states and search index, each renewed when it must be.

Nothing is computed while nobody looks. What many look at is computed once: states at most twice a
second, the roster and the index once for each registry.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request

from alerts.database.access import reading
from alerts.desk import queries
from monitor.web.fleet import states
from monitor.web.fleet.outlines import Feature, Outlines
from monitor.web.fleet.roster import Roster, build
from monitor.web.fleet.search import SearchIndex
from monitor.web.fleet.states import Alarms, Changes, Codes
from monitor.web.ports import ServicePort

RENEW_S = 0.5
QUALITY_S = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """The fleet at one moment: `codes` uint8[N] in the order of `roster.lifts`."""

    roster: Roster
    codes: Codes
    alarms: Alarms
    last_ms: NDArray[np.int64]
    changes: Changes
    turn: int
    now_ms: int


class Fleet:
    """One for each application; every method may be called from any thread."""

    def __init__(self, port: ServicePort) -> None:
        self._port = port
        self._lock = threading.Lock()
        self._build = threading.Lock()
        self._quality = threading.Lock()
        self._made: tuple[object, object, Roster] | None = None
        self._index: tuple[Roster, SearchIndex] | None = None
        self._moment: Moment | None = None
        self._renewed_s = -1e9
        self._head = -1
        self._alarms = Alarms({}, {}, frozenset())
        self._shares: tuple[float, NDArray[np.float64]] = (-1e9, np.empty(0))
        self._outlines = Outlines(port.settings)
        self.life = secrets.token_hex(4)
        """Part of every cursor: turns of another life of the service mean nothing to this one."""

    @property
    def roster(self) -> Roster:
        """The roster of the registry and directory as they are now."""
        # take_up replaces `row_of` and the directory: while both are the same, so is the roster
        registry, directory = self._port.registry, self._port.directory
        seen = registry.row_of
        made = self._made
        if made is not None and made[0] is seen and made[1] is directory:
            return made[2]
        with self._build:
            made = self._made
            if made is None or made[0] is not seen or made[1] is not directory:
                made = (seen, directory, build(registry, directory))
                self._made = made
        return made[2]

    @property
    def index(self) -> SearchIndex:
        """The words by which lifts are found."""
        roster = self.roster
        made = self._index
        if made is None or made[0] is not roster:
            with self._build:
                made = self._index
                if made is None or made[0] is not roster:
                    made = (roster, SearchIndex(roster))
                    self._index = made
        return made[1]

    def outlines(self) -> list[Feature]:
        """Return the outlines of the site's file as it is now."""
        return self._outlines.now()

    def warm(self) -> None:
        """Build roster and index in a thread of their own, so that the first to ask need not."""
        threading.Thread(target=lambda: self.index, name="fleet-index", daemon=True).start()

    def now(self) -> Moment:
        """Return the fleet as it is, at most half a second old."""
        with self._lock:
            moment = self._moment
            fresh = time.monotonic() - self._renewed_s < RENEW_S
            if moment is None or not fresh or moment.roster is not self.roster:
                moment = self._renew(moment)
            return moment

    def _renew(self, before: Moment | None) -> Moment:
        roster, now_ms = self.roster, self._port.now_ms()
        with reading(self._port.engine) as conn:
            head = queries.newest_line(conn)
            if head != self._head:
                self._alarms, self._head = states.read_alarms(conn, now_ms), head
        last_ms, values = self._port.columns(("service_mode",))
        rows = int(roster.rows.max()) + 1 if len(roster) else 0
        if len(last_ms) < rows:  # registered a moment ago: the detector takes it up next
            more = rows - len(last_ms)
            last_ms = np.concatenate([last_ms, np.zeros(more, np.int64)])
            values = np.concatenate([values, np.full((more, 1), np.nan, np.float32)])
        found = states.codes(roster, self._alarms, last_ms, values[:, 0], now_ms)
        same = before is not None and before.roster is roster
        changes = before.changes if before is not None and same else Changes(len(roster))
        changes.take(found)
        self._renewed_s = time.monotonic()
        self._moment = Moment(
            roster, found, self._alarms, last_ms[roster.rows], changes, changes.turn, now_ms
        )
        return self._moment

    def cursor(self, moment: Moment) -> str:
        """Return what names a moment to somebody who will ask again."""
        return f"{self.life}.{moment.roster.version}.{moment.turn}"

    def turn_of(self, cursor: str, moment: Moment) -> int | None:
        """Return the turn a cursor names; None for one of another life or another roster."""
        life, _, rest = cursor.partition(".")
        version, _, turn = rest.partition(".")
        known = life == self.life and version == moment.roster.version and turn.isdecimal()
        return int(turn) if known and int(turn) <= moment.turn else None

    def arrived(self, roster: Roster) -> NDArray[np.float64]:
        """Return float64[N]: the share of promised samples that came today, by each lift's
        gateway; NaN where none was due."""
        with self._quality:  # who comes meanwhile waits for the one who counts
            if time.monotonic() - self._shares[0] > QUALITY_S:
                self._shares = (time.monotonic(), self._count_shares())
            shares = self._shares[1]
        known = roster.gateway < len(shares)
        found = np.full(len(roster), np.nan)
        found[known] = shares[roster.gateway[known]]
        return found

    def _count_shares(self) -> NDArray[np.float64]:
        shares = np.full(len(self._port.registry.gateways), np.nan)
        for row in self._port.links.gateways():
            number = self._port.registry.gateway_index.get(row["gateway"])
            if number is not None and number < len(shares) and row["expected"]:
                shares[number] = 1 - row["missing"] / row["expected"]
        return shares


def fleet_of(request: Request) -> Fleet:
    """Return the fleet of the app a request came to."""
    fleet: Fleet = request.app.state.fleet
    return fleet


def picked(
    roster: Roster, codes: Codes, scope: str | None, chosen: dict[str, str]
) -> NDArray[np.bool_]:
    """Return bool[N]: the lifts a unit may see that are of every chosen group ("" = any)."""
    mask = roster.seen_by(scope)
    for dimension, group in chosen.items():
        if not group:
            continue
        if dimension == "state":
            wanted = states.STATES.index(group) if group in states.STATES else -1
            mask &= states.STATE_OF[codes] == wanted
        else:
            mask &= roster.members(dimension, group)
    return mask


def numbers(mask: NDArray[np.bool_]) -> Sequence[int]:
    """Return the places where a mask is set."""
    return [int(i) for i in np.flatnonzero(mask)]

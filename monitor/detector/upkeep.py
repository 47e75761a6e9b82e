"""Upkeep: what time alone makes overdue. Voice test, battery test, visits, inspection.

Facts come from the registry (days of the site's calendar) and from what a lift reports: message
1080/1081 voice test passed/failed, 1082/1083 battery test, and the switch to inspection and back
(43 … 40, or service_mode), which is a visit when it lasted long enough. Only message rows and the
rows whose mode turns are touched; the rest is computed for the fleet, once a second at most.

Messages count at their own time, late ones too: a test that was reported after an outage of the
link was a test all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from config.text import Text
from devices.batch import STATE_OFF, MessageRows
from devices.vocabulary import Kind
from monitor.detector.columns import DerivedColumn
from monitor.detector.step import Memory, State, Step
from monitor.detector.table import NEVER, Table

Values = NDArray[np.float32]
Times = NDArray[np.int64]
Rows = NDArray[np.int32]

NAME: Final = "upkeep"
PASSED: Final = {1080: "voice_ok", 1081: "voice_bad", 1082: "battery_ok", 1083: "battery_bad"}
AUTOMATIC, IN_INSPECTION = 40, 43  # messages
MODE_INSPECTION = 2  # service_mode
CODES: Final = np.array([AUTOMATIC, IN_INSPECTION, *PASSED], np.int32)
VISIT_MS: Final = 600_000  # a shorter inspection run is a look, not a visit (domain default)
STALE_MS: Final = 86_400_000  # an inspection begun longer ago was ended unheard
DAY_MS, HOUR_MS = 86_400_000, 3_600_000
CHINA: Final = timezone(timedelta(hours=8))

MEMORY = Memory(
    tables={
        NAME: State(
            ("known", "slept", *PASSED.values(), "began", "visit"),
            np.int64,
            (NEVER, 0, *[NEVER] * (len(PASSED) + 2)),
        )
    }
)


def _column(kind: Kind, unit: str, zh: str, en: str) -> DerivedColumn:
    return DerivedColumn(kind, unit, Text(zh, en), time_driven=True)


COLUMNS: Mapping[str, DerivedColumn] = {
    "hours_since_voice_test": _column(
        Kind.FLOAT, "h", "距上次对讲测试合格", "since the last good voice test"
    ),
    "voice_test_failed": _column(Kind.BOOL, "", "对讲测试失败", "last voice test failed"),
    "battery_test_failed": _column(Kind.BOOL, "", "电池测试失败", "last battery test failed"),
    "days_since_visit": _column(Kind.INT, "d", "距上次维保", "since the last maintenance visit"),
    "days_to_inspection": _column(Kind.INT, "d", "距下次检验", "until the inspection is due"),
    "visit_on_record": _column(Kind.BOOL, "", "今日有维保记录", "a visit is on record for today"),
}


# -- what is heard -----------------------------------------------------------------------------


def advance(s: Step) -> None:
    """Begin and end visits where service_mode turns to inspection and away from it."""
    here = s.u.new["service_mode"] == MODE_INSPECTION
    turned = np.flatnonzero(here != (s.u.old["service_mode"] == MODE_INSPECTION))
    if len(turned):
        _inspect(s.tables[NAME], s.rows[turned], s.at[turned], here[turned])


def hear(table: Table[Any], messages: MessageRows) -> None:
    """Take the messages of a batch, late ones too; the others are none of ours."""
    if not len(messages.code):
        return
    which = np.flatnonzero(np.isin(messages.code, CODES))
    if not len(which):
        return
    lift, ts, code = messages.lift[which], messages.ts_ms[which], messages.code[which]
    off = messages.state[which] == STATE_OFF
    for ours, name in PASSED.items():
        mine = (code == ours) & ~off
        if mine.any():
            rows = lift[mine]
            before = table.data[rows, table.index[name]]
            np.maximum.at(table.data[:, table.index[name]], rows, ts[mine])
            if name == "voice_ok":  # only a test that is news ends what we slept through
                table.data[rows[ts[mine] > before], table.index["slept"]] = 0
    begins, ends = (code == IN_INSPECTION) & ~off, (code == AUTOMATIC) & ~off
    ends |= (code == IN_INSPECTION) & off
    told = np.flatnonzero(begins | ends)
    for part in _in_turn(lift[told], ts[told]):
        one = told[part]
        _inspect(table, lift[one], ts[one], begins[one])


def _in_turn(lift: Rows, ts: Times) -> Iterator[NDArray[np.intp]]:
    """Yield the k-th message of each lift, in order of time."""
    order = np.lexsort((ts, lift))
    while len(order):
        first = np.r_[True, lift[order[1:]] != lift[order[:-1]]]
        yield order[first]
        order = order[~first]


def _inspect(table: Table[Any], rows: Rows, at: Times, begins: NDArray[np.bool_]) -> None:
    """An inspection begins or ends; rows: no lift twice."""
    began, visit = table.data[rows, table.index["began"]], table.data[rows, table.index["visit"]]
    open_ = began != NEVER
    fresh = begins & (~open_ | (at - began > STALE_MS))
    made = ~begins & open_ & (at - began >= VISIT_MS)
    table.data[rows, table.index["visit"]] = np.where(made, np.maximum(visit, at), visit)
    stays = np.where(begins | (at < began), began, NEVER)  # an older word ends nothing
    table.data[rows, table.index["began"]] = np.where(fresh, at, stays)


def wake(table: Table[Any], now_ms: int, last_ms: int, asleep_ms: float) -> None:
    """Know the lifts from now on; a test we could not hear while we slept is not missing."""
    if last_ms == NEVER:
        first_seen(table, now_ms)
    elif now_ms - last_ms > asleep_ms:
        table.data[:, table.index["slept"]] += now_ms - last_ms


def first_seen(table: Table[Any], now_ms: int) -> None:
    """Start the clock of lifts we had not known."""
    known = table.data[:, table.index["known"]]
    known[known == NEVER] = now_ms


# -- what it means now -------------------------------------------------------------------------


def columns(
    table: Table[Any], now_ms: int, registry: Mapping[str, Values], zone: tzinfo = CHINA
) -> dict[str, Values]:
    """Return the columns of all lifts, float32[N]; NaN where nobody knows."""
    t = {name: table.data[:, i] for name, i in table.index.items()}
    links = (registry["voice_link"] == 1) | _ever(t["voice_ok"], t["voice_bad"])
    links &= (registry["voice_link"] != 0) & (t["known"] != NEVER)
    waited = now_ms - _voice_since(t) - t["slept"]
    hours = (np.maximum(waited, 0) / HOUR_MS).astype(np.float32)
    offset_ms = _offset_ms(now_ms, zone)
    today = (now_ms + offset_ms) // DAY_MS
    seen = (t["visit"] + offset_ms) // DAY_MS
    told, planned = registry["last_visit_day"], registry["planned_visit_day"]
    visit = np.fmax(told, np.where(t["visit"] == NEVER, np.nan, seen)).astype(np.float32)
    on_record = (told == today) | (planned == today)
    return {
        "hours_since_voice_test": np.where(links, hours, np.nan).astype(np.float32),
        "voice_test_failed": np.where(
            registry["voice_link"] == 0, np.nan, _failed(t["voice_ok"], t["voice_bad"])
        ).astype(np.float32),
        "battery_test_failed": _failed(t["battery_ok"], t["battery_bad"]),
        "days_since_visit": np.float32(today) - visit,
        "days_to_inspection": registry["inspection_due_day"] - np.float32(today),
        "visit_on_record": np.where(
            on_record, 1, np.where(np.isnan(planned), np.nan, 0)
        ).astype(np.float32),
    }  # fmt: skip


def since(
    table: Table[Any], rows: Rows, name: str, registry: Mapping[str, Values],
    now_ms: int, zone: tzinfo = CHINA,
) -> Times:  # fmt: skip
    """Return since when a column says what it says, int64[k]; 0 where nobody knows."""
    t = {key: table.data[rows, i] for key, i in table.index.items()}
    day = {"days_to_inspection": "inspection_due_day", "visit_on_record": "planned_visit_day"}
    if name == "hours_since_voice_test":
        return _voice_since(t)
    if name in ("voice_test_failed", "battery_test_failed"):
        what = name.removesuffix("_test_failed")
        last: Times = np.maximum(t[f"{what}_ok"], t[f"{what}_bad"])
        return np.maximum(last, 0)
    days = registry[day.get(name, "last_visit_day")][rows].astype(np.float64)
    begin = np.nan_to_num(days * DAY_MS - _offset_ms(now_ms, zone), nan=0).astype(np.int64)
    other = t["visit"] if name == "days_since_visit" else NEVER
    return np.minimum(np.maximum(begin, other), now_ms)


def _voice_since(t: Mapping[str, Times]) -> Times:
    found: Times = np.where(t["voice_ok"] == NEVER, t["known"], t["voice_ok"])
    return found


def _ever(ok: Times, bad: Times) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (ok != NEVER) | (bad != NEVER)
    return found


def _failed(ok: Times, bad: Times) -> Values:
    """1 where the last test failed, 0 where it passed, NaN where there was none."""
    return np.where(_ever(ok, bad), bad > ok, np.nan).astype(np.float32)


def _offset_ms(now_ms: int, zone: tzinfo) -> int:
    """Return how far the site's clocks are ahead of UTC, ms."""
    moment = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone)
    return round((moment.utcoffset() or timedelta()).total_seconds() * 1000)

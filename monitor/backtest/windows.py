"""Samples and messages of some lifts in a stretch of time, as columns in the order of events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.batch import STATE_ON, MessageRows
from devices.vocabulary import Vocabulary
from monitor.backtest.source import Source, open_reader

Times = NDArray[np.int64]
Rows = NDArray[np.int32]


@dataclass(slots=True)
class Window:
    """n samples sorted by lift, then event time: lift int32[n] place in the group, ts_ms
    int64[n], late bool[n], columns float32[n] by channel number; and messages likewise sorted.
    """

    lift: Rows
    ts_ms: Times
    late: NDArray[np.bool_]
    columns: dict[int, NDArray[np.float32]]
    messages: MessageRows

    def __len__(self) -> int:
        return len(self.lift)


_MESSAGE = ("lift", "ts_ms", "code", "state", "late")


def _joined(parts: Sequence[MessageRows]) -> MessageRows:
    return MessageRows(*(np.concatenate([getattr(one, n) for one in parts]) for n in _MESSAGE))


def side_by_side(parts: Sequence[tuple[int, Window]]) -> Window:
    """Return windows of different stretches of time as one; (k, window): its lifts begin at k."""
    if len(parts) == 1 and parts[0][0] == 0:
        return parts[0][1]
    windows = [window for _, window in parts]
    messages = _joined([window.messages for window in windows])
    messages.lift = np.concatenate([w.messages.lift + np.int32(k) for k, w in parts])
    return Window(
        np.concatenate([window.lift + np.int32(k) for k, window in parts]),
        np.concatenate([window.ts_ms for window in windows]),
        np.concatenate([window.late for window in windows]),
        {i: np.concatenate([w.columns[i] for w in windows]) for i in windows[0].columns},
        messages,
    )


class Reader:
    """Reads windows of one group of lifts; one for each process."""

    def __init__(
        self, source: Source, rows: Rows, vocab: Vocabulary, without_late: bool = False
    ) -> None:
        """rows int32[k]: registry rows of the group, ascending."""
        self._source, self._without_late = source, without_late
        self._db = open_reader()
        self._ends = (int(rows[0]), int(rows[-1]))
        self._place = np.full(self._ends[1] - self._ends[0] + 1, -1, np.int32)
        self._place[rows - self._ends[0]] = np.arange(len(rows), dtype=np.int32)
        names = set(source.channels)
        self._channels = [one for one in vocab.channels if one.name in names]

    def read(self, lo_ms: int, hi_ms: int) -> Window:
        """Return what is known of [lo_ms, hi_ms)."""
        files = self._source.between(lo_ms, hi_ms)
        names = ["lift", "ts_ms", "late", *(channel.name for channel in self._channels)]
        found = self._rows(files, names, lo_ms, hi_ms)
        columns = {channel.index: found[channel.name] for channel in self._channels}
        said = self._rows(
            [self._source.messages], ["lift", "ts_ms", "late", "code", "state"], lo_ms, hi_ms
        )
        messages = MessageRows(
            said["lift"],
            said["ts_ms"],
            said["code"].astype(np.int32),
            said["state"].astype(np.int8),
            said["late"].astype(np.bool_),
        )
        late = found["late"].astype(np.bool_)
        return Window(found["lift"], found["ts_ms"], late, columns, messages)

    def last_heard(self, lo_ms: int, hi_ms: int) -> Times:
        """Return when each lift was last heard on time in [lo_ms, hi_ms), int64[k]; 0 if not."""
        heard = np.zeros(int(self._place.max()) + 1, np.int64)
        for path in (*self._source.between(lo_ms, hi_ms), self._source.messages):
            found = self._db.execute(
                "SELECT lift, max(ts_ms) AS ts_ms FROM read_parquet(?) WHERE NOT late "
                "AND lift BETWEEN ? AND ? AND ts_ms >= ? AND ts_ms < ? GROUP BY lift",
                (path, *self._ends, lo_ms, hi_ms),
            ).fetchnumpy()
            place = self._place[np.asarray(found["lift"]) - self._ends[0]]
            mine = place >= 0
            np.maximum.at(heard, place[mine], np.asarray(found["ts_ms"])[mine])
        return heard

    def with_standing(self, messages: MessageRows, at_ms: int) -> MessageRows:
        """Return messages with those before them that were on at at_ms, however long before."""
        found = self._db.execute(
            "SELECT lift, code, max(ts_ms) AS ts_ms FROM read_parquet(?) "
            "WHERE state IN (0, 1) AND ts_ms < ? AND lift BETWEEN ? AND ? "
            "GROUP BY lift, code HAVING arg_max(state, ts_ms) = 1",
            (self._source.messages, at_ms, *self._ends),
        ).fetchnumpy()
        place = self._place[np.asarray(found["lift"]).astype(np.int64) - self._ends[0]]
        mine = place >= 0
        k = int(np.count_nonzero(mine))
        older = MessageRows(
            place[mine],
            np.asarray(found["ts_ms"]).astype(np.int64)[mine],
            np.asarray(found["code"]).astype(np.int32)[mine],
            np.full(k, STATE_ON, np.int8),
            np.ones(k, np.bool_),  # what came so long ago breaks no silence now
        )
        joined = _joined([older, messages])
        order = np.lexsort((joined.ts_ms, joined.lift))
        return MessageRows(*(getattr(joined, name)[order] for name in _MESSAGE))

    def _rows(
        self, files: list[str], names: list[str], lo_ms: int, hi_ms: int
    ) -> dict[str, NDArray[Any]]:
        """Return columns sorted by lift, event time and arrival; `lift` is the place in the group.

        A file is sorted in itself; only where several meet is anything sorted here.
        """
        parts = [self._of_file(path, names, lo_ms, hi_ms) for path in files]
        parts = [part for part in parts if len(part["lift"])]
        if not parts:
            kinds = {"lift": np.int32, "ts_ms": np.int64, "late": np.bool_}
            return {name: np.empty(0, kinds.get(name, np.float32)) for name in names}
        if len(parts) == 1:
            return parts[0]
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        order = np.lexsort((joined["batch"], joined["ts_ms"], joined["lift"]))
        return {name: column[order] for name, column in joined.items()}

    def _of_file(
        self, path: str, names: list[str], lo_ms: int, hi_ms: int
    ) -> dict[str, NDArray[Any]]:
        have = {row[0] for row in self._db.execute(
            "SELECT name FROM parquet_schema(?)", (path,)).fetchall()}  # fmt: skip
        # a file older than a channel simply has none of it
        asked = ", ".join(
            f'"{name}"' if name in have else f'NULL::FLOAT AS "{name}"' for name in names
        )
        on_time = " AND NOT late" if self._without_late else ""
        table = self._db.sql(
            f"SELECT {asked}, batch FROM read_parquet(?) "  # noqa: S608
            f"WHERE lift BETWEEN ? AND ? AND ts_ms >= ? AND ts_ms < ?{on_time}",
            params=(path, *self._ends, lo_ms, hi_ms),
        ).to_arrow_table()
        found = {name: np.asarray(table.column(name).to_numpy()) for name in table.column_names}
        place = self._place[found["lift"] - self._ends[0]]
        found["lift"] = place
        if len(place) and place.min() < 0:
            mine = place >= 0
            found = {name: column[mine] for name, column in found.items()}
        return found

"""Metrics become rows: one a lift and moment, a column a channel, NaN where nothing was said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from devices.batch import STATE_OFF, STATE_ON, MessageRows, TelemetryBatch
from devices.codecs.clock import late
from devices.codecs.context import Context

Cell = tuple[int, int]  # which of the rows, which column


class Samples:
    """Collects the values of one payload; rows in order of first appearance.

    Report by exception needs nothing more: absent is unchanged, here as in our own formats.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._rows: dict[tuple[int, int], int] = {}  # lift, ts → row
        self._live: list[bool] = []
        self._cells: list[Cell] = []
        self._values: list[float] = []
        self._messages: list[tuple[int, int, int, int, bool]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, lift: int, ts_ms: int, column: int, value: float, historical: bool) -> Cell:
        """Take a value; the later of two for one channel and moment holds."""
        row = self._rows.get((lift, ts_ms))
        if row is None:
            row = self._rows[lift, ts_ms] = len(self._rows)
            self._live.append(not historical)
        elif not historical:
            self._live[row] = True
        cell = (row, column)
        self._cells.append(cell)
        self._values.append(value)
        return cell

    def add_message(self, lift: int, ts_ms: int, code: int, on: bool, historical: bool) -> None:
        """Take a message code that has begun or ended."""
        self._messages.append((lift, ts_ms, code, STATE_ON if on else STATE_OFF, historical))

    @property
    def plain(self) -> bool:
        """False where a message code was given as history: it may be given again, and again be
        news."""
        return not any(historical for *_, historical in self._messages)

    @property
    def keys(self) -> Sequence[tuple[int, int]]:
        """(lift, ts) of each row."""
        return list(self._rows)

    @property
    def live(self) -> Sequence[bool]:
        """For each row: something of it is said to be more than history."""
        return self._live

    def batch(self) -> TelemetryBatch:
        """Return the batch. A row is late by its time, or where all of it is historical."""
        context = self._context
        channels = len(context.plan.vocab.channels)
        values = np.full((len(self._rows), channels), np.nan, np.float32)
        for (row, column), value in zip(self._cells, self._values, strict=True):
            values[row, column] = value
        keys = np.array(list(self._rows), np.int64).reshape(-1, 2)
        ts_ms = np.ascontiguousarray(keys[:, 1])
        by_time = late(ts_ms, context.received_ms, context.limits)
        history = ~np.array(self._live, np.bool_)
        batch = TelemetryBatch(keys[:, 0].astype(np.int32), ts_ms, values, by_time | history)
        if self._messages:
            batch.messages = self._message_rows()
        return batch

    def _message_rows(self) -> MessageRows:
        lift, ts, code, state, historical = zip(*self._messages, strict=True)
        ts_ms = np.array(ts, np.int64)
        by_time = late(ts_ms, self._context.received_ms, self._context.limits)
        return MessageRows(
            np.array(lift, np.int32),
            ts_ms,
            np.array(code, np.int32),
            np.array(state, np.int8),
            by_time | np.array(historical, np.bool_),
        )

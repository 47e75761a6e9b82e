"""The gateway SDK, for threads. `AsyncGateway` is the same for asyncio."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
import orjson
from numpy.typing import NDArray

from devices.codecs.limits import Limits
from devices.gateway.clock import ClockOffset
from devices.gateway.encoding import Encoding, JsonColumns
from devices.gateway.errors import MessageTooLarge, StoreFull
from devices.gateway.forwarder import Counters, Forwarder, OnRefused
from devices.gateway.lanes import Batching, Lanes
from devices.gateway.link import Address, Link
from devices.gateway.measures import OnClock
from devices.gateway.pace import Pace
from devices.gateway.rows import Column, Rows, Value, column_of
from devices.gateway.store import Store
from devices.gateway.trim import Trimmer, WhenFull

State = Literal["on", "off", "once"]

_log = logging.getLogger(__name__)
_ENVELOPE = 96  # bytes of {"first":…,"v":…,"boot":…,"seq":…, at their longest
_CELL = 24  # bytes of one value of one sample at its longest, beside its name
_NUMPY = orjson.OPT_SERIALIZE_NUMPY


class Gateway:
    """One gateway's end of the wire. All methods are safe to call from several threads."""

    def __init__(
        self,
        name: str,
        *,
        store: Path,
        url: str,
        username: str | None = None,
        password: str | None = None,
        ca_file: Path | None = None,
        cert_file: Path | None = None,
        key_file: Path | None = None,
        max_store_bytes: int = 256 * 1024 * 1024,
        max_age_s: float | None = None,
        when_full: WhenFull = "raise",
        power_safe: bool = False,
        window: int = 500,
        resend_s: float = 30.0,
        gap_retry_s: float = 2.0,
        keepalive_s: int = 30,
        reconnect_s: float = 30.0,
        announce: bool = True,
        client_id: str | None = None,
        batching: Batching | None = None,
        backfill_per_s: float | None = None,
        encoding: Encoding | None = None,
        on_refused: OnRefused | None = None,
        on_clock: OnClock | None = None,
        clock: Callable[[], float] = time.time,
        limits: Limits | None = None,
    ) -> None:
        """Open the store and take a new boot number; nothing is sent before `start`.

        store: a file of this gateway's own. url: mqtt://HOST[:PORT] or mqtts://….
        max_store_bytes, max_age_s: what is held while the link or the service is down.
        when_full: `raise` StoreFull, `wait` for room, `drop_oldest` samples, or `thin` them
        (every second one of each lift, again and again); messages are never given up, and what
        is given up is told to the service. power_safe: flush to the medium with every write, so
        a power cut loses nothing either. window: messages on the wire that are not yet durable.
        resend_s: without acknowledgement. reconnect_s: longest wait between attempts.
        announce: keep the retained status and the last will; off for a tool that sends beside
        the real gateway, which also needs a client_id of its own (default `gateway-NAME`).
        batching: what goes into one message. backfill_per_s: most lift-samples a second after an
        outage; it slows down by itself when the service does. on_refused(boot, seq, refusal):
        called from a thread of the SDK, once for each refusal. on_clock(offset): likewise, when
        our clock turns out to be off by more than 120 s, and when it is right again. clock:
        seconds since epoch, UTC.

        Raises StoreInUse, and GatewayError for an unusable url.
        """
        sign_in = {"username": username, "password": password}
        address = Address.of(
            url, **sign_in, ca_file=ca_file, cert_file=cert_file, key_file=key_file
        )
        self.name, self._limits, self._when_full = name, limits or Limits(), when_full
        self._clock = clock
        self._store = Store(store, max_store_bytes, self.now_ms(), power_safe=power_safe)
        age_ms = None if max_age_s is None else round(max_age_s * 1000)
        self._trimmer = Trimmer(self._store, when_full, age_ms)
        batching = batching or Batching()
        most = min(batching.bytes, self._limits.payload_bytes)
        batching = Batching(min(batching.rows, self._limits.samples), most, batching.wait_s)
        self._lanes = Lanes(
            self._store,
            self._trimmer,
            encoding or JsonColumns(),
            batching,
            Pace(most_per_s=backfill_per_s),
        )
        self.counters = Counters()
        self._forwarder = Forwarder(
            self._store,
            self._lanes,
            self._trimmer,
            self.counters,
            self.now_ms,
            window=window,
            resend_s=resend_s,
            gap_retry_s=gap_retry_s,
            on_refused=on_refused,
            on_clock=self._clock_turned,
        )
        self._told_clock = on_clock
        self._link = Link(
            name,
            address,
            lambda: self._store.boot,
            self.now_ms,
            on_up=self._forwarder.up,
            on_down=self._forwarder.down,
            on_ack=self._forwarder.take,
            client_id=client_id or f"gateway-{name}",
            clock_off_ms=self._clock_off_ms,
            announce=announce,
            keepalive_s=keepalive_s,
            in_flight=window,
            longest_wait_s=reconnect_s,
        )

    # -- life ---------------------------------------------------------------------------

    def start(self) -> Gateway:
        """Connect and forward in the background; returns at once, link or no link."""
        self._forwarder.start(self._link.publish)
        self._link.start()
        return self

    def close(self) -> None:
        """Say offline and stop. What is not durable stays in the store for the next start."""
        self._link.stop()
        self._forwarder.stop()
        self._store.close()

    def __enter__(self) -> Gateway:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until everything held is durable; False if `timeout_s` passed before."""
        self._lanes.hurry = True
        try:
            self._forwarder.wake()
            return self._forwarder.wait(lambda: self._store.empty, timeout_s)
        finally:
            self._lanes.hurry = False

    # -- how it stands ------------------------------------------------------------------

    @property
    def boot(self) -> int:
        """The boot under which is numbered what is published now."""
        return self._store.boot

    @property
    def connected(self) -> bool:
        """True while the broker is reachable and acknowledgements are listened to."""
        return self._link.connected

    @property
    def trouble(self) -> str | None:
        """Why there is no connection, as the network or the broker said it."""
        return self._link.trouble

    @property
    def pending(self) -> int:
        """How many samples, messages and bursts are held because they are not durable yet."""
        return self._store.count

    @property
    def pending_bytes(self) -> int:
        """How many bytes they take in the store."""
        return self._store.bytes

    @property
    def backlog(self) -> int:
        """How many samples of an outage still wait for their turn."""
        return self._lanes.backlog()

    @property
    def lost(self) -> int:
        """How many samples were given up since the start; the service was told of them."""
        return self._trimmer.lost

    @property
    def clock(self) -> ClockOffset | None:
        """Our clock against the service's; None before the first answer."""
        return self._forwarder.measures.clock.best

    @property
    def delays(self) -> list[float]:
        """Seconds from publishing to durable of the last live messages, at most 4096."""
        return list(self._forwarder.measures.delays)

    def now_ms(self) -> int:
        """Our clock, epoch ms."""
        return round(self._clock() * 1000)

    def _clock_off_ms(self) -> int | None:
        """What the status says of our clock: ours minus the service's."""
        return None if self.clock is None else -self.clock.offset_ms

    def _clock_turned(self, offset: ClockOffset) -> None:
        self._link.say_again()
        if self._told_clock is not None:
            self._told_clock(offset)

    # -- publishing ---------------------------------------------------------------------

    def publish_columns(
        self,
        ts_ms: int | Sequence[int] | NDArray[Any],
        lifts: Sequence[str],
        columns: Mapping[str, Column],
    ) -> None:
        """Store one sample of each of many lifts, for sending. NaN, an infinity and None mean
        absent; a sample without any value is not kept.

        ts_ms: one time for all, or one a lift. columns: channel → one value a lift, lists or
        numpy arrays. Raises StoreFull, ValueError where lengths differ.
        """
        n = len(lifts)
        if any(len(column) != n for column in columns.values()):
            raise ValueError(f"every column needs {n} values, one a lift")
        one = isinstance(ts_ms, int | np.integer)
        if not one and len(ts_ms) != n:  # type: ignore[arg-type]
            raise ValueError(f"ts_ms needs {n} values, one a lift")
        found = {name: column_of(name, column) for name, column in columns.items()}
        if any(column is None for column in found.values()):
            times = int(ts_ms) if one else ts_ms  # type: ignore[arg-type]
            self._put_as_it_is(times, list(lifts), columns)
            return
        self._check_width(found)
        times = np.full(n, ts_ms, np.int64) if one else np.asarray(ts_ms, np.int64)
        values = [column for column in found.values() if column is not None]
        matrix = np.array(values, np.float32).reshape(len(values), n)
        names = self._store.names
        ids, channels = names.ids(lifts), names.ids(tuple(found))
        order = np.argsort(channels)
        self._put_rows(Rows(ids, times, channels[order], matrix[order]).spoken())

    def publish_rows(self, lift: str, samples: Sequence[tuple[int, Mapping[str, Value]]]) -> None:
        """Store samples of one lift, (ts_ms, {channel: value}) each. Raises StoreFull."""
        names = dict.fromkeys(name for _, values in samples for name in values)
        columns = {name: [values.get(name) for _, values in samples] for name in names}
        self.publish_columns([ts_ms for ts_ms, _ in samples], [lift] * len(samples), columns)

    def publish_message(self, lift: str, ts_ms: int, code: int, state: State = "once") -> None:
        """Store a fault, event or alarm message. It is sent before anything else.

        Raises StoreFull.
        """
        self._put_event("message", {"lift": lift, "ts": ts_ms, "code": code, "state": state})

    def publish_waveform(
        self,
        lift: str,
        ts_ms: int,
        rate_hz: float,
        unit: str,
        axes: Mapping[str, Sequence[float] | NDArray[Any]],
    ) -> None:
        """Store one burst of 1–30 s. Raises StoreFull, MessageTooLarge."""
        body = {"lift": lift, "ts": ts_ms, "rate_hz": rate_hz, "unit": unit, "axes": dict(axes)}
        self._put_event("waveform", body)

    def _put_rows(self, rows: Rows) -> None:
        if not len(rows):
            return
        body = rows.pack()
        self._make_room(len(body))
        with self._store.lock:
            high = self._store.add_rows(rows, body, self.now_ms())
            self._lanes.published(high - len(rows))
            self.counters.stored += len(rows)
        self._forwarder.wake()

    def _put_event(self, kind: str, body: Mapping[str, Any]) -> None:
        payload = orjson.dumps(body, default=_plain, option=_NUMPY)
        if len(payload) + _ENVELOPE > self._limits.payload_bytes:
            raise MessageTooLarge.of(kind, self._limits.payload_bytes)
        self._make_room(len(payload))
        self._store.add_event(kind, payload, self.now_ms())
        self.counters.stored += 1
        self._forwarder.wake()

    def _put_as_it_is(
        self,
        ts_ms: int | Sequence[int] | NDArray[Any],
        lifts: Sequence[str],
        columns: Mapping[str, Column],
    ) -> None:
        """Send what only the service can judge: it is to be refused by name, not swallowed."""
        n = len(lifts)
        body = {"ts": ts_ms, "lifts": lifts, "columns": dict(columns)}
        try:
            if n <= self._limits.samples:
                self._put_event("telemetry", body)
                return
        except MessageTooLarge:
            if n < 2:
                raise
        for part in (slice(0, n // 2), slice(n // 2, n)):
            times = ts_ms if isinstance(ts_ms, int) else ts_ms[part]
            some = {name: column[part] for name, column in columns.items()}
            self._put_as_it_is(times, lifts[part], some)

    def _make_room(self, size: int) -> None:
        if self._store.has_room(size) or self._trimmer.make_room(size, self.now_ms()):
            return
        if self._when_full != "wait" or size > self._store.max_bytes:
            raise StoreFull.of(f"{self._store.bytes} / {self._store.max_bytes} bytes")
        self._forwarder.wait(lambda: self._store.has_room(size), None)

    def _check_width(self, columns: Mapping[str, Any]) -> None:
        widest = _ENVELOPE + 64 + sum(_CELL + 6 * len(name) for name in columns)
        if widest > self._limits.payload_bytes:
            raise MessageTooLarge.of("telemetry", self._limits.payload_bytes)


def _plain(value: object) -> object:
    """Let numpy arrays of any layout and numpy scalars through the JSON writer."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be sent")

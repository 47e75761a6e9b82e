"""The gateway SDK: store, forward, and forget only what the service says is durable.

    with Gateway("gw-01", store=Path("gw-01.db"), url="mqtt://broker:1883") as gateway:
        gateway.publish_columns(ts_ms, ["3110…"], {"speed": [0.0], "door_zone": [True]})
        gateway.flush(10.0)

Every message gets (boot, seq) and is on disk before it is on the wire. It leaves the disk when
the service's acknowledgement covers it. Delivery is at least once; the service recognises
repeats by (gateway, boot, seq), so its history holds every message once. docs/wire.md has the
contract.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import orjson
from numpy.typing import NDArray

from config.text import Text
from devices.codecs.limits import SEQ_MAX, Limits
from devices.codecs.parse import VERSION
from devices.forwarder import Counters, Forwarder, OnRefused
from devices.link import Address, Link
from devices.store_forward import GatewayError, Held, Store, StoreFull, StoreInUse

__all__ = ["Counters", "Gateway", "GatewayError", "MessageTooLarge", "StoreFull", "StoreInUse"]

Value = float | bool | str | None
State = Literal["on", "off", "once"]
WhenFull = Literal["raise", "wait", "drop_oldest"]

_log = logging.getLogger(__name__)
_FIRST = len(b'"first":4294967295,')  # put in when a message is sent
_NUMPY = orjson.OPT_SERIALIZE_NUMPY


class MessageTooLarge(GatewayError):
    """One sample or burst alone is larger than the wire allows."""


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
        when_full: WhenFull = "raise",
        power_safe: bool = False,
        window: int = 500,
        resend_s: float = 30.0,
        gap_retry_s: float = 2.0,
        keepalive_s: int = 30,
        reconnect_s: float = 30.0,
        announce: bool = True,
        client_id: str | None = None,
        on_refused: OnRefused | None = None,
        clock: Callable[[], float] = time.time,
        limits: Limits | None = None,
    ) -> None:
        """Open the store and take a new boot number; nothing is sent before `start`.

        store: a file of this gateway's own. url: mqtt://HOST[:PORT] or mqtts://….
        max_store_bytes: payload bytes held while the link or the service is down.
        when_full: `raise` StoreFull, `wait` for room, or `drop_oldest` (counted and logged).
        power_safe: flush to the medium with every message, so a power cut loses nothing either.
        window: messages on the wire that are not yet durable. resend_s: without acknowledgement.
        reconnect_s: longest wait between attempts. announce: keep the retained status and the
        last will; off for a tool that sends beside the real gateway, which also needs a
        client_id of its own (default `gateway-NAME`). on_refused(boot, seq, refusal): called from
        a thread of the SDK, once for each refusal. clock: seconds since epoch, UTC.

        Raises StoreInUse, and GatewayError for an unusable url.
        """
        sign_in = {"username": username, "password": password}
        address = Address.of(
            url, **sign_in, ca_file=ca_file, cert_file=cert_file, key_file=key_file
        )
        self.name, self._limits, self._when_full = name, limits or Limits(), when_full
        self._clock = clock
        self._store = Store(store, max_store_bytes, power_safe=power_safe)
        self.boot = self._store.new_boot(self._now_ms())
        self.counters = Counters()
        self._seq = 0
        self._lock = threading.Lock()
        self._forwarder = Forwarder(
            self._store,
            self.counters,
            window=window,
            resend_s=resend_s,
            gap_retry_s=gap_retry_s,
            on_refused=on_refused,
        )
        self._link = Link(
            name,
            address,
            self.boot,
            self._now_ms,
            on_up=self._forwarder.up,
            on_down=self._forwarder.down,
            on_ack=self._forwarder.take,
            client_id=client_id or f"gateway-{name}",
            announce=announce,
            keepalive_s=keepalive_s,
            in_flight=window,
            longest_wait_s=reconnect_s,
        )

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
        """How many messages are held because they are not durable yet."""
        return self._store.count

    @property
    def pending_bytes(self) -> int:
        """How many bytes are held."""
        return self._store.bytes

    def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until everything held is durable; False if `timeout_s` passed before."""
        return self._forwarder.wait(lambda: self._store.count == 0, timeout_s)

    def publish_columns(
        self,
        ts_ms: int | Sequence[int] | NDArray[Any],
        lifts: Sequence[str],
        columns: Mapping[str, Sequence[Value] | NDArray[Any]],
    ) -> int:
        """Store one sample of each of many lifts, for sending. NaN, an infinity
        and None mean absent.

        ts_ms: one time for all, or one a lift. columns: channel → one value a lift, lists or
        numpy arrays. What is too much for one message becomes several; returns the last seq.
        Raises StoreFull, ValueError where lengths differ.
        """
        n = len(lifts)
        if any(len(column) != n for column in columns.values()):
            raise ValueError(f"every column needs {n} values, one a lift")
        if not isinstance(ts_ms, int) and len(ts_ms) != n:
            raise ValueError(f"ts_ms needs {n} values, one a lift")
        body = {"ts": ts_ms, "lifts": list(lifts), "columns": dict(columns)}
        seq = self._put("telemetry", body) if n <= self._limits.samples else None
        if seq is not None:
            return seq
        if n < 2:
            raise self._too_large("telemetry")
        for part in (slice(0, n // 2), slice(n // 2, n)):
            times = ts_ms if isinstance(ts_ms, int) else ts_ms[part]
            some = {name: column[part] for name, column in columns.items()}
            seq = self.publish_columns(times, lifts[part], some)
        assert seq is not None
        return seq

    def publish_rows(self, lift: str, samples: Sequence[tuple[int, Mapping[str, Value]]]) -> int:
        """Store samples of one lift, (ts_ms, {channel: value}) each; returns the last seq.

        Raises StoreFull.
        """
        if len(samples) == 1:
            body: dict[str, Any] = {"lift": lift, "ts": samples[0][0], "values": samples[0][1]}
        else:
            rows = [{"ts": ts, "values": values} for ts, values in samples]
            body = {"lift": lift, "samples": rows}
        seq = self._put("telemetry", body) if len(samples) <= self._limits.samples else None
        if seq is not None:
            return seq
        if len(samples) < 2:
            raise self._too_large("telemetry")
        half = len(samples) // 2
        self.publish_rows(lift, samples[:half])
        return self.publish_rows(lift, samples[half:])

    def publish_message(self, lift: str, ts_ms: int, code: int, state: State = "once") -> int:
        """Store a fault, event or alarm message; returns its seq. Raises StoreFull."""
        body = {"lift": lift, "ts": ts_ms, "code": code, "state": state}
        return self._put_whole("message", body)

    def publish_waveform(
        self,
        lift: str,
        ts_ms: int,
        rate_hz: float,
        unit: str,
        axes: Mapping[str, Sequence[float] | NDArray[Any]],
    ) -> int:
        """Store one burst of 1–30 s; returns its seq. Raises StoreFull, MessageTooLarge."""
        body = {"lift": lift, "ts": ts_ms, "rate_hz": rate_hz, "unit": unit, "axes": dict(axes)}
        return self._put_whole("waveform", body)

    def _put_whole(self, kind: str, body: Mapping[str, Any]) -> int:
        seq = self._put(kind, body)
        if seq is None:
            raise self._too_large(kind)
        return seq

    def _put(self, kind: str, body: Mapping[str, Any]) -> int | None:
        """Give the message its number and store it; None if it is too large to travel."""
        rest = orjson.dumps(body, default=_plain, option=_NUMPY)[1:]
        with self._lock:
            seq = self._seq + 1
            if seq > SEQ_MAX:
                raise RuntimeError("every seq of this boot is used up: open the gateway again")
            head = b'{"v":%d,"boot":%d,"seq":%d,' % (VERSION, self.boot, seq)
            payload = head + rest
            if len(payload) + _FIRST > self._limits.payload_bytes:
                return None
            self._make_room(len(payload))
            self._store.add(Held(self.boot, seq, kind, payload))
            self._seq = seq
            self.counters.stored += 1
        self._forwarder.wake()
        return seq

    def _make_room(self, size: int) -> None:
        if self._store.has_room(size) or self._when_full == "raise":
            return
        if self._when_full == "wait":
            self._forwarder.wait(lambda: self._store.has_room(size), None)
            return
        dropped = self._store.drop_oldest(size)
        self.counters.dropped += len(dropped)
        _log.warning("gateway %s: store full, dropped the oldest: %s", self.name, dropped[:10])

    def _too_large(self, kind: str) -> MessageTooLarge:
        limit = self._limits.payload_bytes
        return MessageTooLarge(
            Text(
                f"一条 {kind} 消息超过 {limit} 字节：缩短波形或减少小数位数",
                f"one {kind} message exceeds {limit} bytes: shorten the burst, or send fewer "
                "decimals",
            )
        )

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)


def _plain(value: object) -> object:
    """Let numpy arrays of any layout and numpy scalars through the JSON writer."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be sent")

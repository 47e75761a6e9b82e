"""A bad line: a TCP proxy between an MQTT client and its broker that loses whole packets, sends
them twice, in another order, late, or breaks in the middle of one.

TCP itself loses nothing; what loses is a broker that restarts, a middle box, a buffer given up.
So it is whole MQTT packets that are tampered with here, and only PUBLISH and PUBACK: without the
others there would be no session to speak of. A packet id is put right where a copy is sent.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import random
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass

PUBLISH, PUBACK = 3, 4


@dataclass(frozen=True, slots=True)
class Weather:
    """Chances per packet: lost, doubled, overtaken (held back a little), cut (the connection is
    closed in the middle of it). delay_s: of every packet, each way."""

    lost: float = 0.0
    doubled: float = 0.0
    overtaken: float = 0.0
    cut: float = 0.0
    delay_s: float = 0.0


class ChaosProxy:
    """Listens on a loopback port and stands between. `weather` may change at any time."""

    def __init__(self, host: str, port: int, weather: Weather, seed: int = 1) -> None:
        self.target, self.weather = (host, port), weather
        self.counts: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._stopped = False
        self._open: set[socket.socket] = set()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._run(self._accept)

    @staticmethod
    def _run(call: object, *args: object) -> None:
        threading.Thread(target=call, args=args, daemon=True).start()  # type: ignore[arg-type]

    def cut(self) -> None:
        """Break every connection now."""
        self.counts["cuts"] += 1
        with self._lock:
            for one in list(self._open):
                _close(one)

    def close(self) -> None:
        """Stop for good."""
        self._stopped = True
        _close(self._server)
        self.cut()

    def _accept(self) -> None:
        while not self._stopped:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            try:
                broker = socket.create_connection(self.target, 5)
            except OSError:
                _close(client)
                continue
            with self._lock:
                self._open |= {client, broker}
            for source, sink in ((client, broker), (broker, client)):
                self._run(_Way(self, source, sink).run)

    def chance(self, share: float) -> bool:
        """True in `share` of the cases."""
        with self._lock:
            return self._random.random() < share

    def ended(self, *ends: socket.socket) -> None:
        """A connection is over, on both sides."""
        for one in ends:
            _close(one)
        with self._lock:
            self._open -= set(ends)


class _Way:
    """One direction of one connection: packets in, packets out when their time has come."""

    def __init__(self, proxy: ChaosProxy, source: socket.socket, sink: socket.socket) -> None:
        self._proxy, self._source, self._sink = proxy, source, sink
        self._due: list[tuple[float, int, bytes]] = []
        self._count = itertools.count()
        self._news = threading.Condition()
        self._over = False
        self._last_at = 0.0

    def run(self) -> None:
        threading.Thread(target=self._send, daemon=True).start()
        try:
            while packet := _packet(self._source):
                self._take(packet)
        except OSError:
            pass
        with self._news:
            self._over = True
            self._news.notify_all()

    def _take(self, packet: bytes) -> None:
        proxy, weather = self._proxy, self._proxy.weather
        kind = packet[0] >> 4
        at = max(time.monotonic() + weather.delay_s, self._last_at)
        self._last_at = at
        if kind in (PUBLISH, PUBACK):
            if proxy.chance(weather.lost):
                proxy.counts["lost"] += 1
                return
            if proxy.chance(weather.cut):
                proxy.counts["cut"] += 1
                self._put(at, packet[: len(packet) // 2])
                self._put(at, b"")  # and then nothing more
                return
            if kind == PUBLISH and proxy.chance(weather.doubled):
                proxy.counts["doubled"] += 1
                copy = bytes([packet[0] | 0x08]) + packet[1:]  # DUP, as a sender's own repeat
                self._put(at + 0.05, copy)
            if proxy.chance(weather.overtaken):
                proxy.counts["overtaken"] += 1
                at += 0.2
        self._put(at, packet)

    def _put(self, at: float, packet: bytes) -> None:
        with self._news:
            heapq.heappush(self._due, (at, next(self._count), packet))
            self._news.notify_all()

    def _send(self) -> None:
        try:
            while (packet := self._next()) is not None:
                if not packet:
                    break
                self._sink.sendall(packet)
        except OSError:
            pass
        self._proxy.ended(self._source, self._sink)

    def _next(self) -> bytes | None:
        with self._news:
            while True:
                now = time.monotonic()
                if self._due and self._due[0][0] <= now:
                    return heapq.heappop(self._due)[2]
                if self._over and not self._due:
                    return None
                self._news.wait(self._due[0][0] - now if self._due else None)


def _packet(source: socket.socket) -> bytes:
    """Read one MQTT packet whole; b"" at the end."""
    head = _exactly(source, 1)
    size, shift = 0, 0
    while head:
        byte = _exactly(source, 1)
        if not byte:
            return b""
        head += byte
        size |= (byte[0] & 0x7F) << shift
        shift += 7
        if not byte[0] & 0x80:
            body = _exactly(source, size)
            return head + body if len(body) == size else b""
    return b""


def _exactly(source: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        some = source.recv(min(65536, size - len(found)))
        if not some:
            return b""
        found += some
    return bytes(found)


def _close(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()

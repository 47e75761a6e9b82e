"""A real HTTP receiver in a thread: records what comes, and can misbehave on demand."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.support.ports import free_port
from tests.support.wait import until


@dataclass(frozen=True, slots=True)
class Received:
    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    status: int  # what we answered; 0 = hung up or still hanging

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int = 200
    delay_s: float = 0.0
    hang: bool = False
    body: bytes = b""


class Webhook:
    """`requests` holds every request in order, `accepted` only those answered with 2xx."""

    def __init__(self) -> None:
        self.port = free_port()
        self.requests: list[Received] = []
        self._plan: list[_Answer] = []
        self._default = _Answer()
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def accepted(self) -> list[Received]:
        return [one for one in self.requests if 200 <= one.status < 300]

    def fail(self, times: int = 1, status: int = 500) -> None:
        """Answer the next `times` requests with `status`."""
        self._add(times, _Answer(status))

    def slow(self, delay_s: float, times: int = 1) -> None:
        """Answer the next `times` requests well, but only after `delay_s`."""
        self._add(times, _Answer(delay_s=delay_s))

    def hang(self, times: int = 1) -> None:
        """Take the next `times` requests and never answer them (until the receiver stops)."""
        self._add(times, _Answer(hang=True))

    def say(self, body: object, times: int = 1, status: int = 200) -> None:
        """Answer the next `times` requests with a body: bytes as they are, others as JSON."""
        told = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._add(times, _Answer(status, body=told))

    def always_say(self, body: object) -> None:
        """What to answer, as JSON with 200, when nothing is planned."""
        self._default = _Answer(body=json.dumps(body).encode())

    def always(self, status: int) -> None:
        """What to answer when nothing is planned; 200 at first."""
        self._default = _Answer(status)

    def wait_for(self, count: int, timeout_s: float = 10.0) -> list[Received]:
        """Block until `count` requests were accepted."""
        until(lambda: len(self.accepted) >= count, timeout_s, f"{count} accepted web hooks")
        return self.accepted

    def start(self) -> None:
        """Listen (again): between `stop` and `start` connections are refused."""
        self._released.clear()
        self._server = _Server(("127.0.0.1", self.port), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._released.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def take(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes]:
        """Record one request; returns status and body to answer, 0 = hang up without an answer."""
        with self._lock:
            answer = self._plan.pop(0) if self._plan else self._default
        if answer.delay_s:
            time.sleep(answer.delay_s)
        status = 0 if answer.hang else answer.status
        with self._lock:
            self.requests.append(Received(method, path, headers, body, status))
        if answer.hang:
            self._released.wait()
        return status, answer.body

    def _add(self, times: int, answer: _Answer) -> None:
        with self._lock:
            self._plan += [answer] * times


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that hangs up or is killed is no fault of ours: the default prints it."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(hook: Webhook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            size = int(self.headers.get("content-length", 0))
            body = self.rfile.read(size)
            if len(body) < size:  # the sender was killed in the middle: it was never a request
                self.close_connection = True
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, said = hook.take(self.command, self.path, headers, body)
            if status == 0:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_PUT = do_POST  # noqa: N815 - names given by http.server

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: the test reads `requests`."""

    return Handler


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    hook = Webhook()
    yield hook
    hook.stop()

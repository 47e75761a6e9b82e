"""A real SMTP server that keeps the mails it received."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.support.ports import free_port


class SmtpServer:
    """`messages` in order of arrival; `fail(n)` refuses the next n with a temporary error."""

    def __init__(self) -> None:
        self.host = "127.0.0.1"
        self.port = free_port()
        self.messages: list[EmailMessage] = []
        self.attempts = 0
        self._answers: list[str] = []
        self._pauses: list[float] = []
        self._lock = threading.Lock()
        self._controller: Controller | None = None

    @property
    def url(self) -> str:
        return f"smtp://{self.host}:{self.port}"

    def fail(self, times: int = 1, answer: str = "451 try again later") -> None:
        with self._lock:
            self._answers += [answer] * times

    def slow(self, delay_s: float, times: int = 1) -> None:
        """Take the next `times` mails well, but only after `delay_s`."""
        with self._lock:
            self._pauses += [delay_s] * times

    def hang(self, times: int = 1) -> None:
        """Hear the next `times` mails and never answer them: who sent them hangs up."""
        self.slow(3600, times)

    def start(self) -> None:
        self._controller = Controller(self, hostname=self.host, port=self.port)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        with self._lock:
            self.attempts += 1
            pause_s = self._pauses.pop(0) if self._pauses else 0.0
        await asyncio.sleep(pause_s)
        with self._lock:
            if self._answers:
                return self._answers.pop(0)
            message = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.messages.append(message)
            return "250 OK"


@pytest.fixture
def smtp_server() -> Iterator[SmtpServer]:
    server = SmtpServer()
    server.start()
    yield server
    server.stop()

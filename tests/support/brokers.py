"""Real MQTT brokers for tests: mosquitto, and the embedded one that `liftwatch run` uses."""

from __future__ import annotations

import abc
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.support.certs import Certs
from tests.support.ports import free_port, is_listening
from tests.support.process import Program

Kind = Literal["embedded", "mosquitto"]
BrokerFactory = Callable[..., "TestBroker"]

# The wire contract allows 256 KiB; the broker must let larger ones through for us to refuse them.
_MAX_PAYLOAD = 16 * 1024 * 1024


class TestBroker(abc.ABC):
    """A broker on 127.0.0.1:`port` that can be killed and started again on the same port."""

    __test__ = False
    kind: Kind

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = "127.0.0.1"
        self.port = free_port()
        self.program: Program | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        return f"mqtt://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        if self.program is None:
            raise RuntimeError(f"{self.kind} broker is not started")
        return self.program.pid

    @property
    def running(self) -> bool:
        return self.program is not None and self.program.running

    @property
    def log(self) -> str:
        return self.program.output if self.program else ""

    def start(self, timeout_s: float = 15.0) -> TestBroker:
        """Start and return once it accepts connections."""
        if self.running:
            return self
        self.program = Program(self._command(), self.folder / "broker.log", cwd=self.folder)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if not self.program.running:
                raise RuntimeError(f"{self.kind} broker ended at start:\n{self.log[-2000:]}")
            if is_listening(self.port):
                return self
            time.sleep(0.02)
        self.program.end()
        raise RuntimeError(f"{self.kind} broker not up after {timeout_s:g} s:\n{self.log[-2000:]}")

    def stop(self) -> None:
        """SIGTERM; mosquitto writes its store to disk, the embedded broker keeps nothing."""
        if self.program is not None:
            self.program.stop()

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        if self.program is not None:
            self.program.kill()

    def restart(self, *, kill: bool = False) -> TestBroker:
        self.kill() if kill else self.stop()
        return self.start()

    def end(self) -> None:
        if self.program is not None:
            self.program.end()

    @abc.abstractmethod
    def _command(self) -> list[str | Path]: ...


class Mosquitto(TestBroker):
    """mosquitto with persistence.

    Args:
        folder: holds configuration, store and log.
        users: name → password; without them anybody may connect.
        certs: serve TLS with these (the only listener is then TLS).
        acl: lines of a mosquitto ACL file.
        save_always: write the store after every change, so that it survives `kill()` too
            (mosquitto rewrites the whole file each time: for small tests only).
        mount: a prefix for all topics of who connects to `mounted_port`, a listener of its own.
        options: any further mosquitto.conf key, for example `max_inflight_messages=100`.
    """

    kind: Kind = "mosquitto"

    def __init__(
        self,
        folder: Path,
        *,
        users: Mapping[str, str] | None = None,
        certs: Certs | None = None,
        acl: str | None = None,
        save_always: bool = False,
        mount: str | None = None,
        **options: object,
    ) -> None:
        super().__init__(folder)
        self.mounted_port = free_port()
        self.tls = certs is not None
        lines: dict[str, object] = {
            "listener": f"{self.port} {self.host}",
            "allow_anonymous": users is None,
            "persistence": True,
            "persistence_location": f"{folder}/",
            "max_queued_messages": 0,
            "message_size_limit": _MAX_PAYLOAD,
            "log_dest": "stderr",  # stdout would be kept back in a buffer
        }
        if os.geteuid() == 0:
            lines["user"] = "root"  # else it changes to an account that cannot write the folder
        if save_always:
            lines |= {"autosave_on_changes": True, "autosave_interval": 1}
        if users is not None:
            lines["password_file"] = _password_file(folder / "passwords", users)
        if certs is not None:
            lines |= {"cafile": certs.ca, "certfile": certs.cert, "keyfile": certs.key}
        if acl is not None:
            (folder / "acl").write_text(acl, "utf-8")
            lines["acl_file"] = folder / "acl"
        text = "".join(f"{key} {_plain(value)}\n" for key, value in {**lines, **options}.items())
        if mount is not None:
            text += f"listener {self.mounted_port} {self.host}\nmount_point {mount}\n"
        (folder / "mosquitto.conf").write_text(text, "utf-8")

    @property
    def url(self) -> str:
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"

    def _command(self) -> list[str | Path]:
        return [_program("mosquitto"), "-c", self.folder / "mosquitto.conf"]


class Embedded(TestBroker):
    """The broker inside the iotcore wheel (rumqttd). It keeps nothing over its own restart.

    Args:
        options: keyword arguments of `iotcore.Broker`, for example `max_inflight_count=10`.
    """

    kind: Kind = "embedded"

    def __init__(self, folder: Path, **options: object) -> None:
        super().__init__(folder)
        self.options = {"max_payload_size": _MAX_PAYLOAD, **options}

    def _command(self) -> list[str | Path]:
        arguments = f"port={self.port}, listen={self.host!r}, **{self.options!r}"
        return [
            sys.executable,
            "-c",
            f"from iotcore import Broker; Broker({arguments}).run_forever()",
        ]


def _program(name: str) -> str:
    """Debian keeps mosquitto in /usr/sbin, Homebrew in /opt/homebrew/sbin: often not in PATH."""
    places = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"]
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        pytest.fail(f"{name} is not installed; `make test` installs it or names the command")
    return found


def _password_file(path: Path, users: Mapping[str, str]) -> Path:
    path.write_text("".join(f"{name}:{word}\n" for name, word in users.items()), "utf-8")
    subprocess.run([_program("mosquitto_passwd"), "-U", path], check=True, capture_output=True)
    return path


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.fixture
def broker_factory(tmp_path: Path) -> Iterator[BrokerFactory]:
    """`broker_factory(kind, **options)` → a started broker; all are ended after the test."""
    made: list[TestBroker] = []

    def make(kind: Kind, **options: Any) -> TestBroker:
        folder = tmp_path / f"broker-{len(made)}"
        broker = (Mosquitto if kind == "mosquitto" else Embedded)(folder, **options)
        made.append(broker)
        return broker.start()

    yield make
    for broker in made:
        broker.end()


@pytest.fixture
def mosquitto(broker_factory: BrokerFactory) -> TestBroker:
    return broker_factory("mosquitto")


@pytest.fixture
def embedded_broker(broker_factory: BrokerFactory) -> TestBroker:
    return broker_factory("embedded")


@pytest.fixture(params=["embedded", "mosquitto"])
def any_broker(request: pytest.FixtureRequest, broker_factory: BrokerFactory) -> TestBroker:
    """The test runs once against each broker."""
    return broker_factory(request.param)

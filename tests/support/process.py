"""Programs started by tests: own process group, output kept, ended by their own id."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
Spawn = Callable[..., "Program"]


class Program:
    """One child process. `output` is what it has written so far (both streams, in order)."""

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.command = [str(part) for part in command]
        self.log = log
        with log.open("ab") as stream:
            self._popen = subprocess.Popen(
                self.command,
                cwd=cwd or ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        return self._popen.poll()

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    @property
    def output(self) -> str:
        return self.log.read_text("utf-8", errors="replace")

    def wait(self, timeout_s: float = 30.0) -> int:
        return self._popen.wait(timeout_s)

    def interrupt(self, timeout_s: float = 15.0) -> int:
        """SIGINT to the program alone, as Ctrl+C would; returns its exit code."""
        return self._signal(signal.SIGINT, timeout_s)

    def stop(self, timeout_s: float = 15.0) -> int:
        """SIGTERM to the program alone: it must end its own children."""
        return self._signal(signal.SIGTERM, timeout_s)

    def kill(self) -> int:
        """SIGKILL to the program alone: the crash of the kill tests."""
        return self._signal(signal.SIGKILL, 10.0)

    def end(self) -> None:
        """Leave nothing behind: the whole group that this program started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(10.0)

    def _signal(self, number: int, timeout_s: float) -> int:
        if self.running:
            self._popen.send_signal(number)
        try:
            return self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"{self.command[0]} (pid {self.pid}) still runs {timeout_s:g} s after signal "
                f"{number}; its last words:\n{self.output[-2000:]}"
            ) from None


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Spawn]:
    """`spawn("liftwatch", "run", …)` or `spawn(sys.executable, "-m", …)`; all ended afterwards."""
    started: list[Program] = []

    def start(
        *command: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> Program:
        program = Program(
            [_beside_python(command[0]), *command[1:]],
            tmp_path / f"program-{len(started)}.log",
            cwd,
            env,
        )
        started.append(program)
        return program

    yield start
    for program in reversed(started):
        program.end()


def _beside_python(name: str | Path) -> str:
    """Console scripts of the same environment are found without an activated venv."""
    script = Path(sys.executable).parent / str(name)
    return str(script) if script.exists() else str(name)

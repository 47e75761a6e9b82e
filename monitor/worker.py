"""A thread that does one thing over and over: turn, wait, turn, until it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger()
RETRY_S, RETRY_MOST_S = 2.0, 60.0


class Worker:
    """Calls `turn` in a thread of its own; `turn` returns for how many seconds it may rest.

    A turn that fails is tried again, after a pause that doubles up to a minute: whatever went
    wrong in one turn must not end the work of the next. `trouble` says what failed last, None
    while all is well. What may happen on a common day (`expected`) is a line in the log, any
    other failure comes with where it arose.
    """

    def __init__(
        self,
        name: str,
        turn: Callable[[], float],
        *,
        expected: tuple[type[Exception], ...] = (),
        first_s: float = 0.0,
        patience_s: float = 60.0,
    ) -> None:
        """`first_s`: rest before the first turn. `patience_s`: how long `stop` waits for one."""
        self.name, self._turn, self._expected = name, turn, expected
        self._first_s, self._patience_s = first_s, patience_s
        self._stop, self._wake = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.trouble: str | None = None

    @property
    def stopping(self) -> bool:
        """Whether a long turn should come to its end."""
        return self._stop.is_set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """End the rest: there is something to do."""
        self._wake.set()

    def stop(self) -> None:
        """Finish the turn at hand and end. Does nothing where it never began."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=self._patience_s)

    def _run(self) -> None:
        rest_s, retry_s = self._first_s, RETRY_S
        while True:
            self._wake.wait(rest_s)
            self._wake.clear()
            if self._stop.is_set():
                return
            try:
                rest_s = self._turn()
                self.trouble, retry_s = None, RETRY_S
            except Exception as error:
                if not isinstance(error, self._expected):
                    log.exception("worker.failed", worker=self.name)
                self.trouble = (str(error) or type(error).__name__).splitlines()[0]
                log.warning("worker.waits", worker=self.name, reason=self.trouble, s=retry_s)
                rest_s, retry_s = retry_s, min(RETRY_MOST_S, retry_s * 2)

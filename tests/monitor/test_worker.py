"""A worker turns until it is stopped, whatever a turn does."""

from __future__ import annotations

import threading

import pytest

from monitor import worker
from monitor.worker import Worker
from tests.support.wait import until


def test_turns_until_stopped() -> None:
    turns: list[str] = []

    def turn() -> float:
        turns.append(threading.current_thread().name)
        return 0.001

    one = Worker("counting", turn)
    one.start()
    until(lambda: len(turns) > 3)
    one.stop()
    seen = len(turns)
    assert set(turns) == {"counting"}
    assert one.stopping
    assert len(turns) == seen


def test_rests_first_and_is_woken() -> None:
    turned = threading.Event()

    def turn() -> float:
        turned.set()
        return 3600.0

    one = Worker("sleeper", turn, first_s=3600.0)
    one.start()
    assert not turned.is_set()
    one.wake()
    assert turned.wait(10)
    turned.clear()
    one.wake()
    assert turned.wait(10)
    one.stop()


def test_a_failed_turn_is_told_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "RETRY_S", 0.01)
    tries: list[int] = []

    def turn() -> float:
        tries.append(len(tries))
        if len(tries) < 3:
            raise OSError("the disk is away\nfor now") if len(tries) == 1 else KeyError("odd")
        return 3600.0

    one = Worker("stumbling", turn, expected=(OSError,))
    one.start()
    until(lambda: len(tries) == 3 and one.trouble is None)
    one.stop()


def test_trouble_is_the_first_line_of_what_failed() -> None:
    def turn() -> float:
        raise OSError("the disk is away\nfor now")

    one = Worker("stuck", turn, expected=(OSError,))
    one.start()
    until(lambda: one.trouble is not None)
    one.stop()
    assert one.trouble == "the disk is away"


def test_stop_without_a_start_does_nothing() -> None:
    Worker("idle", lambda: 1.0).stop()

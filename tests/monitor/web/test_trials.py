"""A back-test that is stopped, killed or cannot start: it ends, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import struct
import tempfile
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from monitor.admin import trials
from monitor.admin.trials import Asked, Trials
from tests.monitor.web.admin_history import write_history
from tests.monitor.web.house import House
from tests.support.wait import until


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of this process and of its children."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def asked_of(house: House) -> Asked:
    read, settings = house.rulebook.read(), house.settings
    return Asked(
        "16b", read.text, str(read.file), {}, {}, settings.data_dir / "history",
        settings.site.folder, settings.site.timezone, 3, (),
    )  # fmt: skip


def test_stopped_one_leaves_no_copy_of_the_history(house: House, left: Path) -> None:
    write_history(house, hours=30)
    known = Trials(rank=0)
    trial = known.begin(asked_of(house), {}, "admin", 0)
    until(lambda: [*left.glob("*/*.parquet")] or trial.state != "running", 30, poll_s=0.005)
    assert trial.state == "running", "the copy is there and the work goes on"
    known.close()
    assert trial.state == "stopped"
    assert not trial.process.is_alive()
    assert [*left.iterdir()] == []


def test_one_that_cannot_start_is_refused_and_the_next_may(
    house: House, left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Trials(rank=0)

    def start(process: BaseProcess) -> None:
        raise OSError(12, "Cannot allocate memory")

    with monkeypatch.context() as patch:
        patch.setattr(BaseProcess, "start", start)
        trial = known.begin(asked_of(house), {}, "admin", 0)
    assert trial.state == "refused" and "memory" in str(trial.as_json()["refusal"])
    assert [*left.iterdir()] == []
    after = known.begin(asked_of(house), {}, "admin", 0)  # there is no history: it says so
    until(lambda: after.state == "refused", 30)
    assert after.listener is not None
    after.listener.join(10)
    assert [*left.iterdir()] == []


def half_said(asked: Asked, pipe: Connection, *more: Any) -> None:
    """Die in the middle of a message, as one whom the system ends for want of memory."""
    os.write(pipe.fileno(), struct.pack("!i", 1000) + b"half")
    os.kill(os.getpid(), signal.SIGKILL)


def test_one_killed_in_mid_message_has_ended(
    house: House, left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "_work", half_said)
    known = Trials(rank=0)
    trial = known.begin(asked_of(house), {}, "admin", 0)
    until(lambda: trial.state == "refused", 30)
    assert trial.refusal is not None
    known.close()
    assert [*left.iterdir()] == []

"""A lift joins, another leaves, while the service runs: SIGHUP, and nothing stops."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from alerts.rules import DEFAULT_RULES
from devices.registry import load_registry
from tests.monitor.test_wire_story import Stranger, alerts, service
from tests.support.site import reg_code, write_small_site
from tests.support.wait import until

__all__ = ["service"]  # a fixture


def answer(stranger: Stranger, lift: int) -> Any:
    """Send an alarm of this lift and return the answer."""
    stranger.acks.clear()
    stranger.run("alarm", LIFT=reg_code(lift))
    until(lambda: stranger.acks, what="the answer")
    return [one["reason"] for one in stranger.acks[-1]["refused"]]


def test_a_lift_that_joins_is_watched_from_then_on(service: Any, tmp_path: Path) -> None:
    running, broker = service
    stranger = Stranger(broker, reg_code(0), "gw-0")
    try:
        assert answer(stranger, 12) == ["unknown_lift"]
        lifts = tmp_path / "site" / "lifts.csv"
        told = lifts.read_text("utf-8").replace(reg_code(0), reg_code(12))  # 0 leaves, 12 joins
        lifts.write_text(told, "utf-8")
        os.kill(running.program.pid, signal.SIGHUP)
        until(lambda: "site.reloaded" in running.program.output, what="the reload")

        assert answer(stranger, 12) == []
        wanted = ("2", reg_code(12), "critical", "unacknowledged")
        until(lambda: wanted in alerts(running), what="the alert of the lift that joined")
        assert answer(stranger, 0) == ["unknown_lift"]

        lifts.write_text(told.replace("1.75", "175"), "utf-8")
        os.kill(running.program.pid, signal.SIGHUP)
        until(lambda: "site.refused" in running.program.output, what="the refusal")
        assert re.search("rated_speed.*175", running.program.output)
        assert answer(stranger, 12) == []
    finally:
        stranger.close()


def test_a_changed_directory_is_taken_up(service: Any, tmp_path: Path) -> None:
    running, broker = service
    stranger = Stranger(broker, reg_code(0), "gw-0")
    try:
        book = tmp_path / "site" / "directory.toml"
        text = book.read_text("utf-8")
        book.write_text(text.replace('unit = "op-1"', 'unit = "op-9"'), "utf-8")
        os.kill(running.program.pid, signal.SIGHUP)
        until(lambda: "site.refused" in running.program.output, what="the refusal")

        more = '[[contact]]\nid = "c-new"\nunit = "op-1"\nname = "新值班员"\nmqtt = true\n'
        duty = '[[duty]]\nunit = "op-1"\ncontacts = ["c-new"]\n'
        book.write_text(text + more + duty, "utf-8")
        os.kill(running.program.pid, signal.SIGHUP)
        until(lambda: "site.reloaded" in running.program.output, what="the reload")
        assert answer(stranger, 0) == []
        until(lambda: "c-new" in told(running), what="a page to the one on duty now")
        assert "c-op-1" not in told(running)
    finally:
        stranger.close()


def told(running: Any) -> set[str]:
    with closing(sqlite3.connect(running.database)) as db:
        return {row[0] for row in db.execute("SELECT contact FROM outbox")}


def test_rows_never_move(tmp_path: Path) -> None:
    site = write_small_site(tmp_path, lifts=3, gateways=1)
    registry = load_registry(site)
    other = load_registry(site, [reg_code(2), reg_code(1), reg_code(0)])
    with pytest.raises(ValueError, match="would move"):
        registry.take_up(other)
    write_small_site(tmp_path, lifts=5, gateways=2)
    registry.take_up(load_registry(site, [reg_code(i) for i in range(3)]))
    assert [lift.reg_code for lift in registry.lifts] == [reg_code(i) for i in range(5)]
    assert [gateway.id for gateway in registry.gateways] == ["gw-0", "gw-1"]
    assert registry.lift_gateway.tolist() == [0, 1, 0, 1, 0]


def test_changed_rules_are_taken_up(service: Any, tmp_path: Path) -> None:
    running, broker = service
    stranger = Stranger(broker, reg_code(0), "gw-0")
    own = tmp_path / "site" / "rules.toml"
    text = DEFAULT_RULES.read_text("utf-8")
    at = text.index('id = "2"')
    changed = text[:at] + text[at:].replace('severity = "critical"', 'severity = "major"', 1)
    try:
        own.write_text(text[:at] + text[at:].replace("hold_s =", "hold_sec =", 1), "utf-8")
        os.kill(running.program.pid, signal.SIGHUP)
        until(lambda: "site.refused" in running.program.output, what="the refusal")

        own.write_text(changed, "utf-8")
        os.kill(running.program.pid, signal.SIGHUP)
        until(lambda: "rules.reloaded" in running.program.output, what="the reload")
        assert answer(stranger, 0) == []
        wanted = ("2", reg_code(0), "major", "unacknowledged")
        until(lambda: wanted in alerts(running), what="the alert by the rule as it is now")
    finally:
        stranger.close()

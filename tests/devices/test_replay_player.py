"""Playing to a real broker, with a small honest service at the other end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.errors import ConfigError
from devices.codecs.limits import Limits
from devices.replay import ReplayResult, replay, replay_with_bar
from tests.devices.responder import Responder
from tests.devices.wire import NOW, code
from tests.support.brokers import TestBroker
from tests.support.wait import until

MAP = """
[time]
rate_hz = 10
[[channel]]
column = "v"
channel = "speed"
[[waveform]]
axes = { x = "v" }
unit = "m/s2"
rate_hz = 50
burst_s = 5
"""


@pytest.fixture
def service(mosquitto: TestBroker) -> Iterator[Responder]:
    one = Responder(mosquitto)
    yield one
    one.close()


class Wall:
    """A clock that only a sleep moves."""

    def __init__(self) -> None:
        self.now = NOW / 1000

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def play(folder: Path, broker: TestBroker, wall: Wall, count: int, **options: Any) -> ReplayResult:
    (folder / "r.csv").write_text("v\n" + "".join(f"{i / 10}\n" for i in range(count)), "utf-8")
    (folder / "m.toml").write_text(MAP, "utf-8")
    where = (folder / "r.csv", code(1), "gw-01", folder / "m.toml", broker.url)
    return replay(*where, clock=wall, sleep=wall.sleep, **options)


def arrived(service: Responder) -> tuple[list[int], list[float]]:
    """Times and speeds of every sample that came, in the order of time."""
    (messages,) = service.kept.values()
    samples = []
    for body in messages.values():
        if "columns" in body:
            ts, n = body["ts"], len(body["lifts"])
            samples += zip(
                ts if isinstance(ts, list) else [ts] * n, body["columns"]["speed"], strict=True
            )
    return [ts for ts, _ in sorted(samples)], [speed for _, speed in sorted(samples)]


def test_in_its_own_time(mosquitto: TestBroker, service: Responder, tmp_path: Path) -> None:
    wall = Wall()
    shown: list[tuple[int, int]] = []
    result = play(tmp_path, mosquitto, wall, 100, progress=lambda *step: shown.append(step))
    times, speeds = arrived(service)
    assert times == [NOW + 100 * i for i in range(100)]
    assert speeds == pytest.approx([i / 10 for i in range(100)])
    assert (result.samples, result.bursts, result.durable) == (100, 2, True)
    assert (result.first_ms, result.last_ms) == (NOW, NOW + 9900)
    assert wall.now == pytest.approx(NOW / 1000 + 9.9, abs=0.2)
    assert shown[-1] == (102, 102) and shown == sorted(shown)
    bursts = [body for body in next(iter(service.kept.values())).values() if "rate_hz" in body]
    assert [body["ts"] for body in bursts] == [NOW, NOW + 5000]


def test_ten_times_as_fast_every_sample_is_live(
    mosquitto: TestBroker, service: Responder, tmp_path: Path
) -> None:
    wall = Wall()
    result = play(tmp_path, mosquitto, wall, 3000, speed=10.0)
    times, _ = arrived(service)
    assert times == [NOW + 10 * i for i in range(3000)]
    assert wall.now == pytest.approx(NOW / 1000 + 30.0, abs=0.2)
    assert result.last_ms <= wall.now * 1000 + Limits().ahead_ms


def test_as_fast_as_possible_ends_now(
    mosquitto: TestBroker, service: Responder, tmp_path: Path
) -> None:
    wall = Wall()
    result = play(tmp_path, mosquitto, wall, 2500, speed=0)
    times, speeds = arrived(service)
    assert times == [NOW - 249_900 + 100 * i for i in range(2500)]
    assert wall.now == NOW / 1000  # nothing waited
    assert speeds[-1] == pytest.approx(249.9)  # out of range: left for the service to refuse
    assert result.seconds == 0.0


def test_from_a_given_time(mosquitto: TestBroker, service: Responder, tmp_path: Path) -> None:
    play(tmp_path, mosquitto, Wall(), 30, speed=0, start_ms=NOW - 86_400_000)
    assert arrived(service)[0][0] == NOW - 86_400_000


def test_refusals_are_counted_and_the_real_gateway_is_left_alone(
    mosquitto: TestBroker, service: Responder, tmp_path: Path
) -> None:
    service.refuse = {1}
    result = play(tmp_path, mosquitto, Wall(), 10, speed=0)
    assert result.refused == {("out_of_range", "speed"): 1}
    assert result.examples[0].limit == "-20..20 m/s"
    assert result.as_json()["refused"][0]["count"] == 1
    assert service.statuses == []


def test_without_a_service_nothing_is_called_durable(mosquitto: TestBroker, tmp_path: Path) -> None:
    result = play(tmp_path, mosquitto, Wall(), 10, speed=0, flush_s=0.3)
    assert (result.durable, result.samples) == (False, 10)


def test_a_kept_store_goes_on(mosquitto: TestBroker, tmp_path: Path) -> None:
    store = tmp_path / "kept.db"
    assert not play(tmp_path, mosquitto, Wall(), 10, speed=0, flush_s=0.2, store=store).durable
    service = Responder(mosquitto)
    assert play(tmp_path, mosquitto, Wall(), 10, speed=0, store=store).durable
    until(lambda: len(service.kept) == 2)
    service.close()


@pytest.mark.parametrize("speed", [-1.0, float("nan"), float("inf")])
def test_a_wrong_speed_is_named(mosquitto: TestBroker, tmp_path: Path, speed: float) -> None:
    with pytest.raises(ConfigError, match="speed"):
        play(tmp_path, mosquitto, Wall(), 10, speed=speed)


def test_the_bar_goes_to_standard_error(
    mosquitto: TestBroker,
    service: Responder,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "m.toml").write_text(MAP, "utf-8")
    (tmp_path / "r.csv").write_text("v\n1\n2\n", "utf-8")
    where = (tmp_path / "r.csv", code(1), "gw-01", tmp_path / "m.toml", mosquitto.url)
    assert replay_with_bar(*where, speed=0.0).durable
    out, err = capsys.readouterr()
    assert out == "" and "r.csv" in err and "2/2" in err

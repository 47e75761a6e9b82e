"""Playing a recording to a broker, as a gateway does, at any speed."""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from config.errors import ConfigError
from config.text import Text
from devices.batch import Refusal
from devices.gateway import Gateway
from devices.replay.mapping import ReplayMap, load_map
from devices.replay.recording import Burst, Recording, read_recording
from devices.vocabulary import load_vocabulary

Progress = Callable[[int, int], None]  # events played, of how many

SPEED = Text(
    "速度 S>0：时间按 S 倍压缩，样本在其时间戳的当刻发出，始终是实时数据，会触发告警；"
    "规则中的“保持 30 秒”因此相当于录制中的 30×S 秒。"
    "速度 0：尽快发送，保留原有间隔，末样本为当前时间；超过 120 秒的样本只进历史，不响铃。"
    "给出起始时间时，时间戳从该时间算起。",
    "speed S>0: time is squeezed S-fold and every sample is sent at the moment of its own "
    "timestamp, so it is always live and can raise alerts; a rule's hold of 30 s then spans "
    "30×S s of the recording. speed 0: as fast as the link takes it, original spacing, the last "
    "sample is now; what is older than 120 s enters history and rings no bell. With a start "
    "time, timestamps count from there.",
)
_SLICE_MS = 1000.0  # of wall time that travels in one message
_SLICE_ROWS = 500


@dataclass(slots=True)
class ReplayResult:
    """What was played. `refused` counts (reason, field) as the service named them; it names at
    most some of each message, so the counts are lower bounds. `durable`: everything played is
    safe with the service. without_time and strays: see Recording."""

    samples: int = 0
    bursts: int = 0
    messages: int = 0
    durable: bool = False
    first_ms: int = 0
    last_ms: int = 0
    seconds: float = 0.0
    without_time: int = 0
    strays: dict[str, int] = field(default_factory=dict)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: list[Refusal] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the result for one JSON line."""
        refused = [
            {"reason": reason, "field": name, "count": count}
            for (reason, name), count in self.refused.most_common()
        ]
        return {
            "samples": self.samples,
            "bursts": self.bursts,
            "messages": self.messages,
            "durable": self.durable,
            "first_ms": self.first_ms,
            "last_ms": self.last_ms,
            "seconds": round(self.seconds, 3),
            "without_time": self.without_time,
            "strays": self.strays,
            "refused": refused,
        }


@dataclass(frozen=True, slots=True)
class _Send:
    """One message: samples [low, high) or a burst, due `at_ms` after the start."""

    at_ms: float
    low: int = 0
    high: int = 0
    burst: Burst | None = None


def replay(
    file: Path,
    lift: str,
    gateway: str,
    mapping: ReplayMap | str | Path,
    url: str,
    *,
    speed: float = 1.0,
    start_ms: int | None = None,
    progress: Progress | None = None,
    store: Path | None = None,
    flush_s: float = 120.0,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    **sign_in: Any,
) -> ReplayResult:
    """Publish a recording as samples of `lift`, sent by `gateway` (see SPEED for the times).

    mapping: a map, its file, or the name of one of ours. store: keep the gateway's store there
    instead of in a folder that goes away. sign_in: username, password, ca_file, cert_file,
    key_file. It sends beside the real gateway and leaves that one's status alone. Values out of
    range are sent as they are, for the service to refuse and name.

    Raises ConfigError for file, map or speed, GatewayError for the url.
    """
    if speed < 0 or not np.isfinite(speed):
        raise ConfigError("replay", "speed", speed, SPEED)
    rules = mapping if isinstance(mapping, ReplayMap) else load_map(mapping, load_vocabulary())
    recording = read_recording(file, rules)
    result = ReplayResult(without_time=recording.without_time, strays=recording.strays)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="liftwatch-replay-"))
        sender = stack.enter_context(
            Gateway(
                gateway,
                store=store or Path(folder) / "replay.db",
                url=url,
                announce=False,
                client_id=f"replay-{gateway}-{os.getpid()}",
                when_full="wait",
                on_refused=lambda _boot, _seq, why: _note(result, why),
                clock=clock,
                **sign_in,
            )
        )
        begun = clock()
        if start_ms is None:
            back_s = recording.duration_s if speed == 0 else 0.0
            start_ms = round((begun - back_s) * 1000)
        player = _Player(recording, lift, sender, speed, start_ms, result)
        player.play(begun, clock, sleep, progress)
        result.durable = sender.flush(flush_s)
        result.seconds = clock() - begun
        result.messages = sender.counters.published - sender.counters.resent
    return result


def _note(result: ReplayResult, why: Refusal) -> None:
    key = (why.reason, (why.field or "").rpartition(".")[2])
    if key not in result.refused:
        result.examples.append(why)
    result.refused[key] += 1


class _Player:
    """Walks through a recording in the order of its time."""

    def __init__(
        self,
        recording: Recording,
        lift: str,
        sender: Gateway,
        speed: float,
        start_ms: int,
        result: ReplayResult,
    ) -> None:
        self._recording, self._lift, self._sender = recording, lift, sender
        self._squeeze, self._paced = (speed, True) if speed > 0 else (1.0, False)
        self._start_ms, self._result = start_ms, result

    def play(
        self,
        begun: float,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        progress: Progress | None,
    ) -> None:
        """Send everything, each when it is due; progress counts samples and bursts."""
        total = len(self._recording) + len(self._recording.bursts)
        for send in sorted(self._sends(), key=lambda one: one.at_ms):
            if self._paced:
                wait_s = begun + send.at_ms / 1000.0 - clock()
                if wait_s > 0:
                    sleep(wait_s)
            if send.burst is None:
                self._send_samples(send.low, send.high)
            else:
                self._send_burst(send.burst)
            if progress is not None:
                progress(self._result.samples + self._result.bursts, total)

    def _sends(self) -> Iterator[_Send]:
        """Cut the samples in slices of a second of wall time, due with their last sample."""
        at_ms = self._recording.offset_ms / self._squeeze
        if len(at_ms):
            ends = np.floor(at_ms / _SLICE_MS) if self._paced else np.zeros(len(at_ms))
            cuts = np.flatnonzero(np.diff(ends, prepend=-1.0)).tolist()
            for low, stop in zip(cuts, [*cuts[1:], len(at_ms)], strict=True):
                for begin in range(low, stop, _SLICE_ROWS):
                    high = min(begin + _SLICE_ROWS, stop)
                    yield _Send(float(at_ms[high - 1]), begin, high)
        for burst in self._recording.bursts:
            # a burst is known when it is over
            length_ms = 1000.0 * len(next(iter(burst.axes.values()))) / burst.rule.rate_hz
            yield _Send((burst.offset_ms + length_ms) / self._squeeze, burst=burst)

    def _ts(self, offset_ms: float) -> int:
        ts_ms = self._start_ms + round(offset_ms / self._squeeze)
        self._result.first_ms = min(self._result.first_ms or ts_ms, ts_ms)
        self._result.last_ms = max(self._result.last_ms, ts_ms)
        return ts_ms

    def _send_samples(self, low: int, high: int) -> None:
        values = self._recording.values
        samples = []
        for i in range(low, high):
            said = {name: float(column[i]) for name, column in values.items()}
            kept = {name: value for name, value in said.items() if value == value}  # noqa: PLR0124
            samples.append((self._ts(float(self._recording.offset_ms[i])), kept))
        self._sender.publish_rows(self._lift, samples)
        self._result.samples += len(samples)

    def _send_burst(self, burst: Burst) -> None:
        rule = burst.rule
        ts_ms = self._ts(burst.offset_ms)
        self._sender.publish_waveform(self._lift, ts_ms, rule.rate_hz, rule.unit, burst.axes)
        self._result.bursts += 1

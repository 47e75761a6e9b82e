"""The gateway SDK for asyncio: the same core, its waiting done off the loop.

async with AsyncGateway("gw-01", store=Path("gw-01.db"), url="mqtt://broker:1883") as gateway:
    await gateway.publish_columns(ts_ms, ["3110…"], {"speed": [0.0]})
    async for refusal in gateway.refusals(): …
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from numpy.typing import NDArray

from devices.batch import Refusal
from devices.gateway.rows import Column, Value
from devices.gateway.sync import Gateway, State

P = ParamSpec("P")
T = TypeVar("T")
_REFUSALS_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Refused:
    """One refusal: of which message (None where the service could not read that), and why."""

    boot: int | None
    seq: int | None
    why: Refusal


class AsyncGateway:
    """`Gateway` with methods to await. What is published is written in the order of the calls.

    `sync` is the gateway below: `connected`, `pending`, `clock` and the other properties.
    """

    def __init__(self, name: str, *, store: Path, url: str, **options: Any) -> None:
        """Take the arguments of `Gateway`; its store is opened when this is entered."""
        self._open = lambda: Gateway(name, store=store, url=url, **options)
        self._tell = options.get("on_refused")
        options["on_refused"] = self._refused
        self._refusals: asyncio.Queue[Refused] = asyncio.Queue(_REFUSALS_KEPT)
        # one thread: order is kept, and the disk is waited for by nobody else
        self._writer = ThreadPoolExecutor(1, thread_name_prefix=f"gateway-{name}")
        self.sync: Gateway

    async def __aenter__(self) -> AsyncGateway:
        self._loop = asyncio.get_running_loop()
        self.sync = await self._do(self._open)
        self.sync.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.shield(self._do(self.sync.close))
        self._writer.shutdown(wait=False)

    async def _do(self, call: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        return await self._loop.run_in_executor(self._writer, lambda: call(*args, **more))

    async def publish_columns(
        self,
        ts_ms: int | Sequence[int] | NDArray[Any],
        lifts: Sequence[str],
        columns: Mapping[str, Column],
    ) -> None:
        """See Gateway.publish_columns. It is on disk when this returns."""
        await self._do(self.sync.publish_columns, ts_ms, lifts, columns)

    async def publish_rows(
        self, lift: str, samples: Sequence[tuple[int, Mapping[str, Value]]]
    ) -> None:
        """See Gateway.publish_rows."""
        await self._do(self.sync.publish_rows, lift, samples)

    async def publish_message(
        self, lift: str, ts_ms: int, code: int, state: State = "once"
    ) -> None:
        """See Gateway.publish_message."""
        await self._do(self.sync.publish_message, lift, ts_ms, code, state)

    async def publish_waveform(
        self,
        lift: str,
        ts_ms: int,
        rate_hz: float,
        unit: str,
        axes: Mapping[str, Sequence[float] | NDArray[Any]],
    ) -> None:
        """See Gateway.publish_waveform."""
        await self._do(self.sync.publish_waveform, lift, ts_ms, rate_hz, unit, axes)

    async def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until everything held is durable; False if `timeout_s` passed before."""
        # in a thread of its own: what is published meanwhile must not wait for it
        return await asyncio.to_thread(self.sync.flush, timeout_s)

    async def refusals(self) -> AsyncIterator[Refused]:
        """Yield what the service refuses from now on, for ever. The newest 1000 are kept."""
        while True:
            yield await self._refusals.get()

    def _refused(self, boot: int | None, seq: int | None, why: Refusal) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._note, Refused(boot, seq, why))

    def _note(self, refused: Refused) -> None:
        if self._refusals.full():
            self._refusals.get_nowait()
        self._refusals.put_nowait(refused)
        if self._tell is not None:
            self._tell(refused.boot, refused.seq, refused.why)

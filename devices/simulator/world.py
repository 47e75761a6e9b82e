"""The world: lifts, traffic, faults and sensors, advanced in fixed steps of simulated time.

The same registry, seed and start give the same samples to the last bit, in however many pieces
time is advanced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from config.text import Text
from devices.batch import MessageRows, TelemetryBatch
from devices.registry import Registry
from devices.simulator.cars import RUN, Cars
from devices.simulator.doors import Doors
from devices.simulator.drive import Drive
from devices.simulator.errors import SimulatorError
from devices.simulator.faults import CATALOGUE, Fault
from devices.simulator.labels import Label
from devices.simulator.sensors import Sensors
from devices.simulator.stage import Ask, Car, Script, Stage
from devices.simulator.traffic import Traffic, load_patterns
from devices.simulator.vendors import load_vendors
from devices.vocabulary import Vocabulary

STEP_MS: Final = 250
_STEPS_A_SECOND: Final = 1000 // STEP_MS


@dataclass(slots=True)
class Job:
    """One fault under way on one lift."""

    fault: Fault
    row: int
    car: Car
    script: Script
    done: bool = False


class World:
    """N simulated lifts. Time is simulated: it moves only in `advance`."""

    def __init__(self, registry: Registry, vocab: Vocabulary, seed: int, start_ms: int) -> None:
        """Place all cars at landings. `start_ms` is rounded down to a step of 250 ms."""
        patterns = load_patterns()
        build, traffic, noise, self._pick = (
            np.random.Generator(np.random.SFC64(s)) for s in np.random.SeedSequence(seed).spawn(4)
        )
        self.registry, self.vocab = registry, vocab
        self.cars = Cars(registry, load_vendors(), patterns, build)
        self.traffic = Traffic(self.cars, patterns, traffic)
        self.drive = Drive(self.cars, build)
        self.doors = Doors(self.cars, self.traffic, traffic)
        self.sensors = Sensors(self.cars, vocab, noise)
        self.now_ms = start_ms // STEP_MS * STEP_MS
        self.steps = 0
        self.jobs: dict[int, Job] = {}
        reg_codes = [lift.reg_code if lift else "" for lift in registry.slots]
        column = {channel.name: channel.index for channel in vocab.channels}
        self.stage = Stage(
            self.cars, self.drive, STEP_MS / 1000, reg_codes, column, self.sensors.stuck,
            self.now_ms,
        )  # fmt: skip
        period = self.cars.period_ms
        self._next_ms = self.now_ms + 1 + (self.cars.phase_ms - self.now_ms - 1) % period
        self._parts: list[tuple[NDArray[np.intp], int, NDArray[np.float32]]] = []

    @property
    def labels(self) -> list[Label]:
        """What has happened so far, in order of beginning."""
        return self.stage.labels

    def advance(self, to_ms: int) -> int:
        """Let simulated time pass up to `to_ms`; return the number of steps made.

        Samples that fall due on the way wait in `drain()`.
        """
        made = 0
        while self.now_ms + STEP_MS <= to_ms:
            self._step()
            made += 1
        return made

    def _step(self) -> None:
        self.now_ms += STEP_MS
        self.steps += 1
        self.stage.now_ms = self.now_ms
        dt, cars = self.stage.dt, self.cars
        if self.steps % _STEPS_A_SECOND == 0:
            self.traffic.second(self.now_ms)
            self._slowly(1.0)
        self.drive.step(dt, cars.permitted)
        self.doors.step(dt)
        for job in list(self.jobs.values()):
            if next(job.script, _OVER) is _OVER:
                job.done = True
                del self.jobs[job.row]
        due = np.flatnonzero(self._next_ms <= self.now_ms)
        if len(due):
            self._next_ms[due] += cars.period_ms[due]
            due = due[~cars.offline[due]]
            if len(due):
                self._parts.append((due, self.now_ms, self.sensors.read(due, self.now_ms)))

    def _slowly(self, dt: float) -> None:
        """What changes over minutes: warmth of motors, charge of batteries."""
        cars = self.cars
        warm = 8.0 + 42.0 * (cars.phase == RUN) + cars.extra_heat
        cars.motor_rise += (warm - cars.motor_rise) * (dt / 900.0)
        # a full battery lasts about an hour and is full again after four
        cars.battery += np.where(cars.no_power, -100.0 / 3600, 100.0 / 14400) * dt
        np.clip(cars.battery, 0.0, 100.0, out=cars.battery)

    def drain(self) -> TelemetryBatch:
        """Return samples and messages since the last call, in order of time.

        values float32[n, C] with NaN for what the lift's device does not report; late is False.
        """
        parts, self._parts = self._parts, []
        messages, self.stage.messages = self.stage.messages, []
        batch = TelemetryBatch.empty(len(self.vocab))
        if parts:
            batch.lift = np.concatenate([rows for rows, _, _ in parts]).astype(np.int32)
            batch.ts_ms = np.repeat(
                np.array([ts for _, ts, _ in parts], np.int64), [len(r) for r, _, _ in parts]
            )
            batch.values = np.concatenate([values for _, _, values in parts])
            batch.late = np.zeros(len(batch.lift), np.bool_)
        if messages:
            row, ts, code, state = zip(*messages, strict=True)
            batch.messages = MessageRows(
                np.array(row, np.int32), np.array(ts, np.int64), np.array(code, np.int32),
                np.array(state, np.int8), np.zeros(len(messages), np.bool_),
            )  # fmt: skip
        return batch

    def inject(
        self, name: str, row: int, *, at_ms: int | None = None, people: int | None = None,
        for_s: float | None = None, options: Mapping[str, Any] | None = None,
    ) -> list[Job]:  # fmt: skip
        """Let a fault of the catalogue happen to a lift, its feeder or its gateway.

        It is prepared at once (people board, the car gets under way) and strikes at `at_ms` or as
        soon as the ride allows. Raises SimulatorError for an unknown name, a lift that is busy
        with another fault, or a lift on which it cannot happen.
        """
        fault = CATALOGUE.get(name)
        if fault is None:
            known = ", ".join(sorted(CATALOGUE))
            raise SimulatorError("do", name, Text(f"应为 {known}", f"must be one of {known}"))
        why = self.why_not(fault, row)
        if why is not None:
            raise SimulatorError(f"lift row {row}, {name}", self._name(row), why)
        ask = Ask(
            self.now_ms if at_ms is None else at_ms,
            fault.people if people is None else people,
            fault.for_s if for_s is None else for_s,
            dict(options or {}),
        )
        if fault.scope == "feeder":
            return self._over_feeder(fault, row, ask)
        if fault.scope == "gateway":
            owner = int(self.registry.lift_gateway[row])
            rows = np.flatnonzero(self.registry.lift_gateway == owner)
            gateway = {"gateway": self.registry.gateways[owner].id, "rows": rows}
            ask = replace(ask, options={**ask.options, **gateway})
        return [self._start(fault, row, ask)]

    def _over_feeder(self, fault: Fault, row: int, ask: Ask) -> list[Job]:
        jobs = [self._start(fault, row, replace(ask, options={**ask.options, "first": True}))]
        for other in np.flatnonzero(self.cars.feeder == self.cars.feeder[row]):
            if int(other) not in self.jobs and not self.cars.reserved[other]:
                jobs.append(self._start(fault, int(other), ask))
        return jobs

    def _start(self, fault: Fault, row: int, ask: Ask) -> Job:
        car = Car(self.stage, row, fault.name, fault.rule, fault.near)
        car.also, car.visible = fault.also, self.shows(fault, row)
        job = Job(fault, row, car, fault.play(car, ask))
        self.jobs[row] = job
        return job

    def why_not(self, fault: Fault, row: int) -> Text | None:
        """Tell why a fault cannot happen to a lift now; None if it can."""
        cars = self.cars
        if not 0 <= row < cars.n or cars.reserved[row]:
            return Text("没有这台电梯", "there is no such lift")
        if row in self.jobs:
            busy = self.jobs[row].fault.text
            return Text(f"该梯正在发生：{busy.zh}", f"the lift is busy with: {busy.en}")
        if cars.rated[row] < fault.fastest:
            limit = f"rated_speed ≥ {fault.fastest:g} m/s"
            return Text(f"需要 {limit} 的电梯", f"needs a lift with {limit}")
        travel = cars.top[row] * cars.storey[row]
        ramps = 2 * cars.rated[row] ** 2 / cars.acc[row]
        need = cars.rated[row] * fault.ride_s + (ramps if fault.ride_s > 10 else 0.0)
        if fault.ride_s and travel < need:
            limit = f"{need:.0f} m"
            return Text(
                f"需要提升高度至少 {limit} 的电梯", f"needs a lift with a travel of ≥ {limit}"
            )
        return None

    def shows(self, fault: Fault, row: int) -> bool:
        """Tell whether the sensors of a lift can show this fault at all."""
        vendor = self.cars.vendors[row]

        def has(need: str) -> bool:
            if need.startswith("code "):
                return vendor.car_alarms if int(need[5:]) in (91, 92, 93) else vendor.messages
            return need not in vendor.lacks

        if self.cars.period_ms[row] > fault.slowest_s * 1000:
            return False
        return all(any(has(need) for need in group) for group in fault.needs)

    def candidates(self, name: str, riding: bool = False) -> NDArray[np.intp]:
        """Return the rows on which a fault can happen and be seen, int[k], ascending."""
        fault = CATALOGUE[name]
        rows = np.flatnonzero(~self.cars.reserved & ~self.cars.offline)
        if riding:
            cars = self.cars
            rows = rows[(cars.phase[rows] == RUN) & (cars.people[rows] > 0)]
        fit = [self.why_not(fault, int(r)) is None and self.shows(fault, int(r)) for r in rows]
        return rows[np.array(fit, np.bool_)] if len(rows) else rows

    def release(self, lift: str | int) -> bool:
        """Help has come to a lift (reg_code or row); False if nothing is wrong there."""
        row = self.registry.row_of.get(lift, -1) if isinstance(lift, str) else lift
        if row not in self.jobs:
            return False
        self.stage.freed.add(row)
        return True

    def _name(self, row: int) -> str:
        return self.stage.reg_codes[row] if 0 <= row < len(self.stage.reg_codes) else ""


_OVER: Final = object()

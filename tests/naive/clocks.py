"""The slow obvious twin of monitor.link.clocks: one lift at a time, window by window."""

from __future__ import annotations

from dataclasses import dataclass

WINDOW = 20_000
MINUTE = 60_000


@dataclass
class Window:
    begin: int
    least: int
    samples: int


class NaiveClock:
    """One lift's clock. `offset` is None while nobody knows."""

    def __init__(self) -> None:
        self.window: Window | None = None
        self.streak: list[Window] = []
        self.to = 0
        self.heard: int | None = None
        self.doubtful = False
        self.offset: int | None = None

    def of_now(self, age: int, front: bool, late: int) -> int | None:
        """What to add to a sample's time; None where it is not of now by a wrong clock."""
        if self.offset is None or abs(self.offset) < MINUTE or not front:
            return None
        return self.offset if age - self.offset <= late else None

    def disproved(self, age: int, front: bool) -> bool:
        if self.offset is None or not front or age >= self.offset - 2000:
            return False
        self.offset, self.window, self.streak = None, None, []
        return True

    def hear(self, age: int, at: int, witness: int | None = None) -> None:
        if self.window is not None and at >= self.window.begin + self.length(witness):
            self.end(self.window, witness)
            self.window = None
        if self.window is None:
            self.window = Window(at, age, 1)
        else:
            self.window.least = min(self.window.least, age)
            self.window.samples += 1
        before = self.streak[-1].least if self.streak else 0
        rose = age - before
        if age < MINUTE:
            self.doubtful = False
        elif self.heard is None or (rose > 10_000 and at - self.heard >= rose // 2):
            self.doubtful = True
        self.heard = at

    def length(self, witness: int | None) -> int:
        assert self.window is not None
        if witness is not None and abs(witness - self.window.least) <= 2000:
            return WINDOW
        return 120_000 if self.doubtful else WINDOW

    def end(self, window: Window, witness: int | None) -> None:
        if self.streak:
            first = self.streak[0]
            far = abs(window.least - first.least)
            if far <= 1000 + 500e-6 * (window.begin - first.begin):
                self.streak.append(window)
            else:
                self.streak = [window]
                if self.offset is not None and abs(window.least - self.offset) > 120_000:
                    self.offset = None
        else:
            self.streak = [window]
            if self.offset is not None and abs(window.least - self.offset) > 120_000:
                self.offset = None
        assert self.heard is not None
        same = witness is not None and abs(witness - window.least) <= 2000
        other = witness is not None and not same and abs(witness - window.least) >= MINUTE // 2
        if other and window.least >= MINUTE:
            self.doubtful = True
        proof = 0 if same else 900_000 if self.doubtful else 120_000
        count = sum(one.samples for one in self.streak)
        lasted = self.heard - self.streak[0].begin
        if lasted >= proof and count >= (3 if same else 6):
            self.offset = window.least

"""The detector's state on disk: folder/detector.npz."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from config.text import Text
from devices.arrays_file import StoredError, read_arrays, write_arrays
from monitor.detector.drift import SINCE
from monitor.detector.table import NEVER

if TYPE_CHECKING:
    from monitor.detector.detector import Detector

NAME = "detector.npz"
LAYOUT = "detector-1"
_BY_CODE = ("code_on", "code_once")


def _meaning(detector: Detector) -> dict[str, Any]:
    """What must be the same for the numbers to mean the same."""
    return {
        "layout": LAYOUT,
        "vocabulary": detector.vocab.version,
        "channels": list(detector.fleet.values.names),
        "marks": list(detector.marks.names),
        "times": list(detector.times.names),
        "own": {name: list(table.names) for name, table in detector.own.items()},
    }


def save(detector: Detector, folder: Path) -> None:
    """Write all tables and what their columns mean."""
    header = {
        **_meaning(detector),
        "lifts": detector.n,
        "codes": list(detector.codes.codes),
        "last_now_ms": detector.silence.last_now_ms,
    }
    arrays = {name: table.data for name, table in detector.tables.items()}
    write_arrays(folder / NAME, header, arrays)


def _as_now(name: str, data: NDArray[Any]) -> NDArray[Any]:
    """Drifts began in ms once, int64 with NEVER; now in seconds, 0 for none."""
    if name == SINCE and data.dtype == np.int64:
        return np.where(data == NEVER, 0, data // 1000)
    return data


def load(detector: Detector, folder: Path) -> None:
    """Take up the state; see Detector.load."""
    file = folder / NAME
    header, arrays = read_arrays(file, _meaning(detector))
    n = int(header["lifts"])
    if n > detector.n:
        way_out = Text(
            "登记表缺少已知电梯；请用保留行号的登记表启动",
            "the registry lacks lifts it had; start with a registry that keeps their rows",
        )
        raise StoredError(file, f"{n} lifts, this program has {detector.n}", way_out)
    before = {code: k for k, code in enumerate(header["codes"])}
    kept = [code for code in detector.codes.codes if code in before]
    source = [before[code] for code in kept]
    target = [detector.codes.codes.index(code) for code in kept]
    for name, table in detector.tables.items():
        if name in _BY_CODE:  # the rule file may name other codes now
            table.data[:n][:, target] = arrays[name][:, source]
        elif name in arrays:  # a table that is newer than the file begins empty
            table.load(_as_now(name, arrays[name]))
    detector.silence.last_now_ms = int(header["last_now_ms"])
    detector.codes.relist(detector.fleet.at_ms)
    detector.first_seen()

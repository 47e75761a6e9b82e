"""Sites of any size, and a load generator in a process of its own."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

from devices.registry import Gateway, Lift

REPO = Path(__file__).parent.parent


def write_site(folder: Path, lifts: int, gateways: int = 20) -> None:
    """Write a plain site of `lifts` lifts; gateway k owns every lift with number % gateways = k."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "gateways.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([f.name for f in fields(Gateway)])
        writer.writerows([f"gw-{k:02d}", "bench", "-"] for k in range(gateways))
    with (folder / "lifts.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([f.name for f in fields(Lift)])
        for i in range(lifts):
            units = ("so-1", "uu-1", "firm-1", f"gw-{i % gateways:02d}")
            # period an hour: a lift that is not in the load must not count as silent yet
            facts = ("residential", 1.75, 1000, 1, 30, f"f-{i // 50}", 3600, 29.5, 106.5)
            writer.writerow([reg_code(i), f"{i:06d}", f"lift {i}", "bench", *units, *facts])
    (folder / "directory.toml").write_text(
        "".join(
            f'[[unit]]\nid = "{ident}"\nkind = "{kind}"\nname_zh = "{ident}"\nname_en = "{ident}"\n'
            f'phone = "1"\n[[contact]]\nid = "c-{ident}"\nunit = "{ident}"\nname = "{ident}"\n'
            'phone = "1"\nmqtt = true\nlang = "en"\nchannels = ["mqtt"]\n'
            for ident, kind in (
                ("so-1", "street_office"),
                ("uu-1", "use_unit"),
                ("firm-1", "maintenance"),
                ("op-1", "operator"),
                ("bureau-1", "bureau"),
                ("station-1", "rescue_station"),
                ("public-1", "public_rescue"),
            )
        ),
        "utf-8",
    )


def reg_code(number: int) -> str:
    """Registration code of lift `number`."""
    return f"{number:020d}"


def say(text: str) -> None:
    """Progress, on standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def python(*args: str, env: dict[str, str] | None = None, **more: object) -> subprocess.Popen[str]:
    """Start a Python program of this tree."""
    return subprocess.Popen(
        [sys.executable, *args],
        cwd=REPO,
        env=os.environ | (env or {}),
        text=True,
        **more,  # type: ignore[call-overload]
    )


def rss_mb(pid: int) -> float:
    """Resident memory of a process, in MB."""
    text = Path(f"/proc/{pid}/status").read_text("utf-8")
    line = next(line for line in text.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def wait_until(cond: object, timeout_s: float, what: str) -> None:
    """Poll a condition; raises TimeoutError."""
    end = time.monotonic() + timeout_s
    while not cond():  # type: ignore[operator]
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.02)

"""A small site and a real service process around it, for tests of the whole way."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from tests.support.ports import free_port
from tests.support.process import Program, Spawn
from tests.support.wait import until

HEADER = (
    "reg_code,rescue_code,name,place,street_office,use_unit,maintenance,gateway,type,"
    "rated_speed,rated_load_kg,floor_lo,floor_hi,feeder,period_s,lat,lon\n"
)
KINDS = {
    "op-1": "operator",
    "so-1": "street_office",
    "uu-1": "use_unit",
    "firm-1": "maintenance",
    "firm-2": "maintenance",
    "station-1": "rescue_station",
    "public-1": "public_rescue",
    "bureau-1": "bureau",
}


def reg_code(number: int) -> str:
    return f"{number:020d}"


def write_small_site(
    folder: Path, lifts: int = 12, gateways: int = 3, webhook: str | None = None
) -> Path:
    """Lift i belongs to gateway gw-(i % gateways); every contact is paged by web hook or MQTT."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        f"{reg_code(i)},{i:06d},{i}号梯,梧桐苑{i}栋,so-1,uu-1,firm-{1 + i % 2},gw-{i % gateways},"
        f"residential,1.75,1000,-1,18,f-{i // 4},3600,29.5,106.5\n"
        for i in range(lifts)
    ]
    (folder / "lifts.csv").write_text(HEADER + "".join(rows), "utf-8")
    names = [f"gw-{i},acme,机房\n" for i in range(gateways)]
    (folder / "gateways.csv").write_text("id,vendor,place\n" + "".join(names), "utf-8")
    way = f'webhook = "{webhook}"\nchannels = ["webhook"]\n' if webhook else (
        'mqtt = true\nchannels = ["mqtt"]\n'
    )  # fmt: skip
    text = ""
    for unit, kind in KINDS.items():
        text += f'[[unit]]\nid = "{unit}"\nkind = "{kind}"\nname_zh = "单位{unit}"\n'
        text += f'name_en = "unit {unit}"\nphone = "023-1"\n'
        text += f'[[contact]]\nid = "c-{unit}"\nunit = "{unit}"\nname = "联系人 {unit}"\n'
        text += f'phone = "023-2"\nlang = "zh"\n{way}'
    (folder / "directory.toml").write_text(text, "utf-8")
    return folder


def write_small_config(folder: Path) -> Path:
    """A settings file over a small site beside it, for commands; data go to var/."""
    write_small_site(folder / "site")
    file = folder / "site.toml"
    file.write_text('data_dir = "var"\n[site]\nfolder = "site"\n', "utf-8")
    return file


class ServiceProcess:
    """`python -m monitor run --config …`, killable and restartable on the same state."""

    def __init__(
        self, spawn: Spawn, folder: Path, mqtt_url: str, env: Mapping[str, str] | None = None
    ) -> None:
        self.spawn, self.folder = spawn, folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = dict(env or {})
        self.config = folder / "liftwatch.toml"
        self.program: Program | None = None
        self.config.write_text(
            f'data_dir = "var"\n[site]\nfolder = "site"\n[web]\nport = {self.port}\n'
            f'[mqtt]\nurl = "{mqtt_url}"\n[ingest]\nsnapshot_s = 2\n',
            "utf-8",
        )

    @property
    def database(self) -> Path:
        return self.folder / "var" / "liftwatch.db"

    @property
    def history(self) -> Path:
        return self.folder / "var" / "history" / "history.duckdb"

    def start(self, wait_ready: bool = True) -> ServiceProcess:
        command = ("-m", "monitor", "run", "--config", str(self.config), "--log-level", "info")
        self.program = self.spawn(sys.executable, *command, env=self.env)
        if wait_ready:
            self.wait_ready()
        return self

    def wait_ready(self, timeout_s: float = 120) -> None:
        def up() -> bool:
            assert self.program is not None
            if not self.program.running:
                raise RuntimeError(self.program.output[-3000:])
            return self.get("/readyz")[0] == 200

        until(up, timeout_s, "the service to be ready")

    def get(self, path: str, auth: str | None = None) -> tuple[int, str]:
        request = urllib.request.Request(self.url + path)
        if auth:
            request.add_header("Authorization", auth)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def json(self, path: str, auth: str | None = None) -> object:
        return json.loads(self.get(path, auth)[1])

    @property
    def output(self) -> str:
        """Everything it has written so far."""
        assert self.program is not None
        return self.program.output

    def kill(self) -> None:
        assert self.program is not None
        self.program.kill()

    def stop(self) -> int:
        assert self.program is not None
        return self.program.stop(30)

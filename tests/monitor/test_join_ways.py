"""docs/join.md, the chapters after the first map: a mended file, credentials, the other formats.

Its own commands against a real broker and service, as a maker would type them.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import duckdb

from devices.codecs.mapping.load import FOLDER
from tests.monitor.test_join_doc import DOC, Maker, block, metric
from tests.support.brokers import TestBroker
from tests.support.process import Spawn
from tests.support.site import ServiceProcess, reg_code, write_small_site
from tests.support.wait import until

OTHERS = {"csv": 1, "gbt": 1, "thingsboard": 1, "sparkplug": 1}  # block → samples of it


def test_every_other_way_of_the_page_is_walked(
    mosquitto: TestBroker, tmp_path: Path, spawn: Spawn
) -> None:
    maker, service = _settle(tmp_path, mosquitto, spawn)
    try:
        until(lambda: metric(service, "broker_connected"), what="the service at the broker")
        until(lambda: "sparkplug.online" in service.output, what="the Sparkplug host")
        before = metric(service, "samples_total")
        for name, samples in OTHERS.items():
            maker.run("\n".join(map(block, ("names", "short", name))))
            before += samples
            until(lambda n=before: metric(service, "samples_total") == n, what=name)
        until(lambda: metric(service, 'messages_total{kind="message"}') == 1, what="code 43")
        assert not re.search(
            r"^liftwatch_refused_total\{.*\} [1-9]", service.get("/metrics")[1], re.M
        )
        _mend(maker, service)
        _credentials(maker, service, tmp_path)
    finally:
        service.stop()
    db = duckdb.connect(str(service.history), read_only=True)
    query = "SELECT speed, car_position FROM sample JOIN lift ON slot = lift WHERE reg_code = ?"
    found = set(db.execute(query, [reg_code(0)]).fetchall())
    assert found >= {(1.5, None), (None, 3), (1.25, None), (0.75, None)}


def _settle(folder: Path, broker: TestBroker, spawn: Spawn) -> tuple[Maker, ServiceProcess]:
    """Return a maker whose project folder has `var/site`, and a service with all switched on."""
    write_small_site(folder / "site")
    maker = Maker(folder / "project", broker)
    (maker.folder / "var").symlink_to(folder)
    python = maker.folder / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', "utf-8")
    python.chmod(0o755)
    maker.run(block("names") + block("message") + block("map"))
    maps = [str(maker.folder / "acme.toml"), str(FOLDER / "collector-csv.toml")]
    found = re.search(r"LIFTWATCH_INGEST__DIALECTS='(.*?)'", DOC)
    assert found
    env = {"LIFTWATCH_INGEST__MAPS": json.dumps(maps), "LIFTWATCH_INGEST__DIALECTS": found[1]}
    service = ServiceProcess(spawn, folder, broker.url, env).start()
    assert service.program is not None
    maker.env |= env | {
        "LIFTWATCH_DATA_DIR": str(folder / "var"),
        "LIFTWATCH_SITE__FOLDER": str(folder / "site"),
        "LIFTWATCH_MQTT__URL": broker.url,
        "CONSOLE": service.url,
        "SERVICE_PID": str(service.program.pid),
    }
    return maker, service


def _reload(maker: Maker, service: ServiceProcess, told: str) -> None:
    before = service.output.count(told)
    maker.run(block("reload"))
    until(lambda: service.output.count(told) > before, what=told)


def _mend(maker: Maker, service: ServiceProcess) -> None:
    """A value that the map lacks, the map mended, taken up by the command of chapter 4."""
    file = maker.folder / "acme.toml"
    text = file.read_text("utf-8")
    odd = 'sed -i.old "s/\\"dir\\": \\"U\\"/\\"dir\\": \\"X\\"/" message.json\n'
    maker.run(block("names") + odd + block("publish"))
    refused = 'refused_total{reason="unmapped_value"}'
    until(lambda: metric(service, refused) == 1, what="the value that is not mapped")
    file.write_text(text.replace('"-" = "none"', '"-" = "none", "X" = ""'), "utf-8")
    _reload(maker, service, "site.reloaded")
    before = metric(service, "samples_total")
    maker.run("sleep 1\n" + block("names") + block("publish"))  # another second: no repeat
    until(lambda: metric(service, "samples_total") == before + 1, what="the sample")
    assert metric(service, refused) == 1
    file.write_text(text.replace('"speed"', '"sped"'), "utf-8")
    _reload(maker, service, "site.refused")
    assert "acme.toml" in service.output and "sped" in service.output
    file.write_text(text, "utf-8")


def _credentials(maker: Maker, service: ServiceProcess, folder: Path) -> None:
    told = maker.run(block("names") + block("add"))
    for rule in (
        "lift/v1/acme-01/telemetry",
        "acme/acme-01/up",
        "tb/acme-01/v1/gateway/telemetry",
        "spBv1.0/+/NBIRTH/acme-01",
    ):
        assert f"topic write {rule}\n" in told
    assert ",acme-01,residential" in (folder / "site" / "lifts.csv").read_text("utf-8")
    _reload(maker, service, "site.reloaded")
    answer: dict[str, Any] = json.loads(maker.run(block("claim")))
    assert (answer["gateway"], answer["client_id"]) == ("acme-02", "gateway-acme-02")
    assert answer["password"] and "acme/acme-02/up" in answer["write"]
    assert "lift/v1/acme-02/ack" in answer["read"]

"""The whole service: a person is trapped here, and the city's platform knows."""

from __future__ import annotations

import base64
import time
from pathlib import Path

from alerts.database.access import open_engine
from devices.gateway import Gateway
from tests.support.accounts import add_account
from tests.support.brokers import TestBroker
from tests.support.process import Spawn
from tests.support.site import ServiceProcess, reg_code, write_small_site
from tests.support.wait import until
from tests.support.webhook import Webhook

UPSTREAM = """
[[tier]]
name = "city"
map = "chongqing"
status_s = 1
[tier.http]
url = "{url}/city/{{kind}}"
token = "city"
"""


def test_the_city_hears_of_it_and_the_desk_sees_the_proof(
    tmp_path: Path, spawn: Spawn, webhook: Webhook, mosquitto: TestBroker
) -> None:
    write_small_site(tmp_path / "site")
    (tmp_path / "site" / "upstream.toml").write_text(UPSTREAM.format(url=webhook.url), "utf-8")
    service = ServiceProcess(spawn, tmp_path, mosquitto.url, {"LIFTWATCH_KEY_CITY": "hush"})
    service.start()
    add_account(open_engine(f"sqlite:///{service.database}"), "ops", "a very long one", "operator")
    with Gateway("gw-0", store=tmp_path / "gw.db", url=mosquitto.url) as gateway:
        gateway.publish_columns(int(time.time() * 1000), [reg_code(0)], {"car_position": [7]})
        gateway.publish_message(reg_code(0), int(time.time() * 1000), 93, "on")

        def heard(kind: str) -> list[dict[str, object]]:
            mine = [one for one in webhook.accepted if one.path == f"/hook/city/{kind}"]
            return [row for one in mine for row in one.json]

        until(lambda: heard("message"), 30, "the alarm at the platform")
        until(lambda: heard("status"), 30, "the state at the platform")
    assert heard("message")[0]["Registration_Code"] == reg_code(0)
    assert webhook.accepted[0].headers["authorization"] == "Bearer hush"
    assert "hush" not in service.output
    auth = "Basic " + base64.b64encode(b"ops:a very long one").decode()
    (tier,) = service.json("/api/v1/upstream", auth)["items"]  # type: ignore[index]
    assert (tier["name"], tier["trouble"]) == ("city", None)
    sent = service.json("/api/v1/upstream/city/deliveries?stream=alarms", auth)
    (proof,) = sent["items"][0]["proofs"]  # type: ignore[index]
    assert "HTTP 200" in proof
    assert service.get("/api/v1/upstream/nobody/deliveries", auth)[0] == 404
    assert service.stop() == 0

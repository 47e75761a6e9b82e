"""A gateway claims its credential with a code: once, for a while, and not by guessing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi import FastAPI

from monitor.provisioning.claims import plain
from monitor.provisioning.hashes import mosquitto_fits
from tests.monitor.web.conftest import Enter
from tests.monitor.web.house import House
from tests.monitor.web.town import reg_code

NONCE, OTHER = "a" * 32, "b" * 32


async def code_of(client: Any, gateway: str = "gw-9", **more: Any) -> str:
    answer = await client.post(
        "/api/v1/registry/claims",
        json={"gateway": gateway, **more},
        headers={"X-CSRF-Token": client.csrf},
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["code"])


class Device(httpx.AsyncClient):
    """Somebody without an account."""

    def __init__(self, app: FastAPI, address: str = "127.0.0.1") -> None:
        transport = httpx.ASGITransport(app=app, client=(address, 40_000))
        super().__init__(transport=transport, base_url="http://test")

    async def claim(self, code: str, nonce: str = NONCE, **more: Any) -> httpx.Response:
        return await self.post("/api/v1/claim", json={"code": code, "nonce": nonce, **more})


def stored(house: House, username: str) -> str | None:
    file = house.settings.provisioned / "mosquitto.passwd"
    lines = dict(line.split(":", 1) for line in file.read_text("utf-8").splitlines())
    return lines.get(username)


async def test_a_code_gives_a_credential_and_registers_the_gateway(
    house: House, app: FastAPI, enter: Enter
) -> None:
    code = await code_of(
        enter("admin"), vendor="acme", place="机房", lifts=[reg_code(1), reg_code(2)]
    )
    listed = (await enter("operator").get("/api/v1/registry/claims")).json()["claims"]
    assert [one["gateway"] for one in listed] == ["gw-9"]
    assert code not in str(listed)
    async with Device(app) as device:
        answer = await device.claim(code.lower().replace("-", " "))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["gateway"], told["username"]) == ("gw-9", "gw-9")
    assert mosquitto_fits(told["password"], stored(house, "gw-9") or "")
    assert house.settings.mqtt.url == "embedded"  # which knows readable passwords only
    known = (house.settings.data_dir / "broker" / "gateways.toml").read_text("utf-8")
    assert f'"gw-9" = "{told["password"]}"' in known
    assert "lift/v1/gw-9/telemetry" in told["write"]
    assert told["read"] == ["lift/v1/gw-9/ack"]
    assert [g.vendor for g in house.registry.gateways if g.id == "gw-9"] == ["acme"]
    moved = [lift.reg_code for lift in house.registry.lifts if lift.gateway == "gw-9"]
    assert moved == [reg_code(1), reg_code(2)]
    with closing(sqlite3.connect(house.settings.data_dir / "liftwatch.db")) as db:
        every = "\n".join(str(row) for row in db.iterdump())
    for secret in (told["password"], code, plain(code)):
        assert secret not in every, "nothing that lets somebody in is kept"


async def test_a_code_is_good_once_and_its_own_device_may_ask_again(
    house: House, app: FastAPI, enter: Enter
) -> None:
    code = await code_of(enter("admin"))
    async with Device(app) as device:
        first = (await device.claim(code)).json()
        answer = await device.claim(code, OTHER)
        assert answer.status_code == 403
        assert answer.json()["text"]["zh"]
        again = (await device.claim(code)).json()
    assert (first["username"], again["username"]) == ("gw-9", "gw-9@2")
    assert stored(house, "gw-9") is None, "the answer that never came lets nobody in"
    assert mosquitto_fits(again["password"], stored(house, "gw-9@2") or "")


async def test_a_newer_code_and_the_clock_end_an_older_one(
    house: House, app: FastAPI, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = enter("admin")
    older = await code_of(admin)
    newer = await code_of(admin)
    later_ms = house.now_ms() + 61 * 60_000
    async with Device(app) as device:
        assert (await device.claim(older)).status_code == 403
        monkeypatch.setattr(house, "now_ms", lambda: later_ms)
        assert (await device.claim(newer)).status_code == 403


async def test_guessing_is_slowed_down(app: FastAPI, enter: Enter) -> None:
    code = await code_of(enter("admin"))
    async with Device(app) as device:
        for number in range(5):
            assert (await device.claim(f"AAAAA-AAAA{number}")).status_code == 403
        answer = await device.claim(code)
        assert answer.status_code == 429, "not even the right one now"
        assert int(answer.headers["Retry-After"]) > 100


async def test_it_is_not_said_in_the_open(app: FastAPI, enter: Enter) -> None:
    code = await code_of(enter("admin"))
    async with Device(app, "192.0.2.7") as device:
        answer = await device.claim(code)
    assert answer.status_code == 403
    assert "HTTPS" in answer.json()["text"]["en"]


async def test_only_an_administrator_makes_codes(enter: Enter) -> None:
    client = enter("operator")
    answer = await client.post(
        "/api/v1/registry/claims",
        json={"gateway": "gw-9"},
        headers={"X-CSRF-Token": client.csrf},
    )
    assert answer.status_code == 403


def request_of(key: Any) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gw-1")])  # not taken
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


async def test_a_device_may_keep_its_own_key(house: House, app: FastAPI, enter: Enter) -> None:
    house.issuer.authority.init("test", house.now_ms())
    admin, key = enter("admin"), ec.generate_private_key(ec.SECP256R1())
    async with Device(app) as device:
        bad = request_of(rsa.generate_private_key(65537, 2048))
        answer = await device.claim(await code_of(admin), auth="certificate", csr=bad)
        assert (answer.status_code, answer.json()["field"]) == (422, "csr")
        answer = await device.claim(await code_of(admin), auth="certificate", csr=request_of(key))
    told = answer.json()
    assert answer.status_code == 200, told
    assert told["key"] is None
    made = x509.load_pem_x509_certificate(told["certificate"].encode())
    assert made.public_key() == key.public_key()
    (common,) = made.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    assert common.value == "gw-9", "the code says who it is, not the device"
    made.verify_directly_issued_by(x509.load_pem_x509_certificate(told["ca"].encode()))
    admin_view = (await admin.get("/api/v1/registry/credentials")).json()["credentials"]
    assert [(one["state"], one["kind"]) for one in admin_view] == [("good", "certificate")]

"""A gateway claims its credential with a one-time code; no account needed, and no second try free.

Only over HTTPS, or from this machine itself: what is answered must not be overheard.
"""

from __future__ import annotations

import time
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from alerts.model import Role
from config.errors import ConfigError
from config.text import Text
from monitor.web import problems
from monitor.web.api import examples
from monitor.web.api import examples_desk as told
from monitor.web.problems import Problem
from monitor.web.visitor import AdminVisitor, DeskVisitor, address_of, web_of

router = APIRouter(tags=["registry"])
NAME = "\0claim"  # no account can be called so: the throttle counts claims apart
LOOPBACK = ("127.0.0.1", "::1")


class ClaimBody(BaseModel):
    """The code a person read out, and a random text the device made for this claim: with the same
    one it may ask again if the answer was lost. `csr`: its own key's request, for a certificate."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(max_length=40, examples=["7KQ2M-XA09T"])
    nonce: str = Field(min_length=16, max_length=128, examples=["b1946ac92492d2347c6235b4d2611184"])
    auth: Literal["password", "certificate"] = "password"
    csr: str | None = Field(None, max_length=8192)


class CodeBody(BaseModel):
    """For which gateway; with which lifts it is to be registered once it claims."""

    model_config = ConfigDict(extra="forbid")

    gateway: str = Field(max_length=64, examples=["gw-09"])
    vendor: str = Field("", max_length=128)
    place: str = Field("", max_length=200)
    lifts: list[str] = Field([], max_length=2000)
    minutes: float | None = Field(None, ge=1, le=10_080)


@router.post("/claim", responses=examples.answer(examples.CLAIMED))
def claim(request: Request, body: ClaimBody) -> dict[str, Any]:
    """Exchange a code for a credential. Answered once; a wrong code counts against the address."""
    web = web_of(request)
    address, now_s = address_of(request), time.monotonic()
    if address not in LOOPBACK and not web.port.settings.public_url.startswith("https://"):
        text = Text("认领只能经 HTTPS", "claims need HTTPS")
        raise Problem(403, "https_only", text, field="web.public_url")
    wait_s = web.throttle.wait_s(NAME, address, now_s)
    if wait_s > 0:
        raise problems.too_many(wait_s)
    try:
        done = web.port.claims.take(body.code, body.nonce, address, body.auth, body.csr)
    except ConfigError as error:
        if error.key == "code":
            web.throttle.failed(NAME, address, now_s)
            raise Problem(403, "no_such_claim", error.way_out, field="code") from None
        raise Problem(422, "invalid", error.way_out, field=error.key, value=error.value) from None
    mqtt, given = web.port.settings.mqtt, done.given
    return {
        "gateway": done.gateway,
        "username": given.username,
        "client_id": f"gateway-{done.gateway}",
        "kind": given.kind,
        "expires_ms": given.expires_ms,
        "password": given.password,
        "certificate": given.certificate,
        "key": given.key,
        "ca": given.ca,
        "broker": mqtt.public_url or mqtt.url,
        "write": done.rights.write,
        "read": done.rights.read,
    }


@router.post("/registry/claims", responses=examples.answer(examples.CODE_MADE))
def make(request: Request, visitor: AdminVisitor, body: CodeBody) -> dict[str, Any]:
    """Make a code, told once; an older open one of the same gateway is withdrawn."""
    port = web_of(request).port
    minutes = body.minutes or port.settings.provisioning.claim_minutes
    try:
        code, ends_ms = port.claims.make(
            body.gateway,
            visitor.user.actor,
            minutes,
            vendor=body.vendor,
            place=body.place,
            lifts=body.lifts,
        )
    except ConfigError as error:
        raise Problem(
            409, "not_possible", error.way_out, field=error.key, value=error.value
        ) from None
    return {"gateway": body.gateway, "code": code, "expires_ms": ends_ms}


@router.get("/registry/claims", responses=told.CLAIMS)
def open_claims(request: Request, visitor: DeskVisitor) -> dict[str, Any]:
    """List the codes that can still be used; the codes themselves are not kept."""
    return {"claims": web_of(request).port.claims.open_claims()}


@router.get(
    "/registry/credentials", responses=examples.answer({"credentials": [examples.CREDENTIAL]})
)
def credentials(request: Request, visitor: DeskVisitor, gateway: str = "") -> dict[str, Any]:
    """List what gateways were given: kind, state, until when; never a secret or its hash."""
    port = web_of(request).port
    now_ms = port.now_ms()
    rows = [one.as_json(now_ms) for one in port.issuer.credentials(gateway or None)]
    if visitor.user.role is not Role.ADMIN:
        rows = [row | {"created_by": None, "reason": None} for row in rows]
    return {"credentials": rows}


@router.post("/registry/gateways/{gateway}/revoke", responses=examples.answer(examples.REVOKED))
def revoke(request: Request, visitor: AdminVisitor, gateway: str) -> dict[str, Any]:
    """Take a gateway's credentials back; the broker refuses it once it has reloaded its files."""
    try:
        users = web_of(request).port.issuer.revoke(gateway, visitor.user.actor, "API")
    except ConfigError as error:
        raise Problem(409, "not_possible", error.way_out, field="gateway", value=gateway) from None
    return {"gateway": gateway, "revoked": users}

"""Pages to this browser: what it needs to subscribe, subscribing, and ending it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from alerts.directory.units import Contact
from alerts.notify.subscriptions import SubscriptionRefused, checked, may_have
from config.text import Text
from monitor.web import problems
from monitor.web.api import desk_examples, examples
from monitor.web.ports import ServicePort
from monitor.web.problems import Problem
from monitor.web.visitor import AnyVisitor, Visitor, web_of

router = APIRouter(tags=["push"])
MOST = 2**53
"""JSON's own limit of a number; a database's is higher."""


class Keys(BaseModel):
    """The browser's own keys."""

    model_config = ConfigDict(extra="forbid")

    p256dh: str = Field(max_length=100, description="its public key, 65 bytes in base64url")
    auth: str = Field(max_length=40, description="16 bytes in base64url")


class SubscriptionBody(BaseModel):
    """What `PushSubscription.toJSON()` gives, whose pages are wanted, and what to call it."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    endpoint: str = Field(max_length=1000, examples=["https://fcm.googleapis.com/fcm/send/c1"])
    keys: Keys
    expiration_ms: int | None = Field(None, alias="expirationTime", description="not used")
    contact: str = Field(max_length=64, examples=["firm-a-1"])
    device: str = Field("", max_length=60, examples=["Android · Chrome"])


def contacts_of(port: ServicePort, visitor: Visitor) -> list[Contact]:
    """Return whose pages a visitor may have: people of their own unit, or of the duty desk."""
    book, user = port.directory, visitor.user
    ones = book.contacts.values()
    return [one for one in ones if may_have(book, one.id, user.role, user.unit)]


def push_json(port: ServicePort, visitor: Visitor) -> dict[str, Any]:
    """Return what a page needs to offer push; without allowed services there is no key."""
    on = bool(port.settings.notify.push.services)
    return {
        "public_key": port.push.public_key if on else None,
        "contacts": [{"id": one.id, "name": one.name} for one in contacts_of(port, visitor)],
        "subscriptions": port.push.mine(visitor.user.name),
    }


@router.get("/push", responses=examples.answer(desk_examples.PUSH))
def push(request: Request, visitor: AnyVisitor) -> dict[str, Any]:
    """Return the site's public key, whose pages you may have, and your browsers so far."""
    return push_json(web_of(request).port, visitor)


@router.post("/push/subscriptions", responses=examples.answer({"id": 3}, "Subscribed"))
def subscribe(request: Request, visitor: AnyVisitor, body: SubscriptionBody) -> dict[str, int]:
    """Have the pages of a contact of your unit come to a browser, beside their other channels."""
    port = web_of(request).port
    known = {one.id for one in contacts_of(port, visitor)}
    if body.contact not in known:
        text = Text(
            "contact：须是本单位的联系人，见 GET /api/v1/push",
            "contact: one of your own unit, see GET /api/v1/push",
        )
        raise Problem(422, "invalid", text, field="contact", value=body.contact)
    device = "".join(sign for sign in body.device if sign.isprintable()).strip()
    try:
        browser = checked(body.endpoint, body.keys.p256dh, body.keys.auth, port.push.services)
        ident = port.push.subscribe(
            browser, visitor.user.actor, body.contact, device or "–", port.now_ms()
        )
    except SubscriptionRefused as refused:
        raise Problem(
            422, "invalid", refused.text, field=refused.field, limit=refused.limit
        ) from None
    return {"id": ident}


@router.delete(
    "/push/subscriptions/{number}", responses=examples.answer({"ended": True}, "Switched off")
)
def unsubscribe(
    request: Request, visitor: AnyVisitor, number: Annotated[int, Path(ge=1, le=MOST)]
) -> dict[str, bool]:
    """End one of your own subscriptions."""
    port = web_of(request).port
    if not port.push.end(number, "by hand", port.now_ms(), visitor.user.actor):
        raise problems.not_found("subscription", number)
    return {"ended": True}

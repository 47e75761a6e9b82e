"""Chains and channels: who would be told, and whether a way out works."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from alerts.chains import explain as chain
from alerts.chains.explain import Explained, explain
from alerts.chains.ladder import DEFAULT_CHAINS, ChainStep
from alerts.database.access import writing
from alerts.directory.subjects import Subjects
from alerts.journal.journal import Line, append
from alerts.notify.channel import DeliveryError
from alerts.notify.trial import trial
from devices.registry import Lift
from monitor.own import own_or
from monitor.web import problems
from monitor.web.api import examples
from monitor.web.api import examples_admin as told
from monitor.web.ports import ServicePort
from monitor.web.visitor import AdminVisitor, Visitor, web_of

router = APIRouter(tags=["administration"])


class TestBody(BaseModel):
    """Whom to send a test to: a contact of the directory who has this channel."""

    model_config = ConfigDict(extra="forbid")

    contact: str = Field(max_length=128, examples=["c-op-1"])


def chains_json(port: ServicePort) -> dict[str, Any]:
    """Return chains, steps and arrival profiles of the running service, and their file."""
    chains = port.desk.chains
    file = own_or(port.settings.site.folder, "chains.toml", DEFAULT_CHAINS)
    used: dict[str, list[str]] = {}
    for rule in port.desk.rules.values():
        for name in filter(None, (rule.chain, rule.chain_with_people)):
            used.setdefault(name.partition("+")[0], []).append(rule.id)
    return {
        "file": str(file),
        "shipped": file == DEFAULT_CHAINS,
        "profile": chains.profile,
        "profiles": {name: arrival_s for name, arrival_s in chains.profiles.items()},
        "chains": [
            {
                "id": one.id,
                "text": one.text.as_json(),
                "rescue": one.rescue,
                "rules": list(dict.fromkeys(used.get(one.id, []))),
                "steps": [_step(step) for step in one.steps],
            }
            for one in chains.chains.values()
        ],
    }


def _step(step: ChainStep) -> dict[str, Any]:
    return {
        "id": step.id,
        "text": step.text.as_json(),
        "after_s": step.after_s,
        "of_arrival": step.of_arrival,
        "to": list(step.to),
        "until": list(step.until),
        "every_channel": step.every_channel,
        "channels": list(step.channels),
        "severities": list(step.severities),
    }


def lift_of(port: ServicePort, named: str) -> Lift:
    """Return a lift by registration or rescue code. Raises Problem 404."""
    wanted = named.strip()
    found = port.registry.find(wanted) or next(
        (lift for lift in port.registry.lifts if wanted and lift.rescue_code == wanted), None
    )
    if found is None:
        raise problems.not_found("lift", named)
    return found


def explained(port: ServicePort, lift: str, rule: str, people: int, at_ms: int | None) -> Explained:
    """Return what a chain would do. Raises Problem 404 for an unknown lift or rule."""
    rules = port.desk.rules
    if rule not in rules:
        raise problems.not_found("rule", rule)
    return explain(
        port.directory,
        port.desk.chains,
        Subjects(port.registry),
        rules[rule],
        "lift",
        lift_of(port, lift).reg_code,
        port.now_ms() if at_ms is None else at_ms,
        people > 0,
    )


@router.get("/chains", responses=told.CHAINS)
def chains(request: Request, visitor: AdminVisitor) -> dict[str, Any]:
    """Return the chains as they run: steps, deadlines, whom, until what."""
    return chains_json(web_of(request).port)


@router.get("/chains/explain", responses=told.EXPLAINED)
def explain_chain(
    request: Request,
    visitor: AdminVisitor,
    lift: Annotated[str, Query(max_length=64, description="registration or rescue code")],
    rule: Annotated[str, Query(max_length=64)],
    people: Annotated[int, Query(ge=0, le=99)] = 0,
    at_ms: Annotated[int | None, Query(ge=0)] = None,
) -> dict[str, Any]:
    """Return who would be called and when, if nobody acted; nobody is called."""
    web = web_of(request)
    told = explained(web.port, lift, rule, people, at_ms)
    zone = web.pages.words(request).tz
    return chain.as_json(told, web.port.directory, zone, full=False)


def channels_json(port: ServicePort) -> list[dict[str, Any]]:
    """Return the channels with their limits, where they are set, and whom they can reach."""
    contacts = port.directory.contacts.values()
    return [
        {
            "name": name,
            "timeout_s": channel.timeout_s,
            "concurrency": channel.concurrency,
            "set_in": _source(name),
            "contacts": [one.id for one in contacts if name in one.addresses],
        }
        for name, channel in port.channels.items()
    ]


def _source(name: str) -> str:
    known = {"mqtt": "mqtt.*", "email": "notify.smtp.*", "apprise": "notify.apprise_schemes"}
    webhooks = ("webhook", "alertmanager")
    return known.get(name, "notify.webhook_secret" if name in webhooks else "channels.toml")


@router.get("/channels", responses=examples.answer({"channels": [{"name": "email"}]}))
def channels(request: Request, visitor: AdminVisitor) -> dict[str, Any]:
    """Return the ways pages leave the house. Secrets are never told."""
    return {"channels": channels_json(web_of(request).port)}


@router.post("/channels/{name}/test", responses=examples.answer({"ok": True, "receipt": "250 OK"}))
async def test(
    request: Request, visitor: AdminVisitor, name: str, body: TestBody
) -> dict[str, Any]:
    """Send a message marked as a test to one contact; answers with the receipt, or why not."""
    return await send_test(web_of(request).port, visitor, name, body.contact)


async def send_test(port: ServicePort, visitor: Visitor, name: str, contact: str) -> dict[str, Any]:
    """Send it and journal it. Raises Problem for an unknown channel or contact."""
    channel, person = port.channels.get(name), port.directory.contacts.get(contact)
    if channel is None:
        raise problems.not_found("channel", name)
    if person is None or name not in person.addresses:
        raise problems.not_found("contact", contact)
    settings, now_ms = port.settings, port.now_ms()
    item = trial(name, person.addresses[name], person.lang, now_ms, settings.public_url)
    found: dict[str, Any] = {"ok": True, "receipt": "", "sent": channel.show(item)}
    try:
        async with asyncio.timeout(channel.timeout_s):
            receipt = await channel.send(item)
        found["receipt"] = receipt.text + (f" ({receipt.ref})" if receipt.ref else "")
    except (DeliveryError, TimeoutError) as error:
        told = str(error) or f"> {channel.timeout_s:g} s"
        found |= {"ok": False, "receipt": told}
    data = {"channel": name, "contact": contact, "ok": found["ok"], "receipt": found["receipt"]}

    def note() -> None:
        with writing(port.engine) as conn:
            append(conn, now_ms, [Line(None, "channel_tested", visitor.user.actor, data)])

    await run_in_threadpool(note)
    return found

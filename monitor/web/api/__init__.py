"""API v1: everything the console can do, for programs. Prefix /api/v1."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from monitor.web.api import (
    admin,
    alerts,
    asides,
    claim,
    desk,
    drills,
    export,
    feed,
    firm,
    fleet,
    handover,
    incident,
    lift_past,
    lifts,
    links,
    push,
    quality,
    quarantine,
    registry,
    stories,
    system,
    tokens,
    upstream,
)
from monitor.web.api.answers import ApiJson
from monitor.web.api.bodies import json_only
from monitor.web.api.refused import PROBLEMS

# What every part of the API keeps to; tests/monitor/web/test_document.py holds all of it to that.
router = APIRouter(
    prefix="/api/v1",
    responses=PROBLEMS,
    default_response_class=ApiJson,
    dependencies=[Depends(json_only)],
)
router.include_router(desk.router)  # before `/alerts/{alert_id}`, which takes any word
router.include_router(alerts.router)
router.include_router(stories.router)
router.include_router(incident.router)
router.include_router(asides.router)
router.include_router(fleet.router)  # before /lifts/{reg_code}
router.include_router(lifts.router)
router.include_router(lift_past.router)
router.include_router(export.router)
router.include_router(feed.router)
router.include_router(firm.router)
router.include_router(push.router)
router.include_router(handover.router)
router.include_router(drills.router)
router.include_router(quality.router)
router.include_router(links.router)
router.include_router(claim.router)
router.include_router(registry.router)
router.include_router(quarantine.router)
router.include_router(system.router)
router.include_router(upstream.router)
router.include_router(admin.router)
router.include_router(tokens.router)

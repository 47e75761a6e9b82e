"""API v1: everything the console can do, for programs. Prefix /api/v1."""

from __future__ import annotations

from fastapi import APIRouter

from monitor.web.api import alerts, asides, feed, lifts, system
from monitor.web.api.examples import PROBLEMS

router = APIRouter(prefix="/api/v1", responses=PROBLEMS)
router.include_router(alerts.router)
router.include_router(asides.router)
router.include_router(lifts.router)
router.include_router(feed.router)
router.include_router(system.router)

"""Administration for programs, under /api/v1/admin. All of it is for role admin."""

from __future__ import annotations

from fastapi import APIRouter

from monitor.web.api.admin import alerting, journal, people, rosters, rules, settings

router = APIRouter(prefix="/admin", tags=["administration"])
for part in (rules, people, journal, settings, alerting, rosters):
    router.include_router(part.router)

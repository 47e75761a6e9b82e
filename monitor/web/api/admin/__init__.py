"""Administration for programs, under /api/v1/admin. All of it is for role admin."""

from __future__ import annotations

from fastapi import APIRouter

from monitor.web.api.admin import alerting, journal, people, rosters, rules, settings

# Each part has the tag itself: a request knows only its own route, and a token's scope asks for it.
router = APIRouter(prefix="/admin")
for part in (rules, people, journal, settings, alerting, rosters):
    router.include_router(part.router)

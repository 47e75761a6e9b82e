"""Administration for programs, under /api/v1/admin. All of it is for role admin."""

from __future__ import annotations

from fastapi import APIRouter

from monitor.web.api.admin import journal, people, rules

router = APIRouter(prefix="/admin", tags=["administration"])
for part in (rules, people, journal):
    router.include_router(part.router)

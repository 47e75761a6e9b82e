"""Administration for programs, under /api/v1/admin. All of it is for role admin."""

from __future__ import annotations

from fastapi import APIRouter

from monitor.web.api.admin import rules

router = APIRouter(prefix="/admin", tags=["administration"])
router.include_router(rules.router)

"""Administration on the console: one page for each section of the side menu."""

from __future__ import annotations

from fastapi import APIRouter

from monitor.web.console.admin import audit, landing, people, rule_edit, rules

router = APIRouter(include_in_schema=False)
for part in (landing, rules, rule_edit, people, audit):
    router.include_router(part.router, prefix="/admin")
router.include_router(people.open_router)

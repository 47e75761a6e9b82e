"""Administration on the console: one page for each section of the side menu."""

from __future__ import annotations

from fastapi import APIRouter

from monitor.web.console.admin import (
    alerting,
    audit,
    landing,
    people,
    rosters,
    rule_edit,
    rules,
    settings,
)

router = APIRouter(include_in_schema=False)
for part in (landing, rules, rule_edit, people, audit, settings, alerting, rosters):
    router.include_router(part.router)
router.include_router(people.open_router)

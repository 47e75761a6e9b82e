"""How a request may say who is asking, as the OpenAPI document tells it.

They only describe: who it is, is found out by monitor.web.visitor.
"""

from __future__ import annotations

from fastapi.openapi.models import APIKey, APIKeyIn, HTTPBase, HTTPBearer
from fastapi.openapi.models import SecurityBase as Model
from fastapi.security.base import SecurityBase
from starlette.requests import Request

from monitor.web.sessions import COOKIE


class Described(SecurityBase):
    """A scheme of the document that checks nothing itself."""

    def __init__(self, name: str, model: Model) -> None:
        self.scheme_name, self.model = name, model

    async def __call__(self, request: Request) -> None:
        """Let every request through."""


BEARER = Described(
    "bearer",
    HTTPBearer(
        bearerFormat="lw_…",
        description="A token from /account, POST /api/v1/tokens or `liftwatch token add`: bound "
        "to its owner's role and unit and to its scope; no CSRF token is needed.",
    ),
)
BASIC = Described("basic", HTTPBase(scheme="basic", description="Name and password of an account."))
SESSION = Described(
    "session",
    APIKey.model_validate(
        {
            "in": APIKeyIn.cookie,
            "name": COOKIE,
            "description": "The console's session; unsafe requests carry its X-CSRF-Token.",
        }
    ),
)

"""The table `notify.push` of the settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Push(BaseModel):
    """Pages to browsers that people subscribe themselves (Web Push)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    services: list[str] = [
        "fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com",
        "*.notify.windows.com",
    ]  # fmt: skip
    """Push services that may be called; none: nobody can subscribe."""
    subject: str = Field(
        "mailto:liftwatch@localhost", pattern=r"^(mailto:[^@\s]+@[\w.-]+|https://[\w.-]+)$"
    )
    """Whom a push service may write to about trouble (RFC 8292)."""
    ttl_s: int = Field(3600, ge=0, le=86_400)
    """How long a push service keeps a page for a device that is away."""

"""Settings of how pages leave the house and how answers come in."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from config.section import Section


class Smtp(Section):
    """The mail server for pages by e-mail; off while `host` is empty."""

    host: str | None = None
    port: int = Field(587, ge=1, le=65535)
    username: str | None = None
    password: SecretStr | None = None
    sender: str = "liftwatch@localhost"
    starttls: bool = True


class Replies(Section):
    """Answers that act like a tap. A unit may post answers with its own secret; the mail listener
    is off while `mail_port` is empty, answers by MQTT while `mqtt` is false."""

    secrets: dict[str, SecretStr] = Field({})
    mqtt: bool = False
    mail_host: str = "127.0.0.1"
    mail_port: int | None = Field(None, ge=1, le=65535)
    mail_to: str | None = None

    @field_validator("mail_to")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        name, _, domain = (value or "x@x").replace("{token}", "t").partition("@")
        if not name or not domain or any(sign.isspace() or sign in "{}" for sign in name + domain):
            raise ValueError("reply+{token}@domain or reply@domain / 应为邮件地址")
        return value

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.mail_port is None) != (self.mail_to is None):
            raise ValueError("mail_port and mail_to go together / mail_port 与 mail_to 须同时设置")
        return self


class Push(Section):
    """Pages to browsers that people subscribe themselves (Web Push)."""

    services: list[str] = Field(
        [
            "fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com",
            "*.notify.windows.com",
        ]
    )  # fmt: skip
    """Push services that may be called; none: nobody can subscribe."""
    subject: str = Field(
        "mailto:liftwatch@localhost", pattern=r"^(mailto:[^@\s]+@[\w.-]+|https://[\w.-]+)$"
    )
    """Whom a push service may write to about trouble (RFC 8292)."""
    ttl_s: int = Field(3600, ge=0, le=86_400)
    """How long a push service keeps a page for a device that is away."""


class Cap(Section):
    """The CAP feed; off while `token` is empty."""

    token: SecretStr | None = Field(None, min_length=16)
    sender: str = "liftwatch@localhost"


class Notify(Section):
    """How pages leave the house, and how answers come in."""

    smtp: Smtp = Smtp()
    webhook_secret: SecretStr | None = None
    timeout_s: float = Field(10, ge=0.5, le=120)
    attempts: int = Field(8, ge=1, le=100)
    link_hours: float = Field(24, ge=0.5, le=168)
    apprise_schemes: list[str] = Field(["wecombot", "dingtalk", "feishu", "lark"])
    secret_dir: Path | None = None
    replies: Replies = Replies()
    cap: Cap = Cap()
    push: Push = Push()

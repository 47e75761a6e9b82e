"""Errors of the API as application/problem+json (RFC 9457), in the reader's language."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from config.errors import ConfigError
from config.text import Text
from monitor.web.i18n import language


class Problem(Exception):
    """A refusal with a machine's `code`, a person's text, and the field it is about."""

    def __init__(
        self,
        status: int,
        code: str,
        text: Text,
        *,
        field: str | None = None,
        value: object = None,
        limit: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {text.en}")
        self.status, self.code, self.text, self.headers = status, code, text, headers
        self.field, self.value, self.limit = field, value, limit

    def body(self, lang: str) -> dict[str, Any]:
        """Return the members of the problem document."""
        found: dict[str, Any] = {
            "type": f"urn:liftwatch:problem:{self.code}",
            "title": self.code.replace("_", " "),
            "status": self.status,
            "detail": self.text.of(lang),
            "text": self.text.as_json(),
        }
        if self.field is not None:
            found["field"] = self.field
            found["value"] = None if self.value is None else str(self.value)[:200]
        if self.limit is not None:
            found["limit"] = self.limit
        return found

    def response(self, request: Request) -> Response:
        """Return the problem as a response."""
        return JSONResponse(
            self.body(language(request)),
            self.status,
            self.headers,
            media_type="application/problem+json",
        )


def not_found(what: str, value: object) -> Problem:
    """The thing does not exist, or is not this visitor's: both look alike from outside."""
    text = Text(f"没有这个 {what}：{value}", f"there is no such {what}: {value}")
    return Problem(404, "not_found", text, field=what, value=value)


def invalid(field: str, value: object, limit: str) -> Problem:
    """A value that is well formed and of no use here."""
    text = Text(f"{field} 无效，应为 {limit}", f"{field} is of no use here: it must be {limit}")
    return Problem(422, "invalid", text, field=field, value=value, limit=limit)


def forbidden() -> Problem:
    """The role does not reach this far."""
    return Problem(403, "forbidden", Text("您的角色无权查看", "your role may not see this"))


def not_signed_in() -> Problem:
    """Neither a session nor Basic credentials."""
    text = Text(
        "请先登录，或以 HTTP Basic 提供用户名和口令", "sign in, or send HTTP Basic credentials"
    )
    return Problem(401, "not_signed_in", text)


def forged() -> Problem:
    """An unsafe request without the token of its session."""
    text = Text(
        "页面已过期，请刷新后重试（缺少 X-CSRF-Token）",
        "this page is out of date: reload it and try again (X-CSRF-Token is missing or wrong)",
    )
    return Problem(403, "csrf", text, field="X-CSRF-Token")


def admins_only(role: str) -> Problem:
    """A page or an act of administration, for somebody who is no administrator."""
    text = Text(
        f"仅限管理员（admin）；您的角色是 {role}。请让管理员操作，或请其更改您的角色",
        f"for administrators (role admin) only; your role is {role}. Ask an administrator to do "
        "it, or to change your role",
    )
    return Problem(403, "admins_only", text, field="role", value=role, limit="admin")


def refused(error: ConfigError) -> Problem:
    """What a check has refused: the key alone as field, the way out as text."""
    field = error.key.rsplit(", ", 1)[-1]
    value = error.value if isinstance(error.value, str | int | float | bool) else None
    named = f"{field} = {error.value!r}"
    text = Text(f"{named}：{error.way_out.zh}", f"{named}: {error.way_out.en}")
    return Problem(422, "refused", text, field=field, value=value)


def too_many(wait_s: float) -> Problem:
    """Too many failed attempts to sign in."""
    seconds = max(1, round(wait_s))
    text = Text(
        f"登录失败次数过多，请 {seconds} 秒后再试",
        f"too many failed attempts to sign in: try again in {seconds} s",
    )
    return Problem(429, "too_many_attempts", text, headers={"Retry-After": str(seconds)})

"""The refusals any operation may answer with, as the OpenAPI document tells them."""

from __future__ import annotations

from typing import Any

PROBLEM = {
    "type": "urn:liftwatch:problem:invalid",
    "title": "invalid",
    "status": 422,
    "detail": "severity: 'urgent': should be 'critical', 'major', 'minor' or 'info'",
    "text": {"zh": "severity 有误：'urgent'", "en": "severity: 'urgent': should be …"},
    "field": "severity",
    "value": "urgent",
    "limit": "critical | major | minor | info",
    "instance": "/api/v1/alerts",
}
_REFUSALS: dict[int, tuple[str, str, str | None, str | None, str | None, str]] = {
    401: ("Not signed in", "not_signed_in", "Authorization", None, "Bearer | Basic",
          "sign in, or send a token (Bearer) or HTTP Basic credentials"),
    403: ("Not for this role or this token's scope, or a session without X-CSRF-Token",
          "token_scope", "scope", "read", "act | admin:registry",
          "the token's scope does not reach so far: it needs act | admin:registry"),
    404: ("Not there, or not this unit's", "not_found", "alert", "999", None,
          "there is no such alert: 999"),
    405: ("Another method is meant; see Allow", "method_not_allowed", "method", "PUT", "GET",
          "PUT is not for this address: use GET"),
    409: ("Not possible now; the text says why", "not_possible", "step", "verify", None,
          "the cause is not filed yet"),
    412: ("If-Match does not fit: it was changed meanwhile", "changed_meanwhile", "If-Match", None,
          'W/"5891b5b522d5df086d0ff0b1"', "it was changed meanwhile: read it again"),
    413: ("The body is too large", "too_large", "body", "5000000", "4194304 bytes",
          "the body is too large: 4194304 bytes at most; send it in parts"),
    415: ("The body is not JSON", "not_json", "Content-Type", "text/plain", "application/json",
          "a body is JSON: send the header Content-Type: application/json"),
    422: ("A parameter is wrong; `field` names it", "invalid", "severity", "urgent",
          "critical | major | minor | info", "severity: 'urgent': should be one of critical | …"),
    429: ("Too many failed attempts; Retry-After says how long", "too_many_attempts",
          "Authorization", None, "5 / 5 min", "too many failed attempts: try again in 240 s"),
    500: ("A fault of ours; try again after Retry-After", "broken", "service", None, None,
          "something broke in the service, and its log says what: try again"),
}  # fmt: skip


def _problem(status: int) -> dict[str, Any]:
    words, code, field, value, limit, detail = _REFUSALS[status]
    example = PROBLEM | {
        "type": f"urn:liftwatch:problem:{code}",
        "title": code.replace("_", " "),
        "status": status,
        "detail": detail,
        "text": {"zh": "…", "en": detail},
        "field": field,
        "value": value,
        "limit": limit,
    }
    return {"description": words, "content": {"application/problem+json": {"example": example}}}


PROBLEMS: dict[int | str, dict[str, Any]] = {status: _problem(status) for status in _REFUSALS}

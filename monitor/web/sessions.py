"""Sessions in a signed cookie, and the token that forms carry against forgery."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

COOKIE = "liftwatch"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"


@dataclass(frozen=True, slots=True)
class Session:
    """What the cookie holds. `mark` changes with the password, so that ends other sessions.

    A visitor who has not signed in has a session too (user None), so that the sign-in form is
    guarded like any other.
    """

    nonce: str
    user: str | None = None
    mark: str = ""
    age_s: float = 0.0


def password_mark(password_hash: str) -> str:
    """Return a short mark of a password hash; says nothing of the hash itself."""
    return hashlib.sha256(password_hash.encode()).hexdigest()[:16]


class Sessions:
    """Reads and writes the cookie; signs with a key of its own out of the service's secret."""

    def __init__(self, secret: bytes, hours: float, https: bool) -> None:
        self._key = hashlib.sha256(b"liftwatch.session\0" + secret).digest()
        self._signer = URLSafeTimedSerializer(self._key, salt="session")
        self.max_age_s = int(hours * 3600)
        self._https = https

    def read(self, request: Request) -> Session:
        """Return the session of a request; a new one where the cookie is absent or not ours."""
        raw = request.cookies.get(COOKIE, "")
        try:
            data, signed = self._signer.loads(raw, max_age=self.max_age_s, return_timestamp=True)
            age_s = time.time() - signed.timestamp()
            return Session(str(data["n"]), data.get("u"), str(data.get("m", "")), age_s)
        except (BadData, KeyError, TypeError):
            return new_session()

    def write(self, response: Response, session: Session) -> None:
        """Set the cookie: HttpOnly, SameSite=Lax, Secure where the public address is https."""
        data = {"n": session.nonce, "u": session.user, "m": session.mark}
        response.set_cookie(
            COOKIE,
            self._signer.dumps(data),
            max_age=self.max_age_s,
            httponly=True,
            samesite="lax",
            secure=self._https,
            path="/",
        )

    def csrf(self, session: Session) -> str:
        """Return the token the forms of this session carry."""
        return hmac.new(self._key, b"csrf\0" + session.nonce.encode(), "sha256").hexdigest()

    def csrf_ok(self, session: Session, token: str) -> bool:
        """Return whether a form came from a page of this session."""
        return hmac.compare_digest(self.csrf(session).encode(), token.encode())


def new_session(user: str | None = None, mark: str = "") -> Session:
    """Return a session nobody has had before."""
    return Session(secrets.token_urlsafe(16), user, mark)

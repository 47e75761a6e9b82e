"""Pages by e-mail. The Message-ID follows from the key, so a repeat is seen as the same mail."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

import aiosmtplib

from alerts.notify.channel import DeliveryError, Item, Receipt
from alerts.replies.tokens import ReplyTokens

HOLE = "{token}"


def message_id(key: str, sender: str) -> str:
    """Return `<hash-of-key@domain-of-sender>`."""
    domain = parseaddr(sender)[1].rpartition("@")[2] or "liftwatch.invalid"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"


@dataclass
class EmailChannel:
    """Sends through one SMTP server; `starttls` upgrades the connection, `tls` starts with TLS.

    `reply_to` is where answers may be sent: an address with `{token}` in it, or a plain one, and
    then the token stands in the subject. Only used with `tokens`.
    """

    host: str
    port: int = 587
    sender: str = "liftwatch@localhost"
    username: str | None = None
    password: str | None = None
    starttls: bool = True
    tls: bool = False
    timeout_s: float = 10.0
    concurrency: int = 4
    reply_to: str | None = None
    tokens: ReplyTokens | None = None

    def message(self, item: Item) -> EmailMessage:
        """Return the mail: the reader's language first, the other one below."""
        first, second = ("zh", "en") if item.lang.startswith("zh") else ("en", "zh")
        page = item.page
        mail = EmailMessage()
        subject = " ".join(page["title"][first].split())
        # A summary tells of many alerts: an answer to it could mean any of them.
        if self.reply_to and self.tokens and not page.get("summary"):
            token = self.tokens.make(page["alert"], page["to"]["contact"], page["sent_ms"])
            mail["Reply-To"] = self.reply_to.replace(HOLE, token)
            subject += "" if HOLE in self.reply_to else f" [LW-{token}]"
        mail["Subject"] = subject
        mail["From"] = self.sender
        mail["To"] = item.address
        mail["Date"] = format_datetime(datetime.fromtimestamp(page["sent_ms"] / 1000, UTC))
        mail["Message-ID"] = message_id(item.key, self.sender)
        mail["X-Idempotency-Key"] = item.key
        mail["Auto-Submitted"] = "auto-generated"
        if page["severity"] == "critical":
            mail["X-Priority"] = "1"
        mail.set_content(f"{page['text'][first]}\n\n— — —\n\n{page['text'][second]}\n")
        return mail

    async def send(self, item: Item) -> Receipt:
        """Deliver one page, or raise DeliveryError."""
        try:
            _, answer = await aiosmtplib.send(
                self.message(item),
                hostname=self.host,
                port=self.port,
                username=self.username,
                password=self.password,
                start_tls=self.starttls and not self.tls,
                use_tls=self.tls,
                timeout=self.timeout_s,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refused.code for refused in error.recipients]
            raise DeliveryError(
                f"{item.address}: {error}", final=all(code >= 500 for code in codes)
            ) from None
        except aiosmtplib.SMTPResponseException as error:
            text = f"{item.address}: {error.code} {error.message}"
            raise DeliveryError(text, final=error.code >= 500) from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise DeliveryError(f"{self.host}:{self.port}: {error}") from None
        return Receipt(answer)

    def show(self, item: Item) -> str:
        """Return the mail as text."""
        mail = self.message(item)
        head = [f"SMTP {self.host}:{self.port}", *(f"{n}: {v}" for n, v in mail.items())]
        return "\n".join([*head, "", mail.get_content()])

    async def close(self) -> None:
        """Nothing is held between mails."""

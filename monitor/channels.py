"""The ways pages leave the house, as the settings and the site's channels.toml have them."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from alerts.chains.calling import WEBPUSH
from alerts.desk.alert_desk import AlertDesk
from alerts.directory.units import Directory
from alerts.notify.channel import Channel, DeliveryError, Item
from alerts.notify.email import EmailChannel
from alerts.notify.gateway import GatewayChannel
from alerts.notify.gateway_file import FILE, load_gateways
from alerts.notify.longtail import LongTailChannel
from alerts.notify.mqtt import MqttChannel
from alerts.notify.subscriptions import Subscriptions
from alerts.notify.trial import trial
from alerts.notify.webhook import WebhookChannel
from alerts.notify.webpush import WebPushChannel
from alerts.replies.tokens import Callbacks, ReplyTokens
from config.secrets import Secrets
from config.settings import Settings
from config.text import Text
from monitor.receive import tls_context
from monitor.secret import load_vapid


def channels(settings: Settings, clock: Callable[[], int], secret: bytes) -> dict[str, Channel]:
    """Return channel by name. E-mail only where a mail server is set, SMS and voice only where
    channels.toml describes a gateway. Raises ConfigError for a mistake in that file.

    Args:
        settings: the site's.
        clock: wall time, epoch ms; dates signatures.
        secret: the site's own; signs tokens for answers and call-backs.
    """
    notify, mqtt = settings.notify, settings.mqtt
    signing = notify.webhook_secret.get_secret_value() if notify.webhook_secret else None
    secrets = Secrets(notify.secret_dir)
    ways: dict[str, Channel] = {
        "mqtt": MqttChannel(
            mqtt.host,
            mqtt.port,
            username=mqtt.username,
            password=mqtt.password.get_secret_value() if mqtt.password else None,
            client_id=f"{mqtt.client_id}-pages",
            tls=tls_context(mqtt) if mqtt.tls else None,
            timeout_s=notify.timeout_s,
        ),
        "webhook": WebhookChannel(signing, notify.timeout_s, clock_ms=clock),
        "alertmanager": WebhookChannel(
            signing, notify.timeout_s, format="alertmanager", clock_ms=clock
        ),
        "apprise": LongTailChannel(secrets, tuple(notify.apprise_schemes), notify.timeout_s),
    }
    if notify.smtp.host:
        ways["email"] = _email(settings, notify.smtp.host, secret)
    return ways | _gateways(settings, secrets, secret)


def open_push(settings: Settings, desk: AlertDesk, ways: dict[str, Channel]) -> Subscriptions:
    """Have the desk page browsers as well; adds the way to them to `ways`.

    A push service judges by true time, whatever ours is. Raises ConfigError for damaged keys.
    """
    push, signer = settings.notify.push, load_vapid(settings.data_dir)
    raw = signer.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    told = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    services = tuple(push.services)
    subscriptions = Subscriptions(desk.engine, services, told, lambda: desk.directory).open()
    ways[WEBPUSH] = WebPushChannel(
        subscriptions,
        signer,
        push.subject,
        lambda: time.time_ns() // 1_000_000,
        push.ttl_s,
        settings.notify.timeout_s,
    )
    desk.push_to(subscriptions.of)
    return subscriptions


def unready(ways: Mapping[str, Channel], directory: Directory) -> list[Text]:
    """Return what contacts cannot be reached by as things are set up: pages by such a channel go to
    the contact's next one at once, and are lost where there is none."""
    found: list[Text] = []
    for contact in directory.contacts.values():
        for name, address in contact.addresses.items():
            why = _trouble(ways.get(name), name, address)
            if why is not None:
                found.append(
                    Text(
                        f"联系人 {contact.id} 的通道 {name} 不可用：{why.zh}",
                        f"contact {contact.id} cannot be reached by {name}: {why.en}",
                    )
                )
    return found


def _trouble(channel: Channel | None, name: str, address: str) -> Text | None:
    if channel is None:
        where = "notify.smtp.host" if name == "email" else f"{FILE} [{name}]"
        return Text(f"请设置 {where}", f"set {where}")
    if name != "apprise":
        return None
    try:
        channel.show(trial(name, address, "zh", 0, "http://x"))
    except DeliveryError as error:
        return Text(f"地址有误：{error}", str(error))
    return None


def reply_tokens(settings: Settings, secret: bytes) -> ReplyTokens:
    """Return what binds an answer to a page."""
    return ReplyTokens(secret.hex(), settings.notify.link_hours)


def callbacks(settings: Settings, secret: bytes) -> Callbacks:
    """Return what binds a gateway's call-back to a page."""
    return Callbacks(secret.hex(), settings.public_url)


def _email(settings: Settings, host: str, secret: bytes) -> EmailChannel:
    smtp, replies = settings.notify.smtp, settings.notify.replies
    return EmailChannel(
        host,
        smtp.port,
        smtp.sender,
        username=smtp.username,
        password=smtp.password.get_secret_value() if smtp.password else None,
        starttls=smtp.starttls,
        timeout_s=settings.notify.timeout_s,
        reply_to=replies.mail_to if replies.mail_port else None,
        tokens=reply_tokens(settings, secret),
    )


def _gateways(settings: Settings, secrets: Secrets, secret: bytes) -> dict[str, Channel]:
    signed, zone = callbacks(settings, secret), ZoneInfo(settings.site.timezone)
    ways: dict[str, Channel] = {}
    for name, spec in load_gateways(settings.site.folder, secrets).items():

        def callback(item: Item, name: str = name) -> str:
            return signed.url(name, item.key, item.page["sent_ms"])

        timeout_s = spec.timeout_s or settings.notify.timeout_s
        ways[name] = GatewayChannel(spec, secrets, zone, callback, timeout_s)
    return ways

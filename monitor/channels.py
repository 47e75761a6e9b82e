"""The ways pages leave the house, as the settings have them."""

from __future__ import annotations

from alerts.notify.channel import Channel
from alerts.notify.email import EmailChannel
from alerts.notify.mqtt import MqttChannel
from alerts.notify.webhook import WebhookChannel
from config.settings import Settings
from monitor.receive import tls_context


def channels(settings: Settings) -> dict[str, Channel]:
    """Return channel by name; e-mail only where a mail server is set."""
    notify, mqtt, smtp = settings.notify, settings.mqtt, settings.notify.smtp
    secret = notify.webhook_secret
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
        "webhook": WebhookChannel(
            secret.get_secret_value() if secret else None, timeout_s=notify.timeout_s
        ),
    }
    if smtp.host:
        ways["email"] = EmailChannel(
            smtp.host,
            smtp.port,
            smtp.sender,
            username=smtp.username,
            password=smtp.password.get_secret_value() if smtp.password else None,
            starttls=smtp.starttls,
            timeout_s=notify.timeout_s,
        )
    return ways

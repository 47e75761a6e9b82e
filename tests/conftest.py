from __future__ import annotations

pytest_plugins = [
    "tests.support.brokers",
    "tests.support.smtp",
    "tests.support.webhook",
    "tests.support.browser",
    "tests.support.process",
]

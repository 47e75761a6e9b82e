from __future__ import annotations

pytest_plugins = [
    "tests.support.process",  # first: brokers uses it, and pytest rewrites what it imports itself
    "tests.support.brokers",
    "tests.support.smtp",
    "tests.support.webhook",
    "tests.support.browser",
]

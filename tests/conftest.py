from __future__ import annotations

import zlib

import pytest

pytest_plugins = [
    "tests.support.process",  # first: brokers uses it, and pytest rewrites what it imports itself
    "tests.support.brokers",
    "tests.support.smtp",
    "tests.support.webhook",
    "tests.support.browser",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mix the files, in one order for ever: those that wait run beside those that compute.

    Folder by folder all browsers would come together at the end, and long waits before them. Tests
    of one file stay together and in their order.
    """
    items.sort(key=lambda item: zlib.crc32(item.nodeid.partition("::")[0].encode()))

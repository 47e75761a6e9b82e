"""One simulated history for all tests of the back-test."""

from __future__ import annotations

import pytest

from tests.monitor.backtest.house import House, make


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return make(tmp_path_factory.mktemp("backtest"))

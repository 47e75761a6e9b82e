from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from devices.registry import Registry, load_registry
from devices.simulator.district import write_district
from devices.simulator.world import World
from devices.vocabulary import Vocabulary, load_vocabulary

MORNING_MS = 1_772_413_200_000  # 2026-03-02 09:00 in Chongqing, a Monday
MakeWorld = Callable[..., World]


@pytest.fixture(scope="session")
def vocab() -> Vocabulary:
    return load_vocabulary()


@pytest.fixture(scope="session")
def district(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole demo district: 200 lifts of all makes."""
    folder = tmp_path_factory.mktemp("district")
    write_district(folder)
    return folder


@pytest.fixture(scope="session")
def registry(district: Path) -> Registry:
    return load_registry(district)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Five lifts in one high building, with every sensor there is."""
    folder = tmp_path_factory.mktemp("house")
    write_district(folder, lifts=5, gateways=1, vendors=["yunzhi"])
    return load_registry(folder)


@pytest.fixture
def make(vocab: Vocabulary) -> MakeWorld:
    def world(registry: Registry, seed: int = 1, start_ms: int = MORNING_MS) -> World:
        return World(registry, vocab, seed, start_ms)

    return world

"""Routes: which codec reads a topic and for whom; what a site that switches nothing on gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.settings import Ingest, load_settings
from devices.batch import Decoded, Said, TelemetryBatch
from devices.codecs import OURS, Setup, build_routes
from devices.codecs.context import Context
from devices.codecs.routes import Codec, Dialect, Route, Routes
from tests.devices.wire import GW, REGISTRY, VOCAB


def _decoded(payload: bytes, context: Context) -> Decoded:
    return Decoded(None, None, None, "telemetry", TelemetryBatch.empty(len(VOCAB)), [])


CODEC = Codec("other", _decoded)


def _setup(**ingest: object) -> Setup:
    return Setup(REGISTRY, VOCAB, Path(), Ingest(**ingest))  # type: ignore[arg-type]


def test_a_site_that_asks_for_nothing_hears_only_the_wire_contract() -> None:
    routes = build_routes(_setup())
    assert routes.subscriptions() == [
        ("lift/v1/+/telemetry", 1),
        ("lift/v1/+/message", 1),
        ("lift/v1/+/waveform", 1),
    ]
    assert routes.will is None and routes.hello(0) == []


@pytest.mark.parametrize(
    ("topic", "gateway"),
    [
        ("lift/v1/gw-01/telemetry", "gw-01"),
        ("lift/v1//telemetry", ""),
        ("lift/v1/gw-01/status", None),
        ("lift/v1/gw-01/telemetry/more", None),
        ("lift/v2/gw-01/telemetry", None),
        ("telemetry", None),
        ("", None),
    ],
)
def test_the_contract_names_the_gateway_in_the_topic(topic: str, gateway: str | None) -> None:
    for _ in range(2):  # the second time from memory
        found = OURS.find(topic, b"")
        assert (found.gateway if found else None) == gateway


def test_filters_with_wildcards_and_gateways_named_by_the_payload() -> None:
    by_payload = Route("v1/gateway/telemetry", (CODEC,), names=lambda _, p: p.decode() or None)
    nested = Route("spBv1.0/+/NDATA/{gateway}/#", (CODEC,))
    said = Said("state", b"online", 1, True)
    routes = Routes(
        (
            Dialect("one", (nested,), lambda now_ms: [said], said),
            Dialect("two", (by_payload,)),
        )
    )
    for topic in ("spBv1.0/city/NDATA/gw-01", "spBv1.0/city/NDATA/gw-01/lift/1"):
        found = routes.find(topic, b"")
        assert found is not None and found.route is nested and found.gateway == GW
    assert routes.find("spBv1.0/city/DDATA/gw-01", b"") is None
    for payload, gateway in ((b"gw-01", GW), (b"", None)):
        found = routes.find("v1/gateway/telemetry", payload)
        assert found is not None and found.gateway == gateway
    assert routes.subscriptions() == [("spBv1.0/+/NDATA/+/#", 1), ("v1/gateway/telemetry", 1)]
    assert routes.hello(0) == [said] and routes.will == said


def test_an_unknown_dialect_is_refused_with_what_there_is() -> None:
    with pytest.raises(ConfigError) as refused:
        build_routes(_setup(dialects=["esperanto"]))
    assert "ingest.dialects" in str(refused.value) and "esperanto" in str(refused.value)


def test_maps_are_meant_from_the_settings_own_folder(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('[ingest]\nmaps = ["maps/a.toml", "/etc/b.toml"]\n')
    maps = load_settings(tmp_path / "site.toml").ingest.maps
    assert maps == [tmp_path / "maps/a.toml", Path("/etc/b.toml")]

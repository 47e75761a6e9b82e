"""The benchmark of codecs: every codec is measured, loses nothing, and gives its figures."""

from __future__ import annotations

import pytest

from benchmarks import codecs
from benchmarks._payloads import GENERATORS


def test_every_codec_has_its_figures() -> None:
    result = codecs.run(["--seconds", "0.01"])
    told = result["codecs"]
    assert isinstance(told, dict) and set(GENERATORS) <= set(told)
    for name, figures in told.items():
        assert figures["lift_samples_per_s"] > 1000, name
        assert 0 < figures["ratio_parser"] <= 1.5, name
        assert 10 < figures["bytes_per_lift_sample"] < 1000, name
    assert told["packed"]["bytes_per_lift_sample"] < told["columns"]["bytes_per_lift_sample"] / 2


def test_a_codec_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        codecs.run(["--only", "esperanto"])
    assert "esperanto" in capsys.readouterr().err

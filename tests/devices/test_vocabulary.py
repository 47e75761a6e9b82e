"""The vocabulary is data; what a file says wrong is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from config.errors import ConfigError
from devices.vocabulary import DEFAULT_FOLDER, Kind, load_vocabulary

VOCAB = load_vocabulary()


def test_shipped_vocabulary_is_whole() -> None:
    assert [channel.index for channel in VOCAB.channels] == list(range(len(VOCAB)))
    for channel in VOCAB.channels:
        assert channel.text.zh
        assert channel.text.en
        assert channel.lo < channel.hi
        assert VOCAB.index(channel.name) == channel.index
        if channel.kind is Kind.ENUM:
            assert len({value.name for value in channel.values.values()}) == len(channel.values)
    for code in (*range(1, 9), *range(40, 48), *range(61, 66), 90, 91, 92, 93, 1001, 1093):
        assert VOCAB.messages[code].text.zh


@pytest.mark.parametrize(
    ("file", "old", "new", "key"),
    [
        ("channels.toml", 'kind = "enum"', 'kind = "list"', "channel 0"),
        ("messages.toml", 'severity = "major"', 'severity = "huge"', "message 1.severity"),
        ("channels.toml", 'name = "car_status"', 'name = "service_mode"', "name"),
    ],
)
def test_a_mistake_in_a_file_is_named(
    tmp_path: Path, file: str, old: str, new: str, key: str
) -> None:
    folder = shutil.copytree(DEFAULT_FOLDER, tmp_path / "vocabulary")
    path = Path(folder) / file
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_vocabulary(Path(folder))
    assert Path(file).name in str(caught.value)
    assert key in str(caught.value)

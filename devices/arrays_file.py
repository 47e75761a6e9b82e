"""Named numpy arrays and a header as one file, replaced atomically and checked when read."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.text import Text

Arrays = dict[str, NDArray[Any]]


class StoredError(Exception):
    """A state file that cannot be taken up: file, what is wrong with it, the way out."""

    def __init__(self, file: Path, what: str, way_out: Text) -> None:
        self.file, self.what, self.way_out = file, what, way_out
        super().__init__(f"{file}: {what}: {way_out.both()}")


_FRESH = Text("移走该文件即可从空白状态开始", "move this file away to begin with an empty state")


def write_arrays(file: Path, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write to a temporary neighbour, flush to disk, rename: a crash leaves old or new, whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    text = np.frombuffer(json.dumps(dict(header), sort_keys=True).encode(), np.uint8)
    try:
        with temporary.open("wb") as stream:
            np.savez(stream, **{"header": text, **arrays})  # type: ignore[arg-type]
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the rename itself
    finally:
        os.close(folder)


def read_arrays(file: Path, expect: Mapping[str, Any]) -> tuple[dict[str, Any], Arrays]:
    """Return header and arrays. Raises StoredError where `expect` differs or the file is torn."""
    try:
        with np.load(file, allow_pickle=False) as stream:
            arrays = {name: stream[name] for name in stream.files}
        header = json.loads(arrays.pop("header").tobytes())
    except FileNotFoundError:
        raise StoredError(file, "missing", _FRESH) from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise StoredError(file, f"unreadable ({error})", _FRESH) from None
    for key, value in expect.items():
        if header.get(key) != value:
            what = f"{key} is {header.get(key)!r}, this program has {value!r}"
            raise StoredError(file, what, _FRESH)
    return header, arrays

"""JSON with care: the same rows as the fast way, value by value, each flaw named by its place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from devices.codecs.mapping.paths import EACH_STEP, Path, Wild, axis, depth, shown
from devices.codecs.refuse import Refusals, reject

_DIGITS = 40  # longer whole numbers are read as floats: no limit of ours is near
Place = tuple[int | str, ...]


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _DIGITS else float(digits)


_READER = json.JSONDecoder(parse_int=_whole)


def read_json(payload: bytes) -> object:
    """Read any JSON; of a key that stands twice the last counts. Raises RejectedMessage."""
    if not payload.strip():
        raise reject("empty", "payload", None)
    try:
        return _READER.decode(payload.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise reject("not_json", "payload", str(error)) from None


@dataclass(slots=True)
class Rows:
    """n rows: columns of raw values by path, and the place of each row for its field names."""

    n: int
    columns: dict[Path, list[object]]
    places: list[Place]

    def name(self, path: Path, row: int) -> str:
        """Return the name of a value for a refusal, e.g. `data[3].speed`."""
        return shown(path, self.places[row])


@dataclass(slots=True)
class _Instance:
    chain: tuple[object, ...]  # what each wildcard so far stood for, the document first
    place: Place
    parallel: dict[Path, object] = field(default_factory=dict)


def walk(document: object, paths: Sequence[Path], most: int, refusals: Refusals) -> Rows:
    """Return the rows of paths that run together. Raises RejectedMessage for more than `most`."""
    deepest = max(paths, key=depth, default=())
    beside = [p for p in paths if depth(p) == depth(deepest) and axis(p) != axis(deepest)]
    instances = [_Instance((document,), ())]
    pieces = _pieces(axis(deepest))
    for i, (keys, wild) in enumerate(pieces):
        last = i == len(pieces) - 1
        if last and beside:
            arrays = [axis(path) for path in dict.fromkeys([deepest, *beside])]
            instances = [o for one in instances for o in _together(one, arrays, refusals)]
        else:
            instances = [o for one in instances for o in _each(one, keys, wild, refusals)]
        if len(instances) > most:
            raise reject("too_many_samples", shown(axis(deepest)), len(instances), f"{most}")
    columns = {path: [_value(one, path, refusals) for one in instances] for path in paths}
    return Rows(len(instances), columns, [one.place for one in instances])


def _pieces(path: Path) -> list[tuple[Path, Wild]]:
    pieces: list[tuple[Path, Wild]] = []
    keys: Path = ()
    for step in path:
        if isinstance(step, Wild):
            pieces.append((keys, step))
            keys = ()
        else:
            keys = (*keys, step)
    return pieces


def _descend(value: object, keys: Path, one: _Instance, refusals: Refusals) -> object:
    for i, step in enumerate(keys):
        if value is None:
            return None
        right = dict if isinstance(step, str) else list
        if not isinstance(value, right):
            where = shown(keys[:i]) or "payload"
            refusals.add("wrong_type", where, value, "object" if right is dict else "array")
            return None
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step] if step < len(value) else None
    return value


def _each(one: _Instance, keys: Path, wild: Wild, refusals: Refusals) -> list[_Instance]:
    found = _descend(one.chain[-1], keys, one, refusals)
    if wild is EACH_STEP and isinstance(found, list):
        entries: list[tuple[int | str, object]] = list(enumerate(found))
    elif wild is not EACH_STEP and isinstance(found, dict):
        entries = list(found.items())
    else:
        if found is not None:
            right = "array" if wild is EACH_STEP else "object of lifts"
            refusals.add("wrong_type", shown(keys) or "payload", found, right)
        entries = []
    return [_Instance((*one.chain, value), (*one.place, at)) for at, value in entries]


def _together(one: _Instance, arrays: Sequence[Path], refusals: Refusals) -> list[_Instance]:
    """Return one instance an index of arrays beside each other; the longest gives the length."""
    found: dict[Path, list[object]] = {}
    for path in arrays:
        keys = _pieces(path)[-1][0]
        value = _descend(one.chain[-1], keys, one, refusals)
        if isinstance(value, list):
            found[path] = value
        elif value is not None:
            refusals.add("wrong_type", shown(path[:-1], one.place), value, "array")
    n = max(map(len, found.values()), default=0)
    for path, values in list(found.items()):
        if len(values) != n and values:
            refusals.add("length_mismatch", shown(path[:-1], one.place), len(values), f"{n}")
            del found[path]
    return [
        _Instance(
            (*one.chain, None), (*one.place, i), {p: v[i] for p, v in found.items() if v}
        )
        for i in range(n)
    ]  # fmt: skip


def _value(one: _Instance, path: Path, refusals: Refusals) -> object:
    own = depth(path)
    if path and isinstance(path[-1], Wild) and path[-1] is not EACH_STEP:
        return one.place[own - 1]  # the key is the value
    if axis(path) in one.parallel or (one.parallel and own == len(one.chain) - 1):
        return one.parallel.get(axis(path))
    return _descend(one.chain[own], path[len(axis(path)) :], one, refusals)

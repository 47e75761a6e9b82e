"""A rule that names another code while the service runs: what was known of the others stays."""

from __future__ import annotations

import numpy as np

from devices.batch import STATE_ON
from monitor.detector.codes import CodeState


def test_more_codes_keep_what_was_known() -> None:
    state = CodeState((93,), 3)
    rows, at = np.array([1], np.int32), np.array([1000], np.int64)
    state.update(rows, at, np.array([93], np.int32), np.array([STATE_ON], np.int8))
    more = state.with_more((4, 93), np.full(3, 1000, np.int64))
    assert more.codes == (4, 93)
    assert more.stands(93).tolist() == [False, True, False]
    assert not more.stands(4).any()
    more.update(rows, at + 1, np.array([4], np.int32), np.array([STATE_ON], np.int8))
    assert more.stands(4).tolist() == [False, True, False]
    columns = more.take(None, np.full(3, 2000, np.int64))
    assert columns["code(4)"].tolist() == columns["code(93)"].tolist() == [0.0, 1.0, 0.0]

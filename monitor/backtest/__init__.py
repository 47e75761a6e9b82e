"""The back-test: what rules would have rung over stored history; see docs/backtest.md.

`source` takes what is needed out of the history, `windows` reads it back by lifts and time,
`course` walks one group of lifts through detector and rules, `silence` does the rules that
waiting makes true, `jobs` cuts the work and shares it out; `rings` and `compare` say what
differs, `report` and `picture` show it.
"""

from __future__ import annotations

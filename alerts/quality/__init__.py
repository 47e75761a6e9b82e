"""How good the alarms are, after ISA-18.2 / IEC 62682: rates, floods, chatter, stale, priorities.

`report` answers for a period; docs/alarm-quality.md has the formulas and their sources.
"""

from alerts.quality.report import report
from alerts.quality.rows import Period

__all__ = ["Period", "report"]

"""The hand-over of a shift: what happened, what is still open, and who signed for it.

`report` tells a shift from journal and tables as of its end; `signing` keeps what both officers saw
when they signed; `paper` prints it. No clock is read here.
"""

from alerts.handover.report import build_report
from alerts.handover.shift import Span, choices

__all__ = ["Span", "build_report", "choices"]

"""The position report: figures, pictures and words that a risk officer reads from the top."""

from fengkong.report._assess import assess
from fengkong.report.position import Position

__all__ = ["Position", "assess"]

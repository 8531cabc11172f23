"""What a modeller looks at: pictures, pages and workbooks of the scorecard lab."""

from fengkong.report.scorecard._develop import Development, develop
from fengkong.report.scorecard._drift_page import Watched, watch
from fengkong.report.scorecard._evidence import Evidence, evidence_of
from fengkong.report.scorecard._reports import (
    write_development,
    write_drift,
    write_validation,
)
from fengkong.report.scorecard.files import read_data
from fengkong.report.scorecard.rows import Measurable
from fengkong.report.scorecard.settings import Settings

__all__ = [
    "Development", "Evidence", "Measurable", "Settings", "Watched", "develop", "evidence_of",
    "read_data", "watch", "write_development", "write_drift", "write_validation",
]  # fmt: skip

"""What came of runs, as tables, JSON and a picture.

Pure: records in, records out; only `draw` writes, the one file it is told to.
"""

from longread.evals.report.as_json import to_json
from longread.evals.report.build import report
from longread.evals.report.intervals import Estimate
from longread.evals.report.markdown import to_markdown
from longread.evals.report.picture import draw
from longread.evals.report.records import Curve, Failure, Incomplete, Report, Row, Table

__all__ = [
    "Curve",
    "Estimate",
    "Failure",
    "Incomplete",
    "Report",
    "Row",
    "Table",
    "draw",
    "report",
    "to_json",
    "to_markdown",
]

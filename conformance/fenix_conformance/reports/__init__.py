"""What a run found, told: at a terminal, as JUnit, JSON and HTML, against a baseline, beside another run.

Every writer takes a ``RunResult`` and adds nothing to it; what strangers sent is text in all of them, never control
characters, markup or code.
"""

from fenix_conformance.reports.baseline import (
    Assessment,
    Baseline,
    BaselineError,
    baseline_text,
    bundled,
    load_baseline,
)
from fenix_conformance.reports.compare import Comparison, compare, comparison_json, render_comparison
from fenix_conformance.reports.files import ReportError
from fenix_conformance.reports.html import write_html
from fenix_conformance.reports.json_report import read_json, write_json
from fenix_conformance.reports.junit import write_junit
from fenix_conformance.reports.progress import Progress
from fenix_conformance.reports.text import render_text

__all__ = [
    "Assessment",
    "Baseline",
    "BaselineError",
    "Comparison",
    "Progress",
    "ReportError",
    "baseline_text",
    "bundled",
    "compare",
    "comparison_json",
    "load_baseline",
    "read_json",
    "render_comparison",
    "render_text",
    "write_html",
    "write_json",
    "write_junit",
]

"""Which student to ship: a comparison as a mapping, and a page to decide by.

`distillation_report` compares teacher, plain and distilled student on the same rows;
`write_report` writes what it or a fitted `AutoDistiller` found as one HTML file, in the
order in which a decision is made, with a ``model_card.json`` of the same facts.
"""

from skdistill.report._comparison import distillation_report
from skdistill.report._mapping import DistillationReport, aligned, verdict
from skdistill.report.page._write import write_report

__all__ = ["DistillationReport", "aligned", "distillation_report", "verdict", "write_report"]

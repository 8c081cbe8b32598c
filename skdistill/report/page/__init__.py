"""The report as a page: `write_report`, its sections, template and style sheet."""

from skdistill.report.page._write import write_report

__all__ = ["write_report"]

"""GitLab's code quality report. A fingerprint stays the same when lines move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks import report
from flake8_celery_tasks.core.text import json_of
from flake8_celery_tasks.engine.findings import fingerprint

if TYPE_CHECKING:
    from argparse import Namespace

    from flake8_celery_tasks.engine.findings import Outcome


def render(outcome: Outcome, _options: Namespace) -> str:
    """Return the findings; paths are relative to the project that CI names, or to the repository."""
    root = report.repository("CI_PROJECT_DIR")
    findings = [
        {
            "description": f"{finding.code} {finding.text}",
            "check_name": finding.code,
            "fingerprint": fingerprint(finding),
            "severity": report.level(finding.code, "minor", "major", "blocker"),
            "location": {
                "path": report.from_repository(finding.path, root),
                "lines": {"begin": max(finding.line, 1)},
            },
        }
        for finding in outcome.findings
    ]
    return json_of(findings) + "\n"

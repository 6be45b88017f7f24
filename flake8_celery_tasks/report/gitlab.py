"""GitLab's code quality report. A fingerprint stays the same when lines move."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from flake8_celery_tasks import baseline, checking, report

if TYPE_CHECKING:
    from argparse import Namespace

    from flake8_celery_tasks.checking import Outcome


def render(outcome: Outcome, _options: Namespace) -> str:
    """Return the findings; paths are relative to the repository where CI says which folder that is."""
    root = os.environ.get("CI_PROJECT_DIR")
    findings = [
        {
            "description": f"{finding.code} {finding.text}",
            "check_name": finding.code,
            "fingerprint": checking.fingerprint(finding),
            "severity": report.level(finding.code, "minor", "major", "blocker"),
            "location": {
                "path": baseline.relative(finding.path, root) if root else report.shown(finding.path),
                "lines": {"begin": finding.line},
            },
        }
        for finding in outcome.findings
    ]
    return json.dumps(findings, indent=2) + "\n"

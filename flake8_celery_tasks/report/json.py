"""A JSON list with an object for each finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks import report
from flake8_celery_tasks.core.text import json_of
from flake8_celery_tasks.engine.findings import fingerprint
from flake8_celery_tasks.pages.explain import names

if TYPE_CHECKING:
    from argparse import Namespace

    from flake8_celery_tasks.engine.findings import Outcome


def render(outcome: Outcome, _options: Namespace) -> str:
    """Return the findings in flake8's order."""
    known = names()
    findings = [
        {
            "path": report.shown(finding.path),
            "line": finding.line,
            "column": finding.column,
            "code": finding.code,
            "rule": known.get(finding.code),
            "text": finding.text,
            "definition": finding.scope or None,
            "fingerprint": fingerprint(finding),
        }
        for finding in outcome.findings
    ]
    return json_of(findings) + "\n"

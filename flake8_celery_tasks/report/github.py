"""GitHub's workflow commands: each finding becomes an annotation at its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks import report
from flake8_celery_tasks.pages.explain import names

if TYPE_CHECKING:
    from argparse import Namespace

    from flake8_celery_tasks.engine.findings import Outcome


def render(outcome: Outcome, _options: Namespace) -> str:
    """Return a command for each finding."""
    known = names()
    lines = []
    for finding in outcome.findings:
        kind = report.level(finding.code, "warning", "error", "error")
        where = {
            "file": report.shown(finding.path),
            "line": str(finding.line),
            "col": str(finding.column),
            "title": " ".join(filter(None, (finding.code, known.get(finding.code)))),
        }
        given = ",".join(f"{key}={_property(value)}" for key, value in where.items())
        lines.append(f"::{kind} {given}::{_data(f'{finding.code} {finding.text}')}\n")
    return "".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

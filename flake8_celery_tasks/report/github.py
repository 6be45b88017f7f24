"""GitHub's workflow commands: each finding becomes an annotation at its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks import report
from flake8_celery_tasks.core.text import plain
from flake8_celery_tasks.flake8_host.ranges import places
from flake8_celery_tasks.pages.explain import names

if TYPE_CHECKING:
    from argparse import Namespace

    from flake8_celery_tasks.engine.findings import Outcome
    from flake8_celery_tasks.flake8_host.ranges import Place


def render(outcome: Outcome, options: Namespace) -> str:
    """Return a command for each finding; paths are relative to the repository."""
    known = names()
    root = report.repository()
    found = places(outcome.findings, options)
    lines = []
    for finding in outcome.findings:
        kind = report.level(finding.code, "warning", "error", "error")
        where = {
            "file": plain(report.from_repository(finding.path, root), of_bytes=True),
            "line": str(max(finding.line, 1)),
            **_end(found.get(finding)),
            "col": str(max(finding.column, 1)),
            "title": " ".join(filter(None, (finding.code, known.get(finding.code)))),
        }
        given = ",".join(f"{key}={_property(value)}" for key, value in where.items())
        lines.append(f"::{kind} {given}::{_data(f'{finding.code} {finding.text}')}\n")
    return "".join(lines)


def _end(place: Place | None) -> dict[str, str]:
    """Return where a finding ends. GitHub accepts an end column only within one line."""
    if place is None:
        return {}
    line, column = place.source.place(place.end)
    if line != place.source.place(place.start)[0]:
        return {"endLine": str(line)}
    return {"endLine": str(line), "endColumn": str(column)}


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

"""flake8's own text, in the format that its configuration sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.core.text import plain, plain_line
from flake8_celery_tasks.flake8_host import reporting
from flake8_celery_tasks.workspace.source import lines_of

if TYPE_CHECKING:
    from argparse import Namespace

    from flake8_celery_tasks.engine.findings import Outcome


def _shown(lines: str | None) -> str | None:
    """Return source lines for a terminal, with escapes for what would move its cursor, or be a command in a log."""
    if lines is None:
        return None
    return "".join(map(plain_line, lines_of(lines)))


def render(outcome: Outcome, options: Namespace) -> str:
    """Return the lines that flake8 would print."""
    violations = [
        one._replace(
            filename=plain(one.filename, of_bytes=True), text=plain(one.text), physical_line=_shown(one.physical_line)
        )
        for one in outcome.violations
    ]
    return reporting.formatted(options, violations, outcome.statistics)

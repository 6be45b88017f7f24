"""flake8's own text, in whatever format its configuration asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.core.text import plain
from flake8_celery_tasks.flake8_host import reporting

if TYPE_CHECKING:
    from argparse import Namespace

    from flake8_celery_tasks.engine.findings import Outcome


def render(outcome: Outcome, options: Namespace) -> str:
    """Return the lines that flake8 would print."""
    violations = [one._replace(filename=plain(one.filename, of_bytes=True)) for one in outcome.violations]
    return reporting.formatted(options, violations, outcome.statistics)

"""flake8's own text, in whatever format its configuration asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks import front

if TYPE_CHECKING:
    from argparse import Namespace

    from flake8_celery_tasks.checking import Outcome


def render(outcome: Outcome, options: Namespace) -> str:
    """Return the lines that flake8 would print."""
    return front.formatted(options, outcome.violations, outcome.statistics)

"""`python -m flake8_celery_tasks`."""

from __future__ import annotations

import sys

from flake8_celery_tasks.cli import program

if __name__ == "__main__":
    sys.exit(program())

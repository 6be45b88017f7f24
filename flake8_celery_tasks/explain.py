"""`python -m flake8_celery_tasks.explain` writes and checks the generated documents: its public name."""

from __future__ import annotations

from flake8_celery_tasks.pages.explain import main

if __name__ == "__main__":
    raise SystemExit(main())

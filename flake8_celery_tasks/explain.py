"""`python -m flake8_celery_tasks.explain` writes and checks the generated documents: its public name."""

from __future__ import annotations

import sys

if __name__ == "__main__" and not getattr(sys.flags, "safe_path", False):
    # `python -m` searches the working directory first, which may contain a `struct.py`.
    del sys.path[0]

from flake8_celery_tasks.pages.explain import main

if __name__ == "__main__":
    raise SystemExit(main())

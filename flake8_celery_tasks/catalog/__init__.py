"""Data about Celery itself: options of tasks and calls, settings, crontab fields.

Data and a few functions that look it up; nothing here imports Celery. `tests/catalog/` compares every record with the
installed Celery, in each minor version from `OLDEST` to `NEWEST`.
"""

Version = tuple[int, ...]
"""A Celery version as numbers: `(5, 7)`, `(5, 6, 2)`."""

OLDEST: Version = (5, 2)
"""The oldest Celery that the records describe."""

NEWEST: Version = (5, 7)
"""The newest Celery that the records describe, and the default target."""

ALWAYS: Version = (0,)
"""The `since` of anything that every supported Celery has."""


def words(text: str) -> frozenset[str]:
    """Return the words of `text` as a set."""
    return frozenset(text.split())

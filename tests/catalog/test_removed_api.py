"""What the list of removed modules and names says, against the installed Celery."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.catalog.removed_api import REMOVED, removed


@pytest.mark.truth("CLY517")
@pytest.mark.parametrize("path", REMOVED)
def test_is_gone(path):
    module, _, name = path.rpartition(".")
    statement = f"from {module} import {name}" if module else f"import {name}"
    with pytest.raises(ImportError):
        exec(statement)


@pytest.mark.truth("CLY517")
@pytest.mark.parametrize(
    "instead", sorted({text for text in REMOVED.values() if text.startswith(("celery.", "kombu."))})
)
def test_replacement_is_there(instead):
    module, _, name = instead.rpartition(".")
    exec(f"from {module} import {name}")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("celery.task.sets.TaskSet", "celery.task.sets"),
        ("celery.tasks", None),
        ("celery", None),
        ("djcelery.models", "djcelery"),
    ],
)
def test_longest_name_counts(path, found):
    assert removed(path) == found

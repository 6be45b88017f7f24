"""What the package says of its own code."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.core import own_code

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


def test_the_code_of_the_package_counts():
    found = own_code.stamps()
    assert any("duplicate_task_name.py" in str(item) for item in found)
    assert not any("__pycache__" in str(item) for item in found)

"""What the package says of its own code."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.core import own_code

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


def test_the_code_of_the_package_counts():
    found = own_code.state()
    assert "duplicate_task_name.py" in found
    assert "__pycache__" not in found

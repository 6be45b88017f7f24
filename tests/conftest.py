from __future__ import annotations

import pytest

from flake8_celery_tasks import project


@pytest.fixture(autouse=True)
def _fresh_projects():
    project.forget()
    yield
    project.forget()

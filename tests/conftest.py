from __future__ import annotations

import linecache

import pytest

from flake8_celery_tasks.engine import session
from flake8_celery_tasks.plugin import Plugin
from flake8_celery_tasks.workspace import gate


@pytest.fixture(autouse=True)
def _fresh_projects():
    session.forget()
    yield
    session.forget()


@pytest.fixture
def _fresh_plugin():
    """For tests that run the command in this process: what it has told the plugin is forgotten again."""
    yield
    Plugin.options = Plugin.baseline = None
    Plugin.excluded = Plugin.opted = ()
    Plugin.marks = gate.MARKS
    linecache.clearcache()

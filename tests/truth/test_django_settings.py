"""815: settings that are read from Django's, under another name than they are set."""

from __future__ import annotations

import pytest
from celery import Celery

pytest.importorskip("django")

from . import django_project  # noqa: F401 isort: skip
from django.conf import settings


@pytest.mark.truth("CLY815")
@pytest.mark.parametrize(
    ("key", "others", "name"),
    [
        ("CELERY_TASK_ALWAYS_EAGER", ("CELERY_ALWAYS_EAGER", "TASK_ALWAYS_EAGER"), "task_always_eager"),
        ("CELERY_TASK_TIME_LIMIT", ("CELERYD_TASK_TIME_LIMIT", "TASK_TIME_LIMIT"), "task_time_limit"),
        ("CELERY_BROKER_URL", ("BROKER_URL",), "broker_url"),
    ],
)
def test_django_knows_one_name_of_a_setting(monkeypatch, key, others, name):
    """CLY815: Celery finds a setting under the namespace; in Django's settings nobody finds it by another name."""
    monkeypatch.setattr(settings, key, "memory://", raising=False)
    app = Celery("shop", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    assert app.conf[name] == "memory://"
    for other in others:
        assert getattr(settings, other, "default") == "default"
        assert not hasattr(settings, other)
        with pytest.raises(AttributeError, match=f"has no attribute '{other}'"):
            getattr(settings, other)

"""What `config` tells, and how."""

from __future__ import annotations

import json

from flake8_celery_tasks.report.listing import surroundings

FOUND = {
    "root": {"path": "/work/shop", "because": "setup.cfg"},
    "configuration": {"files": [], "options": []},
    "celery": {"version": "5.7", "path": None, "line": None, "text": None, "because": "newest"},
    "apps": [],
    "settings": [],
    "decorators": [],
    "module": None,
}


def test_nothing():
    assert surroundings.as_text(FOUND) == (
        "project root         /work/shop (setup.cfg)\n"
        "configuration files  none\n"
        "Celery version       5.7 (newest)\n"
        "Celery apps          none recognised\n"
        "settings             none recognised\n"
        "tasks are made by    none recognised\n"
    )


def test_json():
    assert json.loads(surroundings.as_json(FOUND)) == FOUND


def test_a_certain_module():
    known = {"path": "a.py", "name": "a", "certain": True, "why_not": None, "app": "shop", "is_test": False}
    text = surroundings.as_text({**FOUND, "module": {**known, "checked": "yes"}})
    assert "a (certain)\n  app " in text


def test_all():
    module = {"path": "a/\x1b[31m.py", "name": "a.b", "certain": False, "why_not": "so", "app": None, "is_test": True}
    text = surroundings.as_text(
        {
            **FOUND,
            "configuration": {"files": ["x", "y"], "options": [{"name": "select", "value": "CLY", "source": "x"}]},
            "celery": {"version": "5.3", "path": "r.txt", "line": 2, "text": "celery==5.3", "because": "file"},
            "apps": ["shop.celery.app"],
            "settings": [
                {"path": "a.py", "object": None, "namespace": None},
                {"path": "a.py", "object": "Config", "namespace": "CELERY"},
                {"path": None, "object": "key", "namespace": None},
                {"path": None, "object": None, "namespace": "?"},
            ],
            "decorators": [{"name": "d", "form": "f", "tasks": 1}, {"name": "e", "form": "f", "tasks": 2}],
            "module": {**module, "checked": "yes"},
        }
    )
    lines = [line.split("  ") for line in text.splitlines()]
    assert [" ".join(filter(None, (part.strip() for part in line))) for line in lines][1:] == [
        "configuration files x",
        "y",
        "select CLY (x)",
        "Celery version 5.3 (r.txt:2: celery==5.3)",
        "Celery apps shop.celery.app",
        "settings a.py",
        "a.py: Config, namespace CELERY",
        "key",
        "?, namespace ?",
        "tasks are made by d (f, 1 task)",
        "e (f, 2 tasks)",
        "file a/\\x1b[31m.py",
        "module a.b (not certain)",
        "not certain because so",
        "app none",
        "test or migration yes",
        "checked yes",
    ]

"""What rules take for a side effect."""

from __future__ import annotations

from flake8_celery_tasks.binding.values import Const, Param
from flake8_celery_tasks.rules import _side_effects
from tests.helpers import opened, project_at


def module_of(folder, text):
    known = project_at(folder, {"shop/tasks.py": text})
    return known, opened(known, folder, "shop/tasks.py", text)


def test_a_session_that_is_handed_in_may_hold_the_key(tmp_path):
    known, module = module_of(tmp_path, "{}.update({})\n")
    assert _side_effects._session_may_hold_key(known, module, Param("session", None), module)
    assert not _side_effects._adds_key(module, known)


def test_a_module_that_adds_to_the_headers_may_add_the_key(tmp_path):
    known, module = module_of(tmp_path, "session = make()\nsession.headers.update(key=1)\n")
    assert _side_effects._session_may_hold_key(known, module, Const(None), module)

"""What an expression is: a task, a signature, a canvas, a result, an app."""

from __future__ import annotations

from flake8_celery_tasks.binding.values import Const, Invoke, Member, Operation, Ref
from flake8_celery_tasks.celery_model import decorators, definitions, objects
from tests.helpers import project_at


def test_deep_and_strange_values_are_nothing_of_celerys(tmp_path):
    known = project_at(tmp_path, {"a.py": "from celery import shared_task, group\n"})
    module = known.module(str(tmp_path / "a.py"))
    value = Ref(":group")
    for _ in range(12):
        value = Operation("|", (value, value))
    assert objects.thing_of(known, value, module) is None
    assert objects.thing_of(known, Const(1), module) is None
    deep = Ref(":shared_task")
    for _ in range(8):
        deep = Invoke(Ref("functools:partial"), (deep,), ())
    assert decorators.decorator_of(known, deep, module) is None
    assert decorators.decorator_of(known, Const(1), module) is None
    assert definitions.applied(known, Invoke(Member(Ref(":x"), "y"), (Ref(":z"),), ()), module) is None

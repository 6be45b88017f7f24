"""What decorators leave of a function."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.resolution import decorators
from tests.helpers import codes, facts_of

HELPERS = """\
from functools import wraps


def log(function):
    @wraps(function)
    def inner(*args, **kwargs):
        kwargs.pop("verbose")
        return function(*args, **kwargs)

    return inner


LOGS = {"log": log}
"""

TASKS = """\
from celery import shared_task
from shop.helpers import LOGS, log


@shared_task(name="shop.bill")
@log
def bill(order_pk):
    print(order_pk)


bill.delay(1, 2, 3)
"""


def test_a_wrapper_that_changes_the_arguments_makes_the_call_unknown(tmp_path):
    assert "CLY601" not in codes(tmp_path, {"shop/helpers.py": HELPERS, "shop/tasks.py": TASKS})
    calm = HELPERS.replace('        kwargs.pop("verbose")\n', "")
    assert "CLY601" in codes(tmp_path, {"shop/helpers.py": calm, "shop/tasks.py": TASKS})


@pytest.mark.parametrize(
    ("decorator", "keeps"),
    [
        ("log", True),
        ("LOGS['log']", False),
        ("functools.wraps", False),
        ("contextlib.contextmanager", True),
        ("1", False),
    ],
)
def test_whether_a_decorator_keeps_the_name(tmp_path, decorator, keeps):
    text = f"import contextlib\nimport functools\nfrom shop.helpers import LOGS, log\n\nfound = {decorator}\n"
    facts = facts_of(tmp_path, text, {"shop/helpers.py": HELPERS})
    [binding] = facts.module.candidates.scope.bindings["found"]
    value = facts.module.value(binding.value, binding.site.scope)
    assert decorators.keeps_name(facts.project, value, facts.module) == keeps

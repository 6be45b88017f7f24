"""What is mended by a record: a task gets the name back that others know it by."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.contract import record
from flake8_celery_tasks.contract.record import Record
from tests.contract.test_agreement import task
from tests.fixing import fixed

HEAD = "from celery import shared_task\n\n\n"
TASK = f"{HEAD}@shared_task\ndef pay(a): ...\n"


def mend(tmp_path, text: str, *codes: str, unsafe: bool = False, **files: str) -> str:
    kept = Record({"old.pay": task("old.pay")})
    path = tmp_path / "celery-tasks.json"
    path.write_text(record.as_text(kept))
    every = {"shop/tasks.py": text, **{f"shop/{name}.py": content for name, content in files.items()}}
    return fixed(tmp_path, every, *codes, unsafe=unsafe, celery_contract=path.name, celery_no_cache=True)[
        "shop/tasks.py"
    ]


@pytest.mark.parametrize("codes", [("CLY411",), ("CLY101",), ("CLY101", "CLY411")])
def test_the_old_name_is_written(tmp_path, codes):
    assert mend(tmp_path, TASK, *codes) == TASK.replace("@shared_task", '@shared_task(name="old.pay")')


@pytest.mark.parametrize("codes", [("CLY411",), ("CLY101",), ("CLY101", "CLY411")])
def test_nothing_is_written_where_the_new_name_is_sent(tmp_path, codes):
    sends = "from celery import current_app\n\ncurrent_app.send_task('shop.tasks.pay', [1])\n"
    assert mend(tmp_path, TASK, *codes, unsafe=True, views=sends) == TASK


def test_a_name_that_was_given_on_purpose_stays(tmp_path):
    text = TASK.replace("@shared_task", "@shared_task(name='pay')")
    assert mend(tmp_path, text, "CLY411", unsafe=True) == text


def test_what_a_call_makes_stays(tmp_path):
    text = f"{HEAD}def pay(a): ...\n\n\ntask = shared_task(pay)\n"
    assert mend(tmp_path, text, "CLY411", unsafe=True) == text


def test_a_module_whose_task_is_gone_stays(tmp_path):
    assert mend(tmp_path, "X = 1\n", "CLY411", unsafe=True, pay="X = 1\n") == "X = 1\n"


def test_in_a_script_the_recorded_name_is_safe(tmp_path):
    text = f'{TASK}\n\nif __name__ == "__main__":\n    pay.delay(1)\n'
    assert '@shared_task(name="old.pay")' in mend(tmp_path, text, "CLY101")

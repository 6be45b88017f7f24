"""Rules judge a file."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.engine import session
from tests.helpers import findings, write


@pytest.mark.parametrize("names", [("shop/tasks.py",), ("shop/views.py", "shop/tasks.py"), ("shop/tasks.py",) * 2])
def test_the_order_of_files_makes_no_difference(tmp_path, names):
    """A file that was read for another one, or checked before, is judged as if it were the first."""
    files = {
        "shop/tasks.py": (
            "from celery import shared_task\n\n\n@shared_task(name='a', bind=True)\ndef add(self):\n    print(1)\n\n\n"
            "alias = add\n\n\ndef later():\n    add.retry()\n\n\ngone.delay()\n"
        ),
        "shop/views.py": "from shop.tasks import alias\n\nalias.delay()\n",
    }
    write(tmp_path, files)
    session.forget()
    assert [findings(tmp_path, name) for name in names] == [[] for _ in names]

"""Fixes of definitions."""

from __future__ import annotations

import pytest

from tests.fixing import fix_one, task


def test_option_is_renamed_once(tmp_path):
    text = task("@shared_task(name='a', max_retry=3, autoretry_for=(OSError,))\ndef add(x):\n    return x\n")
    assert "max_retries=3" in fix_one(tmp_path, text, "CLY501")
    both = text.replace("max_retry=3", "max_retry=3, max_retries=4")
    assert fix_one(tmp_path, both, "CLY501") == both


def test_decorators_move_below_in_their_order(tmp_path):
    text = task(
        "@transaction.atomic  # all or nothing\n@override(\n    None\n)\n@shared_task(name='a')\n"
        "def add(x):\n    return x\n",
        "from celery import shared_task\nfrom django.db import transaction\n"
        "from django.utils.translation import override\n",
    )
    after = fix_one(tmp_path, text, "CLY513", unsafe=False)
    assert after.endswith(
        "@shared_task(name='a')\n@transaction.atomic  # all or nothing\n@override(\n    None\n)\n"
        "def add(x):\n    return x\n"
    )


def test_decorators_that_make_no_sense_below_stay(tmp_path):
    text = task(
        "@contextmanager\n@shared_task(name='a')\ndef add(x):\n    yield x\n",
        "from contextlib import contextmanager\n\nfrom celery import shared_task\n",
    )
    assert fix_one(tmp_path, text, "CLY513") == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("print(self.deplay(), add.aply_async)", "print(self.delay(), add.apply_async)"),
        ("self.app.tasks; add . async_apply ()", "self.app.tasks; add . apply_async ()"),
        ("print(add.s().dealy().id, self.requests.id)", "print(add.s().delay().id, self.request.id)"),
        ("print(self.retries)", "print(self.retries)"),
    ],
)
def test_misspelt_attributes(before, after, tmp_path):
    text = task("@shared_task(name='add', bind=True)\ndef add(self):\n    ")
    assert fix_one(tmp_path, f"{text}{before}\n", "CLY521") == f"{text}{after}\n"


@pytest.mark.parametrize("between", ["", "        # why\n", "    # why\n"])
def test_decorators_of_methods_move_too(tmp_path, between):
    imports = "from celery import shared_task\nfrom django.db import transaction\n"
    body = "        def add(x):\n            return x\n"
    atomic, shared = "        @transaction.atomic  # all\n", "        @shared_task(name='a')\n"
    text = task(f"class Shop:\n    class Till:\n{atomic}{between}{shared}{body}", imports)
    moved = task(f"class Shop:\n    class Till:\n{between}{shared}{atomic}{body}", imports)
    after = fix_one(tmp_path, text, "CLY513", unsafe=False)
    assert after == (text if between.startswith("    #") else moved)

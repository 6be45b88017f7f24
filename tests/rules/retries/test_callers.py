"""How calls in other files affect the fixes of `bind`."""

from __future__ import annotations

import pytest

from tests.fixing import OWN_NAMES, fix_one, fixed, task

SAFE, NOT_SAFE, NONE = "safe", "unsafe", "none"

ADD = {
    "CLY202": "@shared_task(name='add', bind=True, max_retries=3)\ndef {}:\n    return 1\n",
    "CLY203": "@shared_task(name='add')\ndef {}:\n    return self.name\n",
}
CALLER = (
    "from celery import current_app, shared_task, signature\n\nfrom shop.tasks import add\n\n\n"
    "@shared_task(name='sub')\ndef sub():\n    pass\n\n\ndef f(x, args):\n    {}\n"
)


@pytest.mark.parametrize(
    ("code", "function", "call", "kind"),
    [
        # A task without parameters can't have been called successfully.
        ("CLY202", "add()", "pass", SAFE),
        ("CLY202", "add(*, x=1)", "add.delay(x=2)", SAFE),
        ("CLY202", "add()", "add.run.__func__()", NOT_SAFE),
        ("CLY202", "add()", "add.__wrapped__.__func__()", NOT_SAFE),
        ("CLY202", "add()", "x.add()", SAFE),
        # All calls fail now and fit after the fix.
        ("CLY202", "add(x)", "add.delay(1)", SAFE),
        ("CLY202", "add(x)", "add.apply_async((1,), countdown=3)", SAFE),
        ("CLY202", "add(x)", "add.delay(x=1)", SAFE),
        ("CLY202", "add(x, y)", "add.s(1, 2).delay()", SAFE),
        ("CLY202", "add(x)", "current_app.send_task('add', (1,))", SAFE),
        ("CLY202", "add(x)", "add.delay(1), current_app.send_task('other', (1,))", SAFE),
        ("CLY202", "add(x)", "add.delay(1), current_app.send_task(pick(), (1,))", SAFE),
        ("CLY202", "add(x)", "add.delay(1), signature('other').delay(), sub.delay()", SAFE),
        ("CLY203", "add(self, x)", "add.delay(1)", SAFE),
        ("CLY203", "add(self, x, y=1)", "add.delay(1), add.apply_async([2])", SAFE),
        ("CLY203", "add(self, x)", "add.delay(x=1)", SAFE),
        # One call works now and would fail after the fix.
        ("CLY202", "add(x)", "add.delay()", NONE),
        ("CLY202", "add(x)", "add.delay(1), add.apply_async()", NONE),
        ("CLY202", "add(x, y)", "add.delay(1)", NONE),
        ("CLY202", "add(x)", "current_app.send_task('add')", NONE),
        ("CLY203", "add(self, x)", "add.delay(None, 1)", NONE),
        ("CLY203", "add(self, x)", "add.delay(1), add.si(None, 1)", NONE),
        # It is uncertain.
        ("CLY202", "add(x)", "pass", NOT_SAFE),
        ("CLY202", "add(x, y=1)", "add.delay(1)", NOT_SAFE),
        ("CLY202", "add(x)", "add.delay(1, 2, 3)", NOT_SAFE),
        ("CLY202", "add(x)", "add.delay(*args)", NOT_SAFE),
        ("CLY202", "add(x)", "add.delay(1), add.apply((1,))", NOT_SAFE),
        ("CLY202", "add(x)", "add.delay(1), add('x')", NOT_SAFE),
        ("CLY202", "add(x)", "add.delay(1), map(add, [x])", NOT_SAFE),
        ("CLY202", "add(x)", "add.delay(1), x.add()", NOT_SAFE),
        ("CLY202", "add(x)", "add.delay(1), x('shop.tasks.add.delay')", NOT_SAFE),
        ("CLY202", "add(x)", "add.delay(1), x('add')", NOT_SAFE),
        ("CLY202", "add(x)", "add.delay(1), x('how to add one')", SAFE),
        ("CLY202", "add(x)", "from shop.tasks import add as plus; add.delay(1), plus()", NOT_SAFE),
        ("CLY203", "add(self, x)", "add.delay(1), add(None, 1)", NOT_SAFE),
        ("CLY203", "add(self, x)", "add.delay(1), add.run(None, 1)", NOT_SAFE),
        ("CLY203", "add(self, x)", "pass", NOT_SAFE),
    ],
)
def test_what_calls_show(code, function, call, kind, tmp_path):
    before = {"shop/tasks.py": task(ADD[code].format(function)), "blog/views.py": CALLER.format(call)}
    safe = fixed(tmp_path / "safe", before, code, unsafe=False)["shop/tasks.py"] != before["shop/tasks.py"]
    unsafe = fixed(tmp_path / "unsafe", before, code)["shop/tasks.py"] != before["shop/tasks.py"]
    assert {(True, True): SAFE, (False, True): NOT_SAFE, (False, False): NONE}[safe, unsafe] == kind


def test_calls_in_the_file_of_the_task(tmp_path):
    text = task(ADD["CLY202"].format("add(x)"))
    assert "(self, x)" in fix_one(tmp_path / "1", f"{text}\n\nadd.delay(1)\n", "CLY202", unsafe=False)
    assert "(x)" in fix_one(tmp_path / "2", f"{text}\n\nadd.delay(1)\nadd(1)\n", "CLY202", unsafe=False)


def test_calls_in_a_file_that_can_not_be_parsed(tmp_path):
    files = {
        "shop/tasks.py": task(ADD["CLY202"].format("add(x)")),
        "blog/views.py": CALLER.format("add.delay(1)"),
        "blog/broken.py": "from shop.tasks import add\nadd.delay(\n",
    }
    assert fixed(tmp_path, files, "CLY202", unsafe=False) == files


def test_calls_of_a_task_without_a_name(tmp_path):
    files = {
        "shop/__init__.py": "",
        "shop/tasks.py": task("@shared_task(bind=True, max_retries=3)\ndef add(x):\n    return 1\n"),
        "blog/views.py": CALLER.format("current_app.send_task('shop.tasks.add', [1])"),
    }
    after = fixed(tmp_path / "1", files, "CLY202", unsafe=False)["shop/tasks.py"]
    assert "def add(self, x)" in after
    files["shop/celery.py"] = OWN_NAMES
    assert fixed(tmp_path / "2", files, "CLY202", unsafe=False) == files

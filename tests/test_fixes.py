"""Fixes: what each writes, what it leaves alone, and that a fixed file is a fixed point."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from pathlib import Path

import pytest

from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import loader, session
from flake8_celery_tasks.fixer import remedies as fixer_remedies
from flake8_celery_tasks.fixer import rounds
from flake8_celery_tasks.fixer.files import fix_files
from flake8_celery_tasks.pages import examples, explain
from flake8_celery_tasks.rules.rule import Rule
from tests.helpers import findings, write

FIXING = [rule for rule in loader.rules() if type(rule).fix is not Rule.fix]


def order_for(*codes, unsafe=True, **options):
    def wants(_path, _lines, _tree, found):
        return [violation for violation in found if not codes or violation.code in codes]

    return rounds.Order(options=Options.of(options), unsafe=unsafe, wants=wants)


def fixed(folder, files, *codes, unsafe=True, **options):
    """Write a project, fix it, and return the texts of its files."""
    folder.mkdir(exist_ok=True)
    write(folder, files)
    session.forget()
    names = [name for name in files if name.endswith(".py")]
    order = order_for(*codes, unsafe=unsafe, **options)
    list(fix_files([str(folder / name) for name in names], order))
    again = list(fix_files([str(folder / name) for name in names], order))
    assert not again, "a fixed file is a fixed point"
    return {name: (folder / name).read_bytes().decode() for name in files}


def fix_one(folder, text, *codes, **options):
    return fixed(folder, {"shop/tasks.py": text}, *codes, **options)["shop/tasks.py"]


def task(text, imports="from celery import shared_task\n"):
    return f"{imports}\n\n{text}"


# All rules with fixes.


def bad_cases():
    for rule in FIXING:
        sections = {section.title: section for section in examples.sections(inspect.getdoc(type(rule)))}
        for number, case in enumerate(examples.cases(sections["Bad"]), 1):
            yield pytest.param(rule, case, id=f"{rule.code}-{number}")


@pytest.mark.parametrize(("rule", "case"), list(bad_cases()))
def test_fixed_examples_are_clean(rule, case, tmp_path):
    after = fixed(tmp_path, case.files, **case.options)
    session.forget()
    left = {name: findings(tmp_path, name, **case.options) for name in case.files if name.endswith(".py")}
    for name, text in after.items():
        if text != case.files[name]:
            ast.parse(text)
    assert {violation.code for found in left.values() for violation in found} <= {rule.code}


@pytest.mark.parametrize("rule", FIXING, ids=lambda rule: rule.code)
def test_pages_say_whether_the_fix_is_safe(rule, tmp_path):
    safe = set()
    sections = {section.title: section for section in examples.sections(inspect.getdoc(type(rule)))}
    for number, case in enumerate(examples.cases(sections["Bad"])):
        folder = tmp_path / str(number)
        folder.mkdir()
        write(folder, case.files)
        for name in case.files:
            _, remedies = fixer_remedies.remedies(str(folder / name), order_for(rule.code, **case.options))
            safe |= {remedy.safe for remedy in remedies}
    assert {{True: "safe", False: "unsafe"}[one] for one in safe} <= set(rule.fixes.split(" or "))
    assert safe


def test_only_fixes_of_the_command_are_listed():
    assert {rule.code for rule in loader.rules() if explain.record(rule)["fix"]} == {rule.code for rule in FIXING}


def test_usage_lists_the_fixes():
    text = (Path(__file__).parent.parent / "docs" / "usage.md").read_text(encoding="utf-8")
    rows = {kind: re.search(rf"^\| {kind} \|(.*)", text, re.MULTILINE)[1] for kind in ("safe", "unsafe")}
    listed = {kind: set(re.findall(r"CLY\d+", row)) for kind, row in rows.items()}
    assert listed == {
        kind: {rule.code for rule in FIXING if kind in rule.fixes.split(" or ")} for kind in ("safe", "unsafe")
    }


@pytest.mark.parametrize("rule", FIXING, ids=lambda rule: rule.code)
def test_each_fixing_rule_cleans_an_example(rule, tmp_path):
    sections = {section.title: section for section in examples.sections(inspect.getdoc(type(rule)))}
    counts = []
    for number, case in enumerate(examples.cases(sections["Bad"])):
        folder = tmp_path / str(number)
        folder.mkdir()
        write(folder, case.files)
        session.forget()
        names = [name for name in case.files if name.endswith(".py")]
        before = sum(len(findings(folder, name, **case.options)) for name in names)
        fixed(folder, case.files, rule.code, **case.options)
        session.forget()
        counts.append((before, sum(len(findings(folder, name, **case.options)) for name in names)))
    assert all(after <= before for before, after in counts)
    assert any(after < before for before, after in counts)


@pytest.mark.parametrize("rule", FIXING, ids=lambda rule: rule.code)
def test_rules_say_how_safe_their_fixes_are(rule, tmp_path):
    sections = {section.title: section for section in examples.sections(inspect.getdoc(type(rule)))}
    changed = {}
    for unsafe in False, True:
        for number, case in enumerate(examples.cases(sections["Bad"])):
            folder = tmp_path / f"{unsafe}-{number}"
            folder.mkdir()
            texts = fixed(folder, case.files, rule.code, unsafe=unsafe, **case.options)
            changed[unsafe] = changed.get(unsafe, False) or texts != case.files
    assert changed == {False: rule.fixes != "unsafe", True: True}


# Names.


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("@shared_task", '@shared_task(name="shop.tasks.add")'),
        ("@shared_task()", '@shared_task(name="shop.tasks.add")'),
        ("@shared_task(name=None)", '@shared_task(name="shop.tasks.add")'),
        ("@shared_task(queue='slow')", "@shared_task(name='shop.tasks.add', queue='slow')"),
        (
            "@shared_task(\n    queue='slow',  # not now\n    expires=60,\n)",
            "@shared_task(\n    name='shop.tasks.add',\n    queue='slow',  # not now\n    expires=60,\n)",
        ),
        (
            '@shared_task(\n    queue="slow", expires=60\n)',
            '@shared_task(\n    name="shop.tasks.add", queue="slow", expires=60\n)',
        ),
        ("@shared_task(**{})", '@shared_task(name="shop.tasks.add", **{})'),
    ],
)
def test_automatic_name(before, after, tmp_path):
    text = task(f"{before}\ndef add(x):\n    return x\n")
    expected = task(f"{after}\ndef add(x):\n    return x\n")
    assert fix_one(tmp_path, text, "CLY101", unsafe=False) == expected


@pytest.mark.parametrize(
    "text",
    [
        "EMPTY = {'name': None}\n\n\n@shared_task(**EMPTY)\ndef add(x):\n    return x\n",
        "def job(**options):\n    return shared_task(**options)\n\n\n@job\ndef add(x):\n    return x\n",
        "def job(queue):\n    return shared_task(queue=queue)\n\n\n@job('slow')\ndef add(x):\n    return x\n",
        "import functools\n\njob = functools.partial(shared_task, queue='slow')\n\n\n@job()\ndef add(x):\n"
        "    return x\n",
    ],
)
def test_name_that_can_not_be_added(text, tmp_path):
    assert fix_one(tmp_path, task(text), "CLY101") == task(text)


def test_name_for_readable_house_decorators(tmp_path):
    text = "def job(**options):\n    return shared_task(**options)\n\n\n@job()\ndef add(x):\n    return x\n"
    assert '@job(name="shop.tasks.add")' in fix_one(tmp_path, task(text), "CLY101")


def test_name_for_listed_decorators(tmp_path):
    text = "from house import job\n\n\n@job\ndef add(x):\n    return x\n"
    after = fix_one(tmp_path, text, "CLY101", celery_task_decorators="house.job")
    assert '@job(name="shop.tasks.add")' in after


OWN_NAMES = (
    "from celery import Celery\n\n\nclass App(Celery):\n    def gen_task_name(self, name, module):\n"
    "        return name\n"
)


@pytest.mark.parametrize(
    "app", [OWN_NAMES, "from celery import Celery\n\napp = Celery()\napp.gen_task_name = lambda name, module: name\n"]
)
def test_no_name_where_an_app_makes_its_own(app, tmp_path):
    files = {
        "shop/tasks.py": task("@shared_task\ndef add(x):\n    return x\n"),
        "shop/celery.py": app,
        "blog/views.py": "from shop.tasks import add\n\nadd.delay(1)\n",
    }
    assert fixed(tmp_path, files) == files


def test_name_where_the_automatic_one_is_asked_for(tmp_path):
    files = {
        "shop/tasks.py": task("@shared_task\ndef add(x):\n    return x\n"),
        "shop/celery.py": "from celery import Celery\n\napp = Celery()\nprint(app.gen_task_name('add', 'shop'))\n",
    }
    assert '(name="shop.tasks.add")' in fixed(tmp_path, files, "CLY101", unsafe=False)["shop/tasks.py"]


def test_name_in_a_script_is_not_safe(tmp_path):
    text = task("@shared_task\ndef add(x):\n    return x\n\n\nif __name__ == '__main__':\n    add.delay(1)\n")
    assert fix_one(tmp_path, text, "CLY101", unsafe=False) == text
    assert '(name="shop.tasks.add")' in fix_one(tmp_path, text, "CLY101").replace("'", '"')


def test_no_name_for_classes_and_uncertain_modules(tmp_path):
    text = (
        "from celery import Celery, Task\n\napp = Celery()\n\n\nclass Add(Task):\n    def run(self):\n"
        "        pass\n\n\n"
    )
    text += "app.register_task(Add())\n"
    assert fix_one(tmp_path, text, "CLY101") == text


# Binding.


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("@shared_task(bind=True)\ndef add(self):", "@shared_task\ndef add():"),
        ("@shared_task(bind=True,)\ndef add(self, x):", "@shared_task\ndef add(x):"),
        (
            "@shared_task(\n    bind=True,\n    queue='q',\n)\ndef add(\n    self,\n    x,\n):",
            "@shared_task(\n    queue='q',\n)\ndef add(\n    x,\n):",
        ),
        ("@shared_task(queue='q', bind=True)\ndef add(self, *args):", "@shared_task(queue='q')\ndef add(*args):"),
        ("@shared_task(queue='q', bind=(True))\ndef add(self=None, x=1):", "@shared_task(queue='q')\ndef add(x=1):"),
        ("@shared_task(bind=True, queue='q')\ndef add(self,):", "@shared_task(queue='q')\ndef add():"),
        ("@shared_task(bind=True, queue='q')\ndef add(*args):", "@shared_task(queue='q')\ndef add(*args):"),
        ("@shared_task(bind=True)\ndef add(\n    self,\n):", "@shared_task\ndef add():"),
        ("@shared_task(bind=True)\ndef add(\n    self\n):", "@shared_task\ndef add():"),
        ("@shared_task(  # why\n    bind=True\n)\ndef add(self):", "@shared_task  # why\ndef add():"),
        ("@shared_task(bind=True, queue='q')\ndef add(self, /, x):", "@shared_task(queue='q')\ndef add(x):"),
        (
            "@shared_task(bind=True, queue='q')\ndef add(\n    self,  # the task\n    x,\n):",
            "@shared_task(queue='q')\ndef add(\n    # the task\n    x,\n):",
        ),
        ("@shared_task(bind=True)\ndef add(  # x\n    self,\n):", "@shared_task\ndef add(  # x\n):"),
    ],
)
def test_binding_goes(before, after, tmp_path):
    text = task(f"{before}\n    return 1\n")
    assert fix_one(tmp_path, text, "CLY201") == task(f"{after}\n    return 1\n")


@pytest.mark.parametrize(
    "text",
    [
        "@shared_task(bind=True, queue='q')\ndef add(self, x):\n    del self\n    return x\n",
    ],
)
def test_binding_that_stays(text, tmp_path):
    assert fix_one(tmp_path, task(text), "CLY201") == task(text)


def test_binding_that_is_used_stays(tmp_path):
    text = task("@shared_task(bind=True)\ndef add(self):\n    return self.name\n")
    assert fix_one(tmp_path, text, "CLY201", celery_bind_requires_retry="true") == text


def test_binding_goes_where_there_is_no_parameter(tmp_path):
    text = task("@shared_task(bind=True)\ndef add(url):\n    return url\n")
    assert fix_one(tmp_path, text, "CLY201") == task("@shared_task\ndef add(url):\n    return url\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def add():", "def add(self):"),
        ("def add(url, depth=1):", "def add(self, url, depth=1):"),
        ("def add(\n    url,\n    depth,\n):", "def add(\n    self,\n    url,\n    depth,\n):"),
        ("def add(\n    url\n):", "def add(\n    self,\n    url\n):"),
    ],
)
def test_self_comes(before, after, tmp_path):
    text = task(f"@shared_task(bind=True, max_retries=3)\n{before}\n    return 1\n")
    expected = task(f"@shared_task(bind=True, max_retries=3)\n{after}\n    return 1\n")
    assert fix_one(tmp_path, text, "CLY202") == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("@shared_task", "@shared_task(bind=True)"),
        ("@shared_task(name='a', queue='q')", "@shared_task(name='a', bind=True, queue='q')"),
        ("@shared_task(name='a')", "@shared_task(name='a', bind=True)"),
        ("@shared_task(bind=False)", "@shared_task(bind=True)"),
        ("@shared_task(queue='q')", "@shared_task(bind=True, queue='q')"),
        ("@shared_task(\n    name='a'\n)", "@shared_task(\n    name='a',\n    bind=True\n)"),
        ("@shared_task(\n    name=('a'),\n)", "@shared_task(\n    name=('a'),\n    bind=True,\n)"),
    ],
)
def test_bind_comes(before, after, tmp_path):
    body = "def add(self, x):\n    return self.name\n"
    assert fix_one(tmp_path, task(f"{before}\n{body}"), "CLY203") == task(f"{after}\n{body}")


@pytest.mark.parametrize(
    "text",
    [
        "OFF = {'bind': False}\n\n\n@shared_task(**OFF)\ndef add(self, x):\n    return x\n",
        "def job(queue):\n    return shared_task(queue=queue)\n\n\n@job('q')\ndef add(self, x):\n    return x\n",
    ],
)
def test_bind_that_can_not_be_added(text, tmp_path):
    assert fix_one(tmp_path, task(text), "CLY203") == task(text)


# What calls in other files show of a binding.

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
        # One that takes nothing can't have been called.
        ("CLY202", "add()", "pass", SAFE),
        ("CLY202", "add(*, x=1)", "add.delay(x=2)", SAFE),
        ("CLY202", "add()", "add.run.__func__()", NOT_SAFE),
        ("CLY202", "add()", "add.__wrapped__.__func__()", NOT_SAFE),
        ("CLY202", "add()", "x.add()", SAFE),
        # All calls fail now, and fit then.
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
        # One works now, and would not then.
        ("CLY202", "add(x)", "add.delay()", NONE),
        ("CLY202", "add(x)", "add.delay(1), add.apply_async()", NONE),
        ("CLY202", "add(x, y)", "add.delay(1)", NONE),
        ("CLY202", "add(x)", "current_app.send_task('add')", NONE),
        ("CLY203", "add(self, x)", "add.delay(None, 1)", NONE),
        ("CLY203", "add(self, x)", "add.delay(1), add.si(None, 1)", NONE),
        # It can't be told.
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


# Retries.


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("autoretry_for=OSError", "autoretry_for=(OSError,)"),
        ("autoretry_for=(OSError)", "autoretry_for=(OSError,)"),
        ("throws=[OSError]", "throws=(OSError,)"),
        ("throws=[OSError, ]", "throws=(OSError, )"),
        ("throws=[OSError, KeyError]", "throws=(OSError, KeyError)"),
        ("throws='OSError'", "throws='OSError'"),
    ],
)
def test_tuples(before, after, tmp_path):
    text = task(f"@shared_task(name='a', {before})\ndef add(x):\n    return x\n")
    assert fix_one(tmp_path, text, "CLY214", unsafe=False) == text.replace(before, after)


RETRYING = """\
@shared_task(bind=True, max_retries=3)
def add(self, x):
    try:
        return x()
    except OSError as exc:
        raise self.retry({})
"""


@pytest.mark.parametrize(
    ("given", "unsafe", "after"),
    [
        ("exc", False, "exc=exc"),
        ("OSError()", False, "OSError()"),
        ("OSError()", True, "exc=OSError()"),
        ("exc, 10", True, "exc, 10"),
        ("10", True, "10"),
    ],
)
def test_positional_retry(given, unsafe, after, tmp_path):
    text = task(RETRYING.format(given))
    assert fix_one(tmp_path, text, "CLY219", unsafe=unsafe) == task(RETRYING.format(after))


# Definitions.


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


# Calls.

CALLS = """\
from celery import chain, group, shared_task


@shared_task(name="a")
def add(x=0, y=0, **more):
    return x


def send(items, n: int, m: dict):
    {}
"""


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("CLY603", "add.delay(1, y=2, countdown=3)", 'add.apply_async(args=[1], kwargs={"y": 2}, countdown=3)'),
        ("CLY603", "add.delay(countdown=3)", "add.apply_async(countdown=3)"),
        ("CLY603", "add.delay(*items, countdown=n)", "add.apply_async(args=[*items], countdown=n)"),
        ("CLY603", "add.s(1, countdown=3)", "add.s(1).set(countdown=3)"),
        ("CLY603", "add.delay_on_commit(1, countdown=3)", "add.apply_async_on_commit(args=[1], countdown=3)"),
        ("CLY604", "add.apply_async((1))", "add.apply_async((1,))"),
        ("CLY604", "add.apply_async(n)", "add.apply_async((n,))"),
        ("CLY604", "add.apply_async(m)", "add.apply_async(kwargs=m)"),
        ("CLY604", "add.apply_async(args=m, countdown=1)", "add.apply_async(kwargs=m, countdown=1)"),
        ("CLY604", "add.apply_async(args=m, kwargs=m)", "add.apply_async(args=m, kwargs=m)"),
        ("CLY604", "add.apply_async({1})", "add.apply_async({1})"),
        ("CLY608", "return group(add(1), add(2))", "return group(add.s(1), add.s(2))"),
        ("CLY608", "return chain(add.s(1), add.delay(2))", "return chain(add.s(1), add.s(2))"),
        ("CLY608", "return chain(add.s(1), add.apply_async((2,)))", "return chain(add.s(1), add.signature((2,)))"),
        ("CLY608", "return chain(add.s(1), add)", "return chain(add.s(1), add.s())"),
        ("CLY608", "return chain(add.s(1), add.delay)", "return chain(add.s(1), add.s())"),
        ("CLY608", "return chain(add.s(1), add.s(2).delay())", "return chain(add.s(1), add.s(2).delay())"),
    ],
)
def test_calls(code, before, after, tmp_path):
    assert fix_one(tmp_path, CALLS.format(before), code) == CALLS.format(after)


# Transactions.

COMMITS = """\
{imports}from celery import {names}
from django.db import transaction


@shared_task(name="a")
def add(x=0):
    return x


def save(items):
    with transaction.atomic({using}):
        for item in items:
            {call}
"""


def commit(call, using="", imports="", names="shared_task"):
    return COMMITS.format(call=call, using=using, imports=imports, names=names)


PARTIAL = "from functools import partial\n\n"


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("CLY701", commit("add.delay(item)"), commit("add.delay_on_commit(item)")),
        ("CLY701", commit("add.delay(1)", "durable=True"), commit("add.delay_on_commit(1)", "durable=True")),
        ("CLY701", commit("add.delay(item)", "using='x'"), commit("add.delay(item)", "using='x'")),
        ("CLY701", commit("x = add.delay(item)"), commit("x = add.delay(item)")),
        (
            "CLY701",
            commit("add.s(item).delay()"),
            commit("transaction.on_commit(add.s(item).delay)"),
        ),
        (
            "CLY701",
            commit("current_app.send_task('b', [item])", names="current_app, shared_task"),
            commit(
                "transaction.on_commit(partial(current_app.send_task, 'b', [item]))",
                imports=PARTIAL,
                names="current_app, shared_task",
            ),
        ),
        (
            "CLY702",
            commit("transaction.on_commit(add.delay())"),
            commit("transaction.on_commit(add.delay)"),
        ),
        (
            "CLY702",
            commit("transaction.on_commit(add.delay_on_commit(1))"),
            commit("transaction.on_commit(partial(add.delay, 1))", imports=PARTIAL),
        ),
        (
            "CLY702",
            commit("transaction.on_commit(add(1))", imports="import functools\n\n"),
            commit("transaction.on_commit(functools.partial(add.delay, 1))", imports="import functools\n\n"),
        ),
        ("CLY703", commit("transaction.on_commit(add)"), commit("transaction.on_commit(add.delay)")),
        ("CLY703", commit("transaction.on_commit(add.s)"), commit("transaction.on_commit(add.delay)")),
        (
            "CLY704",
            commit("transaction.on_commit(lambda: add.delay(x=item))"),
            commit("transaction.on_commit(lambda item=item: add.delay(x=item))"),
        ),
        (
            "CLY704",
            commit("transaction.on_commit(lambda y=1: add.delay(item))"),
            commit("transaction.on_commit(lambda y=1, item=item: add.delay(item))"),
        ),
    ],
)
def test_transactions(code, before, after, tmp_path):
    assert fix_one(tmp_path, before, code) == after


# Sending by name.

CONTENT = """\
from celery import shared_task


@shared_task(name="make", queue="images", priority=3)
def make(pk=0, size=0, **more):
    print(pk)


@shared_task(name="drop")
def drop(pk=0):
    print(pk)
"""

VIEWS = """\
{imports}from content.tasks import make


def publish(post, items, more):
    {call}
"""


def by_name(folder, text, **others):
    files = {"content/tasks.py": CONTENT, "blog/views.py": text, **others}
    return fixed(folder, files, "CLY401", "CLY402")["blog/views.py"]


def same(one, other):
    return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))


OPTIONS = 'queue="images", priority=3'
APP = "from celery import current_app\n"
SIGNATURE = "from celery import signature\n"
COMMIT = "from functools import partial\n\nfrom celery import current_app\nfrom django.db import transaction\n"


@pytest.mark.parametrize(
    ("before", "imports", "after"),
    [
        ("make.delay()", APP, f'current_app.send_task("make", {OPTIONS})'),
        (
            "make.delay(post.pk, size=3)",
            APP,
            f'current_app.send_task("make", args=[post.pk], kwargs={{"size": 3}}, {OPTIONS})',
        ),
        (
            "make.delay(*items, **more)",
            APP,
            f'current_app.send_task("make", args=[*items], kwargs={{**more}}, {OPTIONS})',
        ),
        (
            "make.delay(1, *items, a=(1), **more)",
            APP,
            f'current_app.send_task("make", args=[1, *items], kwargs={{"a": 1, **more}}, {OPTIONS})',
        ),
        (
            "make.apply_async((1,), {'size': 2}, countdown=3)",
            APP,
            f"current_app.send_task('make', (1,), {{'size': 2}}, countdown=3, {OPTIONS})",
        ),
        (
            "make.apply_async(args=(1,), queue='x')",
            APP,
            "current_app.send_task('make', args=(1,), queue='x', priority=3)",
        ),
        ("return make.s(1)", SIGNATURE, f'return signature("make", args=[1], {OPTIONS})'),
        ("return make.si(1)", SIGNATURE, f'return signature("make", args=[1], {OPTIONS}, immutable=True)'),
        ("return make.signature((1,))", SIGNATURE, f'return signature("make", (1,), {OPTIONS})'),
        (
            "make.delay_on_commit(1)",
            COMMIT,
            f'transaction.on_commit(partial(current_app.send_task, "make", args=[1], {OPTIONS}))',
        ),
        (
            "make.apply_async_on_commit((1,))",
            COMMIT,
            f'transaction.on_commit(partial(current_app.send_task, "make", (1,), {OPTIONS}))',
        ),
        (
            "make.delay(1), make.delay(2)",
            APP,
            f'current_app.send_task("make", args=[1], {OPTIONS}), current_app.send_task("make", args=[2], {OPTIONS})',
        ),
        (
            "make.delay(make.s(1))",
            "from celery import current_app, signature\n",
            f'current_app.send_task("make", args=[signature("make", args=[1], {OPTIONS})], {OPTIONS})',
        ),
    ],
)
def test_sending_by_name(before, imports, after, tmp_path):
    text = by_name(tmp_path, VIEWS.format(imports="", call=before))
    assert same(text, f"{imports}\n\ndef publish(post, items, more):\n    {after}\n")
    assert text.startswith(f"{imports}\n\ndef ")


DJANGO = "from functools import partial\n\nfrom django.db import transaction\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "transaction.on_commit(lambda: make.delay(post.pk))",
            f'transaction.on_commit(lambda: current_app.send_task("make", args=[post.pk], {OPTIONS}))',
        ),
        (
            "transaction.on_commit(partial(make.delay, post.pk))",
            f'transaction.on_commit(partial(current_app.send_task, "make", args=[post.pk], {OPTIONS}))',
        ),
        (
            "transaction.on_commit(partial(make.apply_async, (1,)))",
            f'transaction.on_commit(partial(current_app.send_task, "make", (1,), {OPTIONS}))',
        ),
        (
            "transaction.on_commit(make.delay)",
            f'transaction.on_commit(partial(current_app.send_task, "make", {OPTIONS}))',
        ),
    ],
)
def test_on_commit_keeps_its_wrapping(before, after, tmp_path):
    head = "from functools import partial\n\nfrom celery import current_app\nfrom django.db import transaction\n"
    text = by_name(tmp_path, VIEWS.format(imports=f"{DJANGO}", call=before))
    assert same(text, f"{head}\n\ndef publish(post, items, more):\n    {after}\n")


def test_what_was_refused_before_another_fix_is_tried_again(tmp_path):
    """By name the call would have no `expires`, which is asked for; once it waits for the commit, nobody asks."""
    text = (
        "from content.tasks import drop\nfrom django.db import transaction\n\n\n"
        "@transaction.atomic\ndef publish(post):\n    drop.delay(post.pk)\n    return post\n"
    )
    write(tmp_path, {"content/tasks.py": CONTENT, "blog/views.py": text})
    order = dataclasses.replace(order_for("CLY401", "CLY701"), opted=("CLY913",))
    (result,) = fix_files([str(tmp_path / "blog/views.py")], order)
    assert [violation.code for violation in result.violations] == ["CLY701", "CLY401"]
    assert not list(fix_files([str(tmp_path / "blog/views.py")], order))


def test_calls_stand_as_they_stood(tmp_path):
    text = VIEWS.format(imports="", call="make.delay(\n        post.pk,  # the key\n        size=3,\n    )")
    after = by_name(tmp_path, text)
    assert "        args=[\n            post.pk,  # the key\n        ],\n" in after, "no comment is lost"
    text = text.replace("  # the key", "")
    assert by_name(tmp_path, text).endswith(
        """\
    current_app.send_task(
        "make",
        args=[post.pk],
        kwargs={"size": 3},
        queue="images",
        priority=3,
    )
"""
    )


def test_long_calls_are_broken(tmp_path):
    text = VIEWS.format(imports="", call="if post:\n\t\tmake.delay(post.primary_key_of_some_length, size=post.size)")
    assert by_name(tmp_path, text.replace("    if", "\tif")).endswith(
        "\t\tcurrent_app.send_task(\n"
        '\t\t\t"make",\n'
        "\t\t\targs=[post.primary_key_of_some_length],\n"
        '\t\t\tkwargs={"size": post.size},\n'
        '\t\t\tqueue="images",\n'
        "\t\t\tpriority=3,\n"
        "\t\t)\n"
    )


def test_long_arguments_are_broken_too(tmp_path):
    keywords = ", ".join(f"a_rather_long_name_of_{letter}={letter}" for letter in "abcd")
    text = VIEWS.format(imports="", call=f"make.delay(\n        items,\n        {keywords}\n    )")
    assert by_name(tmp_path, text).endswith(
        """\
    current_app.send_task(
        "make",
        args=[items],
        kwargs={
            "a_rather_long_name_of_a": a,
            "a_rather_long_name_of_b": b,
            "a_rather_long_name_of_c": c,
            "a_rather_long_name_of_d": d,
        },
        queue="images",
        priority=3
    )
"""
    )


@pytest.mark.parametrize(
    "call",
    [
        "items.map(make.delay)",
        "make.apply_async((1,), {}, 'id')",
        "make.apply_async(*items)",
        "make.apply_async((1,), **more)",
        "make.delay(size=1, *items)",
        "make.chunks(items, 10)",
        "return make.map(items)",
        "f(make.delay, 1)",
    ],
)
def test_what_can_not_be_sent_by_name_stays(call, tmp_path):
    text = VIEWS.format(imports="", call=call)
    assert by_name(tmp_path, text) == text


def test_spreads_are_fine_where_nothing_is_carried_over(tmp_path):
    text = VIEWS.replace("make", "drop").format(imports="", call="drop.apply_async((1,), **more)")
    assert 'current_app.send_task("drop", (1,), **more)' in by_name(tmp_path, text)


@pytest.mark.parametrize(
    ("decorator", "expected"),
    [
        ('name="make", expires=None', 'send_task("make")'),
        ('name="make", expires=timedelta(1)', "make.delay()"),
        ('name="make", expires=1.5', 'send_task("make", expires=1.5)'),
        ('name="make", **unknown()', "make.delay()"),
        ('name="make", base=unknown()', 'send_task("make")'),
        ('name="make", base=Own', 'send_task("make")'),
        ('name="make", base=Sending', "make.delay()"),
        ('name="make", base=QueueOnce', "make.delay()"),
        ("name=unknown()", "make.delay()"),
        ('queue="q"', 'send_task("content.tasks.make", queue="q")'),
    ],
)
def test_options_of_the_decorator(decorator, expected, tmp_path):
    content = "from datetime import timedelta\n\nfrom celery import Task, shared_task\n"
    content += "from celery_once import QueueOnce\n\n\n"
    content += "class Own(Task):\n    def retry(self, *args): ...\n\n\n"
    content += "class Sending(Own):\n    def apply_async(self, *args): ...\n\n\n"
    content += f"@shared_task({decorator})\ndef make(pk=0):\n    print(pk)\n"
    text = by_name(tmp_path, VIEWS.format(imports="", call="make.delay()"), **{"content/tasks.py": content})
    assert expected in text


@pytest.mark.parametrize(
    "others",
    [
        {"content/tasks.py": "def broken(:\n", "content/__init__.py": ""},
        {
            "content/tasks.py": "from celery import Task\n\n\nclass make(Task):\n    name = 'make'\n\n"
            "    def run(self):\n        pass\n"
        },
    ],
)
def test_tasks_that_can_not_be_named(others, tmp_path):
    for call in ("make().delay()", "make.delay()"):
        text = VIEWS.format(imports="", call=call)
        assert by_name(tmp_path, text, **others) == text


# The import.


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("from content.tasks import make\n\n\ndef f():\n    make.delay()\n", False),
        ("from content.tasks import make as m\n\n\ndef f():\n    m.delay()\n", False),
        ("from content import tasks\n\n\ndef f():\n    tasks.make.delay()\n    tasks.drop.delay()\n", False),
        ("import content.tasks\n\n\ndef f():\n    content.tasks.make.delay()\n", False),
        ("import content.tasks as t\n\n\ndef f():\n    t.make.delay()\n", False),
        ("from content.tasks import make\n\n\ndef f():\n    make.delay()\n    make(1)\n", True),
        ("from content.tasks import make as make\n\n\ndef f():\n    make.delay()\n", True),
        ("from content.tasks import make\n\n__all__ = ['make']\n\n\ndef f():\n    make.delay()\n", True),
        ("from content.tasks import make\n\n__all__ = []\n__all__ += ['make']\n\n\ndef f():\n    make.delay()\n", True),
        ("from content.tasks import make\n\n\ndef f():\n    make.delay()\n    print('make')\n", False),
        ("from content.tasks import make\n\n\ndef f():\n    make.delay()\n    globals()['make']\n", True),
        ("from content.tasks import make\n\n\ndef f():\n    make.delay()\n\n\ndef g(make):\n    make(1)\n", False),
        ("from content.tasks import make\n\n\ndef f():\n    make.delay()\n    h(lambda make: make(1))\n", False),
        ("from content.tasks import make\n\n\ndef f():\n    make.delay()\n\n\ndef g(make=make): ...\n", True),
        ("from content.tasks import make\n\n\nclass K:\n    make = make\n    make.delay()\n\n\nmake.delay()\n", True),
        ("def f():\n    from content.tasks import make\n\n    make.delay()\n", False),
        (
            "def f():\n    from content.tasks import make\n\n    make.delay()\n\n    def g(make):\n        make(1)\n",
            False,
        ),
        ("def f():\n    from content.tasks import make\n\n    make.delay()\n    make(1)\n", True),
    ],
)
def test_import_goes_where_nothing_else_needs_it(text, kept, tmp_path):
    after = by_name(tmp_path, text)
    assert "send_task" in after
    assert ("content" in after) is kept


def test_import_that_others_import_from_here_stays(tmp_path):
    text = VIEWS.format(imports="", call="make.delay()")
    other = {
        "shop/tasks.py": "from blog.views import make\n",
        "shop/x.py": "a = 'make task'\n",
        "shop/y.py": "make task",
    }
    assert "from content.tasks import make" in by_name(tmp_path, text, **other)


@pytest.mark.parametrize(
    ("others", "kept"),
    [
        ({"shop/x.py": "from blog.views import *\n\nmake(1)\n"}, True),
        ({"shop/x.py": "from blog import views\n\nviews.make(1)\n"}, True),
        ({"blog/x.py": "from .views import (\n    publish,\n    make,\n)\n"}, True),
        ({"blog/x.py": "from .views import publish as make\n"}, False),
        ({"shop/x.py": "from shop.views import make\n", "shop/views.py": "make = 1\n"}, False),
        ({"shop/x.py": "from shop.views import *\n", "shop/views.py": "make = 1\n"}, False),
        ({"shop/tests.py": "patch('blog.views.make')\n"}, False),
        ({"shop/x.py": "import blog.views\n\nblog.views.make(1)\n"}, True),
        ({"shop/x.py": "a = 'content.views.make'\nb = views.makes\n"}, False),
        # A star hands it on, if anybody takes it.
        ({"blog/all.py": "from .views import *\n"}, False),
        ({"blog/all.py": "from .views import *\n", "shop/x.py": "from blog.all import make\n"}, True),
        ({"blog/all.py": "from .views import *\n", "shop/x.py": "from blog.all import other\n"}, False),
        ({"blog/all.py": "from .views import *\n", "blog/any.py": "from .all import *\n\nmake(1)\n"}, True),
        ({"blog/one.py": "from .views import *\nfrom .two import *\n", "blog/two.py": "from .one import *\n"}, False),
        ({"shop/x.py": "from blog.views import make\n(\n"}, False),
    ],
)
def test_import_that_others_may_need_from_here(others, kept, tmp_path):
    text = VIEWS.format(imports="", call="make.delay()")
    after = by_name(tmp_path, text, **others)
    assert "send_task" in after
    assert ("from content.tasks import make" in after) is kept


def test_import_of_a_package_stays(tmp_path):
    files = {"content/tasks.py": CONTENT, "blog/__init__.py": VIEWS.format(imports="", call="make.delay()")}
    after = fixed(tmp_path, files, "CLY401")["blog/__init__.py"]
    assert "send_task" in after
    assert "from content.tasks import make" in after


@pytest.mark.parametrize(
    "text",
    [
        "import os; from content.tasks import make\n\n\ndef f():\n    make.delay()\n",
        "def f():\n    if f:\n        from content.tasks import make\n    make.delay()\n",
        "try:\n    from content.tasks import make\nexcept ImportError:\n    make = None\n\n\ndef f():\n"
        "    make.delay()\n",
    ],
)
def test_imports_that_can_not_be_taken_out(text, tmp_path):
    assert by_name(tmp_path, text) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "import os\nfrom content.tasks import drop, make\n",
            "import os\n\nfrom celery import current_app\n\nfrom content.tasks import drop\n",
        ),
        (
            "from content.tasks import make, drop  # noqa: I001\n",
            "from celery import current_app\n\nfrom content.tasks import drop  # noqa: I001\n",
        ),
        (
            "from content.tasks import (\n    drop,\n    make,\n)\n",
            "from celery import current_app\n\nfrom content.tasks import (\n    drop,\n)\n",
        ),
        (
            "from content.tasks import (\n    make,\n    drop,\n)\n",
            "from celery import current_app\n\nfrom content.tasks import (\n    drop,\n)\n",
        ),
    ],
)
def test_name_leaves_its_import(before, after, tmp_path):
    body = "\n\ndef f():\n    drop(1)\n    make.delay()\n"
    expected = after + body.replace("make.delay()", f'current_app.send_task("make", {OPTIONS})')
    got = by_name(tmp_path, before + body)
    assert same(got, expected)
    if "import os" not in before:
        assert got == expected


@pytest.mark.parametrize(
    ("head", "after"),
    [
        ('"""Views."""\n', '"""Views."""\n\nfrom celery import current_app\n'),
        ('"""Views."""\nX = 1\n', '"""Views."""\n\nfrom celery import current_app\n\nX = 1\n'),
        ("X = 1\n", "from celery import current_app\n\nX = 1\n"),
        (
            "from __future__ import annotations\n",
            "from __future__ import annotations\n\nfrom celery import current_app\n",
        ),
        ("import os\nX = os\n", "import os\n\nfrom celery import current_app\n\nX = os\n"),
        ("from celery import current_app\n", "from celery import current_app\n"),
        ("import celery\n", "import celery\n"),
        ("from celery import *\n", "from celery import current_app\nfrom celery import *\n"),
        ("from celery import Task\n", "from celery import Task, current_app\n"),
        ("from celery import shared_task\n", "from celery import current_app, shared_task\n"),
        ("from celery import (\n    Task,\n)\n", "from celery import (\n    Task,\n    current_app,\n)\n"),
        (
            "from celery import (\n    shared_task,\n)\n",
            "from celery import (\n    current_app,\n    shared_task,\n)\n",
        ),
        (
            "from celery import aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n",
            "from celery import (\n    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,\n    bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb,\n"
            "    current_app,\n)\n",
        ),
        ("import django\n", "import django\nfrom celery import current_app\n"),
        ("from django import x\n", "from celery import current_app\nfrom django import x\n"),
        ("from blog import x\n", "from celery import current_app\n\nfrom blog import x\n"),
        ("from . import x\n", "from celery import current_app\n\nfrom . import x\n"),
    ],
)
def test_import_comes_where_isort_puts_it(head, after, tmp_path):
    body = "\n\ndef f():\n    from content.tasks import drop\n\n    drop.delay()\n"
    text = by_name(tmp_path, head + body)
    app = "celery.current_app" if head == "import celery\n" else "current_app"
    assert text == after + f'\n\ndef f():\n    {app}.send_task("drop")\n'


def test_import_beside_another_statement(tmp_path):
    for head in ("import os; X = 1\n", "X = 1; import os\n"):
        text = head + "\n\ndef f():\n    from content.tasks import drop\n\n    drop.delay()\n"
        assert ("send_task" in by_name(tmp_path, text)) is head.startswith("X")


def test_name_that_is_taken(tmp_path):
    text = "from flask import current_app\n\n\ndef f():\n    from content.tasks import drop\n\n    drop.delay()\n"
    after = by_name(tmp_path, text)
    assert after.startswith("from celery import current_app as celery_current_app\nfrom flask import current_app\n")
    assert "celery_current_app.send_task" in after
    both = text + "\n\ncelery_current_app = 1\n"
    assert by_name(tmp_path, both) == both


def test_name_that_is_hidden(tmp_path):
    text = (
        "from celery import current_app\n\n\ndef f(current_app):\n    from content.tasks import drop\n\n"
        "    drop.delay()\n"
    )
    assert "celery_current_app.send_task" in by_name(tmp_path, text)


def test_name_that_is_global_elsewhere(tmp_path):
    text = "def g():\n    global current_app\n\n\ndef f():\n    from content.tasks import drop\n\n    drop.delay()\n"
    assert "celery_current_app.send_task" in by_name(tmp_path, text)


def test_other_modules_that_only_look_like_it(tmp_path):
    text = VIEWS.format(imports="", call="make.delay()")
    others = {"shop/x.py": "views = make = 1\n", "shop/y.py": "views make (\n"}
    assert "content" not in by_name(tmp_path, text, **others)


def test_named_callback_of_a_loop_stays(tmp_path):
    text = commit("def send():\n                add.delay(item)\n            transaction.on_commit(send)")
    assert fix_one(tmp_path, text, "CLY704") == text


@pytest.mark.parametrize("call", ["add.delay(1, args=[2])", "add.s(args=[2])"])
def test_arguments_that_are_meant_twice_stay(call, tmp_path):
    text = CALLS.replace(", **more", "").format(call)
    assert fix_one(tmp_path, text, "CLY603") == text


def test_arguments_meant_for_apply_async(tmp_path):
    text = CALLS.replace(", **more", "").format("add.delay(args=[2], countdown=1)")
    assert "add.apply_async(args=[2], countdown=1)" in fix_one(tmp_path, text, "CLY603")


def test_mapping_of_another_call_stays_with_it(tmp_path):
    text = CALLS.format(
        "add.apply_async(items)\n    add.apply_async(countdown=1)\n    add.apply_async(m, countdown=1)\n"
        "    add.apply_async((1), m)"
    )
    assert "add.apply_async(kwargs=m, countdown=1)\n    add.apply_async((1,), m)" in fix_one(tmp_path, text, "CLY604")


def test_beat_entries_that_are_given_a_mapping_stay(tmp_path):
    text = "from celery import Celery\n\napp = Celery()\napp.conf.beat_schedule = {\n"
    text += (
        '    "a": {"task": "b", "schedule": 1, "args": {"x": 1}},\n'
        '    "b": {"task": "b", "schedule": 1, "args": ("x")},\n}\n'
    )
    after = fix_one(tmp_path, text, "CLY604")
    assert '"args": {"x": 1}' in after
    assert '"args": ("x",)' in after


def test_comments_in_an_import_stay(tmp_path):
    head = "from content.tasks import (\n    drop,  # why\n    make,  # that\n)\n"
    after = by_name(tmp_path, f"{head}\n\ndef f():\n    drop(1)\n    make.delay()\n")
    assert "from content.tasks import (\n    drop,  # why\n    # that\n)\n" in after


def test_comments_stay_where_a_call_comes_into_another_one(tmp_path):
    text = VIEWS.format(imports="", call="make.delay_on_commit(\n        1,  # one\n        # more\n        size=2,\n    )")
    assert by_name(tmp_path, text).endswith(
        """\
    transaction.on_commit(
        partial(
            current_app.send_task,
            "make",
            args=[
                1,  # one
            ],
            kwargs={
                # more
                "size": 2,
            },
            queue="images",
            priority=3,
        )
    )
"""
    )

"""The fix that sends by name instead of importing."""

from __future__ import annotations

import dataclasses

import pytest

from flake8_celery_tasks.fixer.files import fix_files
from flake8_celery_tasks.rules.boundaries import _needed
from tests.fixing import CONTENT, DJANGO, VIEWS, by_name, fix_one, fixed, order_for, same
from tests.helpers import opened, project_at, write

TEXT = "import os.path\nfrom shop.other import thing\nfrom celery import current_task\n"


def test_what_a_file_takes_is_found_once(tmp_path):
    known = project_at(tmp_path, {"shop/tasks.py": TEXT, "shop/other.py": "thing = object()\n"})
    path = opened(known, tmp_path, "shop/tasks.py", TEXT).place.path
    taken = _needed._taken(known, path)
    assert taken == {("os", ""), ("shop.other", "thing"), ("celery", "current_task")}
    assert _needed._taken(known, path) is taken


CALLS = """\
from celery import chain, group, shared_task


@shared_task(name="a")
def add(x=0, y=0, **more):
    return x


def send(items, n: int, m: dict):
    {}
"""


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


LATER = "from functools import partial\n\nfrom django.db import transaction\n"


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
    text = by_name(tmp_path, VIEWS.format(imports=f"{LATER}", call=before))
    assert same(text, f"{head}\n\ndef publish(post, items, more):\n    {after}\n")


@pytest.mark.parametrize("check", ["if make:\n        ", "if make is not None and items:\n        "])
def test_an_import_that_is_asked_for_stays(check, tmp_path):
    text = by_name(tmp_path, VIEWS.format(imports="", call=f"{check}make.delay()"))
    assert "from content.tasks import make\n" in text
    assert 'current_app.send_task("make"' in text


def test_what_was_refused_before_another_fix_is_tried_again(tmp_path):
    """A call by name would lack `expires`, which a rule asks for, but not once the call waits for the commit."""
    text = (
        "from content.tasks import drop\nfrom django.db import transaction\n\n\n"
        "@transaction.atomic\ndef publish(post):\n    drop.delay(post.pk)\n    return post\n"
    )
    write(tmp_path, {"content/tasks.py": CONTENT, "blog/views.py": text})
    order = order_for(tmp_path, "CLY401", "CLY701")
    order = dataclasses.replace(order, run=order.run._replace(opted=("CLY913",)))
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
        ('name="make", base=unknown()', "make.delay()"),
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


def test_comments_stay_where_a_call_comes_into_another_one(tmp_path):
    text = VIEWS.format(
        imports="", call="make.delay_on_commit(\n        1,  # one\n        # more\n        size=2,\n    )"
    )
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


# Which app sends.

APP = "from celery import Celery\n\napp = Celery('project', broker='redis://', include=['content.tasks'])\n"


def sent(folder, files):
    """Return the fixed view of a project that does not use Django."""
    text = VIEWS.format(imports="", call="make.delay(1)")
    return fixed(folder, {"content/tasks.py": CONTENT, "blog/views.py": text, **files}, "CLY401")["blog/views.py"]


@pytest.mark.parametrize(
    "files",
    [
        {"project/celery.py": APP},
        {
            "project/celery.py": "from celery import Celery\nfrom content import helpers\n" + APP,
            "content/helpers.py": "",
        },
        {
            "project/celery.py": APP,
            "tests/test_app.py": "from celery import Celery\n\nother = Celery()\nimport django\n",
        },
    ],
)
def test_outside_django_the_app_itself_sends(files, tmp_path):
    after = sent(tmp_path, files)
    assert "from project.celery import app\n" in after
    assert '    app.send_task("make", args=[1], queue="images", priority=3)\n' in after
    assert "content" not in after


def test_outside_django_the_app_itself_makes_signatures(tmp_path):
    text = VIEWS.format(imports="", call="return make.s(1)")
    files = {"content/tasks.py": CONTENT, "blog/views.py": text, "project/celery.py": APP}
    assert "return app.signature(" in fixed(tmp_path, files, "CLY401")["blog/views.py"]


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"project/celery.py": APP, "project/other.py": "from celery import Celery\n\nother = Celery('other')\n"},
        {"project/celery.py": APP + "\n\nimport blog.views\n"},
        {"project/celery.py": APP + "\n\nfrom blog import views\n"},
        {
            "project/celery.py": APP + "\n\nfrom project import broken\nimport blog.views as v\n",
            "project/broken.py": "(",
        },
        {
            "project/celery.py": APP,
            "project/__init__.py": "from blog.helpers import *\n",
            "blog/helpers.py": "import blog.views",
        },
        {"project/celery.py": "from celery import Celery\n\n\ndef make():\n    return Celery()\n"},
        {"project/celery.py": "import celery\n\napp = celery.current_app\n"},
        {"project/celery.py": "from celery import Celery\n\napp = None\napp = Celery()\n"},
    ],
)
def test_outside_django_there_is_no_fix_without_a_certain_app(files, tmp_path):
    assert "make.delay(1)" in sent(tmp_path, files)


def test_an_app_that_is_the_default_is_the_current_one(tmp_path):
    after = sent(tmp_path, {"project/celery.py": APP + "app.set_default()\n"})
    assert "current_app.send_task(" in after


def test_one_task_of_a_module_that_sends_in_its_own_way_keeps_the_import(tmp_path):
    content = CONTENT.replace("from celery import shared_task", "from celery import Task, shared_task").replace(
        '@shared_task(name="drop")',
        'class Once(Task):\n    def apply_async(self, *args): ...\n\n\n@shared_task(name="drop", base=Once)',
    )
    text = "from content import tasks\n\n\ndef f():\n    tasks.make.delay()\n    tasks.drop.delay()\n"
    assert by_name(tmp_path, text, **{"content/tasks.py": content}) == text


PACKAGE = {
    **DJANGO,
    "bgtasks/mail_task.py": 'from celery import shared_task\n\n\n@shared_task(name="mail")\ndef mail(pk): ...\n\n\n'
    '@shared_task(name="remind")\ndef remind(pk): ...\n',
    "bgtasks/export_task.py": 'from celery import shared_task\n\n\n@shared_task(name="export")\ndef export(pk): ...\n',
}


@pytest.mark.parametrize("where", ["module", "function"])
def test_imports_from_a_package_of_tasks_go_together(tmp_path, where):
    imports = "from bgtasks.export_task import export\nfrom bgtasks.mail_task import mail, remind\n"
    calls = "export.delay(pk)\nmail.delay(pk)\nremind.delay(pk)\n"
    body = calls if where == "module" else f"{imports}\n{calls}"
    view = "def view(pk):\n" + "".join(f"    {line}\n" if line else "\n" for line in body.splitlines())
    code = f"CLY40{1 if where == 'module' else 2}"
    before = {**PACKAGE, "shop/views.py": f"{imports}\n\n{view}" if where == "module" else view}
    after = (
        "from celery import current_app\n\n\ndef view(pk):\n"
        '    current_app.send_task("export", args=[pk])\n'
        '    current_app.send_task("mail", args=[pk])\n'
        '    current_app.send_task("remind", args=[pk])\n'
    )
    assert fixed(tmp_path, before, code)["shop/views.py"] == after

"""What tests of fixes share: a project that is fixed, and what has become of its files."""

from __future__ import annotations

import ast

from flake8_celery_tasks.engine import session
from flake8_celery_tasks.engine.run import Run
from flake8_celery_tasks.fixer import rounds
from flake8_celery_tasks.fixer.files import fix_files
from flake8_celery_tasks.workspace import gate
from tests.helpers import options_in, write


def order_for(folder, *codes, unsafe=True, **options):
    """Return the order to fix what some rules report."""

    def wants(_path, _lines, _tree, found):
        return [violation for violation in found if not codes or violation.code in codes]

    given = options_in(folder, options)
    return rounds.Order(Run(given, marks=gate.marks_of(given.celery_task_decorators)), unsafe=unsafe, wants=wants)


def fixed(folder, files, *codes, unsafe=True, **options):
    """Write a project, fix it, and return the texts of its files."""
    folder.mkdir(exist_ok=True)
    write(folder, files)
    session.forget()
    names = [name for name in files if name.endswith(".py")]
    order = order_for(folder, *codes, unsafe=unsafe, **options)
    list(fix_files([str(folder / name) for name in names], order))
    again = list(fix_files([str(folder / name) for name in names], order))
    assert not again, "a fixed file is a fixed point"
    return {name: (folder / name).read_bytes().decode() for name in files}


def fix_one(folder, text, *codes, **options):
    """Write a project of one file, fix it, and return its text."""
    return fixed(folder, {"shop/tasks.py": text}, *codes, **options)["shop/tasks.py"]


def task(text, imports="from celery import shared_task\n"):
    """Return the text of a module with a task."""
    return f"{imports}\n\n{text}"


#: An app that names its tasks itself.
OWN_NAMES = (
    "from celery import Celery\n\n\nclass App(Celery):\n    def gen_task_name(self, name, module):\n"
    "        return name\n"
)

#: What makes a project one of Django.
DJANGO = {"project/wsgi.py": "from django.core.wsgi import get_wsgi_application\n"}

#: Tasks of another app, and what sends them.
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
    """Return what becomes of a module that imports tasks of another app."""
    files = {"content/tasks.py": CONTENT, "blog/views.py": text, **DJANGO, **others}
    return fixed(folder, files, "CLY401", "CLY402")["blog/views.py"]


def same(one, other):
    """Return whether two texts are the same program."""
    return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))


#: A task without a name, and what the fix makes of it.
BEFORE = 'from celery import shared_task\n\n\n@shared_task  # why\ndef add(x):\n    return "ä", x\n'
AFTER = BEFORE.replace("@shared_task ", '@shared_task(name="shop.tasks.add") ')

#: All that can be fixed.
UNSAFE = rounds.Order(unsafe=True)


def fix(path, order=UNSAFE, **options):
    """Fix a file and return the results."""
    return list(fix_files([str(path)], order, **options))

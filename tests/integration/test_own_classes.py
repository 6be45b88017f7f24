"""Files that use the project's own classes of tasks and apps, or its tasks: no word of Celery is in them."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.celery_model.decorators import own_names
from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import concern, session
from flake8_celery_tasks.engine.run import Run
from flake8_celery_tasks.workspace import gate
from tests.helpers import findings, project_at, write

PROJECT = {
    "proj/__init__.py": "from .app import engine\n",
    "proj/app.py": """\
from celery import Celery


class Shop(Celery):
    pass


engine = Shop("shop", broker="redis://", backend="redis://")
engine.autodiscover_tasks()
""",
    "proj/base.py": """\
import celery
from celery import Task
from celery import Task as Plain


class BaseTask(celery.Task):
    pass


class Job(Task):
    abstract = True


class Typed(BaseTask[int]): ...


class Mixin: ...
""",
    "proj/more.py": "from proj.base import Job\n\n\nclass Heavy(Job):\n    acks_late = True\n",
    "proj/last.py": "from proj.more import Heavy as Work\n\nDuty = Work\n",
    "proj/times.py": "from celery.schedules import crontab\n",
    "proj/register.py": "from proj.app import engine\nfrom shop.sync import Sync\n\nengine.register_task(Sync())\n",
    "shop/bills.py": (
        'from celery import shared_task\n\n\n@shared_task(name="bill", ignore_result=True)\n'
        "def bill(order, *, more=1): ...\n"
    ),
    "shop/send.py": "from proj.app import engine\n\nengine.send_task('sync', args=(1, 2))\nengine.send_task('snyc')\n",
}

#: How a class gets to be a task.
BASES = {
    "by its name": "from proj.base import Job\n\n\nclass Sync(Job)",
    "with others": "from proj.base import BaseTask, Mixin\n\n\nclass Sync(BaseTask, Mixin)",
    "with others, of a module": "from proj import base\n\n\nclass Sync(base.Mixin, base.Job)",
    "of a module by its whole name": "import proj.base\n\n\nclass Sync(proj.base.Job)",
    "by another name": "from proj.base import Job as J\n\n\nclass Sync(J)",
    "handed on by another name": "from proj.last import Work\n\n\nclass Sync(Work)",
    "assigned": "from proj.last import Duty\n\n\nclass Sync(Duty)",
    "assigned here": "from proj.base import Job\n\nB = Job\n\n\nclass Sync(B)",
    "derived": "from proj.more import Heavy\n\n\nclass Sync(Heavy)",
    "by a star": "from proj.more import *\n\n\nclass Sync(Heavy)",
    "over lines": "from proj.more import (\n    Heavy,\n)\n\n\nclass Sync(\n    Heavy,\n)",
    "with blanks": "from proj.more import Heavy\n\n\nclass Sync (Heavy)",
    "with a type": "from proj.more import Heavy\n\n\nclass Sync(Heavy[int])",
    "with a type, of a module": "from proj import more\n\n\nclass Sync(more.Heavy[int])",
    "Celery's own by another name": "from proj.base import Plain\n\n\nclass Sync(Plain)",
    "an app's": "from proj.app import engine\n\n\nclass Sync(engine.Task, object)",
}

BODY = """:
    name = 'sync'
    autoretry_for = (OSError)

    def run(self, order={}):
        import requests
        requests.post('x')
        raise self.retry
"""

#: Other things that a rule reports.
OTHERS = {
    "a signature": "from shop.bills import bill\n\n\ndef view(order):\n    bill.s()\n    bill.si(1, 2, 3)()\n",
    "a signature with options": "from shop.bills import bill\n\n\ndef view():\n    bill.signature((1, 2), mre=1)\n",
    "an app's signature": "from proj import engine\n\n\ndef view(order):\n    engine.signature('bil')\n",
    "on commit": (
        "from django.db import transaction\nfrom shop.bills import bill\n\n\ndef view(order):\n"
        "    transaction.on_commit(bill.s(1))\n"
    ),
    "an app": "from proj.app import Shop\n\nx = Shop('x')\nx.conf.result_backnd = 'x'\n",
    "an app's argument": "from proj.app import Shop\n\nx = Shop('x', result_backnd='x')\n",
    "a schedule": "from proj.times import crontab\n\nNIGHTLY = crontab(hour=7)\n",
}


def found_in(folder, text):
    """Return what is found in each file of the project, and the names of its tasks."""
    write(folder, {**PROJECT, "shop/sync.py": text})
    session.forget()
    found = {name: findings(folder, name, extend_select="CLY9") for name in (*PROJECT, "shop/sync.py")}
    known = session.project_of(str(folder / "shop/sync.py"), Options())
    from flake8_celery_tasks.celery_model.registry import tasks_of

    return found, sorted(tasks_of(known).by_name)


@pytest.mark.parametrize(
    "text", [*(f"{base}{BODY}" for base in BASES.values()), *OTHERS.values()], ids=[*BASES, *OTHERS]
)
def test_a_comment_changes_nothing(tmp_path, text):
    alone = found_in(tmp_path, text)
    assert alone == found_in(tmp_path, f"{text}# celery\n")
    assert alone[0]["shop/sync.py"] or "result_backnd='x'" in text
    assert ("sync" in alone[1]) == (BODY in text)


@pytest.mark.parametrize(
    "text",
    [
        "from proj.base import Mixin\n\n\nclass Sync(Mixin): ...\n",
        "class Job: ...\n\n\nclass Sync(Job): ...\n",
        "from library import Job\n\n\nclass Sync(Job): ...\n",
        "from dataclasses import dataclass\n\n\nclass Sync(dataclass, key=1): ...\n",
        "class Sync(): ...\n\n\nclass Other[T](Sync): ...\n",
    ],
)
def test_other_classes_stay_behind_the_gate(tmp_path, text):
    write(tmp_path, {**PROJECT, "shop/other.py": text})
    for _ in range(2):  # before and after the names are known
        assert not gate.passes(text)
        assert not concern.passes(Run(), str(tmp_path / "shop/other.py"), text)
        assert concern.passes(Run(), str(tmp_path / "shop/sync.py"), f"{BASES['derived']}: ...\n")


def derived(count):
    lines = "".join(f"class Job{number}({f'Job{number - 1}' if number else 'Task'}): ...\n" for number in range(count))
    return f"from celery import Task\n\n\n{lines}"


def test_the_names_of_classes_that_are_derived_from_each_other(tmp_path):
    names = own_names(project_at(tmp_path, {"proj/base.py": derived(100)}))
    assert names == {f"Job{number}" for number in range(100)}


def test_no_more_names_than_can_be_searched_for(tmp_path, monkeypatch):
    monkeypatch.setattr("flake8_celery_tasks.celery_model.decorators._MOST", 3)
    assert own_names(project_at(tmp_path, {"proj/base.py": derived(10)})) == {"Job0", "Job1", "Job2"}


def test_the_names(tmp_path):
    # A file that uses BaseTask shows that it may have to do with tasks.
    assert own_names(project_at(tmp_path, PROJECT)) == {"Duty", "Heavy", "Job", "Plain", "Shop", "Typed", "Work"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("class Job(Task):\n    abstract = True\n", {"Job"}),
        ("class Job(Task):\n    def on_failure(self, *args): ...\n    def __call__(self): ...\n", {"Job"}),
        ("class Job(Task):\n    def run(self):\n        self.work()\n\n    def work(self): ...\n", {"Job"}),
        ("class Job(Task):\n    def run(self): ...\n", set()),
        ("class Job(Task):\n    abstract = True\n    def run(self): ...\n", {"Job"}),
        ("def f():\n    class Job(Task): ...\n\n\ndef g():\n    Job = Task\n", set()),
        ("Task.job = Task == celery.Task\n", set()),
        ("class Job(Task):\n    def work(self): ...\n", {"Job"}),
        ("class Job(  # of (mails)\n    Task,\n):\n    def work(self): ...\n", {"Job"}),
        ("class Job(celery.Task, odd.Thing, odd()):\n    def work(self): ...\n", {"Job"}),
        ("app = celery.Celery()\n\n\nclass Job(app.Task):\n    def work(self): ...\n", {"Job"}),
        ("class Work(Task):\n    def run(self): ...\n\n\nclass Job(Work):\n    def work(self): ...\n", set()),
        ("class Mail(Task): ...\n\n\nclass Job(Mail):\n    def work(self): ...\n", {"Mail", "Job"}),
        (
            "class Mail(Task): ...\n\n\nclass Work(Mail):\n    def run(self): ...\n\n\n"
            "class Job(Work):\n    def work(self): ...\n",
            {"Mail"},
        ),
        ("class Job(Task):\n    name = 'job'\n", set()),
        ("class Job(Task):\n    name: str = 'job'\n", set()),
        ("class JobTask(Task): ...\n", set()),
        ("class JobTask(Task): ...\n\n\nclass Job(JobTask): ...\n", {"Job"}),
        ("class Job(Task):\n    def run(self): ...\n\n\nclass Other(Task): ...\n", {"Other"}),
        ("Job = Task\n", {"Job"}),
        ("Job = celery.Task  # ours\n", {"Job"}),
        ("Job = Task()\n", set()),
        ("from celery import Task as Job", {"Job"}),
        ("from celery import (\n    Task as Job,\n    Celery as Shop)\n", {"Job", "Shop"}),
        ("class Shop(celery.Celery): ...\n", {"Shop"}),
        ("class Größe(Task): ...\n", {"Größe"}),
    ],
)
def test_classes_that_others_are_derived_from(tmp_path, text, names):
    files = {"proj/base.py": f"import celery\nfrom celery import Task\n\n\n{text}"}
    assert own_names(project_at(tmp_path, files)) == names


def test_how_deep_the_search_goes(tmp_path):
    """Each step takes a search in all files."""
    files = {f"d{n}.py": f"from d{n - 1} import J{n - 1}\n\n\nclass J{n}(J{n - 1}): ...\n" for n in range(1, 40)}
    base = "from celery import Task\n\n\nclass J0(Task): ...\n"
    assert own_names(project_at(tmp_path, {"d0.py": base, **files})) == {f"J{n}" for n in range(25)}


@pytest.mark.parametrize("base", ["Task", "kit.Task"])
def test_tasks_that_do_the_work_of_an_inherited_run(tmp_path, base):
    kit = "from celery import Task as Base\n\n\nclass Task(Base):\n    def run(self):\n        self.work()\n"
    jobs = f"import kit\nfrom kit import Task\n\n\nclass Job({base}):\n    def work(self): ...\n"
    assert own_names(project_at(tmp_path, {"kit.py": kit, "jobs.py": jobs})) == {"Base"}

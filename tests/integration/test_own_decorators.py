"""Files whose tasks are made by the project's own decorators only: no word of Celery stands in them."""

from __future__ import annotations

import ast
import json

import pytest

from flake8_celery_tasks.celery_model.decorators import own_names
from flake8_celery_tasks.command.main import main
from flake8_celery_tasks.core import errors
from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import concern, session
from flake8_celery_tasks.engine.run import Run
from flake8_celery_tasks.plugin import Plugin
from flake8_celery_tasks.workspace import cache, folders, gate
from tests.helpers import findings, flake8, write
from tests.server.desks import Table

#: Decorators of every kind, in a package of their own.
JOBS = {
    "jobs/worker.py": 'from celery import Celery\n\nengine = Celery("shop", broker="redis://")\nstep = engine.task\n',
    "jobs/__init__.py": "from .worker import engine as queue\n",
    "jobs/lanes.py": "from jobs.worker import engine as lane\n",
    "jobs/deco.py": """\
from functools import partial

from celery import shared_task
from celery import shared_task as piece
from jobs.worker import engine


def job(function):
    return shared_task(function)


def lane(queue="a"):
    def make(function):
        return engine.task(queue=queue)(function)

    return make


def late(**options):
    return shared_task(**options)


slow = partial(shared_task, queue="slow")


class Work:
    def __call__(self, function):
        return shared_task(function)


class Kit:
    def part(self, function):
        @shared_task
        def run():
            function()

        return run


kit = Kit()
""",
    "jobs/api.py": "from jobs.deco import job as work\n",
    "jobs/more.py": "from jobs.api import work\n\n\ndef heavy(function):\n    return work(function)\n",
    "shop/local.py": "from jobs.deco import job\n",
    "jobs/factories.py": "from jobs.deco import late\n\nnightly = late(queue='night')\n",
}

#: How they are used, by what stands before the function.
USES = {
    "by its name": "from jobs.deco import job\n\n\n@job",
    "by another name": "from jobs.deco import job as x\n\n\n@x",
    "of a module": "from jobs import deco\n\n\n@deco.job",
    "of a module by its whole name": "import jobs.deco\n\n\n@jobs.deco.job",
    "of a module by another name": "import jobs.deco as d\n\n\n@d.job",
    "in brackets, over lines": "from jobs.deco import (\n    job as x,  # ours\n)\n\n\n@x",
    "by a star": "from jobs.deco import *\n\n\n@job",
    "relative": "from .local import job\n\n\n@job",
    "handed on by another name": "from jobs.api import work\n\n\n@work",
    "made of one that is handed on": "from jobs.more import heavy\n\n\n@heavy",
    "a factory": "from jobs.deco import lane\n\n\n@lane()",
    "a factory with options": "from jobs.deco import late\n\n\n@late(queue='x')",
    "a factory's result": "from jobs.factories import nightly\n\n\n@nightly",
    "a partial": "from jobs.deco import slow\n\n\n@slow()",
    "a partial of one, here": (
        "from functools import partial\n\nfrom jobs.deco import late\n\nx = partial(late)\n\n\n@x()"
    ),
    "a class": "from jobs.deco import Work\n\n\n@Work()",
    "a method": "from jobs.deco import kit\n\n\n@kit.part",
    "a method of what is made here": "from jobs.deco import Kit\n\nkit = Kit()\n\n\n@kit.part",
    "Celery's own by another name": "from jobs.deco import piece\n\n\n@piece",
    "an app's method by another name": "from jobs.worker import step\n\n\n@step",
    "an app by another name": "from jobs import queue\n\n\n@queue.task",
    "an app by another name of a module": "from jobs.lanes import lane\n\n\n@lane.task",
    "an app by its name": "from jobs.worker import engine\n\n\n@engine.task  # here",
    "in a function": "from jobs.deco import job\n\n\ndef make():\n    pass\n\n\n@job",
}


def using(use: str) -> str:
    """Return a file that uses a decorator, with a mistake for every kind: it never ends."""
    return f"import time\n{use}\ndef bill(order={{}}):\n    import requests\n    requests.post('x')\n    bill.retry()\n"


@pytest.fixture
def jobs(tmp_path, monkeypatch):
    write(tmp_path, {**JOBS, "shop/__init__.py": ""})
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_comment_changes_nothing(jobs, use):
    """What is found is the same whether the file names Celery or not, and whatever was asked for first."""
    text = using(use)
    assert not gate.passes(text.replace(".task", ""))
    write(jobs, {"shop/bills.py": text})
    alone = findings(jobs, "shop/bills.py")
    write(jobs, {"shop/bills.py": f"{text}# celery\n"})
    session.forget()
    assert findings(jobs, "shop/bills.py") == alone
    assert concern.passes(Run(), str(jobs / "shop/bills.py"), text)
    # Of what can't be read nobody knows what it does with a name.
    assert bool(alone) == (use.rpartition("@")[2] not in ("Work()", "kit.part", "lane()"))


#: What uses no decorator that makes tasks.
OTHERS = {
    "none": "import jobs.deco",
    "one of Python's own": "from jobs import deco\n\n\nclass Bill:\n    @property\n    def job(self): ...",
    "one of a package": "import pytest\n\n\n@pytest.job\ndef bill(): ...",
    "one of a package that nobody has": "from library import job\n\n\n@job\ndef bill(): ...",
    "another one of the project": "from shop.plain import needed\n\n\n@needed\ndef bill(): ...",
    "one of its own": "def job(function):\n    return function\n\n\n@job\ndef bill(): ...",
    "a name for something else": "from shop.plain import needed\n\njob = needed(1)",
}


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_other_files_stay_behind_the_gate(jobs, text):
    write(jobs, {"shop/plain.py": "def needed(function):\n    return function\n", "shop/bills.py": text})
    assert not concern.passes(Run(), str(jobs / "shop/bills.py"), f'"""Text."""\n{text}\n')


def test_far_below_the_root(jobs):
    """What a file imports may stand in any folder around it."""
    write(jobs, {"a/b/c/d/duties/api.py": "from jobs.deco import job\n"})
    text = "from duties.api import job\n\n\n@job\ndef bill(order): ...\n"
    for folder in ("a", "a/b", "a/b/c", "a/b/c/d"):
        (jobs / folder / "__init__.py").unlink()
        assert concern.passes(Run(), str(jobs / folder / "bills.py"), text) == (folder == "a/b/c/d")
    write(jobs, {"a/b/c/d/e/bills.py": text})
    assert concern.passes(Run(), str(jobs / "a/b/c/d/e/bills.py"), text)


def test_every_door(jobs, capfd, check):
    """flake8, `check`, `fix`, `tasks` and `contract` see the same tasks."""
    bad = "from jobs.deco import late\n\n\n@late(max_retries=3)\ndef bill(order):\n    print(order)\n"
    write(jobs, {"shop/bills.py": bad, "shop/send.py": "from shop.bills import bill\n\nbill.delay()\n"})
    found = check("--isolated", "--no-show-source", "shop")
    assert [line.split()[1] for line in found] == ["CLY101", "CLY211", "CLY601"]
    assert check("--isolated", "shop/bills.py") == found[:2]
    assert flake8("--isolated", "--select=CLY", "shop/bills.py") == found[:2]
    assert flake8("--isolated", "--select=CLY", "-", "--stdin-display-name=shop/bills.py", stdin=bad) == found[:2]
    assert main(["tasks", "--format=json"]) == 0
    assert "shop.bills.bill" in capfd.readouterr().out
    assert main(["contract"]) == 0
    assert "shop.bills.bill" in json.loads(capfd.readouterr().out)["tasks"]
    assert main(["fix", "--isolated", "shop"]) == 0
    assert '@late(name="shop.bills.bill", max_retries=3)' in (jobs / "shop/bills.py").read_text(encoding="utf-8")


def test_the_server(tmp_path):
    text = "from jobs.deco import job\n\n\n@job\ndef bill(order):\n    print(order)\n"
    table = Table(tmp_path / "project", {**JOBS, "shop/bills.py": text, "shop/plain.py": "import os\n"})
    assert [code for code, _ in table.found("shop/bills.py")] == ["CLY101"]
    assert table.found("shop/plain.py") == []
    # What is open says what is a decorator.
    table.open("jobs/api.py", "from jobs.deco import job as duty\n")
    renamed = text.replace("deco import job", "api import duty").replace("@job", "@duty")
    assert [code for code, _ in table.found("shop/bills.py", renamed)] == ["CLY101"]


def test_listed_decorators(jobs, check):
    """Those of the configuration need not be found."""
    write(jobs, {"shop/bills.py": "from library.queues import duty\n\n\n@duty\ndef bill(order): ...\n"})
    write(jobs, {"shop/send.py": "from celery import current_app\n\ncurrent_app.send_task('shop.bills.bill')\n"})
    write(
        jobs, {"shop/tasks.py": "from celery import shared_task\n\n\n@shared_task(name='shop.pay')\ndef pay(): ...\n"}
    )
    assert check("--isolated", "shop") == []
    found = check("--isolated", "--celery-task-decorators=library.queues.duty", "shop")
    assert [line.split()[1] for line in found] == ["CLY101", "CLY404"]


def test_names_and_places_that_change(jobs, check):
    """The second run knows the names from the first, and a decorator with a new name is seen in the next one."""
    write(jobs, {"shop/bills.py": "from jobs.deco import job\n\n\n@job\ndef bill(order): ...\n"})
    assert [line.split()[1] for line in check("--isolated", "shop")] == ["CLY101"]
    assert [line.split()[1] for line in check("--isolated", "shop")] == ["CLY101"]
    write(jobs, {"jobs/deco.py": JOBS["jobs/deco.py"].replace("def job(", "def duty(")})
    folders.forget()
    assert check("--isolated", "shop") == []
    write(jobs, {"shop/bills.py": "from jobs.deco import duty\n\n\n@duty\ndef bill(order): ...\n"})
    assert [line.split()[1] for line in check("--isolated", "shop")] == ["CLY101"]


def test_names_are_kept(jobs, monkeypatch):
    """Where nothing has changed, nobody looks for decorators a second time, not even where nothing was found."""
    monkeypatch.setattr(cache, "folder", lambda: str(jobs / ".kept"))
    monkeypatch.setattr(cache, "RACY_NS", -(10**12))  # as if all files were old
    text = "from jobs.deco import job\n\n\n@job\ndef bill(order): ...\n"
    write(jobs, {"shop/bills.py": text})
    path = str(jobs / "shop/bills.py")

    def fail(*_given):
        raise AssertionError("looked for again")

    assert concern.passes(Run(Options(celery_no_cache=True)), path, text)
    assert concern.passes(Run(), path, text)
    session.save()
    session.forget()
    with monkeypatch.context() as patched:
        patched.setattr("flake8_celery_tasks.celery_model.decorators._names_made", fail)
        patched.setattr(errors, "CAUGHT", ())
        assert concern.passes(Run(), path, text)
        session.save()
        session.forget()
        write(jobs, {"jobs/other.py": "x = 1\n"})
        folders.forget()
        with pytest.raises(AssertionError):
            concern.passes(Run(), path, text)


def test_files_beside_one_that_asked(jobs):
    """Once a folder's names are known, most files beside it are told apart by them."""
    text = "from jobs.deco import job\n\n\n@job\ndef bill(order): ...\n"
    write(jobs, {"shop/bills.py": text})

    def found(text):
        lines = text.splitlines(keepends=True)
        return [said for _, _, said, _ in Plugin(ast.parse(text), str(jobs / "shop/bills.py"), lines).run()]

    for _ in range(2):
        assert [said[:6] for said in found(text)] == ["CLY101"]
        assert found(text.replace("job", "duty")) == []
        assert found("import jobs\n\nx = jobs\n") == []


def test_what_cannot_be_read(jobs, check):
    write(jobs, {"shop/bills.py": "from jobs.deco import job\n\n\n@job\ndef bill(order): ...\n"})
    write(jobs, {"jobs/deco.py": JOBS["jobs/deco.py"] + "def broken(:\n"})
    assert [line.split()[1] for line in check("--isolated")] == ["E999"]
    write(jobs, {"jobs/deco.py": "\0"})
    assert check("--isolated", "shop") == []


def test_a_defect_costs_the_file(jobs, check, monkeypatch):
    """Whoever looks for decorators may fail: then the file is looked at, and what fails says so."""

    def fail(*_given, **_more):
        raise RecursionError("too deep")

    write(jobs, {"shop/bills.py": "from jobs.deco import job\n\n\n@job\ndef bill(order): ...\n"})
    with monkeypatch.context() as patched:
        patched.setattr("flake8_celery_tasks.engine.concern._names", fail)
        assert concern.passes(Run(), str(jobs / "shop/bills.py"), (jobs / "shop/bills.py").read_text(encoding="utf-8"))
    known = session.open_project(str(jobs), Options(celery_no_cache=True))
    with monkeypatch.context() as patched:
        patched.setattr("flake8_celery_tasks.celery_model.decorators._is_made_of", fail)
        assert own_names(known) == {"piece", "step"}
    assert list(known.failures) == [str(jobs / "jobs/deco.py")]

"""The gate: may this text have to do with Celery?"""

from __future__ import annotations

import inspect

from flake8_celery_tasks.engine import loader
from flake8_celery_tasks.pages import examples
from flake8_celery_tasks.workspace import gate


def test_the_gate():
    assert gate.passes("from celery import shared_task")
    assert gate.passes("CELERY_TASK_ACKS_LATE = True")
    assert not gate.passes("import os\n\nprint(os.name)\n")
    own = gate.marks_of(("shop.jobs.job", "shop.decorators.*", "*", "x.instr*ted_[ab]?"))[len(gate.MARKS) :]
    assert own == ("job", "decorators", "instr")


def test_what_is_applied():
    text = "import a\n\n@b\n@ c.d(1)\ndef f(): ...\n\ne = g.h(f)\ni.j(f)\nk = 1\n"
    text += "\nclass L:\n    @m\n    @property\n    def n(self): ...\n"
    assert gate.applied(text) == {"b", "c", "g", "i", "m"}
    assert gate.applied("import a\n\nb = [a(1)]\nprint(b)\n") == set()


def test_every_bad_example_passes_the_gate():
    for rule in loader.rules():
        section = next(s for s in examples.sections(inspect.getdoc(type(rule))) if s.title == "Bad")
        for case in examples.cases(section):
            assert any(gate.passes(text) for text in case.files.values()), rule.code

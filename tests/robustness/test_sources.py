"""Any program: no command raises, and what is fixed parses, stays fixed, and has no new findings."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import assume, given, note
from hypothesis import strategies as st

from tests.helpers import options_in, write
from tests.robustness import grammar, harness, mutations
from tests.robustness.effort import examples

RANDOM = st.randoms(use_true_random=False)

#: What generated programs import, and the paths that they stand at: what is judged depends on both.
AROUND = {
    "shop/__init__.py": "",
    "shop/models.py": "from django.db import models\n\n\nclass Order(models.Model):\n    pass\n",
    "content/tasks.py": "from celery import shared_task\n\n\n@shared_task(queue='slow')\ndef drop(x):\n    pass\n",
    "project/celery.py": "from celery import Celery\n\napp = Celery()\napp.config_from_object('project.settings')\n",
    "project/settings.py": "task_routes = {}\n",
    "base.py": "class Base:\n    pass\n",
}
PATHS = ("shop/tasks.py", "shop/views.py", "shop/tests/test_views.py", "shop/__init__.py", "project/settings.py")


@pytest.fixture
def room(tmp_path):
    """Return what makes a new folder for each example."""
    folder = tmp_path / "project"

    def new():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    return new


@given(random=RANDOM, path=st.sampled_from(PATHS))
@examples(20)
def test_generated_programs(room, random, path):
    text = grammar.program(random)
    note(text)
    assume(harness.parsed(text) is not None)
    folder = room()
    write(folder, {**AROUND, path: text})
    harness.examine(folder)


@given(random=RANDOM)
@examples(80)
def test_changed_examples(room, random):
    case = random.choice(mutations.cases())
    files = dict(case.files)
    name = random.choice([name for name in files if name.endswith(".py")])
    files[name] = mutations.mutated(random, files[name])
    note(files[name])
    folder = room()
    write(folder, files)
    harness.examine(folder, options_in(folder, {**harness.GIVEN, **case.options}))

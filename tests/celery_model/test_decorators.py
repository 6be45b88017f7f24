"""Task decorators, and the wrappers that projects make of them."""

from __future__ import annotations

from flake8_celery_tasks.celery_model import decorators
from flake8_celery_tasks.engine import session
from tests.helpers import project_at


def test_functions_inside_a_function_are_told_from_classes(tmp_path):
    known = project_at(
        tmp_path,
        {
            "jobs.py": (
                "from functools import wraps\n\n\ndef job(function):\n"
                "    class Kept(dict):\n        name = 'x'\n\n"
                "    @wraps(function)\n    def inner(): ...\n\n    return inner\n"
            )
        },
    )
    module = known.module(str(tmp_path / "jobs.py"))
    (job,) = module.symbols("job")
    assert [name for name, _ in module.definable()] == ["job.<locals>.inner", "job.<locals>.Kept"]
    assert [found.qualname for found in decorators._inner_functions(module, job)] == ["job.<locals>.inner"]


def test_the_names_of_decorators_are_found_and_kept(tmp_path):
    """What is kept for the next run says the same, and what is no decorator has no name."""
    files = {
        "jobs.py": (
            "from celery import Celery, shared_task as piece\n\nengine = Celery('shop')\nstep = engine.task\n"
            "made = Celery('other').task\nother = engine.conf\nfor one in (1, 2):\n    pass\n\n\n"
            "def job(function):\n    return shared_task(function)\n\n\n"
            "def start():\n    engine.task(print)\n\n\n"
            "class Kit:\n    def __init__(self, app):\n        self.app = app\n\n"
            "    def part(self, function):\n        return engine.task(function)\n\n"
            "    def name(self):\n        return 1\n"
        ),
        "more.py": "from jobs import Kit, step as work\n\nkit = Kit(1)\npart = Kit(1).part\nx = kit.name\n",
        "use.py": (
            "from more import work\nfrom celery import shared_task\n\n\n@work\ndef bill(): ...\n\n\n"
            "class Bill:\n    pass\n"
        ),
    }
    files["jobs.py"] = files["jobs.py"].replace("import Celery,", "import Celery, shared_task,")
    known = project_at(tmp_path, files)
    assert decorators.own_names(known) == {"made", "part", "piece", "step", "job", "work"}
    assert decorators.own_names(known) is known.own_names
    assert decorators.own_marks(known) == tuple(
        b"\0uses " + name for name in (b"job", b"made", b"part", b"piece", b"step", b"work")
    )
    known.save()
    again = session.open_project(str(tmp_path), known.options)
    assert decorators.own_names(again) == known.own_names


def test_listed_decorators_are_marks(tmp_path):
    known = project_at(tmp_path, {}, celery_task_decorators=["shop.jobs.duty", "shop.tasks.*"])
    assert decorators.own_marks(known) == (b"duty", b"tasks")

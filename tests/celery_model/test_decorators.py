"""Task decorators, and the wrappers that projects make of them."""

from __future__ import annotations

from flake8_celery_tasks.celery_model import decorators
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

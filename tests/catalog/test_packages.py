"""What is said of well-known packages, against those that are installed: their sources are read, none is imported."""

from __future__ import annotations

import ast
import importlib.util
import pkgutil
from pathlib import Path

import pytest

from flake8_celery_tasks.catalog import packages
from flake8_celery_tasks.catalog.methods import CALL_METHODS, SENDS
from flake8_celery_tasks.catalog.task_options import OPTIONS

from .installed import VERSION

#: What a class may have of its own without doing anything to a call, an option, or a retry.
HARMLESS = {
    *("abstract", "after_return", "on_bound", "on_failure", "on_retry", "on_success"),
    *("__init__", "before_start", "shadow_name"),
}

#: Those of Celery 4, which can't be installed beside the Celery of today.
OLD = packages.REGISTERING

#: Modules of Celery that its first releases of the series lack.
SINCE = {"celery.contrib.django.task": (5, 4)}

OLDER = {"tenant_schemas_celery.task.TenantTask": {"apply_async"}}


def source_of(module):
    """Return the tree of a module that is installed, without running any of it; skip the test where it is not."""
    top, *below = module.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None:
        pytest.skip(f"{top} is not installed")
    path = Path(spec.origin)
    if below:
        path = path.parent.joinpath(*below)
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"))


def definitions(tree, kind=(ast.ClassDef, ast.FunctionDef)):
    return {node.name: node for node in ast.walk(tree) if isinstance(node, kind)}


def members(cls):
    found = {}
    for node in cls.body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign):
            found.update((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign):
            found[node.target.id] = node.value
    return found


@pytest.mark.parametrize(
    "path",
    [path for path in packages.TASK_CLASSES if not path.startswith("notifications_utils.") and path not in OLD],
)
def test_a_task_class_is_as_it_is_said(path):
    known = packages.TASK_CLASSES[path]
    module, _, name = path.rpartition(".")
    if SINCE.get(module, (0,)) > VERSION:
        pytest.skip(f"{module} came later")
    cls = definitions(source_of(module))[name]
    found = members(cls)
    methods = {*CALL_METHODS, *SENDS, "__call__", "run", "apply", "Strategy"} - {"typing"}
    overrides = methods & found.keys()
    # What an older release overrides is said, too.
    assert overrides == known.overrides or overrides == known.overrides - OLDER.get(path, set())
    options = found.keys() & (OPTIONS.keys() - HARMLESS - methods)
    assert options == {*known.options, *known.unknown}
    for option, value in known.options.items():
        assert ast.literal_eval(found[option]) == value
    retries = any(isinstance(node, ast.Attribute) and node.attr == "retry" for node in ast.walk(cls))
    assert retries == known.retries


@pytest.mark.parametrize("path", sorted(OLD))
def test_an_old_class_is_gone(path):
    """Otherwise it could be read as the others are."""
    with pytest.raises((ImportError, AttributeError)):
        pkgutil.resolve_name(path)


@pytest.mark.parametrize("path", sorted(packages.ALIASES))
def test_an_alias_is_an_import(path):
    module, _, name = path.rpartition(".")
    imported = [node for node in ast.walk(source_of(module)) if isinstance(node, ast.ImportFrom)]
    ends = [node.module for node in imported if name in {alias.name for alias in node.names}]
    assert any(f".{packages.ALIASES[path]}".endswith(f".{end}.{name}") for end in ends)


@pytest.mark.parametrize("path", [*sorted(packages.DECORATORS), *sorted(packages.OPAQUE_DECORATORS)])
def test_a_decorator_is_there(path):
    module, _, name = path.rpartition(".")
    tree = source_of(module)
    assert name in definitions(tree) or any(
        isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name for node in tree.body
    )
    base = packages.DECORATORS.get(path, "").rpartition(":")[2]
    assert base in {"", *(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))}


@pytest.mark.parametrize("path", [path for path in packages.APPS if not path.startswith("notifications_utils.")])
def test_an_app_is_there_and_gives_its_class(path):
    module, _, name = path.rpartition(".")
    tree = source_of(module)
    words = {getattr(node, "id", getattr(node, "attr", getattr(node, "name", ""))) for node in ast.walk(tree)}
    words |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert name in words
    given = packages.APPS[path]
    if given is not None:
        assert any(given.rpartition(".")[2] in str(word) for word in words)
    assert packages.is_app(path)
    assert packages.class_of_app(path) == given


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(packages.TRANSPARENT) if path.startswith(("sentry_sdk.", "edx_django_utils.", "django."))],
)
def test_a_decorator_hands_on(path):
    module, _, name = path.rpartition(".")
    pytest.importorskip(module.partition(".")[0])
    if path.startswith("django."):
        from tests.truth import django_project  # noqa: F401
    decorator = getattr(pytest.importorskip(module), name)
    if name == "method_decorator":
        return  # it hands on what it is given

    def function(*args, **kwargs):
        raise LookupError(args, kwargs)

    made = {"override": ("en",), "function_trace": ("name",), "monitor": ("slug",)}.get(name)
    wrapped = decorator(function) if made is None else decorator(*made)(function)
    try:
        with pytest.raises(LookupError) as raised:
            wrapped(1, x=2)
    finally:
        if path.startswith("django."):
            from django.db import connection

            connection.close()
    assert raised.value.args == ((1,), {"x": 2})


def test_own_options_may_be_patterns():
    assert packages.task_class("taskbadger.celery.Task").has_own("taskbadger_name")
    assert not packages.task_class("taskbadger.celery.Task").has_own("name")
    assert packages.task_class("celery_once.QueueOnce").has_own("once")
    assert packages.task_class("shop.Task") is None
    assert not packages.is_app("shop.app")

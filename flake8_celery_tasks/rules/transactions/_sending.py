"""What the rules about transactions ask of a call that sends."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.nodes import last_name
from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.catalog.methods import SENDS
from flake8_celery_tasks.celery_model.objects import TaskThing
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.frameworks.django_transactions import is_on_commit
from flake8_celery_tasks.rules._messages import shown

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.facts.calls import Invocation


def is_send(invocation: Invocation) -> bool:
    """Return whether a call sends a task, a signature or a canvas, and does not wait for a commit by its name.

    What `on_commit` is given is left to CLY702.
    """
    if invocation.method not in SENDS and invocation.method != "send_task":
        return False
    given = _given_to_on_commit(invocation.module).get(id(invocation.node))
    return given is None or not is_on_commit(invocation.project, invocation.module, *given)


@query()
def _given_to_on_commit(module: Module) -> dict[int, tuple[ast.Call, Site]]:
    """Return the calls of what may be `on_commit` by the identities of what they are given."""
    return {
        id(given): (call, site)
        for call, site in module.calls_of("on_commit")
        for given in (*call.args, *(keyword.value for keyword in call.keywords))
    }


def sends_at_once(invocation: Invocation) -> bool:
    """Return whether a call sends a task here and now: Celery's own method does, another one may wait."""
    definition = invocation.definition
    return definition is None or Defined(invocation.project, definition).overrides(*SENDS) is False


def advice(invocation: Invocation, opener: ast.expr | None = None) -> str:
    """Return what to write instead of a call that sends at once, in a transaction that is opened by `opener`."""
    func = invocation.node.func
    assert isinstance(func, ast.Attribute)
    owner = shown(func.value, "...")
    if not invocation.is_statement:
        return "send it on commit, with a 'task_id' that is chosen before"
    using = None if opener is None else database(opener)
    if using is None and has_on_commit_methods(invocation):
        return f"write '{owner}.{func.attr}_on_commit(...)'"
    further = "" if using is None else f"..., using={shown(using, '...')}"
    return f"hand partial({owner}.{func.attr}, ...) to on_commit({further})"


def database(opener: ast.expr) -> ast.expr | None:
    """Return what `atomic` is given as its database, None for the default one and where it can't be seen."""
    if not isinstance(opener, ast.Call):
        return None
    given = [keyword.value for keyword in opener.keywords if keyword.arg == "using"]
    if last_name(opener.func) in ("Atomic", "atomic"):
        given += opener.args[:1]
    return next((node for node in given if getattr(node, "value", "") not in (None, "default")), None)


def has_on_commit_methods(invocation: Invocation) -> bool:
    """Return whether what is sent is a task that has `delay_on_commit`, in a Django project.

    Celery gives it to tasks of its own class; any other class has to inherit it.
    """
    definition = invocation.definition if isinstance(invocation.thing, TaskThing) else None
    if definition is None or version_of(invocation.project) < (5, 4):
        return False
    defined = Defined(invocation.project, definition)
    is_plain = not defined.is_class and defined.has_plain_base and defined.option("base") is MISSING
    return is_plain or defined.inherits("celery.contrib.django.task.DjangoTask")

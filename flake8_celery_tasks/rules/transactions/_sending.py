"""Questions about a sending call that the rules about transactions share."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import last_name, unparsed, walk
from flake8_celery_tasks.binding.scopes import FUNCTION, IF, LAMBDA, TRY
from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.catalog.methods import SENDS, SENDS_ON_COMMIT
from flake8_celery_tasks.celery_model.objects import TaskThing
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.frameworks import django_callers
from flake8_celery_tasks.frameworks.django_transactions import database, is_on_commit
from flake8_celery_tasks.rules._messages import shown

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.facts.calls import Invocation
    from flake8_celery_tasks.facts.context import FileContext
    from flake8_celery_tasks.frameworks.django_callers import Way


#: Words in the condition of an `if` that chooses how to send: in tests there may be no commit.
_ASKS: Final = re.compile(r"test|debug|eager|celery|atomic|settings|commit|transaction", re.IGNORECASE)


def is_send(invocation: Invocation) -> bool:
    """Return whether a call sends a task, a signature or a canvas at once, not on commit.

    CLY702 reports calls whose result is passed to `on_commit`.
    """
    if invocation.method not in SENDS and invocation.method != "send_task":
        return False
    given = _given_to_on_commit(invocation.module).get(id(invocation.node))
    return given is None or not is_on_commit(invocation.project, invocation.module, *given)


@query()
def _given_to_on_commit(module: Module) -> dict[int, tuple[ast.Call, Site]]:
    """Return the calls that may be calls of `on_commit`, by the identities of their arguments."""
    return {
        id(given): (call, site)
        for call, site in module.calls_of("on_commit")
        for given in (*call.args, *(keyword.value for keyword in call.keywords))
    }


def is_choice(invocation: Invocation) -> bool:
    """Return whether a condition around a call checks the settings, and the function otherwise sends it on commit."""
    function = invocation.site.function()
    func = invocation.node.func
    if function is None or not isinstance(func, ast.Attribute):
        return False
    tests = [around.test for around in invocation.site.chain() if around.kind == IF]
    tests += _chosen(invocation.context, function).get(id(invocation.node), ())
    if not any(_asks(invocation.context, test) for test in tests):
        return False
    owner = unparsed(func.value)
    owners, calls = _sent_on_commit(invocation.context, function)
    return owner in owners or f"{owner}." in calls


@query()
def _asks(_context: FileContext, test: ast.expr) -> bool:
    """Return whether a condition checks the settings: there may be many calls below it."""
    return _ASKS.search(unparsed(test)) is not None


@query()
def _chosen(_context: FileContext, function: ast.AST) -> dict[int, list[ast.expr]]:
    """Return the conditions of the conditional expressions around each call, by the identities of the calls."""
    found: dict[int, list[ast.expr]] = {}
    for choice in walk(function):
        if isinstance(choice, ast.IfExp):
            for inner in walk(choice):
                if isinstance(inner, ast.Call):
                    found.setdefault(id(inner), []).append(choice.test)
    return found


@query()
def _sent_on_commit(_context: FileContext, function: ast.AST) -> tuple[set[str], str]:
    """Return what a function sends by methods that wait for the commit, and the text of its calls of `on_commit`."""
    owners: set[str] = set()
    calls: list[str] = []
    for node in walk(function):
        if isinstance(node, ast.Attribute) and node.attr in SENDS_ON_COMMIT:
            owners.add(unparsed(node.value))
        elif isinstance(node, ast.Call) and last_name(node.func) == "on_commit":
            calls.append(unparsed(node))
    return owners, "\n".join(calls)


def is_for_failure(invocation: Invocation) -> bool:
    """Return whether a call is in a handler that ends with `raise`: after a rollback `on_commit` runs nothing."""
    for around in invocation.site.chain():
        if around.kind in (FUNCTION, LAMBDA):
            return False
        if around.kind == TRY and id(invocation.node) in _sent_for_failure(invocation.context, around.try_):
            return True
    return False


@query()
def _sent_for_failure(_context: FileContext, node: ast.Try) -> frozenset[int]:
    """Return the calls, by their identities, in the handlers of a `try` that end with `raise`."""
    failing = (handler for handler in node.handlers if isinstance(handler.body[-1], ast.Raise))
    return frozenset(id(inner) for handler in failing for inner in walk(handler) if isinstance(inner, ast.Call))


def is_next_batch(invocation: Invocation) -> bool:
    """Return whether a task sends itself with a delay: the next batch, long after this transaction has ended."""
    task, definition = invocation.task, invocation.definition
    is_itself = task is not None and definition is not None and task.definition.place == definition.place
    return is_itself and any(invocation.keyword(name) is not None for name in ("countdown", "eta"))


def way(invocation: Invocation) -> Way | None:
    """Return how a call comes to run inside a certain or likely transaction; None if it does not.

    The code around the call comes first, then the callers of its function: certain transactions before likely ones.
    """
    project, module = invocation.project, invocation.module
    found = django_callers.way_at(project, module, invocation.node, invocation.site)
    if found is not None:
        return found
    ways = django_callers.ways_to(project, module, invocation.node, invocation.site)
    return min(ways, key=lambda way: _ORDER.index(way.kind), default=None)


#: The kinds of ways, the most certain one first.
_ORDER: Final = (django_callers.ATOMIC, django_callers.ADMIN, django_callers.REQUEST, django_callers.SAVE)


def sends_at_once(invocation: Invocation) -> bool:
    """Return whether a call sends a task at once: Celery's own method does; an overridden one may wait."""
    definition = invocation.definition
    return definition is None or Defined(invocation.project, definition).sends_at_once


def advice(invocation: Invocation, opener: ast.expr | None = None) -> str:
    """Return what to write instead of a call that sends at once, in a transaction that `opener` opens."""
    func = invocation.node.func
    assert isinstance(func, ast.Attribute)
    owner = shown(func.value, "...")
    if not invocation.is_statement:
        return "send it on commit, with a 'task_id' chosen beforehand"
    using = None if opener is None else database(opener)
    if using is None and has_on_commit_methods(invocation):
        return f"write '{owner}.{func.attr}_on_commit(...)'"
    further = "" if using is None else f"..., using={shown(using, '...')}"
    return f"pass partial({owner}.{func.attr}, ...) to on_commit({further})"


def has_on_commit_methods(invocation: Invocation) -> bool:
    """Return whether a call sends a task that has `delay_on_commit`, in a Django project.

    Celery adds it to tasks of its own class; any other class has to inherit it.
    """
    definition = invocation.definition if isinstance(invocation.thing, TaskThing) else None
    if definition is None or version_of(invocation.project) < (5, 4):
        return False
    defined = Defined(invocation.project, definition)
    is_plain = not defined.is_class and defined.has_plain_base and defined.option("base") is MISSING
    return is_plain or defined.inherits("celery.contrib.django.task.DjangoTask")

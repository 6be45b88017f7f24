from __future__ import annotations

import ast
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import last_name
from flake8_celery_tasks.binding.scopes import TRY
from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.catalog.methods import SENDS
from flake8_celery_tasks.celery_model import backends
from flake8_celery_tasks.celery_model.objects import CanvasThing, ResultThing, SignatureThing, TaskThing
from flake8_celery_tasks.celery_model.settings import setting_values
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.facts.results import values_of
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.canvas import Canvas
    from flake8_celery_tasks.resolution.project import Project

#: Methods that wait for a result, or forget it: without a backend they raise NotImplementedError.
_WAITS: Final = frozenset({"forget", "get", "join", "join_native", "wait"})

#: Methods and attributes that read a result's state: without a backend they raise AttributeError.
_LOOKS: Final = frozenset({"completed_count", "failed", "maybe_throw", "ready", "save", "successful", "waiting"})
_STATES: Final = frozenset({"date_done", "info", "result", "state", "status", "traceback"})

_READS: Final = _WAITS | _LOOKS | _STATES

#: Words in the source of a file that sends something, or reads a result.
_TELLING: Final = (".delay(", "apply_async", "send_task", "AsyncResult", "GroupResult", "chord", "group", "chain")

#: What returns a result: the sending methods and the result classes.
_GIVES: Final = SENDS | {"AsyncResult", "GroupResult", "ResultSet", "send_task"}

#: Arguments with which a result is kept elsewhere, or not at all.
_OWN: Final = ("backend", "ignore_result", "options", None)


class NeedsResultBackend(Rule[Facts]):
    """Code reads a result, or creates a chord, in a project without a result backend.

    ## What happens

    Without a result backend, `delay()` sends the task and returns an object that only knows the task's id. Waiting for
    the result, or asking for its state, raises:

    ```text
    NotImplementedError: No result backend is configured.
    AttributeError: 'DisabledBackend' object has no attribute '_get_task_meta_for'
    ```

    A chord counts its finished tasks in the backend, so sending it always fails. A chain in which something follows a
    group is a chord too, and also fails:

    ```text
    NotImplementedError: Starting chords requires a result backend to be configured.
    ```

    With `task_always_eager` everything works, so a test does not show the mistake.

    ## Bad

    ```python
    from celery import Celery, chord

    app = Celery("shop", broker="memory://")


    @app.task(name="shop_count")
    def count(article_pk):
        return article_pk


    @app.task(name="shop_report")
    def report(counts):
        print(counts)


    def stock(article_pk):
        return count.delay(article_pk).get(timeout=5)


    def is_counted(result_id):
        return count.AsyncResult(result_id).ready()


    def report_all(article_pks):
        chord(count.s(pk) for pk in article_pks)(report.s())
    ```

    ## Good

    ```python
    from celery import Celery, chord

    app = Celery("shop", broker="memory://", backend="redis://")


    @app.task(name="shop_count")
    def count(article_pk):
        return article_pk


    @app.task(name="shop_report")
    def report(counts):
        print(counts)


    def stock(article_pk):
        return count.delay(article_pk).get(timeout=5)


    def is_counted(result_id):
        return count.AsyncResult(result_id).ready()


    def report_all(article_pks):
        chord(count.s(pk) for pk in article_pks)(report.s())
    ```

    ## Not reported when

    - the project names a result backend anywhere outside tests, creates no app itself, or configures its apps with
      something that can't be resolved, such as a function of another package;
    - the project sets `task_always_eager` anywhere outside tests;
    - the task, or the `AsyncResult`, is given a backend of its own;
    - the task ignores its result, or may do so: there is then nothing to wait for (CLY612);
    - the line is in a `try` that expects the `NotImplementedError`;
    - it is uncertain whether the code reads a result;
    - the module is a test or a migration.

    ## Fix

    Configure a backend, with `backend=` of the app or `result_backend`. Or don't wait: let the task itself do what
    comes next. If the environment variable `CELERY_RESULT_BACKEND` sets the backend, write that into the settings,
    where everybody can see it.
    """

    code = "CLY618"
    see = ("configuration#result-backend", "canvas#the-primitives", "tasks#state")
    message = "{what} needs a result backend, and the project has none: {error}"
    quiet_in_tests = True

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Report code that reads results or creates chords."""
        if not any(map(facts.module.source.may_hold, _TELLING)) or not _has_none(facts.project):
            return
        found: list[tuple[ast.expr, str, str]] = []
        for node, site in facts.attributes_named(_READS):
            is_call = id(node) in facts.call_of
            if is_call != (node.attr in _STATES) and _is_of_result(facts, node.value, site) and not _is_guarded(site):
                error = "NotImplementedError" if node.attr in _WAITS else "AttributeError"
                found.append((node, f".{node.attr}{'()' if is_call else ''}", error))
        for canvas in facts.canvases:
            if _is_chord(facts, canvas):
                what = "a chord" if canvas.kind == "chord" else "a group with a task after it is a chord, which"
                found.append((canvas.node, what, "NotImplementedError"))
        for place, what, error in sorted(found, key=lambda item: (item[0].lineno, item[0].col_offset)):
            yield self.report(facts.module, place, what=what, error=error)


@query()
def _has_none(project: Project) -> bool:
    """Return whether the project certainly stores no results, and workers run its tasks."""
    eager = setting_values(project, "task_always_eager")
    return all(value is False or value is None for value in eager) and backends.backend(project) is False


def _is_of_result(facts: Facts, node: ast.expr, site: Site) -> bool:
    """Return whether an expression is certainly the result of a task that does not ignore it."""
    values = list(values_of(node, site))
    return bool(values) and all(_is_result(facts, value, place) for value, place in values)


def _is_result(facts: Facts, node: ast.expr, site: Site) -> bool:
    if not isinstance(node, ast.Call) or _has_own(node):
        return False
    if last_name(node.func) in ("AsyncResult", "GroupResult") and len(node.args) > 1:
        return False  # its second parameter is the backend, or the results
    if last_name(node.func) not in _GIVES and not isinstance(facts.thing(node.func, site), CanvasThing):
        return False
    result = facts.thing(node, site)
    if not isinstance(result, ResultThing):
        return False
    sent = result.of
    definition = sent.definition if isinstance(sent, (TaskThing, SignatureThing)) else None
    defined = None if definition is None else Defined(facts.project, definition)
    if defined is not None and defined.effective("backend") is not MISSING:
        return False
    ignored = MISSING if defined is None else defined.effective("ignore_result")
    if ignored is MISSING or ignored is None:
        return all(value is False or value is None for value in setting_values(facts.project, "task_ignore_result"))
    return ignored is False


def _has_own(call: ast.Call) -> bool:
    """Return whether the result of a call, or of the signature that it sends, may be kept elsewhere or not at all."""
    node: ast.expr = call
    while isinstance(node, ast.Call):
        if any(keyword.arg in _OWN for keyword in node.keywords):
            return True
        node = getattr(node.func, "value", node.func)
    return False


def _is_guarded(site: Site) -> bool:
    """Return whether a place is in a `try` that expects the error of a missing backend."""
    return any(
        around.kind == TRY
        and around.part == "body"
        and any(
            last_name(kind) == "NotImplementedError"
            for handler in around.try_.handlers
            for kind in getattr(handler.type, "elts", [handler.type])
            if kind is not None
        )
        for around in site.chain()
    )


def _is_chord(facts: Facts, canvas: Canvas) -> bool:
    """Return whether a canvas is a chord, or a chain in which something follows a group of several tasks."""
    if canvas.kind != "chain":
        return canvas.kind == "chord"
    is_pipe = isinstance(canvas.node, ast.BinOp)
    return any(
        following.follows and _ends_in_group(facts, member.node, member.site, is_pipe=is_pipe)
        for member, following in pairwise(canvas.members)
    )


def _ends_in_group(facts: Facts, node: ast.expr, site: Site, *, is_pipe: bool) -> bool:
    """Return whether an expression is a group, of several tasks if that matters, or a chain that ends in one."""
    if isinstance(node, ast.BinOp):
        return _ends_in_group(facts, node.right, site, is_pipe=is_pipe)
    thing = facts.thing(node, site)
    if not isinstance(thing, CanvasThing) or thing.kind != "group" or not isinstance(node, ast.Call):
        return False
    # `chain()` unrolls a group of one task.
    is_several = len(node.args) > 1 or any(not isinstance(arg, (ast.Call, ast.Name)) for arg in node.args)
    return is_pipe or (is_several and not (len(node.args) == 1 and len(getattr(node.args[0], "elts", "ab")) < 2))

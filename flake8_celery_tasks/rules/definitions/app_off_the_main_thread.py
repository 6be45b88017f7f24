from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import dotted, last_name
from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.catalog.methods import SENDS
from flake8_celery_tasks.celery_model import apps, backends
from flake8_celery_tasks.celery_model.configuration import is_all_read
from flake8_celery_tasks.celery_model.decorators import SHARED
from flake8_celery_tasks.celery_model.objects import AppThing, SignatureThing, TaskThing
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.apps import AppMade
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.frameworks import threads
from flake8_celery_tasks.frameworks.django_models import is_django
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.celery_model.objects import Thing
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.frameworks.threads import Threaded
    from flake8_celery_tasks.resolution.project import Project

#: Words that show that other threads know the app, or that the project creates apps in its own way.
_KNOWN: Final = (b"set_default(", b"set_current(", b"set_default_app(", b"CELERY_CONFIG_MODULE", b"celeryext")

#: Result classes that find their backend themselves.
_RESULTS: Final = frozenset({"celery.result.AsyncResult", "celery.result.GroupResult"})

#: What code may use the current app for: its broker, its result backend, anything else of it.
_BROKER, _BACKEND, _REST = "broker", "backend", "rest"

#: What Celery reads from the environment of the process, in every app: the default app has it too.
_VARIABLES: Final = {_BROKER: "CELERY_BROKER_URL", _BACKEND: "CELERY_RESULT_BACKEND"}

#: The broker of the default app, as projects write it.
_OF_DEFAULT: Final = re.compile(r"(py)?amqp://(guest(:guest)?@)?(localhost|127\.0\.0\.1)?(:5672)?/*$")

#: How many calls are followed from the function that another thread runs.
_DEPTH: Final = 3


class AppOffTheMainThread(Rule[AppMade]):
    """Other threads use the current app, and nothing makes the project's app current there.

    ## What happens

    An app is the current app in the thread that creates it. In any other thread `current_app` is the default app: a new
    one with Celery's own settings, unless something calls `set_default()`. Only Celery's Django integration does that.
    A `shared_task` task belongs to the current app, and so does an `AsyncResult(id)`. If other threads run the code,
    messages go to a broker that nobody has configured, or the result is not found. Nothing is logged before that:

    ```pycon
    >>> from threading import Thread
    >>> from shop.celery import bill
    >>> def show():
    ...     print(bill.app.connection_for_write().as_uri())
    >>> show()
    memory://:**@localhost//
    >>> thread = Thread(target=show)
    >>> thread.start(), thread.join()
    amqp://guest:**@localhost:5672//
    (None, None)
    ```

    FastAPI runs every endpoint that is not a coroutine in a thread; Flask and most WSGI servers run all views in
    threads.

    ## Bad

    ```python title="shop/celery.py"
    from threading import Thread

    from celery import Celery, shared_task

    app = Celery("shop", broker="memory://")


    @shared_task(name="shop_bill")
    def bill(order_pk):
        print(order_pk)


    def close(order_pk):
        bill.delay(order_pk)


    def close_later(order_pk):
        Thread(target=close, args=(order_pk,)).start()
    ```

    ```python title="shop/celery.py"
    from celery import Celery

    app = Celery("shop", broker="redis://", backend="redis://")
    ```

    ```python title="shop/api.py"
    from celery.result import AsyncResult
    from fastapi import FastAPI

    api = FastAPI()


    @api.get("/bills/{result_id}")
    def state_of_bill(result_id: str):
        return AsyncResult(result_id).state
    ```

    ## Good

    ```python title="shop/celery.py"
    from threading import Thread

    from celery import Celery, shared_task

    app = Celery("shop", broker="memory://")
    app.set_default()


    @shared_task(name="shop_bill")
    def bill(order_pk):
        print(order_pk)


    def close(order_pk):
        bill.delay(order_pk)


    def close_later(order_pk):
        Thread(target=close, args=(order_pk,)).start()
    ```

    ```python title="shop/celery.py"
    from celery import Celery

    app = Celery("shop", broker="redis://", backend="redis://")
    ```

    ```python title="shop/api.py"
    from celery.result import AsyncResult
    from fastapi import FastAPI

    from shop.celery import app

    api = FastAPI()


    @api.get("/bills/{result_id}")
    def state_of_bill(result_id: str):
        return AsyncResult(result_id, app=app).state
    ```

    ## Not reported when

    - the project uses Django, whose integration makes the project's app the default app;
    - something calls `set_default()`, or `celeryconfig` configures all apps;
    - the default app does as well: the project reads `CELERY_BROKER_URL` or `CELERY_RESULT_BACKEND` from the
      environment, which every app does, or its broker is that of the default app, or it stores no results;
    - the project creates several apps, or this one is not the current app: `set_as_current=False`;
    - no code is found that certainly runs in other threads: sync endpoints of FastAPI, views of Flask, functions given
      to `Thread`, `Timer`, `ThreadPoolExecutor`, `run_in_executor` or `asyncio.to_thread`, `run()` of a `Thread`, and
      the functions and methods of the same class that these call;
    - such code only sends tasks of the project's own app (`@app.task`), or passes the app to results:
      `AsyncResult(id, app=app)`;
    - a task starts the thread: in a worker the app is the default app;
    - the module is a test or a migration.

    ## Fix

    Call `app.set_default()` after the app is created.
    """

    code = "CLY522"
    see = ("Celery#celery.Celery.set_default", "tasks#how-do-i-import-the-task-decorator")
    message = (
        "Threads use the default app, of amqp://guest@localhost: {what} in {where}; call set_default() on this app"
    )
    quiet_in_tests = True

    def check(self, made: AppMade) -> Iterator[Violation]:
        """Report a project's only app if other threads use the current app."""
        project = made.project
        if any(keyword.arg in (None, "set_as_current") for keyword in made.node.keywords) or not _is_only_app(project):
            return
        used = _used(project)
        if used is not None:
            what, where = used
            yield self.report(made.module, made.node, what=what, where=where)


@query()
def _is_only_app(project: Project) -> bool:
    """Return whether a project creates one app, and nothing makes an app known to all threads."""
    makes = [
        call
        for module in apps.modules_with_apps(project)
        for call, site in module.candidates.calls
        if apps.makes_app(project, module, call, site) and _is_class(project, module, call, site)
    ]
    if len(makes) != 1 or project.layout.find("celeryconfig", project.layout.root) is not None:
        return False
    texts = (path for path in project.files.holding(b"elery") if not project.layout.is_test(project.layout.place(path)))
    if any(mark in (project.files.read(path) or b"") for path in texts for mark in _KNOWN):
        return False
    return not is_django(project)


def _is_class(project: Project, module: Module, call: ast.Call, site: Site) -> bool:
    """Return whether a call creates the app itself, and is not a call of the project's own factory."""
    value = module.value(call.func, site.scope)
    path = project.resolve(value.path, module).path if isinstance(value, Ref) else ""
    return path == "celery.Celery" or path.rpartition(".")[2][:1].isupper()


@query()
def _used(project: Project) -> tuple[str, str] | None:
    """Return the first place where another thread uses the current app: the call, and its function."""
    for path in project.files.holding(b"elery", b"task"):
        place = project.layout.place(path)
        text = project.files.read(path) or b""
        module = project.module(path) if threads.may_run_threads(text) and not project.layout.is_test(place) else None
        if module is None:
            continue
        facts = Facts(project, module)
        for found, site in threads.threaded(project, module):
            used = None if _is_in_worker(facts, site) else _used_in(project, found, set(), _DEPTH)
            if used is not None:
                return used
    return None


def _is_in_worker(facts: Facts, site: Site) -> bool:
    """Return whether a place is in a task, or in a function that a task in the file calls: workers know the app."""
    function = site.function()
    return facts.task_at(site) is not None or any(
        function is not None and last_name(call.func) == function.name
        for task in facts.tasks
        for call, _ in facts.module.calls_in(task.function)
    )


def _used_in(project: Project, found: Threaded, seen: set[tuple[str, int]], depth: int) -> tuple[str, str] | None:
    """Return the call that uses the current app in a function, or in one that it calls."""
    module, node = found.module, found.node
    key = module.place.path, node.lineno
    if key in seen or depth < 0:
        return None
    seen.add(key)
    facts = Facts(project, module)
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        thing = facts.thing(node.value, found.site) if isinstance(node, ast.Attribute) and node.attr in SENDS else None
        differs = _is_of_current_app(thing) and _BROKER not in _alike(project)
        return (f"'{shown(node)}'", module.place.name) if differs else None
    if facts.task_at(found.site) is not None:
        return None
    for call, site in module.candidates.calls:
        around = site.body
        if around is None or around.node is not node:
            continue
        if _asked(facts, call, site) not in ("", *_alike(project)):
            return f"'{shown(call.func)}()'", f"{module.place.name}.{getattr(node, 'name', '<lambda>')}"
        called = threads.function_of(project, module, call.func, site)
        inner = _used_in(project, called, seen, depth - 1) if called is not None else None
        if inner is not None:
            return inner
    return None


def _asked(facts: Facts, call: ast.Call, site: Site) -> str:
    """Return what a call uses of the current app: it sends a shared task, looks up a result; "" if it uses none."""
    func = call.func
    if isinstance(func, ast.Attribute) and func.attr in SENDS | {"send_task"}:
        return _BROKER if _is_of_current_app(facts.thing(func.value, site)) else ""
    value = facts.module.value(func, site.scope)
    path = facts.project.resolve(value.path, facts.module).path if isinstance(value, Ref) else ""
    if path in _RESULTS:
        is_given = len(call.args) > 1 or any(keyword.arg in ("app", "backend", None) for keyword in call.keywords)
        return "" if is_given else _BACKEND
    root, attributes = dotted(func)
    value = facts.module.value(root, site.scope)
    is_current = isinstance(value, Ref) and facts.project.resolve(value.path, facts.module).path in apps.APP_GETTERS
    if not is_current or not attributes:
        return ""
    return _BACKEND if attributes[0] in ("AsyncResult", "GroupResult") else _REST


@query()
def _alike(project: Project) -> frozenset[str]:
    """Return for what the default app is as good as the project's own: both have the same broker, or backend."""
    found = {use for use, variable in _VARIABLES.items() if _is_in_environment(project, variable)}
    urls = [
        None if module is None else backends.written(project, value, module)
        for value, module in backends.urls(project, "broker_url", "broker")
    ]
    if all(isinstance(url, str) and _OF_DEFAULT.match(url) for url in urls) and (urls or is_all_read(project)):
        found.add(_BROKER)
    if backends.backend(project) is False:
        found.add(_BACKEND)
    return frozenset(found)


def _is_in_environment(project: Project, variable: str) -> bool:
    """Return whether the project outside tests reads, or sets, a variable of the environment, or may do so."""
    name, field = variable.encode(), variable.lower().encode()
    asks = re.compile(
        rb"environ\[\s*[\"']%b[\"']|\w(?<!config\.get)\(\s*[\"']%b[\"']|^\s+(?:%b|%b)\s*:" % (name, name, name, field),
        re.MULTILINE,
    )
    paths = (
        path for path in project.files.holding(name, field) if not project.layout.is_test(project.layout.place(path))
    )
    return any(asks.search(project.files.read(path) or b"") for path in paths)


def _is_of_current_app(thing: Thing | None) -> bool:
    """Return whether a sender belongs to the current app: it is the app, or a shared task."""
    if isinstance(thing, AppThing):
        return thing.app.path in apps.APP_GETTERS
    definition = thing.definition if isinstance(thing, (TaskThing, SignatureThing)) else None
    return definition is not None and definition.decorator.form == SHARED

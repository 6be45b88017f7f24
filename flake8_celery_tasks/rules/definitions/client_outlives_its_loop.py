from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.nodes import last_name
from flake8_celery_tasks.binding.scopes import ASSIGN, FUNCTION, Site
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.frameworks import async_clients
from flake8_celery_tasks.frameworks.async_clients import Client
from flake8_celery_tasks.frameworks.threads import Threaded
from flake8_celery_tasks.rules.rule import Rule
from flake8_celery_tasks.workspace.marks import DEFINITIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.task import Task
    from flake8_celery_tasks.resolution.project import Project


class ClientOutlivesItsLoop(Rule[Facts]):
    """A task uses a module's asynchronous client in a coroutine that it runs in a new event loop each time.

    ## What happens

    `asyncio.run` and `async_to_sync` create an event loop, and close it at the end. A connection that was opened in
    that loop stays in the client's pool, but belongs to the closed loop. The first run of the task succeeds. The second
    takes that connection and fails, and the pattern repeats:

    ```text
    Task shop_count[...] succeeded in ...s: ...
    Task shop_count[...] raised unexpected: RuntimeError('Event loop is closed')
    ```

    ## Bad

    ```python
    import asyncio

    from celery import shared_task
    from redis.asyncio import Redis

    from shop.settings import REDIS_PORT

    redis = Redis(port=REDIS_PORT)


    async def add_one():
        return await redis.incr("orders")


    @shared_task(name="shop_count")
    def count():
        return asyncio.run(add_one())
    ```

    ## Good

    ```python
    import asyncio

    from celery import shared_task
    from redis.asyncio import Redis

    from shop.settings import REDIS_PORT


    async def add_one():
        async with Redis(port=REDIS_PORT) as redis:
            return await redis.incr("orders")


    @shared_task(name="shop_count")
    def count():
        return asyncio.run(add_one())
    ```

    ## Not reported when

    - the coroutine, or a function that it calls, closes something: `aclose()`, `dispose()`, `disconnect()`;
    - the client keeps no connections, or may keep none: an engine with a `poolclass`, or for SQLite, an `AsyncClient`
      of httpx with `limits`;
    - the loop is kept: `get_event_loop().run_until_complete(...)`;
    - the client is created in a function, or the rule does not know it (it knows engines of SQLAlchemy, `redis`,
      `httpx`, `motor`, PyMongo, Elasticsearch, OpenAI and Anthropic);
    - the coroutine can't be followed to the client, through functions of the project;
    - the module is a test or a migration.

    ## Fix

    Create the client in the coroutine, and close it there. For SQLAlchemy `poolclass=NullPool` is enough. Or keep one
    loop for each pool process.
    """

    code = "CLY524"
    see = ("tasks#basics",)
    message = "Task {task!r} uses {name!r} in a new event loop each time: the second run fails, 'Event loop is closed'"
    quiet_in_tests = True

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Report a client of the module that a task of the project uses in new event loops."""
        module = facts.module
        for name, bindings in module.candidates.scope.bindings.items():
            made = bindings[0]
            if len(bindings) != 1 or made.kind != ASSIGN or not isinstance(made.node, ast.Call):
                continue
            if last_name(made.node.func) not in async_clients.NAMES:
                continue
            if async_clients.is_client(facts.project, module, module.value(made.node, made.site.scope)):
                task = _tasks(facts.project).get(Client(module.place.path, name))
                if task is not None:
                    yield self.report(module, made.node, task=task, name=name)


@query()
def _tasks(project: Project) -> dict[Client, str]:
    """Return the clients that tasks use in a loop of a single run, each with the name of the first such task."""
    found: dict[Client, str] = {}
    for path in project.files.holding(DEFINITIONS):
        module = None if project.layout.is_test(project.layout.place(path)) else project.module(path)
        for task in Facts(project, module).tasks if module is not None else ():
            for run in _runs(task):
                used = async_clients.used_in(project, run)
                for client in () if used.closes else used.clients:
                    found.setdefault(client, task.node.name)
    return found


def _runs(task: Task) -> Iterator[Threaded]:
    """Yield the coroutine functions that a task runs in a new loop, or the task itself if it is one."""
    if any(async_clients.is_runner(task.project, task.module, decorator, task.site) for decorator in task.below):
        yield Threaded(task.module, task.function, Site(task.site, FUNCTION, task.function, task.scope))
    for call, site in task.module.calls_in(task.function):
        run = async_clients.run_by(task.project, task.module, call, site)
        if run is not None:
            yield run

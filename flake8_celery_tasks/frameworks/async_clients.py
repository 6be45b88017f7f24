"""Asynchronous clients, whose connections belong to the event loop that opened them, and calls that run such loops."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.binding.nodes import dotted, last_name
from flake8_celery_tasks.binding.symbols import Bound, Function
from flake8_celery_tasks.binding.values import Const, Invoke, Joined, Ref
from flake8_celery_tasks.frameworks.threads import Threaded, function_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.resolution.project import Project


#: Calls that create a client which keeps connections open, and arguments with which it keeps none, or may keep none.
_CLIENTS: Final[dict[str, frozenset[str]]] = {
    "aioredis.from_url": frozenset(),
    "anthropic.AsyncAnthropic": frozenset({"http_client"}),
    "elasticsearch.AsyncElasticsearch": frozenset(),
    "httpx.AsyncClient": frozenset({"limits", "transport"}),
    "motor.motor_asyncio.AsyncIOMotorClient": frozenset({"io_loop"}),
    "openai.AsyncOpenAI": frozenset({"http_client"}),
    "pymongo.AsyncMongoClient": frozenset(),
    "redis.asyncio.ConnectionPool": frozenset(),
    "redis.asyncio.ConnectionPool.from_url": frozenset(),
    "redis.asyncio.Redis": frozenset(),
    "redis.asyncio.Redis.from_url": frozenset(),
    "redis.asyncio.StrictRedis": frozenset(),
    "redis.asyncio.from_url": frozenset(),
    "sqlalchemy.ext.asyncio.create_async_engine": frozenset({"poolclass", "pool"}),
}

#: The last parts of their names, for a cheap check.
NAMES: Final = frozenset(path.rpartition(".")[2] for path in _CLIENTS)

#: Methods that close the connections of engines and clients.
_CLOSING: Final = frozenset({"aclose", "close", "disconnect", "dispose"})

#: Calls that run a coroutine in an event loop of its own.
_RUNNING: Final = frozenset({"asyncio.run", "anyio.run", "asgiref.sync.async_to_sync"})


class Client(NamedTuple):
    """A client that a module creates: the file, and its name there."""

    path: str
    name: str


def is_client(project: Project, module: Module, value: Value) -> bool:
    """Return whether a value is a client that keeps connections open."""
    if not isinstance(value, Invoke) or not isinstance(value.func, Ref):
        return False
    without = _CLIENTS.get(project.resolve(value.func.path, module).path)
    if without is None or any(name is None or name in without for name, _ in value.keywords) or not value.complete:
        return False
    url = value.args[0] if value.args else dict(value.keywords).get("url")
    text = url.parts[0] if isinstance(url, Joined) and url.parts else url
    return not (isinstance(text, Const) and str(text.value).startswith("sqlite"))


def run_by(project: Project, module: Module, call: ast.Call, site: Site) -> Threaded | None:
    """Return the coroutine function that a call runs in an event loop of its own, None if it runs none.

    The call is `asyncio.run(f())`, `async_to_sync(f)(...)`, `new_event_loop().run_until_complete(f())`, or a function
    of the project that does so with its argument.
    """
    func = call.func
    if isinstance(func, ast.Call):
        is_running = is_runner(project, module, func.func, site) and func.args
        return function_of(project, module, func.args[0], site) if is_running else None
    if not call.args or not _runs(project, module, func, site):
        return None
    given = call.args[0]
    return function_of(project, module, given.func if isinstance(given, ast.Call) else given, site)


def _runs(project: Project, module: Module, func: ast.expr, site: Site) -> bool:
    if isinstance(func, ast.Attribute) and func.attr == "run_until_complete":
        made = module.value(func.value, site.scope)
        return isinstance(made, Invoke) and _target(project, module, made.func) == "asyncio.new_event_loop"
    value = module.value(func, site.scope)
    if not isinstance(value, Ref):
        return False
    target = project.resolve(value.path, module)
    if target.path in _RUNNING:
        return True
    symbol = target.symbol
    return (
        isinstance(symbol, Function)
        and target.module is not None
        and not target.rest
        and any(project.resolve(path, target.module).path in _RUNNING for path in symbol.mentions)
    )


def is_runner(project: Project, module: Module, node: ast.expr, site: Site) -> bool:
    """Return whether an expression is `async_to_sync`, which wraps a coroutine function to run in a loop of its own."""
    return _target(project, module, module.value(node, site.scope)) == "asgiref.sync.async_to_sync"


def _target(project: Project, module: Module, value: Value) -> str:
    return project.resolve(value.path, module).path if isinstance(value, Ref) else ""


class Used(NamedTuple):
    """What a function, and those that it calls, do: the clients that they use, and whether they close some."""

    clients: frozenset[Client]
    closes: bool


def used_in(project: Project, found: Threaded, depth: int = 3, seen: frozenset[str] = frozenset()) -> Used:
    """Return how a function, and those that it calls, use the clients of modules."""
    module, function = found.module, found.node
    key = f"{module.place.path}:{function.lineno}"
    if depth < 0 or key in seen or not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return Used(frozenset(), closes=False)
    clients: set[Client] = set()
    closes = False
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            clients.update(_behind(project, module, module.value(node, found.site.scope)))
        elif isinstance(node, ast.Attribute):
            closes = closes or node.attr in _CLOSING
            if isinstance(dotted(node)[0], ast.Name):
                clients.update(_behind(project, module, module.value(node, found.site.scope)))
        elif isinstance(node, ast.AsyncWith):
            opened = [module.value(item.context_expr, found.site.scope) for item in node.items]
            closes = closes or any(isinstance(value, Ref) and any(_behind(project, module, value)) for value in opened)
    for call, site in module.calls_in(function):
        called = function_of(project, module, call.func, site) if last_name(call.func) else None
        if called is not None:
            inner = used_in(project, called, depth - 1, seen | {key})
            clients |= inner.clients
            closes = closes or inner.closes
    return Used(frozenset(clients), closes)


def _behind(project: Project, module: Module, value: Value, depth: int = 3) -> Iterator[Client]:
    """Yield the clients behind a module's name: itself, or clients passed to the call that created it."""
    target = project.resolve(value.path, module) if isinstance(value, Ref) else None
    if target is None or target.module is None or not isinstance(target.symbol, Bound) or depth < 0:
        return
    made = target.symbol.value
    if is_client(project, target.module, made):
        # A part of a client, `client.shop.orders`, has its connections.
        name = target.path[len(target.module.prefix) :].removesuffix(".".join(("", *target.rest)))
        yield Client(target.module.place.path, name)
    elif isinstance(made, Invoke):
        for given in (*made.args, *(item for _, item in made.keywords)):
            yield from _behind(project, target.module, given, depth - 1)

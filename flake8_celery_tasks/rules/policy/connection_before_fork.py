from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.scopes import is_script
from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.celery_model.settings import setting_values
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.resolution.project import Project

#: Calls that open a connection, or create something that keeps connections.
_OPENING: Final = frozenset(
    {
        "MySQLdb.connect",
        "cx_Oracle.connect",
        "mongoengine.connect",
        "mysql.connector.connect",
        "oracledb.connect",
        "pika.BlockingConnection",
        "psycopg.Connection.connect",
        "psycopg.connect",
        "psycopg2.connect",
        "psycopg2.pool.SimpleConnectionPool",
        "psycopg2.pool.ThreadedConnectionPool",
        "psycopg_pool.ConnectionPool",
        "pymongo.MongoClient",
        "pymongo.mongo_client.MongoClient",
        "pymysql.connect",
        "pyodbc.connect",
        *(
            f"{package}.{name}{method}"
            for package, names in (
                ("redis", ("ConnectionPool", "Redis", "RedisCluster", "StrictRedis")),
                ("redis.client", ("Redis", "StrictRedis")),
                ("redis.sentinel", ("Sentinel",)),
                ("valkey", ("ConnectionPool", "StrictValkey", "Valkey", "ValkeyCluster")),
            )
            for name in names
            for method in ("", ".from_url")
        ),
        "redis.from_url",
        "valkey.from_url",
    }
)
_NAMES: Final = tuple(sorted({path.rpartition(".")[2] for path in _OPENING}))

#: Keywords that delay opening a connection until it is first used.
_LATER: Final = ("connect", "open")

#: Names of hooks that create connections in each process.
_AFTER_FORK: Final = ("register_at_fork", "worker_process_init")


class ConnectionBeforeFork(Rule[Facts]):
    """A module with tasks creates a client of a database or broker when it is imported.

    ## What happens

    A worker imports the tasks, and then forks its pool. A connection that is open by then is the same socket in all
    processes: with `psycopg`, two of them send at once and read each other's answers. The threads of a `MongoClient`
    are not forked with it, and pymongo warns about that. `redis` detects the fork and reconnects, as long as nothing
    holds a connection from its pool. Celery does not know about any of this, and nothing is logged.

    ## Bad

    ```ini
    extend-select = CLY937
    ```

    ```python
    import psycopg
    from celery import shared_task

    orders = psycopg.connect("dbname=orders")


    @shared_task(name="shop_count_orders")
    def count_orders():
        return orders.execute("select count(*) from orders").fetchone()[0]
    ```

    ## Good

    ```ini
    extend-select = CLY937
    ```

    ```python
    import psycopg
    from celery import shared_task


    @shared_task(name="shop_count_orders")
    def count_orders():
        with psycopg.connect("dbname=orders") as orders:
            return orders.execute("select count(*) from orders").fetchone()[0]
    ```

    ## Not reported when

    - the module defines no task, or the client is created in a function;
    - the client connects later: `MongoClient(connect=False)`, `ConnectionPool(open=False)`;
    - the module creates new connections in each process, by `worker_process_init` or `register_at_fork`;
    - the project sets a `worker_pool` that does not fork: `threads`, `solo`, `gevent`, `eventlet`;
    - the client is created under `if __name__ == "__main__"`;
    - the module is a test or a migration.

    ## Fix

    Create the client in the task, or in a function with `functools.cache` that the tasks call, so that each process has
    its own. If there are many tasks, a receiver of `worker_process_init` can create it instead.
    """

    code = "CLY937"
    see = ("signals#worker-process-init",)
    message = "{call} is created at import, before the worker forks: create it in the task, or in worker_process_init"
    quiet_in_tests = True

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Report the clients that a module with tasks creates when it is imported."""
        inside: set[int] = set()  # the calls inside a reported client
        for call, site in facts.calls_named(*_NAMES):
            if id(call) in inside or site.in_function() or not _opens(facts, call, site):
                continue
            if facts.tasks and not is_script(site) and not _is_renewed(facts) and _forks(facts.project):
                inside.update(map(id, ast.walk(call)))
                yield self.report(facts.module, call, call=f"{shown(call.func)}()")


def _opens(facts: Facts, call: ast.Call, site: Site) -> bool:
    value = facts.module.value(call.func, site.scope)
    if not isinstance(value, Ref) or facts.project.resolve(value.path, facts.module).path not in _OPENING:
        return False
    return not any(
        keyword.arg in _LATER and isinstance(keyword.value, ast.Constant) and keyword.value.value is False
        for keyword in call.keywords
    )


def _is_renewed(facts: Facts) -> bool:
    return any(facts.module.source.may_hold(word) for word in _AFTER_FORK)


def _forks(project: Project) -> bool:
    """Return whether a worker may run tasks in processes."""
    pools = setting_values(project, "worker_pool")
    return not pools or any(not isinstance(pool, str) or "prefork" in pool or "processes" in pool for pool in pools)

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.celery_model.configuration import is_unset
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.facts.apps import AppMade
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

_SETTING: Final = "broker_connection_retry_on_startup"
_SINCE: Final = (5, 3)


class StartupRetryNotDecided(Rule[AppMade]):
    """Nothing says whether a worker waits for its broker when it starts.

    ## What happens

    A worker that starts before its broker retries the connection, as `broker_connection_retry` says. From Celery 6 on,
    that setting only applies after the first connection, and `broker_connection_retry_on_startup` applies at the start.
    Celery 5.3 and 5.4 warn about this whenever a worker starts; later versions only if `broker_connection_retry` is
    off. Otherwise nothing is logged.

    ## Bad

    ```ini
    extend-select = CLY934
    ```

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost/0")
    ```

    ## Good

    ```ini
    extend-select = CLY934
    ```

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost/0")
    app.conf.broker_connection_retry_on_startup = True
    ```

    ## Not reported when

    - the project sets `broker_connection_retry_on_startup`, to any value;
    - the project runs on a Celery before 5.3, which does not know the setting;
    - something that configures the project can't be resolved, so it may set this too;
    - the module is a test or a migration.

    ## Fix

    Write `broker_connection_retry_on_startup = True` to wait for the broker, as now, or False to fail at once, so that
    whatever started the worker sees the failure.
    """

    code = "CLY934"
    see = ("configuration#broker-connection-retry-on-startup",)
    message = (
        "Does a worker wait for its broker at the start? Write broker_connection_retry_on_startup, before Celery 6"
    )
    quiet_in_tests = True

    def check(self, made: AppMade) -> Iterator[Violation]:
        """Report an app that leaves the question open."""
        if version_of(made.project) >= _SINCE and is_unset(made.project, _SETTING):
            yield self.report(made.module, made.node)

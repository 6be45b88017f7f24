from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from flake8_celery_tasks.celery_model import backends
from flake8_celery_tasks.celery_model.settings import setting_values
from flake8_celery_tasks.facts.configured.settings import Setting
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class ResultExpiresNever(Rule[Setting]):
    """`result_expires` is None or zero, so results are kept forever.

    ## What happens

    Results are kept for a day unless `result_expires` says otherwise. None and 0 mean forever: Redis sets no time to
    live, and beat does not schedule `celery.backend_cleanup`, which clears the tables of a database. The backend grows
    with each run of each task. Nothing is logged.

    ```pycon
    >>> from shop.celery import app
    >>> app.backend.expires is None
    True
    ```

    ## Bad

    ```ini
    extend-select = CLY930
    ```

    ```python title="shop/celery.py"
    from celery import Celery

    app = Celery("shop", backend="redis://localhost/0")
    app.conf.result_expires = None
    ```

    ## Good

    ```ini
    extend-select = CLY930
    ```

    ```python title="shop/celery.py"
    from datetime import timedelta

    from celery import Celery

    app = Celery("shop", backend="redis://localhost/0")
    app.conf.result_expires = timedelta(hours=1)
    ```

    ## Not reported when

    - the setting can't be resolved, or is not set: a day is the default;
    - the project certainly has no result backend, or sets `task_ignore_result`;
    - the module is a test or a migration.

    ## Fix

    Write the time after which nobody needs a result any more, in seconds or as a `timedelta`. If results must be kept,
    store them in the project's own tables.
    """

    code = "CLY930"
    see = ("configuration#result-expires",)
    message = "{key} = {value} keeps results forever: the backend grows with each run; write seconds, or a timedelta"
    quiet_in_tests = True

    def check(self, setting: Setting) -> Iterator[Violation]:
        """Report a setting that keeps results forever."""
        if setting.name != "result_expires":
            return
        value = setting.settled
        is_never = value is None or (isinstance(value, (int, float, datetime.timedelta)) and not value)
        if is_never and backends.backend(setting.project) is not False and not _ignores(setting):
            shown = "timedelta(0)" if isinstance(value, datetime.timedelta) else value
            yield self.report(setting.module, setting.node, key=setting.key, value=shown)


def _ignores(setting: Setting) -> bool:
    return any(value is True for value in setting_values(setting.project, "task_ignore_result"))

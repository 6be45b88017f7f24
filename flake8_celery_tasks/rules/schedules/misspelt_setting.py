from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.facts.configured.settings import LOOSE, Setting
from flake8_celery_tasks.rules.rule import Rule
from flake8_celery_tasks.rules.schedules import _setting_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class MisspeltSetting(Rule[Setting]):
    """A setting of Celery is misspelt.

    ## What happens

    Celery keeps every setting that it gets, but reads only the names that it knows. A misspelt setting is stored and
    never read, and the default stays in force. Nothing is logged. `broker`, `backend` and `concurrency` are arguments
    of an app or options of a worker, but not settings. With `task_ack_late = True` messages are still acknowledged
    before the task runs:

    ```pycon
    >>> from shop.tasks import app
    >>> app.conf.task_ack_late
    True
    >>> app.conf.task_acks_late
    False
    ```

    ## Bad

    ```python
    from celery import Celery

    app = Celery("shop")
    app.conf.task_ack_late = True
    app.conf.update(broker="redis://")
    ```

    ```python title="shop/celery.py"
    from celery import Celery

    app = Celery("shop")
    app.config_from_object("django.conf:settings", namespace="CELERY")
    ```

    ```python title="shop/settings.py"
    INSTALLED_APPS = ["shop"]
    CELERY_WORKER_PREFETCH_MULTIPLYER = 1
    ```

    ## Good

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://")
    app.conf.task_acks_late = True
    app.conf.update(result_backend="redis://", worker_concurrency=4)
    ```

    ```python title="shop/celery.py"
    from celery import Celery

    app = Celery("shop")
    app.config_from_object("django.conf:settings", namespace="CELERY")
    ```

    ```python title="shop/settings.py"
    INSTALLED_APPS = ["shop"]
    CELERY_WORKER_PREFETCH_MULTIPLIER = 1
    ```

    ## Not reported when

    - it is uncertain whether Celery gets the value. It gets those in `app.conf`, `Celery(...)`, the argument of
      `config_from_object`, and Django's settings under the namespace;
    - the name is not close to one of Celery's: projects keep their own keys there;
    - something in the project reads that name, or an extension does (`redbeat_`, `flower_`, `django_celery_`, ...).
      Another setting that is computed from it does not count (`CELERY_TIME_LIMIT = CELERY_SOFT_TIME_LIMIT + 60`).

    ## Fix

    Correct the name. The setting may then take effect for the first time, so check what it does.
    """

    code = "CLY811"
    see = ("configuration#configuration-directives",)
    message = "Celery has no setting {key!r}: the value is ignored; did you mean {meant!r}?"

    def check(self, setting: Setting) -> Iterator[Violation]:
        """Report a name that is close to one of Celery's, at its place."""
        if setting.name is None and setting.source.kind != LOOSE:
            meant = _setting_keys.misspelt(setting)
            if meant is not None and not _setting_keys.is_read(setting):
                yield self.report(setting.module, setting.node, key=setting.key, meant=meant)

from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.scopes import IF, TRY
from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.celery_model.backends import written
from flake8_celery_tasks.celery_model.configuration import is_passing_place
from flake8_celery_tasks.facts.configured.settings import Setting
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class EagerOutsideTests(Rule[Setting]):
    """`task_always_eager` is on in settings that are not for tests or development.

    ## What happens

    Each `delay()` runs the task at once, in the calling process, and waits for it. Nothing goes to the broker, and
    workers have nothing to do. A `countdown`, a queue and most retries have no effect. Without `task_eager_propagates`,
    exceptions end up in a result that nobody reads. Nothing is logged about it.

    ```pycon
    >>> from shop.celery import app
    >>> app.conf.task_always_eager
    True
    ```

    ## Bad

    ```ini
    extend-select = CLY932
    ```

    ```python title="shop/celery.py"
    from celery import Celery

    app = Celery("shop")
    app.conf.task_always_eager = True
    ```

    ## Good

    ```ini
    extend-select = CLY932
    ```

    ```python title="shop/celery.py"
    import os

    from celery import Celery

    app = Celery("shop")
    app.conf.task_always_eager = os.environ.get("EAGER") == "1"
    ```

    ```python title="shop/settings/test.py"
    CELERY_TASK_ALWAYS_EAGER = True
    ```

    ## Not reported when

    - the value can't be resolved, or is another setting (`DEBUG`); for an environment variable, its default applies;
    - the name of the module or class says that it is for tests or development (`settings/local.py`, `TestConfig`);
    - the line is in an `if`, or in the handler of a `try`: without a broker there may be no other way;
    - the line sets an environment variable;
    - the module is a test or a migration.

    ## Fix

    Move the line to the settings of the tests, or remove it.
    """

    code = "CLY932"
    see = ("configuration#task-always-eager",)
    message = "{key} is on outside tests: each task runs in the process that calls it, and none in a worker"
    quiet_in_tests = True

    def check(self, setting: Setting) -> Iterator[Violation]:
        """Report a setting that makes all tasks run eagerly."""
        if setting.name != "task_always_eager" or is_passing_place(setting.module, setting.site) or _depends(setting):
            return
        value = setting.module.value(setting.value, setting.site.scope)
        if not isinstance(value, Ref) and _says_yes(written(setting.project, value, setting.module)):
            yield self.report(setting.module, setting.node, key=setting.key)


def _says_yes(value: object) -> bool:
    """Return whether a value is true, as written or as a string in an environment variable."""
    return value is True or (isinstance(value, (int, str)) and str(value).lower() in ("1", "on", "true", "yes"))


def _depends(setting: Setting) -> bool:
    """Return whether a setting is only given under a condition."""
    return any(around.kind in (IF, TRY) for around in setting.site.chain())

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.facts.configured.settings import LOOSE, Setting
from flake8_celery_tasks.rules.rule import Rule
from flake8_celery_tasks.rules.schedules import _setting_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class SettingNeverRead(Rule[Setting]):
    """A setting has a name that Celery does not look at.

    ## What happens

    Celery looks for a setting under its new name in lower case (`task_acks_late`), or under its old name in upper case
    (`CELERY_ACKS_LATE`). With `namespace="CELERY"` it looks for the new name in upper case behind the namespace
    (`CELERY_TASK_ACKS_LATE`). Anything else is kept and never read, and nothing is logged:

    - new names in upper case without a namespace: `TASK_ACKS_LATE`, `CELERY_TASK_ACKS_LATE`;
    - new names in upper case without the namespace that is set;
    - old names under a namespace, up to Celery 5.6.

    Old and new names in one configuration without a namespace stop the app instead:

    ```text
    celery.exceptions.ImproperlyConfigured:
    Cannot mix new and old setting keys, please rename the
    following settings to the new format:

    CELERY_ACKS_LATE                     -> task_acks_late
    ```

    ## Bad

    ```python title="shop/celery.py"
    from celery import Celery

    app = Celery("shop")
    app.config_from_object("shop.celeryconfig")
    ```

    ```python title="shop/celeryconfig.py"
    TASK_ACKS_LATE = True
    WORKER_PREFETCH_MULTIPLIER = 1
    ```

    ```python
    from celery import Celery

    app = Celery("shop")
    app.config_from_object({"CELERY_ACKS_LATE": True, "worker_prefetch_multiplier": 1})
    ```

    ## Good

    ```python title="shop/celery.py"
    from celery import Celery

    app = Celery("shop")
    app.config_from_object("shop.celeryconfig")
    ```

    ```python title="shop/celeryconfig.py"
    task_acks_late = True
    worker_prefetch_multiplier = 1
    ```

    ```python
    from celery import Celery

    app = Celery("shop")
    app.config_from_object({"task_acks_late": True, "worker_prefetch_multiplier": 1})
    ```

    ## Not reported when

    - it is not certain that Celery gets the value, or under which namespace it looks for it;
    - something in the project reads that name: it is a constant of the project's own. That another setting is made of
      it does not count (`CELERY_TASK_ALWAYS_EAGER = not BROKER_URL`);
    - the project runs on Celery 5.7 or newer, for old names under a namespace;
    - an app's own configuration is given an old name (`app.conf.CELERY_ACKS_LATE = True`): whatever the namespace, it
      counts where nothing has read the configuration before;
    - both names of a setting are given, which Celery allows.

    ## Fix

    Write the name that Celery looks at. The setting may work for the first time then, so look at what it does.
    """

    code = "CLY812"
    see = ("configuration#new-lowercase-settings", "configuration#django-settings-with-a-namespace")
    message = "Celery never looks at {key!r} {where}: the value is ignored; write {instead}"
    mixed: Final = "Old name {key!r} beside new ones such as {other!r}: ImproperlyConfigured; write {instead!r}"

    def check(self, setting: Setting) -> Iterator[Violation]:
        """Report a name that nothing looks at, and the first old name that is mixed with new ones."""
        if setting.source.kind == LOOSE:
            return
        if setting.name is None:
            found = _setting_keys.unread(setting)
            if found is not None and not _setting_keys.is_read(setting):
                where, instead = found
                yield self.report(setting.module, setting.node, key=setting.key, where=where, instead=instead)
        else:
            mixed = _setting_keys.mixed(setting)
            if mixed is not None:
                other, instead = mixed
                yield self.report(
                    setting.module, setting.node, self.mixed, key=setting.key, other=other, instead=instead
                )

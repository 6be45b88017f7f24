from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.facts.configured.settings import LOOSE, Setting
from flake8_celery_tasks.rules.rule import Rule
from flake8_celery_tasks.rules.schedules import _setting_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class SettingNeverRead(Rule[Setting]):
    """A setting has a name that Celery does not read.

    ## What happens

    Celery looks for a setting under its new name in lower case (`task_acks_late`), or under its old name in upper case
    (`CELERY_ACKS_LATE`). With `namespace="CELERY"` it looks for the new name in upper case after the namespace
    (`CELERY_TASK_ACKS_LATE`). Any other name is stored and never read, and nothing is logged:

    - new names in upper case without a namespace: `TASK_ACKS_LATE`, `CELERY_TASK_ACKS_LATE`;
    - new names in upper case without the namespace that is set;
    - old names under a namespace, up to Celery 5.6.

    Old and new names in one configuration without a namespace are an error instead:

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

    - it is uncertain whether Celery gets the value, or which namespace it uses;
    - something in the project reads that name: it is the project's own constant. Another setting that is computed from
      it does not count (`CELERY_TASK_ALWAYS_EAGER = not BROKER_URL`);
    - the name is an old one under a namespace, and the project runs on Celery 5.7 or newer;
    - `app.conf` sets an old name (`app.conf.CELERY_ACKS_LATE = True`): under any namespace, it takes effect if nothing
      has read the configuration before;
    - both names of a setting are given, which Celery allows.

    ## Fix

    Write the name that Celery reads. The setting may then take effect for the first time, so check what it does.
    """

    code = "CLY812"
    see = ("configuration#new-lowercase-settings", "configuration#django-settings-with-a-namespace")
    message = "Celery never reads {key!r} {where}: the value is ignored; write {instead}"
    mixed: Final = "Old name {key!r} next to new ones such as {other!r}: ImproperlyConfigured; write {instead!r}"

    def check(self, setting: Setting) -> Iterator[Violation]:
        """Report a name that nothing reads, and the first old name that is mixed with new ones."""
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

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.rules.rule import Rule
from flake8_celery_tasks.rules.schedules import _setting_reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

#: The effect of reading a missing name.
_EFFECTS: Final = {"getattr": "the default is always used", "hasattr": "this is always False", "": "AttributeError"}


class SettingNobodySets(Rule[Facts]):
    """Code reads a setting of Celery under a name that the project does not set.

    ## What happens

    A setting has up to three names: `CELERY_TASK_ALWAYS_EAGER` under the namespace, `CELERY_ALWAYS_EAGER` from Celery
    3, `task_always_eager` in the app's configuration. Celery translates between them, but Django's settings don't. With
    the new name in the settings and the old one in the code, `getattr` always returns its default. Nothing is logged:

    ```pycon
    >>> from django.conf import settings
    >>> settings.CELERY_TASK_ALWAYS_EAGER
    True
    >>> getattr(settings, "CELERY_ALWAYS_EAGER", False)
    False
    ```

    Without a default, the line raises `AttributeError` when it runs.

    ## Bad

    ```python title="shop/settings.py"
    INSTALLED_APPS = ["shop"]
    CELERY_TASK_ALWAYS_EAGER = True
    ```

    ```python title="shop/views.py"
    from django.conf import settings


    def wait():
        return 0 if getattr(settings, "CELERY_ALWAYS_EAGER", False) else 5
    ```

    ## Good

    ```python title="shop/settings.py"
    INSTALLED_APPS = ["shop"]
    CELERY_TASK_ALWAYS_EAGER = True
    ```

    ```python title="shop/views.py"
    from django.conf import settings


    def wait():
        return 0 if getattr(settings, "CELERY_TASK_ALWAYS_EAGER", False) else 5
    ```

    ## Not reported when

    - the name is read with a default, and the setting is not set under any name: it is optional;
    - the same file also reads the name that is set: one is the fallback of the other;
    - something sets the name, including a test with `override_settings`;
    - the project has no settings of its own, or imports names into them that can't be resolved
      (`from .local import *`), or creates names with `globals()`;
    - the name is read without a default, but in a `try` or `with suppress(...)` for the `AttributeError`, or the file
      checks `hasattr` first;
    - the name is not one of Celery's own settings;
    - the module is a test or a migration.

    ## Fix

    Read the name that is set, or the configuration of the app: `current_app.conf.task_always_eager`.
    """

    code = "CLY815"
    see = ("configuration#new-lowercase-settings", "configuration#django-settings-with-a-namespace")
    message = "Nothing sets {name!r}, the project sets {other!r}: {effect}; read {other!r}"
    nowhere: Final = "Nothing sets {name!r}: AttributeError; set it, or give getattr a default"
    quiet_in_tests = True

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Report each place that reads a name that nothing sets."""
        reads = _setting_reads.reads(facts)
        if not reads:
            return
        settings = _setting_reads.django_settings(facts.project)
        names = {read.name for read in reads}
        optional = {read.name for read in reads if read.kind == "hasattr"}
        for read in reads:
            if not settings.are_whole or settings.sets(read.name, in_tests=True):
                continue
            other = settings.other_name(read.name)
            if other is None:
                if not read.has_default and read.name not in optional:
                    yield self.report(facts.module, read.node, self.nowhere, name=read.name)
            elif other not in names:
                effect = _EFFECTS[read.kind if read.has_default and read.kind in _EFFECTS else ""]
                yield self.report(facts.module, read.node, name=read.name, other=other, effect=effect)

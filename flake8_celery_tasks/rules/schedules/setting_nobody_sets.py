from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.rules.rule import Rule
from flake8_celery_tasks.rules.schedules import _setting_reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

#: What comes of reading a name that is not there.
_EFFECTS: Final = {"getattr": "the default is always taken", "hasattr": "this is always False", "": "AttributeError"}


class SettingNobodySets(Rule[Facts]):
    """Code reads a setting of Celery under a name that the project does not set.

    ## What happens

    A setting has up to three names: `CELERY_TASK_ALWAYS_EAGER` under the namespace, `CELERY_ALWAYS_EAGER` from Celery
    3, `task_always_eager` in the app's configuration. Celery translates, Django's settings don't. With the new name in
    the settings and the old one in the code, `getattr` takes its default for ever. Nothing is logged:

    ```pycon
    >>> from django.conf import settings
    >>> settings.CELERY_TASK_ALWAYS_EAGER
    True
    >>> getattr(settings, "CELERY_ALWAYS_EAGER", False)
    False
    ```

    Without a default it raises `AttributeError`, where and when the line runs.

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

    - the name is read with a default, and the setting is given under no name at all: it is optional;
    - the same file reads the name that is set, too: one stands in for the other;
    - something gives a value to the name, a test by `override_settings` too;
    - the project has no settings of its own, or imports names into them that can't be read (`from .local import *`), or
      makes them by `globals()`;
    - without a default: the line stands in a `try` for the `AttributeError`, or the file asks `hasattr` before;
    - the name is none of Celery's own settings;
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
        """Report a place that reads a name which nothing sets."""
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

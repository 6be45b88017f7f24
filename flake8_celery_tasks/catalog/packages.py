"""Well-known packages: how their task classes, decorators and apps change what Celery does by default.

A class from outside the project could do anything, so most rules would not report anything for its tasks. These classes
are known.
"""

from __future__ import annotations

import fnmatch
from typing import Final, NamedTuple


class TaskClass(NamedTuple):
    """A task class of a package.

    `bases` are its base classes, `overrides` the Celery methods that it overrides. `hands_on` means that these pass a
    call's arguments on unchanged, `at_once` that they send when they are called. `retries` means that the class may
    retry a task by itself. `options` are the options that it sets, `unknown` those whose values come from elsewhere,
    and `own` its own options that aren't Celery's.
    """

    bases: tuple[str, ...] = ("celery.Task",)
    overrides: frozenset[str] = frozenset()
    hands_on: bool = True
    at_once: bool = True
    retries: bool = False
    options: dict[str, object] = {}  # noqa: RUF012 - no one changes it
    unknown: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()

    def has_own(self, name: str) -> bool:
        """Return whether the class reads an option of this name that isn't Celery's."""
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.own)


_DJANGO: Final = ("celery.contrib.django.task.DjangoTask",)
_SENDS: Final = frozenset({"apply_async"})
_CALLED: Final = frozenset({"__call__"})

_OLD_CLASSES: Final = ("celery.task.Task", "celery.task.base.Task")
_OLD_PERIODIC: Final = ("celery.PeriodicTask", "celery.task.PeriodicTask", "celery.task.base.PeriodicTask")

#: Celery's own classes up to version 4: their tasks are registered where they are defined.
REGISTERING: Final = frozenset((*_OLD_CLASSES, *_OLD_PERIODIC))

#: Task classes by the name under which they are defined.
TASK_CLASSES: Final = {
    "celery.contrib.abortable.AbortableTask": TaskClass(own=frozenset({"is_aborted"})),
    "celery.contrib.django.task.DjangoTask": TaskClass(
        overrides=frozenset({"apply_async_on_commit", "delay_on_commit"})
    ),
    # Celery's, up to version 4
    **dict.fromkeys(_OLD_CLASSES, TaskClass()),
    **dict.fromkeys(
        _OLD_PERIODIC,
        TaskClass(options={"ignore_result": True}, own=frozenset({"compat", "options", "relative", "run_every"})),
    ),
    # allianceauth
    "allianceauth.services.tasks.QueueOnce": TaskClass(("celery_once.tasks.QueueOnce",)),
    # blueapps
    "blueapps.contrib.celery_tools.periodic.BlueappsPeriodicTask": TaskClass(
        options={"ignore_result": True}, own=frozenset({"compat", "options", "relative", "run_every"})
    ),
    # celery-batches: the function receives a list of requests
    "celery_batches.Batches": TaskClass(
        overrides=frozenset({"Strategy", "apply", "run"}),
        hands_on=False,
        options={"typing": False},
        own=frozenset({"flush_every", "flush_interval"}),
    ),
    # celery-heimdall
    "celery_heimdall.task.HeimdallTask": TaskClass(
        overrides=_SENDS | _CALLED, retries=True, own=frozenset({"heimdall", "setup_redis"})
    ),
    # celery-longterm-scheduler: tasks that are due later go to a store of its own
    "celery_longterm_scheduler.task.Task": TaskClass(overrides=_SENDS),
    # celery-once, celery-queued-once, celery-singleton
    "celery_once.tasks.QueueOnce": TaskClass(overrides=_SENDS | _CALLED, own=frozenset({"once"})),
    "celery_singleton.singleton.Singleton": TaskClass(
        overrides=_SENDS, own=frozenset({"lock_expiry", "raise_on_duplicate", "unique_on"})
    ),
    "queued_once.task.QueuedOnceTask": TaskClass(overrides=_SENDS, own=frozenset({"once_key_arg"})),
    # djcelery-transactions
    "djcelery_transactions.PostTransactionTask": TaskClass(overrides=_SENDS, at_once=False),
    # Open edX
    "celery_utils.logged_task.LoggedTask": TaskClass(overrides=_SENDS),
    "celery_utils.persist_on_failure.LoggedPersistOnFailureTask": TaskClass(
        ("celery_utils.persist_on_failure.PersistOnFailureTask", "celery_utils.logged_task.LoggedTask")
    ),
    "celery_utils.persist_on_failure.PersistOnFailureTask": TaskClass(options={"typing": False}),
    "user_tasks.tasks.UserTask": TaskClass(own=frozenset({"arguments_as_dict", "status"})),
    # flask-celeryext
    "flask_celeryext.app.AppContextTask": TaskClass(overrides=_CALLED),
    "flask_celeryext.app.RequestContextTask": TaskClass(overrides=_CALLED),
    # jobtastic: a task defines `calculate_result`
    "jobtastic.task.JobtasticTask": TaskClass(overrides=_SENDS | {"run"}, hands_on=False),
    # notifications_utils, of the GOV.UK and Canadian Notify
    "notifications_utils.celery.NotifyTask": TaskClass(overrides=_CALLED),
    # openwisp-utils
    "openwisp_utils.tasks.OpenwispCeleryTask": TaskClass(unknown=frozenset({"soft_time_limit", "time_limit"})),
    # taskbadger: removes its own keywords from the arguments
    "taskbadger.celery.Task": TaskClass(overrides=_SENDS, hands_on=False, own=frozenset({"taskbadger_*"})),
    # tenant-schemas-celery
    "tenant_schemas_celery.task.TenantTask": TaskClass(
        _DJANGO, _SENDS | {"apply"}, own=frozenset({"tenant_cache_seconds", "tenant_databases"})
    ),
}

#: Further names for them, under which packages re-export them.
ALIASES: Final = {
    "celery_heimdall.HeimdallTask": "celery_heimdall.task.HeimdallTask",
    "celery_longterm_scheduler.Task": "celery_longterm_scheduler.task.Task",
    "celery_once.QueueOnce": "celery_once.tasks.QueueOnce",
    "celery_singleton.Singleton": "celery_singleton.singleton.Singleton",
    "flask_celeryext.AppContextTask": "flask_celeryext.app.AppContextTask",
    "flask_celeryext.RequestContextTask": "flask_celeryext.app.RequestContextTask",
    "flask_celeryext.create_celery_app": "flask_celeryext.app.create_celery_app",
    "jobtastic.JobtasticTask": "jobtastic.task.JobtasticTask",
    "queued_once.QueuedOnceTask": "queued_once.task.QueuedOnceTask",
}

_BLUEAPPS: Final = "blueapps.contrib.celery_tools.periodic"

#: Decorators that create tasks of a class from their package.
DECORATORS: Final = {
    f"{_BLUEAPPS}.periodic_task": f"{_BLUEAPPS}:BlueappsPeriodicTask",
    "djcelery_transactions.shared_task": "djcelery_transactions:PostTransactionTask",
    "djcelery_transactions.task": "djcelery_transactions:PostTransactionTask",
}

#: Celery's own decorators up to version 4; a `periodic_task` is also a beat entry.
OLD_DECORATORS: Final = frozenset(
    {
        *("celery.task", "celery.task.task", "celery.task.base.task", "celery.decorators.task"),
        *("celery.periodic_task", "celery.task.periodic_task", "celery.task.base.periodic_task"),
        "celery.decorators.periodic_task",
    }
)

#: Decorators that create tasks from a different function than the decorated one.
OPAQUE_DECORATORS: Final = frozenset({"dash.orgs.tasks.org_task"})

#: Apps, and functions and classes that create one: the class that they give their tasks, None for Celery's own.
APPS: Final = {
    "flask_celeryext.app.create_celery_app": "flask_celeryext.app.AppContextTask",
    "notifications_utils.celery.NotifyCelery": "notifications_utils.celery.NotifyTask",
    "pyramid_celery.celery_app": None,
    "tenant_schemas_celery.app.CeleryApp": "tenant_schemas_celery.task.TenantTask",
}

#: Decorators that pass all arguments on and let all exceptions through, so that code below the task decorator can be
#: checked as if they were not there.
TRANSPARENT: Final = frozenset(
    {
        "builtins.staticmethod",
        "django.db.transaction.atomic",
        "django.db.transaction.non_atomic_requests",
        "django.utils.decorators.method_decorator",
        "django.utils.translation.override",
        "edx_django_utils.monitoring.function_trace",
        "edx_django_utils.monitoring.set_code_owner_attribute",
        "elasticapm.capture_span",
        "newrelic.agent.background_task",
        "newrelic.agent.function_trace",
        "notifications_utils.statsd_decorators.statsd",
        "sentry_sdk.crons.monitor",
        "sentry_sdk.monitor",
        "sentry_sdk.trace",
        "typing.no_type_check",
    }
)


#: Bases outside the project that add nothing to a task that matters to a rule.
PLAIN_BASES: Final = frozenset(
    {
        "abc.ABC",
        "builtins.object",
        "celery.Task",
        "celery.contrib.django.task.DjangoTask",
        "typing.Generic",
        "typing.Protocol",
    }
)


def task_class(path: str) -> TaskClass | None:
    """Return the known task class with a dotted name, None if there is none."""
    return TASK_CLASSES.get(ALIASES.get(path, path))


def is_app(path: str) -> bool:
    """Return whether a dotted name is a package's app, or something that creates one."""
    return ALIASES.get(path, path) in APPS


def class_of_app(path: str) -> str | None:
    """Return the class that a package's app gives its tasks, None for Celery's own."""
    return APPS[ALIASES.get(path, path)]

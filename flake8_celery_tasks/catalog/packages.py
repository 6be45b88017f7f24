"""Well-known packages: what their task classes, decorators and apps do with what Celery does by itself.

A class outside the project could do anything, so that most rules would be silent. Of these it is known.
"""

from __future__ import annotations

import fnmatch
from typing import Final, NamedTuple


class TaskClass(NamedTuple):
    """A task class of a package.

    `bases` are what it inherits from, `overrides` Celery's methods that it has of its own. These hand the arguments of
    a call on as they are (`hands_on`), and send when they are called (`at_once`). `retries` says that it may retry a
    task by itself. `options` are the options that it sets, `unknown` those that it takes from somewhere, and `own` what
    it reads besides Celery's options.
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
        """Return whether the class reads an option of this name besides Celery's."""
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.own)


_DJANGO: Final = ("celery.contrib.django.task.DjangoTask",)
_SENDS: Final = frozenset({"apply_async"})
_CALLED: Final = frozenset({"__call__"})

_OLD_CLASSES: Final = ("celery.task.Task", "celery.task.base.Task")
_OLD_PERIODIC: Final = ("celery.PeriodicTask", "celery.task.PeriodicTask", "celery.task.base.PeriodicTask")

#: Celery's own up to version 4: their tasks are registered where they are defined.
REGISTERING: Final = frozenset((*_OLD_CLASSES, *_OLD_PERIODIC))

#: Task classes by the name that they are defined under.
TASK_CLASSES: Final = {
    "celery.contrib.abortable.AbortableTask": TaskClass(own=frozenset({"is_aborted"})),
    "celery.contrib.django.task.DjangoTask": TaskClass(
        overrides=frozenset({"apply_async_on_commit", "delay_on_commit"})
    ),
    # Celery's up to version 4
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
    # celery-batches: the function gets a list of requests
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
    # celery-longterm-scheduler: what is due later goes to a store of its own
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
    # taskbadger: takes its own keywords out of the arguments
    "taskbadger.celery.Task": TaskClass(overrides=_SENDS, hands_on=False, own=frozenset({"taskbadger_*"})),
    # tenant-schemas-celery
    "tenant_schemas_celery.task.TenantTask": TaskClass(
        _DJANGO, _SENDS | {"apply"}, own=frozenset({"tenant_cache_seconds", "tenant_databases"})
    ),
}

#: Further names of them, under which packages hand them on.
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

#: Decorators that make tasks of a class of their package.
DECORATORS: Final = {
    f"{_BLUEAPPS}.periodic_task": f"{_BLUEAPPS}:BlueappsPeriodicTask",
    "djcelery_transactions.shared_task": "djcelery_transactions:PostTransactionTask",
    "djcelery_transactions.task": "djcelery_transactions:PostTransactionTask",
}

#: Celery's own decorators up to version 4; a `periodic_task` is an entry of beat's, too.
OLD_DECORATORS: Final = frozenset(
    {
        *("celery.task", "celery.task.task", "celery.task.base.task", "celery.decorators.task"),
        *("celery.periodic_task", "celery.task.periodic_task", "celery.task.base.periodic_task"),
        "celery.decorators.periodic_task",
    }
)

#: Decorators that make tasks of another function than the one that they are given.
OPAQUE_DECORATORS: Final = frozenset({"dash.orgs.tasks.org_task"})

#: What makes an app, or is one: the class that it gives its tasks, None for Celery's own.
APPS: Final = {
    "flask_celeryext.app.create_celery_app": "flask_celeryext.app.AppContextTask",
    "notifications_utils.celery.NotifyCelery": "notifications_utils.celery.NotifyTask",
    "pyramid_celery.celery_app": None,
    "tenant_schemas_celery.app.CeleryApp": "tenant_schemas_celery.task.TenantTask",
}

#: Decorators that hand every argument on and let every exception through, so that what is below the task decorator
#: can be checked as if they were not there.
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


def task_class(path: str) -> TaskClass | None:
    """Return what is known of a task class by its dotted name, None for one that is not known."""
    return TASK_CLASSES.get(ALIASES.get(path, path))


def is_app(path: str) -> bool:
    """Return whether a dotted name is that of a package's app, or of what makes one."""
    return ALIASES.get(path, path) in APPS


def class_of_app(path: str) -> str | None:
    """Return the class that a package's app gives its tasks, None for Celery's own."""
    return APPS[ALIASES.get(path, path)]

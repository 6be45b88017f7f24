"""Modules and names of old Celery versions that no supported version has, with their replacements.

`django-celery` (`djcelery`) is included: it needs Celery 3.
"""

REMOVED: dict[str, str] = {
    "celery.PeriodicTask": "an entry of beat_schedule",
    "celery.TaskSet": "celery.group",
    "celery.app.abstract": "",
    "celery.app.base.BaseApp": "celery.Celery",
    "celery.apps.celeryd": "celery.apps.worker",
    "celery.backends.amqp": "the backend rpc://",
    "celery.backends.pyredis": "celery.backends.redis",
    "celery.backends.riak": "",
    "celery.bin.base.Command": "celery.bin.base.CeleryCommand",
    "celery.bin.celerybeat": "celery.bin.beat",
    "celery.bin.celeryd": "celery.bin.worker",
    "celery.concurrency.processes": "celery.concurrency.prefork",
    "celery.concurrency.threads": "celery.concurrency.thread",
    "celery.conf": "app.conf",
    "celery.contrib.batches": "the package celery-batches",
    "celery.contrib.bundles": "",
    "celery.contrib.methods": "a function of the module",
    "celery.datastructures": "celery.utils.collections",
    "celery.decorators": "celery.shared_task",
    "celery.decorators.periodic_task": "an entry of beat_schedule",
    "celery.exceptions.TaskSetError": "",
    "celery.execute.apply": "the task's apply()",
    "celery.execute.apply_async": "the task's apply_async()",
    "celery.five": "Python's own names",
    "celery.loaders.djangoapp": "app.config_from_object",
    "celery.periodic_task": "an entry of beat_schedule",
    "celery.result.BaseAsyncResult": "celery.result.AsyncResult",
    "celery.result.TaskSetResult": "celery.result.GroupResult",
    "celery.serialization": "celery.utils.serialization",
    "celery.task": "celery.shared_task",
    "celery.task.PeriodicTask": "an entry of beat_schedule",
    "celery.task.Task": "celery.Task",
    "celery.task.base": "celery.app.task",
    "celery.task.base.PeriodicTask": "an entry of beat_schedule",
    "celery.task.base.Task": "celery.Task",
    "celery.task.chord": "celery.chord",
    "celery.task.control": "app.control",
    "celery.task.current": "celery.current_task",
    "celery.task.group": "celery.group",
    "celery.task.http": "",
    "celery.task.periodic_task": "an entry of beat_schedule",
    "celery.task.schedules": "celery.schedules",
    "celery.task.schedules.crontab": "celery.schedules.crontab",
    "celery.task.sets": "celery.group",
    "celery.task.sets.subtask": "celery.signature",
    "celery.task.subtask": "celery.signature",
    "celery.task.trace": "celery.app.trace",
    "celery.utils.compat": "",
    "celery.utils.dispatch.saferef": "weakref",
    "celery.utils.encoding": "kombu.utils.encoding",
    "celery.utils.fun_takes_kwargs": "celery.utils.functional.fun_accepts_kwargs",
    "celery.utils.isatty": "sys.stdout.isatty",
    "celery.utils.mail": "",
    "celery.utils.patterns": "",
    "celery.utils.timeutils": "celery.utils.time",
    "celery.utils.warn_deprecated": "celery.utils.deprecated.warn",
    "celery.worker.bootsteps": "celery.bootsteps",
    "celery.worker.buckets": "",
    "celery.worker.job": "celery.worker.request",
    "celery.worker.mediator": "",
    "djcelery": "django-celery-beat and django-celery-results",
}
"""Dotted name -> its replacement, empty if there is none. A name stands for everything inside it, too."""


def removed(path: str) -> str | None:
    """Return the longest listed name that is `path` or contains it, None if Celery still has it.

    >>> removed("celery.task.schedules.crontab"), removed("celery.tasks")
    ('celery.task.schedules.crontab', None)
    """
    while path:
        if path in REMOVED:
            return path
        path = path.rpartition(".")[0]
    return None

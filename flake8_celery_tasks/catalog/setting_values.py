"""Values that Celery's settings accept, apart from what their types say; and settings that no supported version reads.

Tried with Celery 5.2, 5.4, 5.6 and 5.7. Kinds of values are `text`, `true`, `number`, `dict`, `list` (any display or
call that makes a list, a tuple or a set), `path` and `duration`.
"""

from __future__ import annotations

from typing import Final

from . import words
from .settings import SETTINGS

#: Kinds of values that break the code that uses a setting, by Celery's type. A number as text is another matter.
_BREAKS: Final[dict[str, frozenset[str]]] = {
    "bool": words("text dict list"),
    "dict": words("text true number list"),
    "float": words("text dict list"),
    "int": words("text dict list"),
    "list": words("text true number"),
    "string": words("true list"),
    "tuple": words("true number"),
}

#: Kinds that a setting accepts, whatever its type says.
_TAKES: Final[dict[str, frozenset[str]]] = {
    "beat_scheduler": words("list"),
    "broker_read_url": words("list"),
    "broker_url": words("list"),
    "broker_use_ssl": words("dict"),
    "broker_write_url": words("list"),
    "cassandra_auth_kwargs": words("list"),
    "task_queues": words("list dict"),
}

#: Types that are more accurate than Celery's own.
_TYPES: Final = {"worker_concurrency": "int"}

#: Settings for which a path is an error; file names may be paths.
URLS: Final = words("broker_read_url broker_url broker_write_url result_backend")

#: Numeric settings of seconds that a duration breaks; `result_expires` and others take one.
SECONDS: Final = words("task_soft_time_limit task_time_limit")

#: Numbers that Celery does not convert from text.
NO_TEXT: Final = words("broker_pool_limit task_protocol")

#: Descriptions of the accepted values, by type.
TAKEN: Final = {
    "bool": "True or False",
    "dict": "a dict",
    "float": "a number",
    "int": "a number",
    "list": "a list",
    "string": "a string",
    "tuple": "a list",
}

#: Old names of settings that Celery 3 or 4 read and no supported version does, with their replacements.
REMOVED: Final[dict[str, str]] = {
    "CARROT_BACKEND": "write the transport into the broker URL",
    "CELERYBEAT_LOG_FILE": "start beat with --logfile",
    "CELERYBEAT_LOG_LEVEL": "start beat with --loglevel",
    "CELERYD_AUTORELOADER": "use a tool such as watchmedo",
    "CELERYD_BOOT_STEPS": "add steps to app.steps",
    "CELERYD_ETA_SCHEDULER": "write worker_timer",
    "CELERYD_ETA_SCHEDULER_PRECISION": "write worker_timer_precision",
    "CELERYD_FORCE_EXECV": "remove it",
    "CELERYD_LOG_FILE": "start the worker with --logfile",
    "CELERYD_LOG_LEVEL": "start the worker with --loglevel",
    "CELERYD_MEDIATOR": "remove it",
    "CELERYMON_LOG_FILE": "remove it",
    "CELERYMON_LOG_FORMAT": "remove it",
    "CELERYMON_LOG_LEVEL": "remove it",
    "CELERY_AMQP_TASK_RESULT_CONNECTION_MAX": "remove it",
    "CELERY_AMQP_TASK_RESULT_EXPIRES": "write result_expires",
    "CELERY_CHORD_PROPAGATES": "remove it",
    "CELERY_SEND_TASK_ERROR_EMAILS": "connect a receiver to task_failure",
    "CELERY_TASK_SEND_ERROR_EMAILS": "connect a receiver to task_failure",
    "CELERY_TASK_ERROR_WHITELIST": "connect a receiver to task_failure",
}


def type_of(name: str) -> str:
    """Return the type of a setting."""
    return _TYPES.get(name, SETTINGS[name].type)


def breaks(name: str, kind: str) -> bool:
    """Return whether a kind of value breaks the code that uses a setting.

    >>> breaks("enable_utc", "list"), breaks("broker_url", "list"), breaks("result_backend", "path")
    (True, False, True)
    >>> breaks("task_time_limit", "duration"), breaks("result_expires", "duration")
    (True, False)
    """
    if kind == "path":
        return name in URLS
    if kind == "duration":
        return name in SECONDS
    return kind in _BREAKS.get(type_of(name), ()) and kind not in _TAKES.get(name, ())

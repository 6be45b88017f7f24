"""Options of a task: the keywords of `@shared_task(...)` and `@app.task(...)`, and the attributes of a `Task` class.

Every keyword of the decorator that is not one of `app/base.py:_task_from_fun`'s parameters becomes a class attribute,
known or not, without any message. A name that is not listed here is therefore stored and never read. Sources are places
in Celery 5.7.0, relative to the `celery` package.
"""

from typing import NamedTuple

from . import ALWAYS, NEWEST, Version, words


class TaskOption(NamedTuple):
    """One option.

    Times are in seconds, sizes in characters.
    """

    name: str
    type: str
    """The types that Celery can use, joined by ` | `."""
    default: object = None
    """The value that applies if neither the task nor `setting` gives one."""
    setting: str = ""
    """The setting that supplies the value when the task leaves it None; empty if there is none."""
    group: str = "attribute"
    """`decorator` (taken by the decorator itself), `attribute`, `autoretry` or `hook` (a method to override)."""
    since: Version = ALWAYS
    deprecated: Version | None = None
    """The first version whose source marks it deprecated or without effect; `ALWAYS` for long ago.

    For the routing options this concerns only a task's attribute; calls may still give them.
    """
    removed: Version | None = None
    """The version that removes it, done or announced."""
    shared_task: bool = True
    """Whether `@shared_task` accepts it too; if not, it becomes an attribute that nothing reads."""
    requires: str = ""
    """The option without which nothing reads this one."""
    note: str = ""

    @property
    def types(self) -> tuple[str, ...]:
        """The words of `type`, one by one."""
        return tuple(self.type.split(" | "))

    def exists(self, version: Version) -> bool:
        """Whether Celery `version` has it."""
        return EARLIER.get(self.name, self.since) <= version and (self.removed is None or version < self.removed)


EARLIER: dict[str, Version] = {
    "autoretry_for": (4, 0),
    "reject_on_worker_lost": (4, 0),
    "resultrepr_maxsize": (4, 0),
    "retry_kwargs": (4, 0),
    "shadow_name": (4, 0),
    "typing": (4, 0),
    "Request": (4, 2),
    "retry_backoff": (4, 2),
    "retry_backoff_max": (4, 2),
    "retry_jitter": (4, 2),
    "acks_on_failure_or_timeout": (4, 3),
    "store_eager_result": (5, 1),
    "before_start": (5, 2),
}
"""Options in all supported versions -> the version that added them, after 3.1; projects may be pinned to older ones.

Read in the sources of Celery 3.1.26, 4.0.2, 4.1.1, 4.2.2, 4.3.1, 4.4.7, 5.0.5 and 5.1.2.
"""


_NUMBER = "int | float | None"


def _routing(name: str, type_: str, setting: str = "", note: str = "as a task attribute only") -> TaskOption:
    # Celery 5.7 warns about these in `app/task.py:bind` ("Use the task_routes setting instead").
    return TaskOption(name, type_, None, setting, deprecated=(5, 7), removed=(6, 0), note=note)


_RECORDS = (
    # Parameters of `app/base.py:_task_from_fun`.
    TaskOption("name", "str | None", group="decorator", note="a falsy value means the automatic name"),
    TaskOption("base", "type | None", group="decorator", note="a falsy value means app.Task"),
    TaskOption("bind", "bool", False, group="decorator"),
    TaskOption("pydantic", "bool", False, group="decorator", since=(5, 5), note="only True counts"),
    TaskOption("pydantic_strict", "bool", False, group="decorator", since=(5, 5)),
    TaskOption("pydantic_context", "dict | None", group="decorator", since=(5, 5)),
    TaskOption("pydantic_dump_kwargs", "dict | None", group="decorator", since=(5, 5)),
    # Accepted by `app/base.py:Celery.task`, which `shared_task` never calls.
    TaskOption("lazy", "bool", True, group="decorator", shared_task=False),
    TaskOption("shared", "bool", True, group="decorator", shared_task=False),
    TaskOption("filter", "callable | None", group="decorator", shared_task=False),
    # `app/task.py:Task.from_config`: a setting supplies the value if the task leaves it None.
    TaskOption("serializer", "str | None", "json", "task_serializer"),
    TaskOption("rate_limit", "str | int | float | None", None, "task_default_rate_limit"),
    _routing("priority", "int | None", "task_default_priority"),
    TaskOption("time_limit", _NUMBER, None, "task_time_limit", note="seconds"),
    TaskOption("soft_time_limit", _NUMBER, None, "task_soft_time_limit", note="seconds"),
    TaskOption("track_started", "bool | None", False, "task_track_started"),
    TaskOption("acks_late", "bool | None", False, "task_acks_late"),
    TaskOption(
        "acks_on_failure_or_timeout",
        "bool | None",
        True,
        "task_acks_on_failure_or_timeout",
        deprecated=(5, 7),
        removed=(7, 0),
        requires="acks_late",
        note="use acks_on_failure and acks_on_timeout",
    ),
    TaskOption("acks_on_failure", "bool | None", True, "task_acks_on_failure", since=(5, 7), requires="acks_late"),
    TaskOption("acks_on_timeout", "bool | None", True, "task_acks_on_timeout", since=(5, 7), requires="acks_late"),
    TaskOption("reject_on_worker_lost", "bool | None", None, "task_reject_on_worker_lost", requires="acks_late"),
    TaskOption("retry_on_worker_lost", "bool | None", False, "task_retry_on_worker_lost", since=(5, 7)),
    TaskOption("ignore_result", "bool | None", False, "task_ignore_result"),
    TaskOption("store_eager_result", "bool | None", False, "task_store_eager_result"),
    TaskOption("store_errors_even_if_ignored", "bool | None", False, "task_store_errors_even_if_ignored"),
    # Further attributes of `app/task.py:Task`.
    TaskOption("typing", "bool | None", True, note="None means app.strict_typing"),
    TaskOption("max_retries", "int | None", 3, note="retries after the first run; None has no limit"),
    TaskOption("default_retry_delay", _NUMBER, 180, note="seconds; autoretry with retry_backoff does not read it"),
    TaskOption("throws", "type | tuple", (), note="goes to isinstance: a list or a string breaks it"),
    TaskOption("trail", "bool", True),
    TaskOption("send_events", "bool", True),
    TaskOption("resultrepr_maxsize", "int", 1024, note="characters"),
    TaskOption("backend", "backend | None", note="an instance: a string has no mark_as_done"),
    TaskOption("Strategy", "str | callable", "celery.worker.strategy:default"),
    TaskOption("Request", "str | type", "celery.worker.request:Request"),
    TaskOption("from_config", "tuple", note="pairs of attribute and setting, read by Task.bind"),
    TaskOption("abstract", "bool", True, deprecated=ALWAYS, note="read by nothing since 4.0"),
    TaskOption("type", "str", "regular", deprecated=ALWAYS, note="only app/registry.py:filter_types reads it"),
    # Merged into every message by `app/task.py:extract_exec_options`.
    TaskOption("expires", "int | float | datetime | str | None", note="seconds, aware time or ISO 8601 text"),
    TaskOption("compression", "str | None", None, note="the publisher falls back on task_compression"),
    _routing("queue", "str | Queue | None"),
    _routing("exchange", "str | Exchange | None"),
    _routing("routing_key", "str | None"),
    _routing("delivery_mode", "int | str | None"),
    _routing("exchange_type", "str | None", note="without effect: extract_exec_options does not list it"),
    TaskOption("immediate", "bool | None", deprecated=ALWAYS, note="RabbitMQ has none since 3.0"),
    TaskOption("mandatory", "bool | None", deprecated=ALWAYS, note="marked so in app/task.py"),
    # `app/autoretry.py:add_autoretry_behaviour`.
    TaskOption("autoretry_for", "tuple | list | set", (), group="autoretry"),
    TaskOption(
        "dont_autoretry_for", "tuple | list | set", (), group="autoretry", since=(5, 3), requires="autoretry_for"
    ),
    TaskOption("retry_kwargs", "dict", note="keywords of Task.retry", group="autoretry", requires="autoretry_for"),
    TaskOption(
        "retry_backoff",
        "bool | int | float",
        False,
        group="autoretry",
        requires="autoretry_for",
        note="the factor in seconds, as an int of at least 1; falsy means default_retry_delay",
    ),
    TaskOption(
        "retry_backoff_max",
        "int",
        600,
        group="autoretry",
        requires="autoretry_for",
        note="seconds; needs retry_backoff",
    ),
    TaskOption("retry_jitter", "bool", True, group="autoretry", requires="autoretry_for", note="needs retry_backoff"),
    # Methods meant to be overridden.
    TaskOption("before_start", "callable", group="hook", note="(task_id, args, kwargs)"),
    TaskOption("on_success", "callable", group="hook", note="(retval, task_id, args, kwargs)"),
    TaskOption("on_retry", "callable", group="hook", note="(exc, task_id, args, kwargs, einfo)"),
    TaskOption("on_failure", "callable", group="hook", note="(exc, task_id, args, kwargs, einfo)"),
    TaskOption("after_return", "callable", group="hook", note="(status, retval, task_id, args, kwargs, einfo)"),
    TaskOption("on_replace", "callable", group="hook", since=(5, 3), note="(sig)"),
    TaskOption("shadow_name", "callable", group="hook", note="(args, kwargs, options)"),
    TaskOption("on_bound", "callable", group="hook", note="(app); a class method"),
    TaskOption("__call__", "callable", group="hook", note="(*args, **kwargs)"),
)

OPTIONS: dict[str, TaskOption] = {record.name: record for record in _RECORDS}
"""Every option by its name, in catalogue order."""

BY_SETTING: dict[str, str] = {record.setting: record.name for record in _RECORDS if record.setting}
"""Setting name -> the option it is the default of (`app/task.py:Task.from_config`)."""

CALL_ONLY = words(
    "add_to_parent args argsrepr chain chord confirm_timeout connection countdown declare eta event_dispatcher "
    "group_id group_index headers kwargs kwargsrepr link link_error parent_id producer publisher reply_to retries "
    "retry_policy root_id route_name router shadow stamped_headers task_id timeout"
)
"""Call options that nothing reads from the task: on the decorator they have no effect."""

TASK_API = words(
    "AsyncResult MaxRetriesExceededError OperationalError _get_app _get_exec_options _get_request add_around "
    "add_to_chord add_trail annotate app apply apply_async chunks delay map pop_request push_request replace request "
    "retry run s send_event si signature signature_from_request starmap start_strategy subtask subtask_from_request "
    "update_state"
)
"""Methods and properties of `app/task.py:Task`: as a keyword of the decorator, each replaces Celery's own."""

INTERNAL = words("_app _backend _default_request _dump_pydantic_arguments _exec_options request_stack")
"""Attributes of `app/task.py:Task` that Celery sets itself when it binds the task."""

EXTENSIONS: dict[str, tuple[str, ...]] = {
    "once": ("QueueOnce",),
    "unique_on": ("Singleton",),
    "raise_on_duplicate": ("Singleton",),
    "lock_expiry": ("Singleton",),
    "flush_every": ("Batches",),
    "flush_interval": ("Batches",),
    "heimdall": ("HeimdallTask",),
    "tenant_cache_seconds": ("TenantTask",),
}
"""Options of known extensions -> the base classes that read them.

celery-once, celery-singleton, celery-batches, celery-heimdall and tenant-schemas-celery; read in their sources.
"""

BUILTIN_TASKS = frozenset(
    f"celery.{word}" for word in words("accumulate backend_cleanup chain chord chord_unlock chunks group map starmap")
)
"""Names of the tasks that every app has (`app/builtins.py`)."""

REMOVED: dict[str, Version] = {
    "accept_magic_kwargs": (4, 0),
    "error_whitelist": (4, 0),
    "disable_error_emails": (4, 0),
    "send_error_emails": (4, 0),
    "relative": (5, 0),
    "run_every": (5, 0),
}
"""Attributes of old versions -> the version that removed them; the last two went with `PeriodicTask`."""

EXEC_OPTIONS: tuple[str, ...] = (
    "queue",
    "routing_key",
    "exchange",
    "priority",
    "expires",
    "serializer",
    "delivery_mode",
    "compression",
    "time_limit",
    "soft_time_limit",
    "immediate",
    "mandatory",
)
"""Options that the publisher merges from the task into each message (`app/task.py:extract_exec_options`).

`send_task` does so since `SEND_TASK_MERGES`, and only for a task that is registered in the sending process.
`Task.apply_async` adds `ignore_result`, which the worker reads from the task as well.
"""

ROUTING_OPTIONS = frozenset({"queue", "exchange", "routing_key"})
"""The part of `EXEC_OPTIONS` that a matching `task_routes` entry also supplies."""

SEND_TASK_MERGES: Version = (5, 7)
"""The first version whose `send_task` merges `EXEC_OPTIONS` (`app/base.py:send_task`)."""

RETRY_POLICY = words("autoretry_for max_retries retry_kwargs retry_backoff default_retry_delay retry_on_worker_lost")
"""Options that determine whether, or how, a task is run again."""

AUTORETRY_ONLY = frozenset(record.name for record in _RECORDS if record.requires == "autoretry_for")
"""Options that take effect only with `autoretry_for`."""

BACKOFF_ONLY = frozenset({"retry_backoff_max", "retry_jitter"})
"""Options that are read only if `retry_backoff` is truthy too."""

RETRY_ONLY = frozenset({"max_retries", "default_retry_delay"})
"""Options that some retry must read: `autoretry_for`, a call of `retry`, or `retry_on_worker_lost`."""

ACK_OPTIONS = words("acks_late acks_on_failure acks_on_failure_or_timeout acks_on_timeout reject_on_worker_lost")
"""Options about when the message is acknowledged."""

NEEDS_ACKS_LATE = frozenset(record.name for record in _RECORDS if record.requires == "acks_late")
"""Options without effect if the message is acknowledged before the task runs (`worker/request.py`)."""

DEFAULT_BACKOFF_MAX = 600
"""Seconds; `retry_backoff_max` when unset."""

DEFAULT_RETRY_DELAY = 180
"""Seconds; `default_retry_delay` when unset."""

DEFAULT_MAX_RETRIES = 3
"""`max_retries` when unset."""

RATE_LIMIT_UNITS: dict[str, int] = {"s": 1, "m": 60, "h": 3600}
"""What may follow the slash in a rate limit -> seconds (`utils/time.py:RATE_MODIFIER_MAP`); seconds by default."""

SERIALIZERS = frozenset({"auth", "json", "msgpack", "pickle", "raw", "yaml"})
"""Serialisers that Kombu and `celery.security` register; a project may register more."""

COMPRESSIONS = words(
    "brotli bzip bzip2 gzip lzma xz zlib zstandard zstd application/x-brotli application/x-bz2 application/x-gzip "
    "application/x-lzma application/zstd"
)
"""Compressions that `kombu.compression` registers, some only with their library; a project may register more."""


def decorator_names(version: Version = NEWEST) -> frozenset[str]:
    """Return the keywords that `@app.task` of Celery `version` reads; `shared_task` reads fewer."""
    return frozenset(record.name for record in _RECORDS if record.exists(version))


def option_of_setting(name: str) -> str | None:
    """Return the option that was meant if a setting was written as a keyword of the decorator.

    `task_track_started`, `CELERY_ACKS_LATE`, `CELERYD_TASK_TIME_LIMIT`, `task_max_retries`; None for anything else.
    """
    lower = name.lower()
    plain = lower.removeprefix("celeryd_").removeprefix("celery_")
    bare = plain.removeprefix("task_")
    if bare == lower:
        return None
    found = BY_SETTING.get("task_" + bare)
    if found is None and bare in OPTIONS:
        found = bare
    return found

"""Options of a call: `apply_async`, `send_task`, `Signature.set`, `Task.retry` and the `options` of a beat entry.

All of them end in `app/base.py:send_task`. A keyword that no step on the way accepts becomes a property of the message
(`app/amqp.py:send_task_message`) and is silently ignored. Sources are places in Celery 5.7.0, relative to the `celery`
package.
"""

from typing import NamedTuple

from . import ALWAYS, NEWEST, Version, words


class CallOption(NamedTuple):
    """One option. Times are in seconds."""

    name: str
    type: str
    """The types that Celery can use, joined by ` | `."""
    group: str
    """Who reads it: `celery`, `publish` (the publisher), `message` (AMQP property) or `transport` (some brokers)."""
    default: object = None
    since: Version = ALWAYS
    note: str = ""

    @property
    def types(self) -> tuple[str, ...]:
        """The words of `type`, one by one."""
        return tuple(self.type.split(" | "))

    def exists(self, version: Version) -> bool:
        """Whether Celery `version` has it."""
        return self.since <= version


_NUMBER = "int | float | None"
_SIGNATURE = "Signature | list | tuple | None"

_RECORDS = (
    # `app/task.py:apply_async` and `app/base.py:send_task`, in their order.
    CallOption("args", "list | tuple | None", "celery"),
    CallOption("kwargs", "dict | None", "celery"),
    CallOption("countdown", _NUMBER, "celery", note="seconds; 0 counts as absent; wins over eta"),
    CallOption("eta", "datetime | str | None", "celery", note="an aware time, or ISO 8601 text"),
    CallOption("task_id", "str | None", "celery"),
    CallOption("producer", "Producer | None", "celery"),
    CallOption("connection", "Connection | None", "celery"),
    CallOption("router", "Router | None", "celery"),
    CallOption("expires", "int | float | datetime | str | None", "celery", note="seconds from the send, or a time"),
    CallOption("publisher", "Producer | None", "celery", note="the old name of producer"),
    CallOption("link", _SIGNATURE, "celery"),
    CallOption("link_error", _SIGNATURE, "celery"),
    CallOption("add_to_parent", "bool", "celery", True),
    CallOption("group_id", "str | None", "celery"),
    CallOption("group_index", "int | None", "celery"),
    CallOption("retries", "int", "celery", 0, note="the number of retries already made"),
    CallOption("chord", "Signature | None", "celery"),
    CallOption("reply_to", "str | None", "celery"),
    CallOption("time_limit", _NUMBER, "celery", note="seconds"),
    CallOption("soft_time_limit", _NUMBER, "celery", note="seconds"),
    CallOption("root_id", "str | None", "celery"),
    CallOption("parent_id", "str | None", "celery"),
    CallOption("route_name", "str | None", "celery"),
    CallOption("shadow", "str | None", "celery"),
    CallOption("chain", "list | None", "celery"),
    CallOption("replaced_task_nesting", "int", "celery", 0, (5, 3)),
    CallOption("ignore_result", "bool | None", "celery"),
    # Accepted by `app/amqp.py:as_task_v2`; since 5.3 `send_task` passes it all options.
    CallOption("now", "datetime | None", "celery", since=(5, 3)),
    CallOption("timezone", "tzinfo | None", "celery", since=(5, 3)),
    CallOption("origin", "str | None", "celery", since=(5, 3)),
    CallOption("argsrepr", "str | None", "celery"),
    CallOption("kwargsrepr", "str | None", "celery"),
    CallOption("stamped_headers", "list | tuple | None", "celery", since=(5, 3), note="names of further keywords"),
    # `app/amqp.py:send_task_message`.
    CallOption("exchange", "str | Exchange | None", "publish"),
    CallOption("routing_key", "str | None", "publish"),
    CallOption("queue", "str | Queue | None", "publish"),
    CallOption("event_dispatcher", "EventDispatcher | None", "publish"),
    CallOption("retry", "bool | None", "publish", note="of the publishing, not of the task"),
    CallOption("retry_policy", "dict | None", "publish", note="of the publishing; its keys are RETRY_POLICY_KEYS"),
    CallOption("serializer", "str | None", "publish"),
    CallOption("delivery_mode", "int | str | None", "publish"),
    CallOption("compression", "str | None", "publish"),
    CallOption("declare", "list | None", "publish"),
    CallOption("headers", "dict | None", "publish"),
    CallOption("exchange_type", "str | None", "publish"),
    CallOption("timeout", _NUMBER, "publish", note="seconds, of the publishing; not a limit of the task"),
    CallOption("confirm_timeout", _NUMBER, "publish", note="seconds"),
    # `kombu.Producer.publish`.
    CallOption("priority", "int | None", "publish", note="the broker's range: 0 to 9 on Redis, 0 to 255 on RabbitMQ"),
    CallOption("expiration", _NUMBER, "publish", note="seconds, of the message; expires overwrites it"),
    CallOption("mandatory", "bool | None", "publish"),
    CallOption("immediate", "bool | None", "publish"),
    CallOption("content_type", "str | None", "publish"),
    CallOption("content_encoding", "str | None", "publish"),
    # `amqp.basic_message.Message.PROPERTIES`.
    CallOption("correlation_id", "str | None", "message"),
    CallOption("message_id", "str | None", "message"),
    CallOption("timestamp", "int | datetime | None", "message"),
    CallOption("type", "str | None", "message"),
    CallOption("user_id", "str | None", "message"),
    CallOption("app_id", "str | None", "message"),
    CallOption("cluster_id", "str | None", "message"),
    # `kombu.transport.SQS` and `kombu.transport.pgmq`.
    CallOption("MessageGroupId", "str", "transport"),
    CallOption("MessageDeduplicationId", "str", "transport"),
    CallOption("DelaySeconds", "int", "transport", note="seconds"),
    CallOption("delay_seconds", "int", "transport", note="seconds"),
    CallOption("message_attributes", "dict", "transport"),
)

OPTIONS: dict[str, CallOption] = {record.name: record for record in _RECORDS}
"""Every option by its name, in catalogue order."""

POSITIONAL: dict[str, tuple[str, ...]] = {
    "apply_async": ("args", "kwargs", "task_id", "producer", "link", "link_error", "shadow"),
    "send_task": (
        *("name", "args", "kwargs", "countdown", "eta", "task_id", "producer", "connection", "router", "result_cls"),
        *("expires", "publisher", "link", "link_error", "add_to_parent", "group_id", "group_index", "retries", "chord"),
        *("reply_to", "time_limit", "soft_time_limit", "root_id", "parent_id", "route_name", "shadow", "chain"),
        *("task_type", "replaced_task_nesting"),
    ),
    "retry": ("args", "kwargs", "exc", "throw", "eta", "countdown", "max_retries"),
    "set": ("immutable",),
    "signature": ("args", "kwargs", "options", "type", "subtask_type", "immutable", "app"),
}
"""Parameters in order, without `self`; the last of `send_task` came with 5.3."""

RETRY_KEYWORDS = POSITIONAL["retry"]
"""Parameters of `Task.retry` in order: the first is `args`, not `exc`. Further keywords are options of the call."""

OWN_KEYWORDS: dict[str, frozenset[str]] = {
    "apply_async": frozenset(),
    "send_task": frozenset({"name", "result_cls", "task_type"}),
    "retry": frozenset({"exc", "throw", "max_retries"}),
    "set": frozenset({"immutable"}),
    "signature": frozenset({"app", "immutable", "options", "subtask_type"}),
    "beat": frozenset(),
}
"""Keywords that a kind of call accepts itself, in addition to `OPTIONS`."""

_ALWAYS_IN_CONFLICT = frozenset({"body", "message", "self"})
_MESSAGE_PARAMETERS = frozenset({"callbacks", "create_sent_event", "errbacks"})
_APPLY_CONFLICTS = frozenset({"name", "result_cls", "task_type"})
_CONFLICTS: dict[str, frozenset[str]] = {
    "apply_async": _APPLY_CONFLICTS,
    "send_task": frozenset(),
    "retry": _APPLY_CONFLICTS | {"options", "request", "retries", "task", "type"},
    "set": _APPLY_CONFLICTS | {"args", "kwargs"},
    "signature": _APPLY_CONFLICTS | {"task"},
    "beat": _APPLY_CONFLICTS | {"args", "kwargs", "producer"},
}


def conflicts(kind: str, version: Version = NEWEST) -> frozenset[str]:
    """Return the keywords with which a `kind` of call (a key of `OWN_KEYWORDS`) raises TypeError.

    "... got multiple values for argument ...": at the call; for `set` when the signature is sent, for `beat` when the
    entry is due, for `retry` partly as `Reject`.
    """
    names = _CONFLICTS[kind] | _ALWAYS_IN_CONFLICT
    # Since 5.3 `send_task` passes all options to `as_task_v2`, along with those that it names itself.
    return names | _MESSAGE_PARAMETERS if version >= (5, 3) else names


def keywords(kind: str, version: Version = NEWEST) -> frozenset[str]:
    """Return the keywords that a `kind` of call (a key of `OWN_KEYWORDS`) of Celery `version` reads and accepts."""
    names = frozenset(record.name for record in _RECORDS if record.exists(version))
    return (names | OWN_KEYWORDS[kind]) - conflicts(kind, version)


TASK_ONLY = words(
    "Request Strategy acks_late acks_on_failure acks_on_failure_or_timeout acks_on_timeout autoretry_for backend base "
    "bind default_retry_delay dont_autoretry_for filter lazy max_retries name pydantic pydantic_context "
    "pydantic_dump_kwargs pydantic_strict rate_limit reject_on_worker_lost resultrepr_maxsize retry_backoff "
    "retry_backoff_max retry_jitter retry_kwargs retry_on_worker_lost send_events shared store_eager_result "
    "store_errors_even_if_ignored throws track_started trail typing"
)
"""Task options that a call ignores: they belong on the decorator (`retry` accepts `max_retries`)."""

MEANT: dict[str, str] = {
    **dict.fromkeys(("after", "defer", "delay", "in_seconds", "run_in", "seconds", "sleep", "wait"), "countdown"),
    **dict.fromkeys(("at", "run_at", "scheduled_at", "start_at", "when"), "eta"),
    **dict.fromkeys(("expire", "expires_at", "expires_in", "expiry", "ttl"), "expires"),
    **dict.fromkeys(("callback", "on_success", "success_callback"), "link"),
    **dict.fromkeys(("errback", "error_callback", "on_error", "on_failure"), "link_error"),
    **dict.fromkeys(("id", "job_id", "uuid"), "task_id"),
    "queue_name": "queue",
}
"""Names for an option in other queues or other methods; Celery ignores them."""

TRAPS: dict[str, str] = {
    "retries": "sets the number of retries already made",
    "retry": "is about publishing the message, not about the task",
    "retry_policy": "is about publishing the message, not about the task",
    "timeout": "is about publishing the message, not about the task",
}
"""Options that don't do what their names suggest."""

RETRY_POLICY_KEYS = words("errback interval_max interval_start interval_step max_retries on_revive retry_errors")
"""Keys of `retry_policy` (`kombu.Connection.ensure`): any other raises TypeError when the message is sent."""

INTERVAL_KEYS = frozenset({"interval_max", "interval_start", "interval_step"})
"""Keys of `retry_policy` that are mistaken for options of a task; in seconds."""

DELAY_MISTAKES = frozenset({"countdown", "eta"})
"""Options that are mistaken for arguments of `delay` and `s` even if the task takes `**kwargs`."""

BEAT_KEYS: tuple[str, ...] = ("task", "schedule", "args", "kwargs", "options", "relative")
"""Keys of an entry of `beat_schedule` (`beat.py:ScheduleEntry.__init__`)."""

BEAT_INTERNAL_KEYS = frozenset({"app", "last_run_at", "name", "total_run_count"})
"""Keys that an entry may have without an error but to no effect."""

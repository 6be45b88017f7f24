"""What the methods of tasks, signatures, canvases and apps take and do: one table, from which all sets are made.

Checked against the installed Celery. Sources: `celery/app/task.py`, `celery/canvas.py`, `celery/app/base.py`, and for
the methods that wait for the commit `celery/contrib/django/task.py`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from flake8_celery_tasks.catalog import words

#: Who has a method.
TASK: Final = "task"
SIGNATURE: Final = "signature"  # and every canvas
APP: Final = "app"

#: What a method does.
SEND: Final = "send"  # a message goes out, or the task runs
SIGN: Final = "sign"  # it creates a signature
SPREAD: Final = "spread"  # it makes a canvas of one task and many arguments
CHANGE: Final = "change"  # it gives the signature back, or a copy

#: How a method takes the arguments of the task.
OWN: Final = "own"  # as its own arguments
PACKED: Final = "packed"  # as `args` and `kwargs`
NONE: Final = ""


class Method(NamedTuple):
    """A method of a task, a signature or an app.

    `args` is the position of `args` among its own arguments, where it takes the arguments packed. `options` says
    whether further keywords are options of the call, `kind` how `call_options` knows them. `result` says whether it
    returns an `AsyncResult`; what waits for the commit returns None.
    """

    name: str
    owners: frozenset[str]
    does: str
    takes: str = NONE
    args: int = 0
    options: bool = False
    kind: str = ""
    result: bool = False
    on_commit: bool = False


_TASK: Final = frozenset({TASK})
_SIGNATURE: Final = frozenset({SIGNATURE})
_BOTH: Final = frozenset({TASK, SIGNATURE})

METHODS: Final[tuple[Method, ...]] = (
    Method("delay", _BOTH, SEND, OWN, result=True),
    Method("apply_async", _BOTH, SEND, PACKED, options=True, kind="apply_async", result=True),
    Method("apply", _BOTH, SEND, PACKED, options=True, result=True),
    Method("delay_on_commit", _TASK, SEND, OWN, on_commit=True),
    Method("apply_async_on_commit", _TASK, SEND, PACKED, options=True, kind="apply_async", on_commit=True),
    Method("send_task", frozenset({APP}), SEND, PACKED, args=1, options=True, kind="send_task", result=True),
    Method("s", _TASK, SIGN, OWN),
    Method("si", _TASK, SIGN, OWN),
    Method("signature", frozenset({TASK, APP}), SIGN, PACKED, options=True, kind="signature"),
    Method("subtask", _TASK, SIGN, PACKED, options=True, kind="signature"),
    Method("signature_from_request", _TASK, SIGN),
    Method("subtask_from_request", _TASK, SIGN),
    Method("map", _TASK, SPREAD),
    Method("starmap", _TASK, SPREAD),
    Method("chunks", _TASK, SPREAD),
    Method("set", _SIGNATURE, CHANGE, options=True, kind="set"),
    Method("clone", _SIGNATURE, CHANGE),
    Method("on_error", _SIGNATURE, CHANGE),
    Method("link", _SIGNATURE, CHANGE),
    Method("link_error", _SIGNATURE, CHANGE),
)

#: The table by name.
BY_NAME: Final[dict[str, Method]] = {method.name: method for method in METHODS}


def _named(*, but: tuple[str, ...] = (), **wanted: object) -> frozenset[str]:
    """Return the names of the methods whose fields have some values."""
    return frozenset(
        method.name
        for method in METHODS
        if method.name not in but and all(getattr(method, field) == value for field, value in wanted.items())
    )


#: Methods of a task or signature that put a message on the wire at once, and give a result.
SENDS: Final = _named(does=SEND, owners=_BOTH, but=("apply",))

#: Django's variants of them, which send after the commit and give None.
SENDS_ON_COMMIT: Final = _named(does=SEND, on_commit=True)

#: What puts a message on the wire at once, of an app too.
SENDS_NOW: Final = SENDS | _named(does=SEND, owners=frozenset({APP}))

#: What sends: at once, after the commit, of an app.
SENDING: Final = SENDS_NOW | SENDS_ON_COMMIT

#: Methods of a task that make a signature with arguments.
SIGNS: Final = _named(does=SIGN, but=("signature_from_request", "subtask_from_request"))

#: Methods of a task that make a canvas.
SPREADS: Final = _named(does=SPREAD)

#: Methods of a signature or canvas that give it back; `link` and `link_error` give the callback.
CHAINS: Final = _named(does=CHANGE, but=("link", "link_error"))

#: Those of them that leave its arguments alone.
SAME_ARGUMENTS: Final = CHAINS - {"clone"}

#: Methods whose own arguments are the task's.
DIRECT: Final = _named(takes=OWN)

#: Methods that take the task's arguments as `args` and `kwargs`, for a message or a signature.
PACKING: Final = _named(takes=PACKED, but=("apply",))

#: Where `args` is among the arguments of these.
ARGS_AT: Final[dict[str, int]] = {name: BY_NAME[name].args for name in PACKING}

#: Methods of a task whose arguments must fit it.
CHECKED: Final = (DIRECT | PACKING) - {"send_task"}

#: Methods whose keywords are options of the call, and how the catalogue of options knows the call.
OPTION_KINDS: Final[dict[str, str]] = {method.name: method.kind for method in METHODS if method.kind}

#: Methods whose keywords are options of the call.
TAKING_OPTIONS: Final = frozenset(OPTION_KINDS)

#: Methods that send a task, sign it, or give a signature its options.
INVOKING: Final = SENDING | SIGNS | {"apply", "set"}

#: Attributes that only tasks and signatures have, or that send one: worth a look by the linker.
SENDING_ATTRIBUTES: Final = SENDS | SENDS_ON_COMMIT | SIGNS | SPREADS

#: What a task class may have of its own that changes what becomes of a call's arguments.
CALL_METHODS: Final = (*sorted(CHECKED), "typing")

#: Methods of a task that sign or send it, or run it: what says that a task is used as one.
TASK_METHODS: Final = frozenset(method.name for method in METHODS if TASK in method.owners)

#: What is read from tasks so often that a name near it is a misspelling.
TASK_NAMES: Final = words(
    "AsyncResult acks_late add_to_chord apply apply_async apply_async_on_commit autoretry_for chunks "
    "default_retry_delay delay delay_on_commit ignore_result max_retries rate_limit replace request retry send_event "
    "signature signature_from_request soft_time_limit starmap subtask time_limit update_state"
)

#: The same of signatures and canvases.
SIGNATURE_NAMES: Final = words("apply apply_async delay link_error on_error set_immutable")

#: What signatures and canvases have besides, of any version (`celery/canvas.py`).
SIGNATURE_API: Final = SIGNATURE_NAMES | words(
    "AsyncResult TYPES app append_to_list_option args body chord_size clear clone copy election extend_list_option "
    "flatten_links freeze from_dict fromkeys get id immutable items keys kwargs link name options parent_id partial "
    "pop popitem prepare_steps register_type replace reprcall root_id run set setdefault skew stamp stamp_links "
    "subtask_type task tasks type unchain_tasks update values"
)

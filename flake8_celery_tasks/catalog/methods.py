"""What the methods of tasks, signatures, canvases and apps accept and do: one table, from which all sets are derived.

Checked against the installed Celery. Sources: `celery/app/task.py`, `celery/canvas.py`, `celery/app/base.py`, and for
the methods that wait for the commit `celery/contrib/django/task.py`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from flake8_celery_tasks.catalog import words

#: The owner of a method.
TASK: Final = "task"
SIGNATURE: Final = "signature"  # and every canvas
APP: Final = "app"

#: What a method does.
SEND: Final = "send"  # a message goes out, or the task runs
SIGN: Final = "sign"  # it creates a signature
SPREAD: Final = "spread"  # it creates a canvas from one task and many arguments
CHANGE: Final = "change"  # it returns the signature or a copy

#: How a method takes the task's arguments.
OWN: Final = "own"  # as its own arguments
PACKED: Final = "packed"  # as `args` and `kwargs`
NONE: Final = ""


class Method(NamedTuple):
    """A method of a task, a signature or an app.

    `args` is the position of `args` among its own arguments, if it takes the task's arguments packed. `options` says
    whether further keywords are options of the call, `kind` is the call's name in `call_options`. `result` says whether
    it returns an `AsyncResult`; a method that waits for the commit returns None.
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
    """Return the names of the methods whose fields have the given values, except those in `but`."""
    return frozenset(
        method.name
        for method in METHODS
        if method.name not in but and all(getattr(method, field) == value for field, value in wanted.items())
    )


#: Methods of a task or signature that send a message immediately and return a result.
SENDS: Final = _named(does=SEND, owners=_BOTH, but=("apply",))

#: Django's variants of them, which send after the commit and return None.
SENDS_ON_COMMIT: Final = _named(does=SEND, on_commit=True)

#: Methods that send a message immediately, including an app's.
SENDS_NOW: Final = SENDS | _named(does=SEND, owners=frozenset({APP}))

#: All methods that send: immediately, after the commit, on an app.
SENDING: Final = SENDS_NOW | SENDS_ON_COMMIT

#: Methods of a task that create a signature with arguments.
SIGNS: Final = _named(does=SIGN, but=("signature_from_request", "subtask_from_request"))

#: Methods of a task that create a canvas.
SPREADS: Final = _named(does=SPREAD)

#: Methods of a signature or canvas that return it; `link` and `link_error` return the callback.
CHAINS: Final = _named(does=CHANGE, but=("link", "link_error"))

#: Those of them that leave its arguments unchanged.
SAME_ARGUMENTS: Final = CHAINS - {"clone"}

#: Methods whose own arguments are the task's.
DIRECT: Final = _named(takes=OWN)

#: Methods that take the task's arguments as `args` and `kwargs`, for a message or a signature.
PACKING: Final = _named(takes=PACKED, but=("apply",))

#: The position of `args` among their arguments.
ARGS_AT: Final[dict[str, int]] = {name: BY_NAME[name].args for name in PACKING}

#: Methods of a task whose arguments must fit it.
CHECKED: Final = (DIRECT | PACKING) - {"send_task"}

#: Methods whose keywords are options of the call, with the call's name in the catalogue of options.
OPTION_KINDS: Final[dict[str, str]] = {method.name: method.kind for method in METHODS if method.kind}

#: Methods whose keywords are options of the call.
TAKING_OPTIONS: Final = frozenset(OPTION_KINDS)

#: Methods that send a task, sign it, or set a signature's options.
INVOKING: Final = SENDING | SIGNS | {"apply", "set"}

#: Attributes that only tasks and signatures have, or that send one: worth the linter's attention.
SENDING_ATTRIBUTES: Final = SENDS | SENDS_ON_COMMIT | SIGNS | SPREADS

#: Attributes of a custom task class that change how a call's arguments are handled.
CALL_METHODS: Final = (*sorted(CHECKED), "typing")

#: Methods of a task that sign, send or run it: they show that an object is used as a task.
TASK_METHODS: Final = frozenset(method.name for method in METHODS if TASK in method.owners)

#: Attributes that are read from tasks so often that a similar name is a misspelling.
TASK_NAMES: Final = words(
    "AsyncResult acks_late add_to_chord apply apply_async apply_async_on_commit autoretry_for chunks "
    "default_retry_delay delay delay_on_commit ignore_result max_retries rate_limit replace request retry send_event "
    "signature signature_from_request soft_time_limit starmap subtask time_limit update_state"
)

#: The same for signatures and canvases.
SIGNATURE_NAMES: Final = words("apply apply_async delay link_error on_error set_immutable")

#: Further attributes of signatures and canvases, in any version (`celery/canvas.py`).
SIGNATURE_API: Final = SIGNATURE_NAMES | words(
    "AsyncResult TYPES app append_to_list_option args body chord_size clear clone copy election extend_list_option "
    "flatten_links freeze from_dict fromkeys get id immutable items keys kwargs link name options parent_id partial "
    "pop popitem prepare_steps register_type replace reprcall root_id run set setdefault skew stamp stamp_links "
    "subtask_type task tasks type unchain_tasks update values"
)

"""What the methods of tasks, signatures, apps and beat entries take and do."""

from __future__ import annotations

from typing import Final

from flake8_celery_tasks.catalog import words

#: Methods whose own arguments are the task's.
DIRECT: Final = frozenset({"delay", "delay_on_commit", "s", "si"})

#: Methods whose arguments must fit the task.
CHECKED: Final = frozenset(
    {"apply_async", "apply_async_on_commit", "delay", "delay_on_commit", "s", "si", "signature", "subtask"}
)

#: Methods that take the task's arguments as `args` and `kwargs`.
APPLYING: Final = frozenset({"apply_async", "apply_async_on_commit", "send_task", "signature", "subtask"})

#: Methods of a signature that give it back with the same arguments.
SAME_ARGUMENTS: Final = frozenset({"on_error", "set"})

#: Methods that give a signature back with the same arguments.
UNCHANGED: Final = frozenset({"on_error", "set"})

#: Attributes that only tasks and signatures have, or that send one: worth a look by the linker.
SENDING: Final = frozenset(
    {
        "apply_async",
        "apply_async_on_commit",
        "chunks",
        "delay",
        "delay_on_commit",
        "map",
        "s",
        "si",
        "signature",
        "starmap",
        "subtask",
    }
)

#: What a task class may have of its own that changes what becomes of a call's arguments.
CALL_METHODS: Final = (
    *("apply_async", "apply_async_on_commit", "delay", "delay_on_commit", "s", "si", "signature", "subtask"),
    "typing",
)


#: Methods of a task (or signature) that send it and give a result.
SENDS: Final = frozenset({"apply_async", "delay"})

#: Django's variants of them, which send after the commit and give None.
SENDS_ON_COMMIT: Final = frozenset({"apply_async_on_commit", "delay_on_commit"})

#: Methods of a task that make a signature.
SIGNS: Final = frozenset({"s", "si", "signature", "subtask"})

#: Methods of a task that make a canvas.
SPREADS: Final = frozenset({"chunks", "map", "starmap"})

#: Methods of a signature or canvas that give it back.
CHAINS: Final = frozenset({"clone", "on_error", "set"})

#: Methods that send a task, sign it, or give a signature its options.
INVOKING: Final = SENDS | SENDS_ON_COMMIT | SIGNS | {"apply", "send_task", "set"}

#: What is read from tasks so often that a name near it is a misspelling.
TASK_NAMES: Final = words(
    "AsyncResult acks_late add_to_chord apply apply_async apply_async_on_commit autoretry_for chunks "
    "default_retry_delay delay delay_on_commit ignore_result max_retries rate_limit replace request retry send_event "
    "signature signature_from_request soft_time_limit starmap subtask time_limit update_state"
)

#: The same of signatures and canvases.
SIGNATURE_NAMES: Final = words(
    "apply apply_async clone delay freeze immutable kwargs link_error on_error options set_immutable"
)

#: What signatures and canvases have besides, of any version (`celery/canvas.py`).
SIGNATURE_API: Final = SIGNATURE_NAMES | words(
    "AsyncResult TYPES app append_to_list_option args body chord_size clear copy election extend_list_option "
    "flatten_links from_dict fromkeys get id items keys link name parent_id partial pop popitem prepare_steps "
    "register_type replace reprcall root_id run set setdefault skew stamp stamp_links subtask_type task tasks type "
    "unchain_tasks update values"
)

"""What the methods of tasks, signatures, apps and beat entries take and do."""

from __future__ import annotations

from typing import Final

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

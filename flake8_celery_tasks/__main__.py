"""`python -m flake8_celery_tasks`, and the command as it is installed: it can be interrupted before any import."""

from __future__ import annotations

import sys

if __name__ == "__main__" and not getattr(sys.flags, "safe_path", False):
    # `python -m` looks for modules in the working directory first, and a `struct.py` may be there.
    del sys.path[0]

import atexit
import gc
import os
import signal


class _Terminated(BaseException):
    """Somebody wants the process to end."""


def _terminate(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Terminated


def _told(what: str, code: int) -> int:
    for name in (signal.SIGINT, signal.SIGTERM):  # there is nothing left to stop
        signal.signal(name, signal.SIG_IGN)
    sys.stderr.write(f"flake8-celery-tasks: {what}\n")
    return code


def program() -> int:
    """Run the command as a process of its own, and return its exit code.

    To look for garbage among the nodes of trees, now and when the interpreter ends, takes a tenth of the time.
    """
    try:
        signal.signal(signal.SIGTERM, _terminate)
        gc.disable()
        for name, mode in ("stdin", "r"), ("stdout", "w"), ("stderr", "w"):
            if getattr(sys, name) is None:  # it was closed by who started this
                setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
        from flake8_celery_tasks.command.main import main

        return main()
    except KeyboardInterrupt:  # while modules are imported
        return _told("interrupted", 130)
    except _Terminated:
        return _told("terminated", 143)
    finally:
        gc.freeze()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # What is still done, such as to keep what was found, is not worth a traceback.
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(program())

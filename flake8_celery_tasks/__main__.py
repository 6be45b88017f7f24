"""`python -m flake8_celery_tasks`, and the installed command: it can be interrupted before any import."""

from __future__ import annotations

import sys

if __name__ == "__main__" and not getattr(sys.flags, "safe_path", False):
    # `python -m` searches the working directory first, which may contain a `struct.py`.
    del sys.path[0]

import atexit
import gc
import os
import signal


class _Terminated(BaseException):
    """The process has been asked to end."""


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

    Collecting garbage among the nodes of trees, during the run and at exit, would take a tenth of the time.
    """
    try:
        signal.signal(signal.SIGTERM, _terminate)
        gc.disable()
        for name, mode in ("stdin", "r"), ("stdout", "w"), ("stderr", "w"):
            if getattr(sys, name) is None:  # it was closed by the caller
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
        # Work still in progress, such as saving results, is not worth a traceback.
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(program())

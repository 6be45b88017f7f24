"""`python -m flake8_celery_tasks`, and the installed command: it can be interrupted before any import."""

from __future__ import annotations

import sys

if __name__ == "__main__" and not getattr(sys.flags, "safe_path", False):
    # `python -m` searches the working directory first, which may contain a `struct.py`.
    del sys.path[0]

import _thread
import atexit
import gc
import importlib
import os
import signal
import time
from types import ModuleType

TYPE_CHECKING = False  # `typing` is not imported before a signal can be handled
if TYPE_CHECKING:
    from typing import Any, NoReturn


class _Terminated(BaseException):
    """The process has been asked to end, by the signal with this number."""


#: The signals that ask a process to end, apart from an interruption, and what is said of them.
_ENDING = {
    getattr(signal, name): said
    for name, said in (("SIGTERM", "terminated"), ("SIGHUP", "hung up"))
    if hasattr(signal, name)  # Windows has no terminals that hang up
}


def _terminate(number: int, _: object) -> None:
    for other in _ENDING:
        signal.signal(other, signal.SIG_IGN)
    raise _Terminated(number)


def _lost(found: sys.UnraisableHookArgs) -> None:
    """Repeat a signal shortly after it has come in a callback or a finalizer, whose errors Python drops."""
    if isinstance(found.exc_value, KeyboardInterrupt):
        number: int = signal.SIGINT
    elif isinstance(found.exc_value, _Terminated):
        number = found.exc_value.args[0]
        signal.signal(number, _terminate)
    else:
        sys.__unraisablehook__(found)
        return
    _thread.start_new_thread(_repeat, (number, _thread.get_ident()))


def _repeat(number: int, thread: int) -> None:
    time.sleep(0.01)
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(thread, number)  # it may be waiting
    else:
        _thread.interrupt_main(signal.Signals(number))


def _told(what: str, number: int) -> int:
    for other in (signal.SIGINT, *_ENDING):  # there is nothing left to stop
        signal.signal(other, signal.SIG_IGN)
    try:
        sys.stderr.write(f"flake8-celery-tasks: {what}\n")
        sys.stderr.flush()
    except OSError:  # nobody can read it
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    return 128 + number


class _Postponed(ModuleType):
    """Stands for a module until something in it is used."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def _postpone_metadata() -> None:
    """Let `importlib.metadata` be imported on first use: flake8 needs it to look for plugins, which are not used here.

    With everything that it imports, it is a tenth of all modules.
    """
    if "importlib.metadata" not in sys.modules:
        importlib.metadata = sys.modules["importlib.metadata"] = _Postponed("importlib.metadata")


def run() -> NoReturn:
    """Run the command and end the process."""
    code = program()
    if not _is_watched():
        # Freeing memory that is returned anyway would take as long as checking some more files.
        atexit._run_exitfuncs()  # noqa: SLF001
        try:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        except (OSError, ValueError):  # Python has its own way to tell of output that can't be written
            pass
    sys.exit(code)


def _is_watched() -> bool:
    """Return whether others have work to do at the end: a thread, a debugger, a profiler, or somebody with `-i`."""
    import threading

    tools = getattr(sys, "monitoring", None)
    return (
        threading.active_count() > 1
        or bool(sys.flags.inspect)
        or sys.gettrace() is not None
        or sys.getprofile() is not None
        or (tools is not None and any(map(tools.get_tool, range(6))))
    )


def program() -> int:
    """Run the command as a process of its own, and return its exit code.

    Collecting garbage among the nodes of trees, during the run and at exit, would take a tenth of the time.
    """
    # `nohup` ignores a signal for the process that it starts.
    hook = sys.unraisablehook
    ending = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    try:
        for number in ending:
            signal.signal(number, _terminate)
        sys.unraisablehook = _lost
        gc.disable()
        _postpone_metadata()
        for name, mode in ("stdin", "r"), ("stdout", "w"), ("stderr", "w"):
            if getattr(sys, name) is None:  # it was closed by the caller
                setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
        from flake8_celery_tasks.command.main import main

        return main()
    except KeyboardInterrupt:  # while modules are imported
        return _told("interrupted", signal.SIGINT)
    except _Terminated as asked:
        return _told(_ENDING[asked.args[0]], asked.args[0])
    finally:
        sys.unraisablehook = hook
        gc.freeze()
        for number in ending:
            if signal.getsignal(number) is _terminate:  # otherwise it has come, and may come again
                signal.signal(number, signal.SIG_DFL)
        # Work still in progress, such as saving results, is not worth a traceback.
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    run()

"""Distributes work over several processes."""

from __future__ import annotations

import contextlib
import gc
import itertools
import multiprocessing
import os
import signal
import sys
import warnings
from typing import TYPE_CHECKING, Any, Final, TypeVar

from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.command.terminal import progress
from flake8_celery_tasks.core import errors
from flake8_celery_tasks.engine import loader, session
from flake8_celery_tasks.flake8_host import reporting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from flake8_celery_tasks.flake8_host.configuration import Configuration


#: The number of files passing the gate from which other processes are worth starting.
LARGE: Final = 64

#: The same for work that takes longer.
FEW: Final = 8

#: After how many files a process collects garbage nevertheless.
_COLLECTED: Final = 250

Done = TypeVar("Done")

_turns = itertools.count(1)

#: The variable that tells Python, from 3.11 on, not to search the working directory for modules.
_SAFE_PATH: Final = "PYTHONSAFEPATH"

#: How many files one process gets at a time: neighbouring files use the same modules.
_CHUNK: Final = 4


def spread(
    work: Callable[[str], Done], names: Sequence[str], configuration: Configuration, large: int | None = None
) -> Iterator[Done]:
    """Yield the results of some work on each file, in any order; in several processes if there are many files.

    `large` is how many count as many: `LARGE` by default.
    """
    jobs = min(reporting.jobs(configuration.options), len(names))
    quiet = bool(getattr(configuration.options, "quiet", 0))
    context = _context()
    if jobs < 2 or len(names) < (LARGE if large is None else large) or not _is_safe(context):
        yield from progress.shown(_one_by_one(work, names), len(names), quiet=quiet)
        return
    # Determine once what each process would otherwise determine for itself.
    run = configuration.run
    known = session.project_of(os.path.abspath(names[0]), run.options, run.excluded)
    if context.get_start_method() == "fork":  # others read what is saved
        session.save_later(known)
    with contextlib.suppress(*errors.CAUGHT):  # each process will report the error for its file
        _ = tasks_of(known), loader.wanted(run.opted)
        if run.options.celery_contract:
            from flake8_celery_tasks.contract.agreement import agreement_of

            _ = agreement_of(known)
    with contextlib.ExitStack() as stack:
        try:
            with _uninterrupted(), _safe_path():
                pool = stack.enter_context(context.Pool(jobs, _start, (work, context.Lock())))
        except (OSError, RuntimeError, ImportError):  # no semaphores, or no more processes, threads or open files
            yield from progress.shown(_one_by_one(work, names), len(names), quiet=quiet)
            return
        found = pool.imap_unordered(_call, names, _CHUNK)
        known.save()
        yield from progress.shown(found, len(names), quiet=quiet)
        # Let the processes end by themselves and save what they found: leaving a pool would kill them.
        pool.close()
        pool.join()


def _one_by_one(work: Callable[[str], Done], names: Sequence[str]) -> Iterator[Done]:
    for name in names:
        _take_turn()
        yield work(name)


#: The signals that ask a process to end.
_ENDING: Final = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Delay signals: a partially created pool can hang, and starting processes print long tracebacks.

    New processes have no handlers for signals that end them: one that comes before Python is ready would be lost.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, *_ENDING})
    handlers = {number: signal.getsignal(number) for number in _ENDING}
    handled = [number for number, handler in handlers.items() if handler is not signal.SIG_IGN]
    for number in handled:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, handlers[number])
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _context() -> multiprocessing.context.BaseContext:
    # On macOS a fork can hang in the system's libraries.
    fork = sys.platform != "darwin" and "fork" in multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("fork" if fork else None)


def _is_safe(context: multiprocessing.context.BaseContext) -> bool:
    """Return whether new processes can be prevented from importing modules from the working directory."""
    return context.get_start_method() == "fork" or sys.version_info >= (3, 11)


@contextlib.contextmanager
def _safe_path() -> Iterator[None]:
    """Prevent spawned processes from importing modules from the working directory, such as a `threading.py`."""
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = before


_work: Callable[[str], Any] | None = None  # of this process


def _start(work: Callable[[str], Any], saving: contextlib.AbstractContextManager[Any]) -> None:
    """Initialise a process. `saving` is held while it saves: each adds to what the others have written."""
    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in _ENDING:  # a process that is started later has the handlers of the first one
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
    session.save_with(saving)
    warnings.simplefilter("ignore", SyntaxWarning)  # as in the first process
    gc.disable()
    _work = work


def _call(name: str) -> Any:
    assert _work is not None
    _take_turn()
    return _work(name)


def _take_turn() -> None:
    if next(_turns) % _COLLECTED == 0:
        gc.collect()

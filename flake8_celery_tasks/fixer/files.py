"""Files that are fixed: read, and replaced atomically."""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import stat
import tempfile
import tokenize
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.core import errors, regular
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.fixer.rounds import fix_text
from flake8_celery_tasks.workspace import folders, gate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.fixer.rounds import Order


#: After how many fixed files a process looks for garbage: each round leaves trees, and a project that goes in circles.
_COLLECTED: Final = 10

_turns = itertools.count(1)

_BOM: Final = "\ufeff"


class Result(NamedTuple):
    """What became of a file. `message` says why it was left alone, where that was not for want of a fix."""

    path: str
    before: str
    after: str
    violations: tuple[Violation, ...] = ()
    message: str = ""

    @property
    def is_changed(self) -> bool:
        """Whether something was fixed."""
        return self.before != self.after


# Files.


class Bytes(NamedTuple):
    """A file as it was read."""

    content: bytes
    text: str
    encoding: str
    bom: bool


def read(path: str) -> Bytes | None:
    """Return what is in a file, None where it is no text that can be read, or a pipe."""
    if not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as file:
            content = file.read()
        with open(path, "rb") as file:
            encoding, _ = tokenize.detect_encoding(file.readline)
        text = content.decode(encoding)
    except (OSError, SyntaxError, ValueError, LookupError):
        return None
    bom = encoding == "utf-8-sig"
    return Bytes(content, text, "utf-8" if bom else encoding, bom)


class Proposal(NamedTuple):
    """What would become of a file, and the bytes of it before and after."""

    result: Result
    before: bytes = b""
    after: bytes = b""


def propose(path: str, order: Order) -> Proposal:
    """Return what fixing would make of a file, and write nothing."""
    try:
        return _proposed(path, order)
    except errors.CAUGHT as error:
        return Proposal(Result(path, "", "", message=f"{errors.internal(error)}, left alone"))


def _proposed(path: str, order: Order) -> Proposal:
    before = read(path)
    if before is None or not gate.passes(before.text, gate.marks_of(order.run.options.celery_task_decorators)):
        return Proposal(Result(path, "", ""))
    fixed = fix_text(_home(path), before.text, order)
    if fixed.text == before.text:
        return Proposal(Result(path, before.text, before.text))
    if next(_turns) % _COLLECTED == 0:
        gc.collect()
    mark = _BOM if before.bom else ""
    try:
        content = (mark + fixed.text).encode(before.encoding)
    except UnicodeError:  # more than UnicodeEncodeError: of labels that are too long
        message = f"can't be written in {before.encoding}, left alone"
        return Proposal(Result(path, before.text, before.text, message=message))
    result = Result(path, mark + before.text, mark + fixed.text, fixed.violations)
    return Proposal(result, before.content, content)


def _home(path: str) -> str:
    """Return the path by which a file is judged: that of the module in the project that a link leads to, if it does."""
    given, real = os.path.abspath(path), os.path.realpath(path)
    root = folders.find_root(os.path.dirname(given)) or os.getcwd()
    below = os.path.join(os.path.realpath(root), "")
    is_inside = real.endswith(".py") and real.startswith(below)
    return os.path.join(root, real[len(below) :]) if is_inside else given


def _replace(path: str, before: bytes, after: bytes) -> str:
    """Put new content into a file, all or nothing; return why it was left alone."""
    temporary = ""
    try:
        mode = os.stat(path).st_mode
        if not mode & stat.S_IWUSR:
            return "is write-protected, left alone"
        descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=f".{os.path.basename(path)}.")
        with open(descriptor, "wb") as file:
            file.write(after)
        try:
            regular.take_over(path, temporary)
        except OSError:
            return "has an owner or attributes that can't be kept, left alone"
        with open(path, "rb") as file:
            changed = file.read() != before
        if not changed:
            os.replace(temporary, path)
            return ""
    except OSError as error:
        return f"can't be written: {error.strerror}"
    finally:  # on interruption, too
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
    return "has changed meanwhile, left alone"


def fix_files(
    paths: Iterable[str], order: Order, *, write: bool = True, spread: Callable[..., Iterable[Proposal]] = map
) -> Iterator[Result]:
    """Yield what became of each file in which something was to be done.

    `spread` calls a function with each of some paths, in whatever order. All files are judged by what the others say
    before; only then they are written, unless it is only to be known what would become of them.
    """
    once = list({os.path.realpath(path): path for path in paths}.values())  # one file may have several paths
    found = {proposal.result.path: proposal for proposal in spread(partial(propose, order=order), once)}
    for result, before, after in (found[path] for path in once):
        if write and result.is_changed:
            message = _replace(os.path.realpath(result.path), before, after)
            yield Result(result.path, result.before, result.before, message=message) if message else result
        elif result.is_changed or result.message:
            yield result
    if write:
        session.forget()

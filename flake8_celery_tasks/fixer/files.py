"""Reads files and replaces them atomically with their fixed versions."""

from __future__ import annotations

import gc
import io
import itertools
import os
import stat
import tokenize
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.core import errors, regular
from flake8_celery_tasks.engine import concern, session
from flake8_celery_tasks.fixer import style
from flake8_celery_tasks.fixer.rounds import fix_text
from flake8_celery_tasks.workspace import folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.fixer.rounds import Order


#: After how many fixed files a process collects garbage: each round leaves trees and a project with reference cycles.
_COLLECTED: Final = 10

_turns = itertools.count(1)

_CHANGED: Final = "has changed in the meantime, left alone"
_BOM: Final = "\ufeff"


class Result(NamedTuple):
    """The result for a file. `message` says why it was left unchanged, other than for lack of a fix."""

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
    """The content of a file as it was read."""

    content: bytes
    text: str
    encoding: str
    bom: bool


def read(path: str) -> Bytes | None:
    """Return a file's content, None if it is not readable text or is a pipe."""
    try:
        return decoded(regular.read(path))
    except (OSError, ValueError):
        return None


def decoded(content: bytes) -> Bytes | None:
    """Return the text of some bytes, None if Python can't decode them."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding)
    except (SyntaxError, ValueError, LookupError):
        return None
    bom = encoding == "utf-8-sig"
    return Bytes(content, text, "utf-8" if bom else encoding, bom)


def written(known: Bytes, text: str) -> tuple[bytes, str]:
    """Return the bytes of a text in a file's encoding, and the reason if it can't be encoded."""
    mark = _BOM if known.bom else ""
    try:
        content = (mark + text).encode(known.encoding)
        before = (mark + known.text).encode(known.encoding)
        if before != known.content or content.decode(known.encoding) != mark + text:
            return b"", f"does not come back from {known.encoding} byte for byte, left alone"
    except UnicodeError:  # more than UnicodeEncodeError: for labels that are too long
        return b"", f"can't be written in {known.encoding}, left alone"
    return content, ""


def rewrite(path: str, known: Bytes, text: str) -> str:
    """Write a text to a file that was read, atomically; return the reason if it was left unchanged, otherwise empty."""
    content, problem = written(known, text)
    return problem or _replace(os.path.realpath(path), known.content, content)


class Proposal(NamedTuple):
    """The proposed result for a file, with its bytes before and after. `is_parsed` means that it could be parsed."""

    result: Result
    before: bytes = b""
    after: bytes = b""
    is_parsed: bool = False


def propose(path: str, order: Order) -> Proposal:
    """Return what fixing would make of a file, without writing anything."""
    return _guarded(path, b"", partial(_proposed, path, order))


def propose_text(path: str, before: Bytes, order: Order) -> Proposal:
    """Return what fixing would make of a content that was not read from its file."""
    return _guarded(path, before.content, partial(proposal, path, os.path.abspath(path), before, order))


def _guarded(path: str, content: bytes, work: Callable[[], Proposal]) -> Proposal:
    """Return a proposal; one that leaves the content as it is if the linter itself fails on it."""
    try:
        return work()
    except errors.CAUGHT as error:
        return Proposal(Result(path, "", "", message=f"{errors.internal(error)}, left alone"), content, content)


def _proposed(path: str, order: Order) -> Proposal:
    try:
        content = regular.read(path)
    except (OSError, ValueError):
        is_closed = os.path.exists(path) and not os.access(path, os.R_OK)
        return Proposal(Result(path, "", "", message="can't be read, left alone" if is_closed else ""))
    before = decoded(content)
    if before is not None:
        return proposal(path, _home(path), before, order)
    # flake8 reads such a file as Latin-1, so findings in it may just have been reported.
    found = proposal(path, _home(path), Bytes(content, content.decode("latin-1"), "latin-1", bom=False), order)
    message = "can't be decoded, left alone" if found.result.is_changed else ""
    return Proposal(Result(path, "", "", message=message), is_parsed=bool(message))


def proposal(path: str, home: str, before: Bytes, order: Order) -> Proposal:
    """Return what fixing would make of a content that was read, as the file at `home`."""
    if not concern.passes(order.run, home, before.text):
        return Proposal(Result(path, "", ""), before.content, before.content)
    fixed = fix_text(home, before.text, order)
    message = fixed.message
    if fixed.text == before.text:
        unchanged = Result(path, before.text, before.text, message=message)
        return Proposal(unchanged, before.content, before.content, fixed.is_parsed)
    if next(_turns) % _COLLECTED == 0:
        gc.collect()
    mark = _BOM if before.bom else ""
    content, problem = written(before, fixed.text)
    if message or problem:
        unchanged = Result(path, before.text, before.text, message=problem or message)
        return Proposal(unchanged, before.content, before.content, is_parsed=True)
    result = Result(path, mark + before.text, mark + fixed.text, fixed.violations)
    return Proposal(result, before.content, content, is_parsed=True)


def is_installed(path: str) -> bool:
    """Return whether a file is in a virtual environment, or next to installed packages."""
    folder = os.path.dirname(os.path.abspath(path))
    while not _holds_installed(folder):
        parent = os.path.dirname(folder)
        if parent == folder:
            return False
        folder = parent
    return True


@lru_cache(maxsize=4096)
def _holds_installed(folder: str) -> bool:
    """Return whether a folder is a virtual environment, or has installed packages."""
    if os.path.basename(folder) == "site-packages":
        return True
    return os.path.isfile(os.path.join(folder, "pyvenv.cfg")) and not folders.is_root(folder)


def _home(path: str) -> str:
    """Return the path under which a file is checked: for a link to a module of the project, that module's."""
    given, real = os.path.abspath(path), os.path.realpath(path)
    root = folders.find_root(os.path.dirname(given)) or os.getcwd()
    below = os.path.join(os.path.realpath(root), "")
    is_inside = real.endswith(".py") and real.startswith(below)
    return os.path.join(root, real[len(below) :]) if is_inside else given


def _replace(path: str, before: bytes, after: bytes) -> str:
    """Replace a file's content atomically; return the reason if it was left unchanged."""
    try:
        if not os.stat(path).st_mode & stat.S_IWUSR:
            return "is write-protected, left alone"
        return "" if regular.exchange(path, after, before) else _CHANGED
    except regular.AttributesError:
        return "has an owner or attributes that can't be kept, left alone"
    except OSError as error:
        return f"can't be written: {error.strerror or error}"


def fix_files(
    paths: Iterable[str], order: Order, *, write: bool = True, spread: Callable[..., Iterable[Proposal]] = map
) -> Iterator[Result]:
    """Yield the result for each file in which there was something to do.

    `spread` calls a function for each of some paths, in any order. All files are checked against the previous versions
    of the others. Only then are they written, unless just a preview was requested.
    """
    style.forget()
    _holds_installed.cache_clear()
    once = list({os.path.realpath(path): path for path in paths}.values())  # one file may have several paths
    found = {proposal.result.path: proposal for proposal in spread(partial(propose, order=order), once)}
    for result, before, after, _ in (found[path] for path in once):
        if write and result.is_changed:
            message = _replace(os.path.realpath(result.path), before, after)
            yield Result(result.path, result.before, result.before, message=message) if message else result
        elif result.is_changed or result.message:
            yield result
    if write:
        session.forget()

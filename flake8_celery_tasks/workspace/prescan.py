"""What the bytes of a file tell before it is parsed: whether it can define a task.

Most files that mention tasks only send them, and parsing takes ten times as long as finding that out from the text.
Comments and strings count as code, so that in case of doubt the file is parsed.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.core.memo import lazy_pattern
from flake8_celery_tasks.workspace import imports
from flake8_celery_tasks.workspace.marks import ACCESSORS, BINDINGS, DEFINITIONS, MARKS, USES, is_interesting

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

#: The language's own decorators, which are followed by nothing but the end of the line.
_ACCESSORS: Final = tuple(name.encode() for name in sorted(ACCESSORS))

_WORD: Final = rb"[\w\x80-\xff]"
_BLANK: Final = rb"[\s\\]*(?:#[^\n]{0,300}\n[\s\\]*){0,3}"

#: An argument list that consists of one name, or has so many brackets that the search is given up.
_ONE_NAME: Final = (
    rb"\(" + _BLANK + rb"(?:\(" + _BLANK + rb"){0,3}"
    rb"(?:\(|[A-Za-z_\x80-\xff][\w.\x80-\xff]*[\s\\]*(?:[).#]|," + _BLANK + rb"\)))"
)

#: A statement that lets a function bind names of the module.
_GLOBAL: Final = lazy_pattern(rb"global[\s\\]")

#: A decorator other than the language's own.
_DECORATED: Final = lazy_pattern(rb"@(?!(?:[\w.\x80-\xff]+\.)?(?:" + rb"|".join(_ACCESSORS) + rb")[ \t\f]*\n)")

#: A call of the result of a call: `decorator()(function)`.
_TWICE: Final = lazy_pattern(rb"\)" + _BLANK + rb"\(")

#: A call with one name as its argument, of something with "task" in its name; or a name too long to search.
_OF_TASK: Final = lazy_pattern(rb"task(?:" + _WORD + rb"{200}|" + _WORD + rb"{0,199}[\s\\]*" + _ONE_NAME + rb")")
#: A call of one of Celery's own decorators with one name, and options.
_WITH_OPTIONS: Final = lazy_pattern(
    rb"task[\s\\]*\(" + _BLANK + rb"(?:\(" + _BLANK + rb"){0,3}(?:\(|[A-Za-z_\x80-\xff][\w.\x80-\xff]{0,200}[\s\\)]*"
    rb"(?:#|," + _BLANK + rb"(?:#|\*\*|" + _WORD + rb"{1,200}[\s\\]*=(?!=))))"
)
_DEFINITION: Final = lazy_pattern(rb"(?:.*\W)?def[ \t\f]+" + _WORD + rb"*", re.DOTALL)

#: A class with bases or type parameters, and what makes it a task class.
_CLASS: Final = lazy_pattern(rb"class[\s\\]+" + _WORD + rb"+[\s\\]*[(\[]")
_MEMBERS: Final = tuple(lazy_pattern(name + rb"(?!" + _WORD + rb")") for name in (b"run", b"name"))
_KEYWORD: Final = lazy_pattern(rb"name[ \t]*=(?!=)")

#: The possible start of a module-level statement, and one that binds nothing in the module but its own name.
_STATEMENT: Final = lazy_pattern(rb"\n(?=[^\s#)\]}])")
_INNER: Final = (b"def ", b"async ", b"class ")
_GIVEN_ONE_NAME: Final = lazy_pattern(_ONE_NAME)

#: A declared encoding that is not a superset of ASCII.
_CODED: Final = lazy_pattern(rb"(?:[^\n]*\n)?[^\n]*coding[:=](?![ \t]*(?:utf-?8|ascii|latin|iso-8859))", re.IGNORECASE)


def holds(text: bytes, mark: bytes) -> bool:
    """Return whether a text contains a mark."""
    if mark == DEFINITIONS:
        return may_define(text)
    if mark.startswith(BINDINGS):
        return may_bind(text, mark[len(BINDINGS) :])
    return uses(text, mark[len(USES) :]) if mark.startswith(USES) else mark in text


def may_define(text: bytes) -> bool:
    r"""Return whether the module of a text may have anything that `Module.definable` and `Module.made` return.

    >>> may_define(b"from shop.tasks import bill\n\ndef view(request):\n    bill.delay()\n")
    False
    >>> may_define(b"from shop.tasks import job\n\n@job\ndef bill(): ...\n")
    True
    """
    if not any(mark in text for mark in MARKS):
        return False
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    return (
        b"\r" in text
        or b"register_task" in text
        or _GLOBAL.search(text) is not None
        or is_coded(text)
        or _is_decorated(text)
        or _TWICE.search(text) is not None
        or any(not _is_defined_at(text, match.start()) for match in _WITH_OPTIONS.finditer(text))
        or any(not _is_defined_at(text, match.start()) for match in _OF_TASK.finditer(text))
        or _has_task_class(text)
        or _makes_name(text)
    )


#: The part of a text that is a task decorator of Celery's, if the text before it fits.
_MAKER: Final = lazy_pattern(rb"task(?!" + _WORD + rb")")
_BEFORE_MAKER: Final = lazy_pattern(rb"(?:\.[\s\\]*|(?<!" + _WORD + rb")(?:org_|periodic_|shared_))\Z")
#: How far before it to look.
_LOOK: Final = 200
#: What follows a decorator that is called, imported under another name, or used as a value.
_AFTER_MAKER: Final = lazy_pattern(rb"[ \t\f\\]*(as(?!" + _WORD + rb")|[(,);\r\n#]|\Z)")
_IMPORTS: Final = lazy_pattern(rb"\s{1,200}(?:from|import)\s")


#: The start of an indented assignment.
_ASSIGNED: Final = lazy_pattern(rb"[ \t\f]+[\w\x80-\xff]+[ \t]*(?::[^=]{1,100})?=(?!=)")
_IN_FUNCTION: Final = lazy_pattern(rb"[ \t\f]*(?:async[ \t]+)?def[ \t]")
#: How many lines to look back for the function that a line is in.
_LINES: Final = 200

#: Names for classes that are named like Celery's for tasks or apps, and classes that are built from one.
#: Patterns with a fixed start are faster.
_RENAMED: Final = (
    lazy_pattern(rb"Task[ \t]+as[ \t]+(" + _WORD + rb"+)[ \t]*(?:[,;)\\\r\n#]|\Z)"),
    lazy_pattern(rb"Celery[ \t]+as[ \t]+(" + _WORD + rb"+)[ \t]*(?:[,;)\\\r\n#]|\Z)"),
)
_NAMED_LIKE: Final = (lazy_pattern(rb"Task(?![\w\x80-\xff.(])"), lazy_pattern(rb"Celery(?![\w\x80-\xff.(])"))
#: What is before a class that is given a name.
_GIVING: Final = lazy_pattern(
    rb"[ \t\f(]*(" + _WORD + rb"+)[ \t]*(?:,[ \t]*" + _WORD + rb"+[ \t]*)*(?::[^=]{1,100})?(?<![!<>=]):?="
    rb"[ \t(]*(?:[\w.]+[ \t]*,[ \t]*)*[\w.\x80-\xff]*"
)
#: The start of a class with bases, a comment between them, and a base that is named like Celery's.
_DERIVED: Final = lazy_pattern(rb"\n([ \t\f]*)class[\s\\]+(" + _WORD + rb"{1,200})(?:[^\n(:\\]|\\\n){0,200}\(")
_REMARK: Final = lazy_pattern(rb"#[^\n]*")
_BASE: Final = lazy_pattern(rb"([\w.\x80-\xff]*(?:Task|Celery))(?!" + _WORD + rb")")
_MEMBER: Final = lazy_pattern(
    rb"\n([ \t]+)(?:(?:name|(abstract))[ \t]*[:=]|(?:async[ \t]+)?def[ \t]+(" + _WORD + rb"+))"
)

#: How the names of methods begin that a task may have to adapt Celery's.
_ADAPTING: Final = ("__", "after_", "apply", "before_", "delay", "on_", "retry")


def may_be_base(members: Iterable[str], methods: Iterable[str]) -> bool:
    """Return whether a class of tasks with some members may be there to derive others from.

    One that gives its task a name, or only does the work, is a task itself.

    >>> may_be_base([], []), may_be_base([], ["run", "work"]), may_be_base([], ["run"]), may_be_base(["name"], [])
    (True, True, False, False)
    """
    own = {method for method in methods if not method.startswith(_ADAPTING)}
    return "abstract" in members or ("name" not in members and own != {"run"})


def needs_run(members: Collection[str], methods: Collection[str]) -> bool:
    """Return whether a class of tasks has methods of its own, but no `run` to call them, and is not abstract."""
    held = {*members, *methods}
    return "run" not in held and "abstract" not in held and any(not name.startswith(_ADAPTING) for name in methods)


def _derives(text: bytes) -> bool:
    """Return whether a text's module may have classes of its own for tasks or apps, to build others from.

    A class with one of `INTEREST` in its name does not count, since that is in all files which use it.
    """
    if b"Task" not in text and b"Celery" not in text:
        return False
    text = b"\n" + text
    if any(not is_interesting(match[1]) for pattern in _RENAMED for match in pattern.finditer(text)) or any(
        _gives_name(text, pattern) for pattern in _NAMED_LIKE
    ):
        return True
    for match in _DERIVED.finditer(text):
        first = _first_bases(text, match.end())
        bases = _BASE.findall(first) if b"Task" in first or b"Celery" in first else []
        if not bases or is_interesting(match[2]):
            continue
        if not match[1]:
            following = _STATEMENT.search(text, match.end())
            members, methods = _members(text, match.end(), len(text) if following is None else following.start())
            is_task = needs_run(members, methods) and not _are_celerys(text, bases)
            if not is_task and may_be_base(members, methods):
                return True
        elif b"global" in text or not _is_in_function(text, match.start() + 1):
            return True
    return False


#: How long the bases of a class may be.
_BASES: Final = 500


def _first_bases(text: bytes, start: int) -> bytes:
    """Return the bases of a class, up to a bracket, by where the first of them starts."""
    bases = text[start : start + _BASES]
    return (_REMARK.sub(b"", bases) if b"#" in bases else bases).partition(b")")[0]


def _are_celerys(text: bytes, bases: Iterable[bytes]) -> bool:
    """Return whether one of the bases is probably Celery's own class: another one may have the `run` of its tasks."""
    for base in bases:
        owner, _, name = base.rpartition(b".")
        if b"elery" in base or owner.endswith(b"app"):
            return True
        if not owner and any(top == "celery" and name.decode() in names for top, names in imports.bound(text)):
            return True
    return False


def _gives_name(text: bytes, pattern: re.Pattern[bytes]) -> bool:
    """Return whether a text may give another name to a class whose name matches a pattern."""
    line = last = 0
    for match in pattern.finditer(text):
        line = text.rfind(b"\n", last, match.start()) + 1 or line
        last = match.start()
        given = _GIVING.fullmatch(text[line:last].rpartition(b";")[2]) if last - line <= _LOOK else None
        if given is None or is_interesting(given[1]):
            continue
        # A keyword on a line of its own looks like this too.
        is_inside = text[line : line + 1].isspace()
        if not is_inside or (
            not text.startswith(b",", match.end()) and (b"global" in text or not _is_in_function(text, line))
        ):
            return True
    return False


def _members(text: bytes, start: int, end: int) -> tuple[list[str], list[str]]:
    """Return which members that matter a class has, and its methods, by the text of its body."""
    found = list(_MEMBER.finditer(text, start, end))
    least = min((len(match[1]) for match in found), default=0)
    own = [match for match in found if len(match[1]) == least]
    methods = [match[3].decode("utf-8", "replace") for match in own if match[3]]
    return ["abstract" if match[2] else "name" for match in own if not match[3]], methods


def may_bind(text: bytes, name: bytes = b"") -> bool:
    r"""Return whether a text's module may bind a task decorator, or one built from it, to a name of its own.

    The same goes for the classes of tasks and apps. Without a name the decorators and classes are Celery's.

    >>> may_bind(b"from celery import shared_task\n\n@shared_task\ndef bill(): ...\n")
    False
    >>> may_bind(b"from celery import shared_task\n\ndef job(function):\n    return shared_task(function)\n")
    True
    """
    if not name and _derives(text):
        return True
    imported = imports.Places(text)
    line = last = 0
    for match in (_beginning(name) if name else _MAKER).finditer(text):
        position = start = match.start()
        if name and position and _IN_WORD.match(text, position - 1):
            continue
        line = text.rfind(b"\n", last, position) + 1 or line
        last = position
        after = _AFTER_MAKER.match(text, match.end())
        if after is None:
            continue
        if not name:
            before = _BEFORE_MAKER.search(text, max(0, position - _LOOK), position)
            if before is None:
                continue
            start = before.start()
        binds = position - line > _LOOK or _is_bound(text[line:start], after[1])
        if binds is False and _ASSIGNED.match(text, line, start):
            binds = b"global" in text or not _is_in_function(text, line)
        if binds is None:
            binds = not imported.hold(position)
        if binds:
            return True
    return False


def _is_in_function(text: bytes, line: int) -> bool:
    """Return whether the line that starts at some place is in a function, not only in a class or another block."""
    indent = _indent(text, line)
    for _ in range(_LINES):
        if not (indent and line):
            break
        line = text.rfind(b"\n", 0, line - 1) + 1
        own = _indent(text, line)
        if own < indent and not text.startswith((b"\n", b"#", b")"), line + own):
            if _IN_FUNCTION.match(text, line):
                return True
            indent = own
    return False


def _indent(text: bytes, line: int) -> int:
    return next((found.start() for found in _INK.finditer(text, line)), len(text)) - line


_INK: Final = lazy_pattern(rb"[^ \t\f]")


def _is_bound(before: bytes, after: bytes) -> bool | None:
    """Return whether a decorator may be bound, by the text before it on its line; None if it is not imported.

    Decorating a definition of the module makes a task of it.
    """
    start = before.rpartition(b";")[2].lstrip(b" \t\f")
    is_inside = before[:1] in (b" ", b"\t", b"\f")
    if b"#" in start or start.endswith((b"self", b"def ")):
        return False
    if start.startswith(b"@"):
        return is_inside
    if after in (b"(", b"as"):
        return True
    if start.startswith((b"from ", b"import ")) or (is_inside and start and not start.translate(None, b"._").isalnum()):
        return False
    return None


#: How many patterns for names are kept: there may be some hundred names, each asked for in every file.
_PATTERNS: Final = 1024


@lru_cache(_PATTERNS)
def _using(name: bytes) -> re.Pattern[bytes]:
    return re.compile(
        rb"@[\s\\(]*(?:[\w.\x80-\xff]+\.)?" + re.escape(name) + rb"(?!" + _WORD + rb")"
        rb"|\.[ \t]*" + re.escape(name) + rb"[ \t]*(?:[(,)\[\r\n#]|\Z)"
    )


#: The last character of a longer name, before a name.
_IN_WORD: Final = lazy_pattern(_WORD)


@lru_cache(_PATTERNS)
def _beginning(name: bytes) -> re.Pattern[bytes]:
    """Return a pattern for a name that may end a longer one: looking at what is before takes ten times as long."""
    return re.compile(re.escape(name) + rb"(?!" + _WORD + rb")")


@lru_cache(_PATTERNS)
def _word(name: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(?<!" + _WORD + rb")" + re.escape(name) + rb"(?!" + _WORD + rb")")


def uses(text: bytes, name: bytes) -> bool:
    r"""Return whether a text may use another module's object of some name: by an import or as a decorator.

    >>> uses(b"from shop.jobs import (\n    job as work,\n)\n", b"job"), uses(b"job = 1\n", b"job")
    (True, False)
    """
    if name not in text:
        return False
    if _using(name).search(text):
        return True
    word = _word(name)
    has_star = False
    for found in imports.statements(text):
        has_star = has_star or b"*" in found.names
        if word.search(found.names):
            return True
    return has_star and word.search(text) is not None


#: What follows a name that is called or defined.
_CALLED: Final = lazy_pattern(rb"[ \t]*\(")


def only_calls(text: bytes, name: bytes) -> bool:
    r"""Return whether a text contains a name, as a whole word, only where it imports, defines or calls something.

    Relative imports don't count: nothing may be known of what they lead to.

    >>> only_calls(b"from django.urls import include\n\nurls = [include('shop')]\n", b"include")
    True
    >>> only_calls(b"app = Celery('shop', include=['shop.tasks'])\n", b"include")
    False
    """
    imported = imports.Places(text, relative=False)
    for match in _beginning(name).finditer(text):
        start = match.start()
        if (start and _IN_WORD.match(text, start - 1)) or _CALLED.match(text, match.end()):
            continue
        if not imported.hold(start):
            return False
    return True


def has_star(text: bytes) -> bool:
    """Return whether a text imports all names of a module."""
    return b"*" in text and any(b"*" in found.names for found in imports.statements(text))


def mentions_inside(text: bytes, names: Iterable[bytes]) -> bool:
    r"""Return whether an indented line that is not an import mentions one of some names.

    >>> mentions_inside(b"def heavy(function):\n    return job(function)\n", {b"job"})
    True
    """
    found = rb"|".join(map(re.escape, sorted(names)))
    line = last = 0
    for match in re.finditer(rb"(?<!" + _WORD + rb")(?:" + found + rb")(?!" + _WORD + rb")", text):
        line = text.rfind(b"\n", last, match.start()) + 1 or line
        last = match.start()
        if text[line : line + 1].isspace() and not _IMPORTS.match(text, line):
            return True
    return False


#: A translation that turns everything that ends a name into a space, except for the bracket of a call.
_APART: Final = bytes(
    code if chr(code).isalnum() or code == 0x5F or code == 0x28 or code > 0x7F else 0x20 for code in range(256)
)


#: The name of a function that is defined, in a text translated so.
_DEFINED: Final = lazy_pattern(rb"def ([^ (]+)\(")


def names_before_brackets(text: bytes) -> tuple[set[bytes], list[bytes]]:
    """Return the last parts of the names that a text calls or defines, and the names of functions that it defines.

    >>> called, defined = names_before_brackets(b"def bill(order): shop.send(order)")
    >>> sorted(called), defined
    ([b'bill', b'send'], [b'bill'])
    """
    plain = text.translate(_APART)
    *pieces, _ = plain.split(b"(")
    called = {piece[piece.rfind(b" ") + 1 :] for piece in pieces}
    called.discard(b"")
    return called, _DEFINED.findall(plain)


def is_coded(text: bytes) -> bool:
    """Return whether the first lines declare an encoding in which bytes may not be what they look like."""
    return _CODED.match(text) is not None


#: What makes the body of a function matter to other modules.
_OUTWARD: Final = (b"task", b"@", b"class", b"yield", b"global", b"nonlocal", b"exec", b"vars")


def inner_test(text: bytes) -> Callable[[bytes], bool]:
    """Return a function that tells whether the body of a function in a text matters to no other module.

    It does not if nothing in it is part of `Module.definable` or `Module.made`, binds a name outside, or makes the
    function a generator. Characters beyond ASCII may stand for ASCII ones.
    """
    words = [word for word in _OUTWARD if word in text]
    is_plain = text.isascii() and _TWICE.search(text) is None

    def is_inner(body: bytes) -> bool:
        for word in words:
            if word in body:
                return False
        return is_plain or (body.isascii() and _TWICE.search(body) is None)

    return is_inner


def _is_decorated(text: bytes) -> bool:
    """Return whether the text may contain a decorator other than the language's own."""
    if b"@" not in text:
        return False
    return _DECORATED.search(text) is not None or any(
        text.count(name) != text.count(b"@" + name) + text.count(b"." + name) for name in _ACCESSORS
    )


def _is_defined_at(text: bytes, position: int) -> bool:
    """Return whether the name at a position is that of a function being defined."""
    return _DEFINITION.fullmatch(text, max(0, position - 200), position) is not None


def _has_task_class(text: bytes) -> bool:
    """Return whether a class with bases may have `run`, or a `name` of its own."""
    if _CLASS.search(text) is None:
        return False
    for member in _MEMBERS:
        for match in member.finditer(text):
            start = match.start()
            before = text[start - 1 : start]
            if before.isalnum() or before in (b"_", b".", b'"', b"'") or before > b"\x7f":
                continue
            if before != b"(" or not _KEYWORD.match(text, start):
                return True
    return False


def _makes_name(text: bytes) -> bool:
    """Return whether a name of the module may be bound to a call with one name as its argument: `bill = job(_bill)`."""
    starts = [0, *(match.end() for match in _STATEMENT.finditer(text)), len(text)]
    for start, end in pairwise(starts):
        if text.startswith(_INNER, start) and text.find(b":=", start, end) < 0:
            continue
        if text.find(b"=", start, end) >= 0 and _GIVEN_ONE_NAME.search(text, start, end):
            return True
    return False

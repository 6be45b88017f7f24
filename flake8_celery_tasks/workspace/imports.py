"""The imports of a file, found by searching its text, and the project files that they lead to."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.core.memo import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.workspace.layout import Layout, Place


#: Calls that import modules by names that can't be followed.
BY_NAME: Final = (b"import_module(", b"__import__(", b"walk_packages(", b"iter_modules(", b"find_modules(")

#: Blanks inside a statement.
_BLANK: Final = rb"(?:[ \t\f]|\\\r?\n|\\\r)"
#: A pattern with a fixed start is found ten times as fast.
_IMPORT: Final = lazy_pattern(rb"import(?![\w\x80-\xff])" + _BLANK + rb"*")
#: What is before `import` at the start of a statement.
_BEFORE: Final = lazy_pattern(
    rb"(?:[^#]*[;:])?[ \t\f]*(from(?:" + _BLANK + rb"+|(?=\.))([.\w\x80-\xff]+)(?:" + _BLANK + rb"+|(?<=\.)))?"
)
_LINE_END: Final = lazy_pattern(rb"[\r\n]")
_TO_END: Final = lazy_pattern(rb"(?:[^\\\r\n#;]|\\\r?\n?)*")
#: How far to look for the start of a statement.
_LOOK: Final = 400
_NAME: Final = lazy_pattern(r"[\w.]+")
_COMMENT: Final = lazy_pattern(r"#[^\r\n]*|\\")
_AS: Final = lazy_pattern(r"\sas\s")


def resolve_relative(package: str, level: int, module: str | None) -> str | None:
    """Return the absolute name of the module in `from ..module import`, None if it leaves the top package.

    >>> resolve_relative("shop.orders", 2, "tasks"), resolve_relative("shop", 2, "tasks")
    ('shop.tasks', None)
    """
    if not level:
        return module
    parts = package.split(".") if package else []
    if level - 1 > len(parts) or not parts:
        return None
    base = parts[: len(parts) - level + 1]
    if not base:
        return None
    return ".".join([*base, module] if module else base)


class Statement(NamedTuple):
    """An import statement in a text: where it starts and ends, the module after `from`, and what is imported."""

    start: int
    end: int
    source: bytes
    names: bytes

    @property
    def decoded(self) -> tuple[str, list[str]]:
        """The module after `from`, and the parts of what is imported, without comments."""
        names = _COMMENT.sub(" ", self.names.decode("utf-8", "replace"))
        return self.source.decode("utf-8", "replace"), names.strip(" \t()").split(",")


def statements(text: bytes) -> Iterator[Statement]:
    """Yield the import statements of a text. Some are in strings."""
    end = 0  # of the last statement, and of what need not be searched again for the start of a line
    for found in _IMPORT.finditer(text):
        if found.start() < end:
            continue
        line = _start_of_line(text, max(end, found.start() - _LOOK), found.start())
        before = _BEFORE.fullmatch(text, line, found.start())
        if before is not None:
            end = _end_of_names(text, found.end(), is_bracketed=before[1] is not None)
            yield Statement(line, end, before[2] or b"", text[found.end() : end])


class Places:
    """The places of the import statements in a text, which is searched when the first place is asked about."""

    def __init__(self, text: bytes, *, relative: bool = True) -> None:
        self._text = text
        self._relative = relative

    @cached_property
    def _ranges(self) -> list[tuple[int, int]]:
        found = statements(self._text)
        return [(one.start, one.end) for one in found if self._relative or not one.source.startswith(b".")]

    def hold(self, position: int) -> bool:
        """Return whether a position is inside such a statement."""
        index = bisect_right(self._ranges, (position, 0)) - 1
        return index >= 0 and position < self._ranges[index][1]


def _start_of_line(text: bytes, least: int, position: int) -> int:
    """Return where a line starts that may be continued from lines before it, `least` if that is before."""
    start = position
    while start > least:
        start = max(text.rfind(b"\n", least, start), text.rfind(b"\r", least, start))
        if start < 0:
            return least
        is_continued = text[max(least, start - 2) : start].rstrip(b"\r").endswith(b"\\")
        if not is_continued:
            return start + 1
    return least


def _end_of_names(text: bytes, start: int, *, is_bracketed: bool) -> int:
    """Return where the names that a statement imports end: at a bracket, or with the statement."""
    if is_bracketed and text.startswith(b"(", start):
        close = text.find(b")", start)
        comment = text.find(b"#", start, close)
        while 0 <= comment < close:
            comment = next((found.start() for found in _LINE_END.finditer(text, comment)), len(text))
            close = text.find(b")", comment)
            comment = text.find(b"#", comment, close)
        if close >= 0:
            return close + 1
    rest = _TO_END.match(text, start)
    assert rest is not None  # it matches everywhere
    return rest.end()


def bound(text: bytes) -> Iterator[tuple[str, set[str]]]:
    r"""Yield the imports of a text: the top-level package, empty if relative, and the names that are bound.

    >>> list(bound(b"from .jobs import job as work\nimport shop.jobs, six as s\n"))
    [('', {'work'}), ('shop', {'shop'}), ('six', {'s'})]
    """
    for found in statements(text):
        source, parts = found.decoded
        renamed = [_AS.split(part) for part in parts]
        if source:
            yield source.partition(".")[0], {names[-1].strip() for names in renamed} - {""}
            continue
        for name, *alias in renamed:
            top = name.strip().partition(".")[0].strip()
            yield top, {alias[0].strip() if alias else top}


def imports_of(layout: Layout, place: Place, text: bytes) -> Iterator[str]:
    """Yield the project's files that a file imports, found by searching its text, including packages on the way."""
    for name in names_imported(place, text):
        yield from files_of(layout, place.root, name)


def names_imported(place: Place, text: bytes) -> Iterator[str]:
    """Yield the dotted names that a text imports; a name imported from a module may be a module too."""
    for found in statements(text):
        source, parts = found.decoded
        if source:
            yield from _from(place, source, parts)
            continue
        # `import a.b as c, d`
        for part in parts:
            yield "".join(_NAME.findall(part)[:1])


def names_imported_relatively(place: Place, text: bytes) -> Iterator[str]:
    r"""Yield the dotted names that a text imports by relative imports.

    >>> from flake8_celery_tasks.workspace.layout import Place
    >>> place = Place("/shop/orders/views.py", "", "shop.orders.views", "/", is_package=False, certain=True)
    >>> list(names_imported_relatively(place, b"import six\nfrom .jobs import bill\n# from . import models\n"))
    ['shop.orders.jobs', 'shop.orders.jobs.bill']
    """
    for found in statements(text):
        if found.source.startswith(b"."):
            yield from _from(place, *found.decoded)


def _from(place: Place, source: str, parts: list[str]) -> Iterator[str]:
    """Yield the dotted names that `from source import parts` imports."""
    level = len(source) - len(source.lstrip("."))
    module = resolve_relative(place.package, level, source.lstrip(".") or None)
    if module is not None:
        yield module
        for part in parts:
            yield f"{module}.{''.join(_NAME.findall(part)[:1])}"


def files_of(layout: Layout, root: str, dotted: str) -> Iterator[str]:
    """Yield the files that run when a module is imported: its own, and those of its parent packages."""
    parts = dotted.split(".")
    for end in range(1, len(parts) + 1):
        file = layout.find(".".join(parts[:end]), root)
        if file is not None:
            yield file

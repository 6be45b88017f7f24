"""The imports of a file, found by searching its text, and the project files that they lead to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.core.memo import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.workspace.layout import Layout, Place


#: Calls that import modules by names that can't be followed.
BY_NAME: Final = (b"import_module(", b"__import__(", b"walk_packages(", b"iter_modules(", b"find_modules(")

_IMPORTED: Final = rb"[ \t]+import[ \t]+(\([^)]{0,5000}\)|[^\n#]*)"
_IMPORT: Final = lazy_pattern(rb"^[ \t]*(?:from[ \t]+([.\w]+)" + _IMPORTED + rb"|import[ \t]+([^\n#]*))", re.MULTILINE)
#: A pattern with a fixed start is found ten times as fast.
_RELATIVE: Final = lazy_pattern(rb"from[ \t]+(\.[.\w]*)" + _IMPORTED)
#: How far a statement may be indented.
_INDENT: Final = 200
_NAME: Final = lazy_pattern(r"[\w.]+")
_COMMENT: Final = lazy_pattern(r"#[^\n]*")


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


def statements(text: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield the import statements of a text: where they start and end, and what is imported."""
    for found in _IMPORT.finditer(text):
        yield found.start(), found.end(), found[2] or found[3]


def bound(text: bytes) -> Iterator[tuple[str, set[str]]]:
    r"""Yield the imports of a text: the top-level package, empty if relative, and the names that are bound.

    >>> list(bound(b"from .jobs import job as work\nimport shop.jobs, six as s\n"))
    [('', {'work'}), ('shop', {'shop'}), ('six', {'s'})]
    """
    for found in _IMPORT.finditer(text):
        source, names, modules = (part.decode("utf-8", "replace") if part else "" for part in found.groups())
        for part in () if source else modules.split(","):
            name, _, alias = part.partition(" as ")
            top = name.strip().partition(".")[0]
            yield top, {alias.strip() or top}
        if source:
            inside = _COMMENT.sub("", names).strip("()").split(",")
            yield source.partition(".")[0], {part.split(" as ")[-1].strip() for part in inside} - {""}


def imports_of(layout: Layout, place: Place, text: bytes) -> Iterator[str]:
    """Yield the project's files that a file imports, found by searching its text, including packages on the way."""
    for name in names_imported(place, text):
        yield from files_of(layout, place.root, name)


def names_imported(place: Place, text: bytes) -> Iterator[str]:
    """Yield the dotted names that a text imports; a name imported from a module may be a module too."""
    for found in _IMPORT.finditer(text):
        source, names, modules = (part.decode("utf-8", "replace") if part else "" for part in found.groups())
        if not source:
            # `import a.b as c, d`
            for part in modules.split(","):
                yield "".join(_NAME.findall(part)[:1])
            continue
        yield from _from(place, source, names)


def names_imported_relatively(place: Place, text: bytes) -> Iterator[str]:
    r"""Yield the dotted names that a text imports by relative imports.

    >>> from flake8_celery_tasks.workspace.layout import Place
    >>> place = Place("/shop/orders/views.py", "", "shop.orders.views", "/", is_package=False, certain=True)
    >>> list(names_imported_relatively(place, b"import six\nfrom .jobs import bill\n# from . import models\n"))
    ['shop.orders.jobs', 'shop.orders.jobs.bill']
    """
    for found in _RELATIVE.finditer(text):
        before = text[max(0, found.start() - _INDENT) : found.start()].rstrip(b" \t")
        if before.endswith(b"\n") or (not before and found.start() < _INDENT):
            source, names = (part.decode("utf-8", "replace") for part in found.groups())
            yield from _from(place, source, names)


def _from(place: Place, source: str, names: str) -> Iterator[str]:
    """Yield the dotted names that `from source import names` imports."""
    level = len(source) - len(source.lstrip("."))
    module = resolve_relative(place.package, level, source.lstrip(".") or None)
    if module is not None:
        yield module
        for part in names.split(","):
            yield f"{module}.{''.join(_NAME.findall(part)[:1])}"


def files_of(layout: Layout, root: str, dotted: str) -> Iterator[str]:
    """Yield the files that run when a module is imported: its own, and those of its parent packages."""
    parts = dotted.split(".")
    for end in range(1, len(parts) + 1):
        file = layout.find(".".join(parts[:end]), root)
        if file is not None:
            yield file

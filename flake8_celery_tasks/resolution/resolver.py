"""Follows names from file to file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding import values
from flake8_celery_tasks.binding.symbols import Alias, Bound, Class, Function, Opaque
from flake8_celery_tasks.binding.values import UNKNOWN, Const, extend
from flake8_celery_tasks.resolution.modules import Modules
from flake8_celery_tasks.workspace.folders import entries
from flake8_celery_tasks.workspace.layout import INSTALLED
from flake8_celery_tasks.workspace.marks import is_interesting

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.symbols import Symbol
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.workspace.files import Files


#: How many aliases, re-exports and assignments are followed for one name.
HOPS: Final = 30

#: How many imports of one name are followed.
_ALIASES: Final = 20

#: One Celery object that has several names.
CANONICAL: Final = {
    "celery.app.Celery": "celery.Celery",
    "celery.app.app_or_default": "celery.current_app",
    "celery.app.base.Celery": "celery.Celery",
    "celery.app.current_app": "celery.current_app",
    "celery.app.shared_task": "celery.shared_task",
    "celery.app.task.Task": "celery.Task",
    "celery._state.current_app": "celery.current_app",
    "celery._state.current_task": "celery.current_task",
    "celery.exceptions.RetryTaskError": "celery.exceptions.Retry",
    "celery.canvas.Signature": "celery.Signature",
    "celery.canvas.chain": "celery.chain",
    "celery.canvas.chord": "celery.chord",
    "celery.canvas.group": "celery.group",
    "celery.canvas.signature": "celery.signature",
    "celery.canvas.subtask": "celery.signature",
    "celery.subtask": "celery.signature",
    "celery.utils.imports.NotAPackage": "celery.utils.imports.NotAPackage",
}


class Target:
    """The object that a name leads to.

    Inside the project: the module, the symbol in it, and attributes that the symbol does not bind (`rest`). Without a
    symbol it is the module itself, or a name that the module does not have (`lost`). Outside the project: only the
    canonical dotted `path`; `foreign` is false if the project has the package but not the module.
    """

    __slots__ = ("foreign", "lost", "module", "path", "rest", "symbol")

    def __init__(
        self,
        path: str,
        module: Module | None = None,
        symbol: Symbol | None = None,
        rest: tuple[str, ...] = (),
        *,
        lost: bool = False,
        foreign: bool = False,
    ) -> None:
        self.path = path
        self.module = module
        self.symbol = symbol
        self.rest = rest
        self.lost = lost
        self.foreign = foreign

    @property
    def unread(self) -> bool:
        """Whether it belongs to the project, but its module is missing or can't be read: it may be anything."""
        return self.symbol is None and self.module is None and not self.foreign

    def __repr__(self) -> str:
        return f"Target({self.path!r}, {self.symbol.__class__.__name__}, {self.rest})"


def external(path: str) -> str:
    """Return the canonical dotted name of something outside the project."""
    dotted = path.replace(":", ".").strip(".")
    if dotted.startswith("celery."):
        for known, canonical in CANONICAL.items():
            if dotted == known or dotted.startswith(known + "."):
                return canonical + dotted[len(known) :]
    return dotted


def pick(symbols: tuple[Symbol, ...]) -> Symbol:
    """Return the symbol of a name with several bindings.

    A guarded import of Celery with a fallback counts as Celery's; names that only type checkers see have the lowest
    priority; the last of several definitions wins; an assigned name with several values is unknown.
    """
    if len(symbols) == 1:
        return symbols[0]
    seen = [symbol for symbol in symbols if not (isinstance(symbol, Alias) and symbol.typing)] or list(symbols)
    for symbol in seen:
        if isinstance(symbol, Alias) and symbol.path.startswith(("celery:", "celery.")):
            return symbol
    last = seen[-1]
    if len(seen) > 1 and isinstance(last, (Bound, Opaque)) and any(symbol != last for symbol in seen):
        if isinstance(last, Bound) and len(seen) == 2 and _holds_on(seen[0], last):
            return seen[0]
        return Opaque()
    return last


def _holds_on(first: Symbol, last: Bound) -> bool:
    """Return whether a name still stands for the first of its two bindings.

    It does if the second is a fallback for an import, or wraps a definition under its own name. An import that is
    wrapped (`one = make_queue(one)`) or gets another value is something else from then on.
    """
    if isinstance(first, Alias):
        return last.value is UNKNOWN or isinstance(last.value, Const)
    return isinstance(first, (Function, Class))


def is_builtin(name: str) -> bool:
    """Return whether a name is available in Python without an import."""
    import builtins

    return hasattr(builtins, name)


class Resolver(Modules):
    """The modules, and the lookup of their names."""

    def __init__(self, files: Files) -> None:
        super().__init__(files)
        self._targets: dict[tuple[str, str], Target] = {}
        self._interesting: dict[str, bool] = {}
        self._about_celery: dict[str, bool] = {}  # for modules of installed packages

    def resolve(self, path: str, origin: Module, hops: int = 0) -> Target:
        """Return the target of a `Ref` path, as seen from the module that it is in."""
        key = (origin.place.path, path)
        known = self._targets.get(key)
        if known is None:
            known = self._resolve(path, origin, hops)
            self._targets[key] = known
        return known

    def path_of(self, value: Value, origin: Module) -> str:
        """Return the canonical dotted path of a value, an empty string if it is not a name."""
        return self.resolve(value.path, origin).path if isinstance(value, values.Ref) else ""

    def leads_to_celery(self, path: str, origin: Module) -> bool:
        """Return whether a name is worth following in search of a Celery object.

        A definition in another module of the project is not, if that module's text contains no mark of Celery or tasks
        and uses none of the project's own task decorators. Packages are always followed: they may re-export.
        """
        name, _, attributes = path.partition(":")
        if not name:
            symbols = origin.symbols(attributes.partition(".")[0])
            aliases = {symbol.path for symbol in symbols[-_ALIASES:] if isinstance(symbol, Alias)}
            others = [alias for alias in aliases if not alias.startswith(":")]
            return not others or any(self.leads_to_celery(alias, origin) for alias in others)
        if name == "builtins":
            return False
        file = self.layout.find(name, origin.place.root)
        if file is None or not file.endswith(".py") or file.endswith("__init__.py"):
            return True
        known = self._interesting.get(file)
        if known is None:
            text = self.files.read(file) or b""
            known = is_interesting(text) or self._has_own(text)
            if self.files.is_settled:
                self._interesting[file] = known
        return known

    def _has_own(self, text: bytes) -> bool:
        """Return whether a text uses one of the project's own task decorators, or passes on all names of a module."""
        marks = self.files.own_marks()
        if not marks:
            return False
        from flake8_celery_tasks.workspace.prescan import has_star, holds

        return has_star(text) or any(holds(text, mark) for mark in marks)

    def _resolve(self, path: str, origin: Module, hops: int) -> Target:
        if hops >= HOPS:
            return Target(external(path))
        name, _, attributes = path.partition(":")
        rest = tuple(attributes.split(".")) if attributes else ()
        if not name:
            return self._attribute(origin, rest, hops)
        if name == "builtins":
            return Target(external(path), foreign=True)
        file = self.layout.find(name, origin.place.root) or self.layout.find_beside(name) or self._installed(name)
        if file is None:
            return Target(external(path), foreign=not self.layout.has_top_level(name, origin.place.root))
        return self._in_file(file, name, rest, hops)

    def _installed(self, name: str) -> str | None:
        """Return the file of an installed package's module if it has to do with Celery, else None.

        Other modules are known only by their import names.
        """
        file = self.layout.find_installed(name)
        return file if file is not None and self._is_about_celery(file, name) else None

    def _is_about_celery(self, file: str, name: str) -> bool:
        known = self._about_celery.get(file)
        if known is None:
            files = [file]
            if file.endswith("__init__.py"):  # it may re-export modules next to it
                folder = os.path.dirname(file)
                files += [os.path.join(folder, entry) for entry in sorted(entries(folder)) if entry.endswith(".py")]
            known = "celery" in name or any(b"elery" in (self.files.read(path) or b"") for path in files)
            self._about_celery[file] = known
        return known

    def _in_file(self, file: str, name: str, rest: tuple[str, ...], hops: int) -> Target:
        if not file.endswith(".py"):  # a namespace package
            if rest:
                below = self.layout.submodule(file, rest[0])
                if below is not None:
                    return self._in_file(below, f"{name}.{rest[0]}", rest[1:], hops)
            return Target(".".join((name, *rest)))
        module = self.module(file)
        if module is None:
            own = "." if name.partition(".")[0] in INSTALLED else ""  # as in `Module.prefix`
            return Target(own + ".".join((name, *rest)))
        return self._attribute(module, rest, hops)

    def _attribute(self, module: Module, rest: tuple[str, ...], hops: int) -> Target:
        if not rest:
            return Target(module.prefix[:-1], module)
        name, below = rest[0], rest[1:]
        if name.endswith("<locals>") or (below and below[0] == "<locals>"):
            return self._local(module, rest, hops)
        symbols = module.symbols(name)
        if symbols:
            return self._follow(module, name, pick(symbols), below, hops)
        file = self.layout.submodule(module.place.path, name)
        unread = False
        for star in module.stars:
            if self.layout.find(star, module.place.root) is None:
                unread = True  # the names of another package are unknown
                continue
            found = self.resolve(f"{star}:{'.'.join(rest)}", module, hops + 1)
            # A name from a star import wins over the submodule that it comes from: `from .mail import *`, with `mail`.
            if found.module is not None or (found.foreign and file is None):
                if not found.lost:
                    return found
            else:
                unread = True
        if file is not None:
            return self._in_file(file, f"{module.place.name}.{name}", below, hops)
        path = ".".join((module.place.name, *rest))
        if module.stars and not module.binds(name) and is_builtin(name):
            return Target(f"builtins.{'.'.join(rest)}", foreign=True)
        return Target(path, None if unread else module, None, rest, lost=not unread and not module.binds(name))

    def _local(self, module: Module, rest: tuple[str, ...], hops: int) -> Target:
        """Follow the qualified name of a definition inside a function."""
        for end in range(len(rest), 0, -1):
            qualname = ".".join(rest[:end])
            symbols = module.symbols(qualname) if not qualname.endswith("<locals>") else ()
            if symbols:
                return self._follow(module, qualname, pick(symbols), rest[end:], hops)
        return Target(".".join((module.place.name, *rest)))

    def _follow(self, module: Module, name: str, symbol: Symbol, rest: tuple[str, ...], hops: int) -> Target:
        if isinstance(symbol, Alias):
            return self.resolve(extend(symbol.path, rest), module, hops + 1)
        if isinstance(symbol, Bound) and isinstance(symbol.value, values.Ref):
            return self.resolve(extend(symbol.value.path, rest), module, hops + 1)
        if isinstance(symbol, Class) and rest:
            inner = module.symbols(f"{name}.{rest[0]}")
            if inner:
                return self._follow(module, f"{name}.{rest[0]}", pick(inner), rest[1:], hops + 1)
        return Target(f"{module.prefix}{name}", module, symbol, rest)

"""Names, followed from file to file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.symbols import Alias, Bound, Class, Function, Opaque

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.symbols import Symbol


#: How many aliases, re-exports and assignments are followed for one name.
HOPS: Final = 30

#: One thing of Celery under several names.
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
    """What a name leads to.

    Inside the project: the module, the symbol in it, and attributes that the symbol does not bind (`rest`). Without a
    symbol it is the module itself, or a name that the module does not have (`lost`). Outside the project: only the
    canonical dotted `path`; `foreign` is false where the project has the package but not the module.
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
        """Whether it is of the project, but its module can't be read, or is not there: it may be anything."""
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
    """Return what a name with several bindings stands for.

    A guarded import of Celery with a fallback is Celery's; names that only type checkers see give way; of definitions
    the last one holds; an assigned name with several values is unknown.
    """
    if len(symbols) == 1:
        return symbols[0]
    seen = [symbol for symbol in symbols if not (isinstance(symbol, Alias) and symbol.typing)] or list(symbols)
    for symbol in seen:
        if isinstance(symbol, Alias) and symbol.path.startswith(("celery:", "celery.")):
            return symbol
    last = seen[-1]
    if len(seen) > 1 and isinstance(last, (Bound, Opaque)) and any(symbol != last for symbol in seen):
        if isinstance(last, Bound) and isinstance(seen[0], (Alias, Function, Class)) and len(seen) == 2:
            return seen[0]  # a fallback, or a definition that is wrapped under its own name
        return Opaque()
    return last


def is_builtin(name: str) -> bool:
    """Return whether Python has a name without an import."""
    import builtins

    return hasattr(builtins, name)

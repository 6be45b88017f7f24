"""What a module defines, without nodes: the part of its facts that the project index keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from flake8_celery_tasks.values import Value


@dataclass(slots=True, frozen=True)
class Params:
    """The parameters of a function. `defaults` counts the last positional ones that may be left out."""

    positional_only: tuple[str, ...] = ()
    positional: tuple[str, ...] = ()
    defaults: int = 0
    vararg: str | None = None
    keyword_only: tuple[str, ...] = ()
    keyword_required: tuple[str, ...] = ()
    kwarg: str | None = None

    @property
    def ordered(self) -> tuple[str, ...]:
        """The parameters that can be given by position."""
        return self.positional_only + self.positional


@dataclass(slots=True)
class Alias:
    """An import. `path` is written like that of a `Ref`; `typing` says that only type checkers see it."""

    path: str
    typing: bool = False


@dataclass(slots=True)
class Bound:
    """An assignment."""

    value: Value


@dataclass(slots=True)
class Function:
    """A function. `path` of the callables that it calls or decorates with are its `mentions`.

    `forwards` holds the names that it calls with exactly its own `*args, **kwargs`; `attributes` those that it reads
    from anything.
    """

    qualname: str
    line: int
    column: int
    decorators: tuple[Value, ...]
    params: Params
    returns: tuple[Value, ...]
    is_async: bool
    yields: bool
    mentions: tuple[str, ...] = ()
    forwards: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()


@dataclass(slots=True)
class Class:
    """A class. `attributes` are the names that its body reads from anything."""

    qualname: str
    line: int
    column: int
    decorators: tuple[Value, ...]
    bases: tuple[Value, ...]
    keywords: tuple[tuple[str | None, Value], ...]
    names: tuple[str, ...]
    attributes: tuple[str, ...] = ()


@dataclass(slots=True)
class Opaque:
    """A name with a value that can't be read."""


Symbol = Union[Alias, Bound, Function, Class, Opaque]  # noqa: UP007

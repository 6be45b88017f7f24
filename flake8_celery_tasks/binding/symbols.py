"""The definitions of a module, without nodes: the part of its facts that the project index keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Union

from flake8_celery_tasks.core.record import Record

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from flake8_celery_tasks.binding.values import Value


def parameters(args: ast.arguments) -> Params:
    """Return the parameters of a function."""
    return Params(
        positional_only=tuple(arg.arg for arg in args.posonlyargs),
        positional=tuple(arg.arg for arg in args.args),
        defaults=len(args.defaults),
        vararg=args.vararg.arg if args.vararg else None,
        keyword_only=tuple(arg.arg for arg in args.kwonlyargs),
        keyword_required=tuple(
            arg.arg for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True) if default is None
        ),
        kwarg=args.kwarg.arg if args.kwarg else None,
    )


class Params(NamedTuple):
    """The parameters of a function. `defaults` is how many of the last positional ones are optional."""

    positional_only: tuple[str, ...] = ()
    positional: tuple[str, ...] = ()
    defaults: int = 0
    vararg: str | None = None
    keyword_only: tuple[str, ...] = ()
    keyword_required: tuple[str, ...] = ()
    kwarg: str | None = None

    @property
    def ordered(self) -> tuple[str, ...]:
        """The parameters that can be passed by position."""
        return self.positional_only + self.positional


class Alias(Record):
    """An import. `path` has the form of a `Ref` path; `typing` means that only type checkers see it."""

    __slots__ = ("path", "typing")

    def __init__(self, path: str, typing: bool = False) -> None:
        self.path = path
        self.typing = typing


class Bound(Record):
    """An assignment."""

    __slots__ = ("value",)

    def __init__(self, value: Value) -> None:
        self.value = value


class Body(Record):
    """What a function does.

    `returns` are the values of its return statements, `mentions` the paths of the functions it calls, `attributes` the
    methods that it calls on any object. `forwards` are the names that it calls with exactly its own `*args, **kwargs`;
    `changes` are the keys that it puts into its own `**kwargs` or takes out of them, as far as that can be seen.
    """

    __slots__ = ("attributes", "changes", "forwards", "mentions", "returns")

    def __init__(
        self,
        returns: tuple[Value, ...] = (),
        mentions: tuple[str, ...] = (),
        forwards: tuple[str, ...] = (),
        attributes: tuple[str, ...] = (),
        changes: tuple[str, ...] = (),
    ) -> None:
        self.returns = returns
        self.mentions = mentions
        self.forwards = forwards
        self.attributes = attributes
        self.changes = changes


class Function:
    """A function. Its body is read on first use: few bodies are needed."""

    __slots__ = ("_body", "_read", "column", "decorators", "is_async", "line", "params", "qualname", "yields")

    def __init__(
        self,
        qualname: str,
        line: int,
        column: int,
        decorators: tuple[Value, ...],
        params: Params,
        read: Callable[[], Body],
        *,
        is_async: bool,
        yields: bool,
    ) -> None:
        self.qualname = qualname
        self.line = line
        self.column = column
        self.decorators = decorators
        self.params = params
        self.is_async = is_async
        self.yields = yields
        self._read = read
        self._body: Body | None = None

    @property
    def known_body(self) -> Body | None:
        """The body, if it has been read already."""
        return self._body

    @property
    def body(self) -> Body:
        """What the function does."""
        if self._body is None:
            self._body = self._read()
        return self._body

    @property
    def returns(self) -> tuple[Value, ...]:
        """The values of its return statements."""
        return self.body.returns

    @property
    def mentions(self) -> tuple[str, ...]:
        """The paths of the functions it calls."""
        return self.body.mentions

    @property
    def forwards(self) -> tuple[str, ...]:
        """The names that it calls with exactly its own `*args, **kwargs`."""
        return self.body.forwards

    @property
    def attributes(self) -> tuple[str, ...]:
        """The methods that it calls on any object."""
        return self.body.attributes

    @property
    def changes(self) -> tuple[str, ...]:
        """The keys that it puts into its own `**kwargs`, or takes out of them."""
        return self.body.changes


class Class:
    """A class. The attributes that its body reads are collected on first use."""

    __slots__ = ("_attributes", "_read", "bases", "column", "decorators", "keywords", "line", "names", "qualname")

    def __init__(
        self,
        qualname: str,
        line: int,
        column: int,
        decorators: tuple[Value, ...],
        bases: tuple[Value, ...],
        keywords: tuple[tuple[str | None, Value], ...],
        names: tuple[str, ...],
        read: Callable[[], tuple[str, ...]],
    ) -> None:
        self.qualname = qualname
        self.line = line
        self.column = column
        self.decorators = decorators
        self.bases = bases
        self.keywords = keywords
        self.names = names
        self._read = read
        self._attributes: tuple[str, ...] | None = None

    @property
    def known_attributes(self) -> tuple[str, ...] | None:
        """The attributes, if they have been read already."""
        return self._attributes

    @property
    def attributes(self) -> tuple[str, ...]:
        """The names that its body reads from any object."""
        if self._attributes is None:
            self._attributes = self._read()
        return self._attributes


class Opaque(Record):
    """A name whose value can't be resolved."""

    __slots__ = ()


Symbol = Union[Alias, Bound, Function, Class, Opaque]  # noqa: UP007

"""Symbolic values, evaluated across files."""

from __future__ import annotations

import datetime
import fnmatch
import math
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from flake8_celery_tasks.binding import values
from flake8_celery_tasks.binding.symbols import Bound, Opaque
from flake8_celery_tasks.binding.values import UNKNOWN
from flake8_celery_tasks.core.text import literal_start
from flake8_celery_tasks.resolution.resolver import Resolver, Target

if TYPE_CHECKING:
    import ast

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.workspace.files import Files


def is_plain(value: Any) -> bool:
    """Return whether a settled value consists of nothing but Python's own types."""
    if isinstance(value, (tuple, list, set, frozenset)):
        return all(is_plain(item) for item in value)
    if isinstance(value, Table):
        return value.complete and all(is_plain(item) for pair in value.items() for item in pair)
    return isinstance(value, (str, bytes, int, float, complex, type(None), datetime.timedelta))


#: How many parts of one value are evaluated before it counts as unknown.
STEPS: Final = 3000


#: Evaluations of more parts are kept: names may be bound to each other again and again.
_MANY: Final = 50

#: What is kept for any depth.
_ANY: Final = -1


class _Settled(NamedTuple):
    """A settled value. `height` is how many levels were needed, and `steps` how many parts, those of names included."""

    value: Any
    height: int
    steps: int


class Table(dict[Any, Any]):
    """A dict whose keys and values are settled; `complete` is false if a part of it is unknown."""

    complete = True

    def matching(self, name: str) -> list[str]:
        """Return the keys that equal the name, or are patterns that match it, as in a routing table."""
        keys = [name] if name in self else []
        for length, patterns in self._patterns.items():
            keys += [key for key in patterns.get(name[:length], ()) if key != name]
        return [key for key in keys if fnmatch.fnmatchcase(name, key)]

    @cached_property
    def has_other_keys(self) -> bool:
        """Whether some key is not a string."""
        return not all(isinstance(key, str) for key in self)

    @cached_property
    def _patterns(self) -> dict[int, dict[str, list[str]]]:
        """The keys with wildcards, by the length of the text before the first of them, and by that text."""
        found: dict[int, dict[str, list[str]]] = {}
        for key in self:
            start = literal_start(key) if isinstance(key, str) else key
            if start != key:
                found.setdefault(len(start), {}).setdefault(start, []).append(key)
        return found


class Called:
    """The settled form of a call that is not evaluated: its function and arguments."""

    __slots__ = ("args", "keywords", "target")

    def __init__(self, target: object, args: tuple[object, ...], keywords: dict[str | None, object]) -> None:
        self.target = target
        self.args = args
        self.keywords = keywords

    def __repr__(self) -> str:
        return f"Called({self.target!r}, {self.args!r}, {self.keywords!r})"


#: Long results are not worth keeping, and repeating them costs memory.
_LONGEST: Final = 10_000


class Settling:
    """The evaluation of one value, with a limit on the work."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.steps = 0
        self.deepest = 0

    def value(self, value: Value, origin: Module, depth: int) -> Any:
        """Return the settled form of a value."""
        self.steps += 1
        self.deepest = max(self.deepest, depth)
        if self.steps > STEPS or depth > values.DEPTH:
            return UNKNOWN
        if isinstance(value, values.Const):
            return value.value
        if isinstance(value, values.Ref):
            return self.ref(value, origin, depth)
        known = self.evaluator.kept(value, origin)
        if known is None or known.height + depth > values.DEPTH or self.steps - 1 + known.steps > STEPS:
            before, above, self.deepest = self.steps - 1, self.deepest, depth
            settled = self.display(value, origin, depth)
            known = _Settled(settled, self.deepest - depth, self.steps - before)
            if self.steps <= STEPS and self.deepest <= values.DEPTH:
                self.evaluator.keep(value, origin, known)
            self.deepest = max(above, self.deepest)
        else:
            self.steps += known.steps - 1
            self.deepest = max(self.deepest, known.height + depth)
        return known.value

    def display(self, value: Value, origin: Module, depth: int) -> Any:
        """Return the settled form of a value with parts."""
        if isinstance(value, values.Items):
            return self.items(value, origin, depth)
        if isinstance(value, values.Mapping):
            return self.mapping(value, origin, depth)
        if isinstance(value, values.Invoke):
            return self.invoke(value, origin, depth)
        if isinstance(value, values.Operation):
            return operate(value.operator, [self.value(operand, origin, depth + 1) for operand in value.operands])
        if isinstance(value, values.Joined):
            parts = [self.value(part, origin, depth + 1) for part in value.parts]
            if all(isinstance(part, (str, int, float)) for part in parts):
                texts = [str(part) for part in parts]
                return "".join(texts) if sum(map(len, texts)) <= _LONGEST else UNKNOWN
        return UNKNOWN

    def ref(self, value: values.Ref, origin: Module, depth: int) -> Any:
        """Return the settled value of a name."""
        if value.path in ("builtins:__name__", ":__name__"):
            return origin.place.name if origin.place.certain else UNKNOWN
        target = self.evaluator.resolve(value.path, origin)
        symbol = target.symbol
        if isinstance(symbol, Bound) and target.module is not None:
            if target.rest not in ((), ("value",)):
                return UNKNOWN
            return self.bound(symbol.value, target.module, depth + 1)
        if isinstance(symbol, Opaque):
            return UNKNOWN
        if symbol is None and target.module is not None and target.rest:
            # Bound only to None, or not bound at all.
            return None if len(target.rest) == 1 and target.module.binds(target.rest[0]) else UNKNOWN
        return target

    def bound(self, value: Value, module: Module, depth: int) -> Any:
        """Return the settled value of a name, as far as that is not too much for the value that it is part of."""
        is_part = self.steps > 1
        settled = self.evaluator.settled_alone(value, module, depth)
        self.steps += settled.steps
        self.deepest = max(self.deepest, depth + settled.height)
        return UNKNOWN if is_part and self.steps > STEPS else settled.value

    def items(self, value: values.Items, origin: Module, depth: int) -> Any:
        """Return the settled form of a tuple, list or set."""
        if not value.complete:
            return UNKNOWN
        items = [self.value(item, origin, depth + 1) for item in value.items]
        if value.kind == "tuple":
            return tuple(items)
        if value.kind == "list":
            return items
        try:
            return set(items)
        except TypeError:
            return UNKNOWN

    def mapping(self, value: values.Mapping, origin: Module, depth: int) -> Table:
        """Return the settled form of a dict."""
        table = Table()
        for key, item in value.pairs:
            settled = self.value(item, origin, depth + 1)
            if key is None:
                if isinstance(settled, Table):
                    table.update(settled)
                    table.complete = table.complete and settled.complete
                else:
                    table.complete = False
                continue
            name = self.value(key, origin, depth + 1)
            if isinstance(name, (str, bytes, int, float)) or name is None or _is_hashable(name):
                table[name] = settled
            else:
                table.complete = False
        return table

    def invoke(self, value: values.Invoke, origin: Module, depth: int) -> Any:
        """Return the settled result of a call."""
        if not isinstance(value.func, (values.Ref, values.Invoke, values.Member)):
            return UNKNOWN
        seconds = self.seconds(value, origin, depth)
        if seconds is not None:
            return seconds
        func = self.value(value.func, origin, depth + 1)
        args = tuple(self.value(arg, origin, depth + 1) for arg in value.args)
        keywords = {key: self.value(item, origin, depth + 1) for key, item in value.keywords}
        if not value.complete:
            keywords[None] = UNKNOWN
        if isinstance(func, Target) and func.path in ("datetime.timedelta", "builtins.tuple", "builtins.list"):
            return construct(func.path, args, keywords)
        convert = _NUMBERS.get(func.path) if isinstance(func, Target) and len(args) == 1 and not keywords else None
        if convert is not None and isinstance(args[0], (int, float)) and math.isfinite(args[0]):
            return convert(args[0])
        return Called(func, args, keywords)

    def seconds(self, value: values.Invoke, origin: Module, depth: int) -> float | None:
        """Return what `delta.total_seconds()` comes to, None for any other call."""
        func, owner = value.func, None
        if isinstance(func, values.Member) and func.attribute == _SECONDS:
            owner = func.value
        elif isinstance(func, values.Ref) and func.path.endswith(f".{_SECONDS}"):
            owner = values.Ref(func.path.removesuffix(f".{_SECONDS}"))
        delta = self.value(owner, origin, depth + 1) if owner is not None and not value.args else None
        return delta.total_seconds() if isinstance(delta, datetime.timedelta) else None


#: The method of a duration that returns it as a number.
_SECONDS: Final = "total_seconds"

#: Classes that make a number of one, by their names.
_NUMBERS: Final = {"builtins.float": float, "builtins.int": int}


def _is_hashable(value: Any) -> bool:
    """Return whether a settled value is a tuple that can be a key: it contains no lists and dicts."""
    try:
        hash(value)
    except TypeError:
        return False
    return isinstance(value, tuple)


def construct(path: str, args: tuple[Any, ...], keywords: dict[str | None, Any]) -> Any:
    """Return the result of calling one of a few well-known constructors."""
    if path == "datetime.timedelta":
        given: dict[str, Any] = {str(key): value for key, value in keywords.items()}
        if all(isinstance(item, (int, float)) for item in (*args, *given.values())):
            try:
                return datetime.timedelta(*args, **given)
            except (TypeError, ValueError, OverflowError):
                return UNKNOWN
        return UNKNOWN
    if len(args) == 1 and not keywords and isinstance(args[0], (tuple, list)):
        return tuple(args[0]) if path.endswith("tuple") else list(args[0])
    return UNKNOWN


def operate(operator: str, operands: list[Any]) -> Any:
    """Return the result of an arithmetic operation, UNKNOWN if it has none, fails, or would be very long."""
    result = _operated(operator, operands)
    return UNKNOWN if isinstance(result, int) and abs(result) > values.LARGEST else result


def _operated(operator: str, operands: list[Any]) -> Any:
    numbers = all(isinstance(operand, (int, float)) for operand in operands)
    times = all(isinstance(operand, (int, float, datetime.timedelta)) for operand in operands)
    try:
        if len(operands) == 1:
            return -operands[0] if times else UNKNOWN
        left, right = operands
        if operator == "+":
            same = type(left) is type(right) and isinstance(left, (str, tuple, list))
            if same and len(left) + len(right) > _LONGEST:
                return UNKNOWN
            return left + right if times or same else UNKNOWN
        if operator == "|" and isinstance(left, Table) and isinstance(right, Table):
            merged = Table({**left, **right})
            merged.complete = left.complete and right.complete
            return merged
        if operator == "**":
            small = numbers and abs(right) <= 64 and abs(left) <= 1_000_000
            return left**right if small else UNKNOWN
        if times and operator in _ARITHMETIC:
            return _ARITHMETIC[operator](left, right)
    except (TypeError, ValueError, ArithmeticError):
        pass
    return UNKNOWN


_ARITHMETIC: Final = {
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "//": lambda left, right: left // right,
    "%": lambda left, right: left % right,
}


class Evaluator(Resolver):
    """A resolver that also evaluates values."""

    def __init__(self, files: Files) -> None:
        super().__init__(files)
        #: By the identities of values. What is too deep in another value is kept for its depth there.
        self._kept: dict[object, tuple[Value, _Settled]] = {}

    def kept(self, value: Value, origin: Module, depth: int = _ANY) -> _Settled | None:
        """Return what an evaluation has come to before, None if that is not known."""
        found = self._kept.get((id(value), origin.place.path, depth))
        return None if found is None else found[1]

    def keep(self, value: Value, origin: Module, settled: _Settled, depth: int = _ANY) -> None:
        """Keep what an evaluation comes to if it has taken long."""
        if settled.steps > _MANY:
            self._kept[id(value), origin.place.path, depth] = value, settled

    def settled_alone(self, value: Value, origin: Module, depth: int) -> _Settled:
        """Return the settled form of a value, with a limit of its own on the work, but as deep as it is in another."""
        known = self.kept(value, origin)
        if known is None or known.height + depth > values.DEPTH:
            known = self.kept(value, origin, depth)
        if known is None:
            settling = Settling(self)
            found = settling.value(value, origin, depth)
            known = _Settled(found, settling.deepest - depth, settling.steps)
            self.keep(value, origin, known, _ANY if settling.deepest <= values.DEPTH else depth)
        return known

    def settle(self, value: Value, origin: Module) -> Any:
        """Return the settled form of a symbolic value.

        Constants, tuples, lists, sets and dicts (a `Table`) become Python's own; a name that doesn't lead to a constant
        stays a `Target`, a call becomes a `Called`; a value that can't be resolved is UNKNOWN.
        """
        return self.settled_alone(value, origin, 0).value


def settled(evaluator: Evaluator, module: Module, node: ast.expr, site: Site) -> Any:
    """Return the settled value of an expression at a place."""
    return evaluator.settle(module.value(node, site.scope), module)


# Strings that are only partly known.

#: A string that is only partly known: the literal parts between the unknown ones.
Pattern: TypeAlias = tuple[str, ...]
ANYTHING: Final[Pattern] = ("", "")


def pattern_of(evaluator: Evaluator, value: Value, module: Module) -> Pattern:
    """Return the pattern of the strings that a value may be."""
    parts: tuple[Value, ...] = ()
    if isinstance(value, values.Operation) and value.operator == "+":
        parts = value.operands
    elif isinstance(value, values.Joined):
        parts = value.parts
    else:
        settled = value.value if isinstance(value, values.Const) else evaluator.settle(value, module)
        return (settled,) if isinstance(settled, str) and len(settled) <= _LONGEST else ANYTHING
    texts = [""]
    for part in parts:
        first, *others = pattern_of(evaluator, part, module)
        texts[-1] += first
        texts += others
        if sum(map(len, texts)) > _LONGEST:
            return ANYTHING
    # Two unknown parts in a row are equivalent to one.
    return texts[0], *filter(None, texts[1:-1]), *texts[1:][-1:]


def matches(pattern: Pattern, name: str) -> bool:
    """Return whether a name contains a pattern's texts in order, the first at its start and the last at its end."""
    first, *others = pattern
    if not others:
        return name == first
    end = len(name) - len(others[-1])
    at = len(first)
    if at > end or not name.startswith(first) or not name.endswith(others[-1]):
        return False
    for text in others[:-1]:
        at = name.find(text, at, end) + len(text)
        if at < len(text):
            return False
    return True

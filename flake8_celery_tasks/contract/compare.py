"""Compares two signatures of a task: which calls that fit the recorded one fail on the current one, or change meaning.

Existing senders pass arguments according to the recorded signature. A value given by name always goes to the parameter
with that name; one given by position goes to whatever is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.resolution.arity import Given, misfits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.symbols import Params

# Changes of a parameter that make some call fail.
GONE: Final = "gone"
RENAMED: Final = "renamed"
KEYWORD_ONLY: Final = "keyword-only"
POSITIONAL_ONLY: Final = "positional-only"
NO_VARARG: Final = "no *args"
NO_KWARG: Final = "no **kwargs"
NAMED: Final = "now taken by name"
MOVED: Final = "moved"

#: A value goes to a different parameter than before, without an error.
SWAPPED: Final = "swapped"

# Demands that an existing call need not meet.
ADDED: Final = "added"
REQUIRED: Final = "required"

#: The breaks for CLY413; all others are for CLY412.
DEMANDS: Final = frozenset({ADDED, REQUIRED})

#: As a parameter: the one that takes all further positional arguments, whatever its name.
REST: Final = "*"


class Break(NamedTuple):
    """One way in which an existing call fails, or changes its meaning.

    `name` is the old parameter (the current one, for a demand), `now` the current one in its place.
    """

    kind: str
    name: str
    now: str = ""


def breaks(before: Params, now: Params) -> list[Break]:
    """Return how calls that fit one signature break on another; both as senders see them.

    If the result is empty, each such call fits, and passes each value to the same parameter, to the one that replaced
    it, or to new `*args` and `**kwargs`. There is one break for each parameter.
    """
    return _Comparison(before, now).breaks()


class _Comparison:
    def __init__(self, before: Params, now: Params) -> None:
        self.before = before
        self.now = now
        self._names_before = _names(before)
        self._names_now = _names(now)
        self._required_before = _required(before)
        #: The current parameters that replaced a removed one, each with that one.
        self._renamed = dict(self._find_renamed())

    def _find_renamed(self) -> Iterator[tuple[str, str]]:
        for old, new in zip(self.before.ordered, self.now.ordered, strict=False):
            if old not in self._names_now and new not in self._names_before:
                yield new, old
        gone = [name for name in self.before.keyword_required if name not in self._names_now]
        new_ones = [name for name in self.now.keyword_required if name not in self._names_before]
        yield from zip(new_ones, gone, strict=False)

    def breaks(self) -> list[Break]:
        moved = list(self._moved())
        swapped = [one for one in moved if one.kind == SWAPPED][:1]
        refused = [one for one in self._refused() if one.name not in {found.name for found in swapped}]
        found = [*swapped, *refused] or moved[:1]  # a shift that only follows from a removal is not worth reporting
        return [*found, *self._demanded()]

    def _moved(self) -> Iterator[Break]:
        """Yield the positional values that go to a different parameter than before, or to none."""
        for index in range(max(len(self.before.ordered), len(self.now.ordered)) + 1):
            old, new = _at(self.before, index), _at(self.now, index)
            if old and new and old != new and (old in self._names_now or new in self._names_before):
                yield Break(SWAPPED if self._fits_both(index + 1) else MOVED, old, new)

    def _fits_both(self, least: int) -> bool:
        """Return whether a call with at least so many positional arguments fits both signatures."""
        both = (self.before, self.now)
        most = max(len(params.ordered) for params in both) + 1
        for count in range(least, most + 1):
            # No arguments by name, other than those that both require, can make such a call fit.
            names = {name for params in both for name in _required(params) if name not in params.ordered[:count]}
            if not any(True for params in both for _ in misfits(params, Given(count, tuple(names)))):
                return True
        return False

    def _refused(self) -> Iterator[Break]:
        """Yield the old parameters that no longer accept what they did."""
        replaced = {old: new for new, old in self._renamed.items()}
        by_name_before, by_name_now = _by_name(self.before), _by_name(self.now)
        for index, name in enumerate((*self.before.ordered, *self.before.keyword_only)):
            is_positional = index < len(self.before.ordered)
            if name in replaced:
                if name in by_name_before:
                    yield Break(RENAMED, name, replaced[name])
                elif replaced[name] in by_name_now and self.before.kwarg is not None:
                    yield Break(NAMED, name, replaced[name])
            elif name not in self._names_now:
                refused_by_name = name in by_name_before and self.now.kwarg is None
                if refused_by_name or (is_positional and _at(self.now, index) is None):
                    yield Break(GONE, name)
            elif is_positional and name in self.now.keyword_only:
                yield Break(KEYWORD_ONLY, name)
            elif name in by_name_before and name not in by_name_now:
                yield Break(POSITIONAL_ONLY, name)
            elif name not in by_name_before and name in by_name_now and self.before.kwarg is not None:
                yield Break(NAMED, name, name)
        if self.before.vararg is not None and self.now.vararg is None:
            yield Break(NO_VARARG, self.before.vararg)
        if self.before.kwarg is not None and self.now.kwarg is None:
            yield Break(NO_KWARG, self.before.kwarg)

    def _demanded(self) -> Iterator[Break]:
        """Yield the current parameters that a call must give and that did not exist before."""
        for name in _required(self.now):
            if name not in self._names_before:
                if self._renamed.get(name) not in self._required_before:
                    yield Break(ADDED, name)
            elif name not in self._required_before:
                yield Break(REQUIRED, name)


def _names(params: Params) -> frozenset[str]:
    """Return what accepts arguments: the parameters, and `REST`."""
    rest = () if params.vararg is None else (REST,)
    return frozenset((*params.ordered, *params.keyword_only, *rest))


def _by_name(params: Params) -> frozenset[str]:
    """Return the parameters that can be passed by name."""
    return frozenset((*params.positional, *params.keyword_only))


def _required(params: Params) -> tuple[str, ...]:
    """Return the required parameters."""
    return (*params.ordered[: len(params.ordered) - params.defaults], *params.keyword_required)


def _at(params: Params, index: int) -> str | None:
    """Return what takes the argument at a position, None if nothing does."""
    if index < len(params.ordered):
        return params.ordered[index]
    return None if params.vararg is None else REST

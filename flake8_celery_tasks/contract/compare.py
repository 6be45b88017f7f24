"""Two signatures of one task: the calls that fitted the recorded one, and that today's refuses or takes for others.

Senders of before give arguments as the recorded signature said. A value given by name always goes to the parameter of
that name; one given by position goes to whatever is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.resolution.arity import Given, misfits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.symbols import Params

# What has become of a parameter, so that some call is refused.
GONE: Final = "gone"
RENAMED: Final = "renamed"
KEYWORD_ONLY: Final = "keyword-only"
POSITIONAL_ONLY: Final = "positional-only"
NO_VARARG: Final = "no *args"
NO_KWARG: Final = "no **kwargs"
NAMED: Final = "now taken by name"
MOVED: Final = "moved"

#: A value goes to another parameter than before, and nothing fails.
SWAPPED: Final = "swapped"

# What is demanded that a call of before need not give.
ADDED: Final = "added"
REQUIRED: Final = "required"

#: What CLY413 speaks of; everything else is CLY412's.
DEMANDS: Final = frozenset({ADDED, REQUIRED})

#: As a parameter: the one that takes all further positional arguments, whatever it is called.
REST: Final = "*"


class Break(NamedTuple):
    """One way in which a call of before is refused, or means something else.

    `name` is the parameter of before (of today, for a demand), `now` the one of today that is in its place.
    """

    kind: str
    name: str
    now: str = ""


def breaks(before: Params, now: Params) -> list[Break]:
    """Return how calls that fit one signature break on another; both as senders see them.

    Where nothing is returned, each such call fits, and gives each value to the same parameter, to the one that took
    its place, or to `*args` and `**kwargs` that are new. There is one for each parameter.
    """
    return _Comparison(before, now).breaks()


class _Comparison:
    def __init__(self, before: Params, now: Params) -> None:
        self.before = before
        self.now = now
        self._names_before = _names(before)
        self._names_now = _names(now)
        self._required_before = _required(before)
        #: The parameters of today that are where another one was that is gone, each with that one.
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
        found = [*swapped, *refused] or moved[:1]  # what has moved because another is gone is not worth a word
        return [*found, *self._demanded()]

    def _moved(self) -> Iterator[Break]:
        """Yield the values by position that go to another parameter than before, or to none."""
        for index in range(max(len(self.before.ordered), len(self.now.ordered)) + 1):
            old, new = _at(self.before, index), _at(self.now, index)
            if old and new and old != new and (old in self._names_now or new in self._names_before):
                yield Break(SWAPPED if self._fits_both(index + 1) else MOVED, old, new)

    def _fits_both(self, least: int) -> bool:
        """Return whether a call with so many arguments by position, or more, fits both signatures."""
        both = (self.before, self.now)
        most = max(len(params.ordered) for params in both) + 1
        for count in range(least, most + 1):
            # More arguments by name than both demand make nothing fit that does not.
            names = {name for params in both for name in _required(params) if name not in params.ordered[:count]}
            if not any(True for params in both for _ in misfits(params, Given(count, tuple(names)))):
                return True
        return False

    def _refused(self) -> Iterator[Break]:
        """Yield the parameters of before that do not take what they took."""
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
        """Yield the parameters of today that a call has to give and before had not."""
        for name in _required(self.now):
            if name not in self._names_before:
                if self._renamed.get(name) not in self._required_before:
                    yield Break(ADDED, name)
            elif name not in self._required_before:
                yield Break(REQUIRED, name)


def _names(params: Params) -> frozenset[str]:
    """Return what takes arguments: the parameters, and `REST`."""
    rest = () if params.vararg is None else (REST,)
    return frozenset((*params.ordered, *params.keyword_only, *rest))


def _by_name(params: Params) -> frozenset[str]:
    """Return the parameters that can be given by name."""
    return frozenset((*params.positional, *params.keyword_only))


def _required(params: Params) -> tuple[str, ...]:
    """Return the parameters that have to be given."""
    return (*params.ordered[: len(params.ordered) - params.defaults], *params.keyword_required)


def _at(params: Params, index: int) -> str | None:
    """Return what takes the argument at a position, None where nothing does."""
    if index < len(params.ordered):
        return params.ordered[index]
    return None if params.vararg is None else REST

"""Whether arguments fit parameters: Python's own check when a function is called, without the call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.binding.values import UNKNOWN, Const, Mapping, Param

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flake8_celery_tasks.binding.symbols import Function, Params
    from flake8_celery_tasks.binding.values import Invoke, Value


# The ways in which arguments don't fit.
SURPLUS: Final = "too many positional arguments"
UNEXPECTED: Final = "keyword without parameter"
REPEATED: Final = "given by position and by name"
MISSING: Final = "required and not given"


class Given(NamedTuple):
    """The arguments of a call: the number of positional ones, and the names of the others.

    `more_positional` and `more_keywords` mean that there may be further ones, in a `*` or `**` or added later.
    """

    positional: int = 0
    keywords: tuple[str, ...] = ()
    more_positional: bool = False
    more_keywords: bool = False

    @property
    def partial(self) -> Given:
        """The same arguments, with others to come: a signature's arguments follow those of the call."""
        return Given(self.positional, self.keywords, more_positional=True, more_keywords=True)


class Misfit(NamedTuple):
    """One way in which arguments don't fit, and the parameters or keywords concerned.

    For a surplus these are the existing parameters.
    """

    kind: str
    names: tuple[str, ...]


def misfits(params: Params, given: Given) -> Iterator[Misfit]:
    """Yield the ways in which arguments can't fit, whatever further ones there may be."""
    ordered = params.ordered
    if params.vararg is None and given.positional > len(ordered):
        yield Misfit(SURPLUS, ordered)
    by_name = {*params.positional, *params.keyword_only}
    if params.kwarg is None:
        unexpected = tuple(name for name in given.keywords if name not in by_name)
        if unexpected:
            yield Misfit(UNEXPECTED, unexpected)
    taken = set(ordered[: given.positional]) & set(params.positional)
    repeated = tuple(name for name in given.keywords if name in taken)
    if repeated:
        yield Misfit(REPEATED, repeated)
    missing = tuple(_missing(params, given))
    if missing:
        yield Misfit(MISSING, missing)


def _missing(params: Params, given: Given) -> Iterator[str]:
    ordered = params.ordered
    required = ordered[: len(ordered) - params.defaults]
    reachable = given.more_positional
    for index, name in enumerate(required):
        by_name = index >= len(params.positional_only)
        named = by_name and (name in given.keywords or given.more_keywords)
        if index >= given.positional and by_name and name in given.keywords:
            reachable = False  # further positional arguments stop before a parameter that is given by name
        if index >= given.positional and not reachable and not named:
            yield name
    if not given.more_keywords:
        yield from (name for name in params.keyword_required if name not in given.keywords)


# Functions that only call another one.


def flat(keywords: Iterable[tuple[str | None, Value]]) -> Iterator[tuple[str | None, Value]]:
    """Yield keywords, including those inside dicts: `**dict({"base": Own}, **kwargs)`.

    The name is empty for keys after `**kwargs`, since they override the caller's.
    """
    for name, value in keywords:
        if name is not None or not isinstance(value, Mapping):
            yield name, value
            continue
        spread = False
        for key, item in value.pairs:
            if key is None:
                yield from flat([(None, item)])
                spread = True
            elif isinstance(key, Const) and isinstance(key.value, str):
                yield "" if spread else key.value, item
            else:
                yield None, UNKNOWN


def hands_on(call: Invoke, function: Function) -> bool:
    """Return whether a wrapper passes all its arguments unchanged, under the same names, to the decorator it calls."""
    params = function.params
    given = list(flat(call.keywords))
    named = {value.name for name, value in given if isinstance(value, Param) and name in (None, value.name)}
    named.update(value.name for value in call.args if isinstance(value, Param))
    taken = {*params.ordered, *params.keyword_only, params.kwarg} - {None}
    # Anything that it pops from its keywords is for itself.
    return (
        taken <= named
        and all(name != "" for name, _ in given)
        and not ("pop" in function.attributes and function.changes)
    )


def positional(call: Invoke, params: Params) -> tuple[str, ...]:
    """Return the options that a wrapper's positional parameters are passed as, up to the first that is not one."""
    handed_on = {value.name: name for name, value in call.keywords if name is not None and isinstance(value, Param)}
    options = [handed_on.get(param) for param in params.ordered]
    return tuple(option for index, option in enumerate(options) if option and None not in options[:index])

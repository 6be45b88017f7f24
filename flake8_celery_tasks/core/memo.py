"""What is computed once, on first use: the answers of queries, so that time grows linearly, and patterns."""

from __future__ import annotations

import re
from functools import wraps
from typing import TYPE_CHECKING, Any, AnyStr, Concatenate, Final, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

_Holder = TypeVar("_Holder", bound="Memo")
_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")

_NOTHING: Final = object()


class Memo:
    """An object that queries are asked of; it stores their answers.

    `before` is the object that an overlay is based on: `shared` queries are answered there.
    """

    before: Memo | None = None

    def __init__(self) -> None:
        self.answers: dict[object, Any] = {}


def query(
    *, key: Callable[..., object] | None = None, while_asking: object = _NOTHING, shared: bool = False
) -> Callable[[Callable[Concatenate[_Holder, _Given], _Answer]], Callable[Concatenate[_Holder, _Given], _Answer]]:
    """Return a decorator for functions whose first argument stores their answers, keyed by the other arguments.

    The other arguments must be positional and hashable, unless `key` turns them into something hashable; nodes are
    compared by identity. `while_asking` is the answer to a query that reaches itself while it is being answered;
    without it, such a query never ends. `shared` means that an overlay may use the answer of the object it is based on.
    """

    def decorate(
        find: Callable[Concatenate[_Holder, _Given], _Answer],
    ) -> Callable[Concatenate[_Holder, _Given], _Answer]:
        answer_to: Callable[..., Any] = find

        @wraps(find)
        def ask(holder: Any, *given: Any) -> Any:
            while shared and holder.before is not None:
                holder = holder.before
            answers = holder.answers
            asked = (find, *given) if key is None else (find, key(*given))
            answer = answers.get(asked, _NOTHING)
            if answer is not _NOTHING:
                return answer
            if while_asking is _NOTHING:
                answer = answers[asked] = answer_to(holder, *given)
                return answer
            answers[asked] = while_asking
            try:
                answer = answer_to(holder, *given)
            except BaseException:
                del answers[asked]
                raise
            answers[asked] = answer
            return answer

        return cast("Callable[Concatenate[_Holder, _Given], _Answer]", ask)

    return decorate


class _Pattern:
    """A regular expression that is compiled when one of its methods is first used."""

    def __init__(self, pattern: Any, flags: int) -> None:
        self._given = (pattern, flags)

    def __getattr__(self, name: str) -> object:
        method = getattr(re.compile(*self._given), name)
        setattr(self, name, method)
        return method


def lazy_pattern(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    r"""Return a regular expression that is compiled on first use: most runs need only a few of them.

    >>> lazy_pattern(r"\d+").findall("5.4")
    ['5', '4']
    """
    return cast("re.Pattern[AnyStr]", _Pattern(pattern, flags))

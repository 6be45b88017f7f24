"""The parameters of a task as text, `(order_pk, copy=..., *, urgent=...)`, and back."""

from __future__ import annotations

import re
import unicodedata
from keyword import iskeyword
from typing import Final

from flake8_celery_tasks.binding.symbols import Params
from flake8_celery_tasks.core.memo import lazy_pattern

#: Longer texts are not signatures: parsing takes quadratic time.
LONGEST: Final = 20_000

_DEFAULT: Final = lazy_pattern(r"(.*?)\s*=\s*\.\.\.", re.DOTALL)


def as_text(params: Params) -> str:
    """Return parameters as Python writes them, with `...` for each default.

    >>> as_text(Params(positional=("order_pk", "copy"), defaults=1, keyword_only=("urgent",)))
    '(order_pk, copy=..., *, urgent=...)'
    """
    required = len(params.ordered) - params.defaults
    written = [name if index < required else f"{name}=..." for index, name in enumerate(params.ordered)]
    if params.positional_only:
        written.insert(len(params.positional_only), "/")
    if params.vararg is not None:
        written.append(f"*{params.vararg}")
    elif params.keyword_only:
        written.append("*")
    written += [name if name in params.keyword_required else f"{name}=..." for name in params.keyword_only]
    if params.kwarg is not None:
        written.append(f"**{params.kwarg}")
    return f"({', '.join(written)})"


def parse(text: str) -> Params:
    """Return the parameters in a text. Raises ValueError if it is not a signature."""
    inside = text.strip()
    if len(text) > LONGEST or inside[:1] != "(" or inside[-1:] != ")" or len(inside) < 2:
        raise ValueError("no signature")
    reading = _Reading()
    inside = inside[1:-1].strip()
    for part in inside.removesuffix(",").split(",") if inside else ():
        reading.take(part.strip())
    return reading.params()


class _Reading:
    """A signature that is parsed from left to right."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._positional_only: list[str] = []
        self._positional: list[str] = []
        self._defaults = 0
        self._vararg: str | None = None
        self._starred = False
        self._keyword_only: list[str] = []
        self._required: list[str] = []
        self._kwarg: str | None = None

    def take(self, part: str) -> None:
        """Parse the next comma-separated part."""
        if self._kwarg is not None:
            raise ValueError("something is behind the **")
        if part == "/":
            if self._positional_only or self._starred or not self._positional:
                raise ValueError("a / that does not belong there")
            self._positional_only, self._positional = self._positional, []
        elif part.startswith("**"):
            self._kwarg = self._name(part[2:])
        elif part.startswith("*"):
            if self._starred:
                raise ValueError("two *")
            self._starred = True
            self._vararg = self._name(part[1:]) if part != "*" else None
        else:
            self._take_parameter(part)

    def _take_parameter(self, part: str) -> None:
        default = _DEFAULT.fullmatch(part)
        name = self._name(default[1] if default else part)
        if self._starred:
            self._keyword_only.append(name)
            if default is None:
                self._required.append(name)
        else:
            if default is None and self._defaults:
                raise ValueError(f"parameter {name!r} without a default behind one that has one")
            self._positional.append(name)
            self._defaults += default is not None

    def _name(self, text: str) -> str:
        name = unicodedata.normalize("NFKC", text.strip())
        if not name.isidentifier() or iskeyword(name):
            raise ValueError(f"{text[:40]!r} is not a parameter")
        if name in self._names:
            raise ValueError(f"parameter {name!r} is there twice")
        self._names.add(name)
        return name

    def params(self) -> Params:
        """Return the parsed parameters. Raises ValueError if something is missing at the end."""
        if self._starred and self._vararg is None and not self._keyword_only:
            raise ValueError("a * without parameters behind it")
        return Params(
            positional_only=tuple(self._positional_only),
            positional=tuple(self._positional),
            defaults=self._defaults,
            vararg=self._vararg,
            keyword_only=tuple(self._keyword_only),
            keyword_required=tuple(self._required),
            kwarg=self._kwarg,
        )

"""The base class of small value classes."""

from __future__ import annotations


class Record:
    """A base for classes that consist of their fields, the names in `__slots__`.

    Dataclasses would do, but they compile their methods at each start: for twenty classes that takes longer than
    checking a file.
    """

    __slots__: tuple[str, ...] = ()
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{self.__class__.__name__}({fields})"

"""What many facts ask for is found out once, so that the time for a file grows with its length and not its square."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable


_T = TypeVar("_T")


class Once:
    """Something of which functions find things out, each of them once. What they found is kept in `_found`."""

    _found: dict[object, Any]

    def once(self, find: Callable[..., _T], *given: object) -> _T:
        """Return `find(*given, self)`. The function alone says what that is, so `given` must always be the same.

        The project may be given for the file that is being checked, and for none that several projects share.
        """
        if find not in self._found:
            self._found[find] = find(*given, self)
        found: _T = self._found[find]
        return found

    def keep(self, find: Callable[..., _T], found: _T) -> None:
        """Say what a function would return, where that is known already."""
        self._found[find] = found

    def once_for(self, node: object, find: Callable[..., _T]) -> _T:
        """Return `find(node)`, found out once for each node. The nodes must live as long as what is kept."""
        key = (find, id(node))
        if key not in self._found:
            self._found[key] = find(node)
        found: _T = self._found[key]
        return found

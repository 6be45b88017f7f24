"""Where a file is in the import system."""

from __future__ import annotations

from typing import Final


class Place:
    """Where a file stands in the import system.

    `name` is the dotted name as Celery sees it in `__module__`, `root` the folder that it is imported from, and
    `certain` says whether both follow from the layout alone. `relative` is the path from the project's root.
    """

    __slots__ = ("certain", "is_package", "name", "path", "relative", "root")

    def __init__(self, path: str, relative: str, name: str, root: str, *, is_package: bool, certain: bool) -> None:
        self.path = path
        self.relative = relative
        self.name = name
        self.root = root
        self.is_package = is_package
        self.certain = certain

    @property
    def package(self) -> str:
        """The dotted name of the package that relative imports start from."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


#: Packages that the linter knows by name.
INSTALLED: Final = frozenset({"celery", "django", "kombu"})

"""A project's folders: its root, where modules are imported from, which file is which module, and its apps.

Folders are listed once. The only files opened are a `manage.py` in a package, and modules that may put folders on
Python's path.
"""

from __future__ import annotations

import fnmatch
import os
import re
from functools import cached_property
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.core.text import WILD
from flake8_celery_tasks.workspace import import_path
from flake8_celery_tasks.workspace.folders import (
    FILE,
    SKIPPED,
    descend,
    entries,
    is_app,
    is_closed,
    is_link,
    is_regular,
    is_root,
    is_start,
    roots_below,
    same_drive,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


#: Packages that the linter knows by name.
INSTALLED: Final = frozenset({"celery", "django", "kombu"})


#: The suffixes of importable files: a script, or input without a file name, is not a module of the project.
_MODULES: Final = (".py", ".pyi")

#: Whether file names are case-sensitive: `normcase` changes nothing.
_KEEPS_CASE: Final = os.path.normcase("A/") == "A/"


class Place:
    """The place of a file in the import system.

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


class Layout:
    """The folders of one project.

    `excluded` are flake8's patterns (`exclude`), `tests` and `apps` those of our options, `environment` the folders
    that contain installed packages.
    """

    def __init__(
        self,
        root: str,
        *,
        excluded: Sequence[str] = (),
        tests: Sequence[str] = (),
        apps: Sequence[str] = (),
        environment: Sequence[str] = (),
    ) -> None:
        self.root = root
        self._excluding = _Patterns(excluded)
        self.tests = tuple(tests)
        self.listed_apps = tuple(apps)
        self.environment = tuple(environment)
        self._files: tuple[str, ...] | None = None
        #: The folders that `files` visits, known once it has been called.
        self.walked: list[str] = []
        self._inner_roots: list[str] = []
        self._places: dict[str, Place] = {}
        self._tests: dict[str, bool] = {}  # by the path from the root
        self._found: dict[tuple[str, str], str | None] = {}
        self._beside: dict[str, str | None] = {}  # where the top-level packages of other projects are

    # Modules.

    def place(self, path: str) -> Place:
        """Return the place of a file in the import system."""
        known = self._places.get(path)
        if known is None:
            known = self._places[path] = self._place(path)
        return known

    def _place(self, path: str) -> Place:
        folder, filename = os.path.split(path)
        stem = filename.removesuffix(".py").removesuffix(".pyi")
        is_package = stem == "__init__"
        parts = [] if is_package else [stem]
        while is_regular(folder) and not self._starts(folder) and os.path.dirname(folder) != folder:
            folder, name = os.path.split(folder)
            parts.insert(0, name)
        certain = bool(parts) and self._is_source(folder) and filename.endswith(_MODULES)
        # Inside a package that is itself on the path: such modules have two names.
        certain = certain and not any(path.startswith(above + os.sep) for above in self._doubtful)
        if not certain:
            # Namespace packages keep their full path, as far as the project's source folders are known.
            for source in reversed(self.sources):
                if folder.startswith(source + os.sep):
                    parts[:0] = folder[len(source) + 1 :].split(os.sep)
                    break
        relative = os.path.relpath(path, self.root) if same_drive(path, self.root) else path
        return Place(
            path,
            relative.replace(os.sep, "/"),
            ".".join(parts or [stem]),
            folder,
            is_package=is_package,
            certain=certain and all(part.isidentifier() for part in parts),
        )

    def doubt(self, place: Place) -> str:
        """Return why a module's dotted name does not follow from the layout, in words; an empty string if it does."""
        if place.certain:
            return ""
        if not place.path.endswith(_MODULES):
            return "the file is not a module"
        above = [folder for folder in self._doubtful if place.path.startswith(folder + os.sep)]
        if above:
            return f"{self._shown(above[0])} is a package, and the project puts it on Python's path"
        if not self._is_source(place.root):
            return f"{self._shown(place.root)} has no __init__.py, and no modules are known to be imported from there"
        return "a part of the path is not an identifier"

    def _shown(self, folder: str) -> str:
        inside = os.path.relpath(folder, self.root) if same_drive(folder, self.root) else folder
        return "the root" if inside == "." else inside.replace(os.sep, "/")

    def import_roots(self) -> set[str]:
        """Return the folders from which the modules requested so far are imported."""
        return {place.root for place in self._places.values()}

    @property
    def sources(self) -> tuple[str, ...]:
        """The folders that the project's modules are certainly imported from."""
        return (self.root, os.path.join(self.root, "src"), *self._added)

    @cached_property
    def _on_path(self) -> list[str]:
        return import_path.added(self.root, self.files())

    @cached_property
    def _added(self) -> tuple[str, ...]:
        """The folders that the project puts on Python's path, without packages."""
        return tuple(folder for folder in self._on_path if not is_regular(folder))

    @cached_property
    def _doubtful(self) -> tuple[str, ...]:
        """Packages that the project puts on Python's path: their modules have two names."""
        return tuple(folder for folder in self._on_path if is_regular(folder) and not is_start(folder))

    def _starts(self, folder: str) -> bool:
        return folder in self._added or is_start(folder)

    def _is_source(self, folder: str) -> bool:
        """Return whether modules are certainly imported from a folder."""
        return (
            folder in self.sources or folder in self.environment or folder in self._beside.values() or is_start(folder)
        )

    def find(self, dotted: str, root: str) -> str | None:
        """Return the file of a module, as seen from a module that is imported from `root`.

        A folder without `__init__.py` is returned as the folder; None means that the project has no such module.
        """
        key = (root, dotted)
        if key not in self._found:
            self._found[key] = self._find(dotted.split("."), root)
        return self._found[key]

    def _find(self, parts: list[str], root: str) -> str | None:
        namespace: str | None = None
        # A folder that is only possibly on the path does not hide an installed package.
        starts = self.sources if parts[0] in INSTALLED else dict.fromkeys((root, *self.sources))
        for start in starts:
            found = descend(start, parts)
            if found is None:
                continue
            if found.endswith(".py"):
                return found
            namespace = namespace or found
        # Only a regular package or module can hide an installed one; a plain folder can't.
        return None if parts[0] in INSTALLED else namespace

    def find_installed(self, dotted: str) -> str | None:
        """Return the file of an installed package's module, None if the environment has none."""
        parts = dotted.split(".")
        for folder in () if parts[0] in INSTALLED else self.environment:
            found = descend(folder, parts)
            if found is not None and found.endswith(".py"):
                return found
        return None

    def find_beside(self, dotted: str) -> str | None:
        """Return the file of a module of another project in the repository, None if none of them has it, or several do.

        A project that imports a module which is only in a neighbouring project runs in one process with it.
        """
        parts = dotted.split(".")
        if parts[0] not in self._beside:
            tops = []
            if parts[0] not in INSTALLED and self.find(parts[0], self.root) is None:
                starts = (start for root in self.roots_beside for start in (root, os.path.join(root, "src")))
                tops = [start for start in starts if (descend(start, parts[:1]) or "").endswith(".py")]
            self._beside[parts[0]] = tops[0] if len(tops) == 1 else None
        start = self._beside[parts[0]]
        found = None if start is None else descend(start, parts)
        return found if found is not None and found.endswith(".py") else None

    @cached_property
    def roots_beside(self) -> tuple[str, ...]:
        """The roots of the other projects in the same repository."""
        top = os.path.dirname(self.root)
        while ".git" not in entries(top) and os.path.dirname(top) != top:
            top = os.path.dirname(top)
        if ".git" not in entries(top) or ".git" in entries(self.root):
            return ()
        return tuple(root for root in roots_below(top) if root != self.root)

    def is_elsewhere(self, path: str) -> bool:
        """Return whether a file belongs to an installed package or to another project of the repository."""
        beside = () if self.root == os.sep else tuple(start for start in self._beside.values() if start is not None)
        return path.startswith(tuple(folder + os.sep for folder in (*self.environment, *beside)))

    def submodule(self, path: str, name: str) -> str | None:
        """Return the file (or plain folder) of a submodule of the package that `path` is the file or folder of."""
        folder = path
        if path.endswith(".py"):
            if os.path.basename(path) != "__init__.py":
                return None
            folder = os.path.dirname(path)
        return descend(folder, [name])

    def has_top_level(self, dotted: str, root: str) -> bool:
        """Return whether the project has the top-level package of a dotted name."""
        return self.find(dotted.partition(".")[0], root) is not None

    # Files.

    def files(self) -> tuple[str, ...]:
        """Return the Python files of the project, sorted within a folder.

        A folder that can't be listed is included, as a file that can't be read and may contain anything. Left out are
        hidden folders, virtual environments, build output, flake8's excludes, folders behind links, and folders that
        are the root of another project.
        """
        if self._files is None:
            self._files = tuple(self._walk())
        return self._files

    def _walk(self) -> Iterator[str]:
        excluding = self._excluding
        folders = [self.root]
        while folders:
            folder = folders.pop()
            self.walked.append(folder)
            below: list[str] = []
            start = os.path.join(folder, "")
            found = entries(folder)
            if not found and is_closed(folder):
                yield folder
            for name in sorted(found):
                if found[name] == FILE:
                    if name.endswith(".py") and not excluding.match(name, start + name):
                        yield start + name
                elif not self._is_skipped(name, start + name):
                    (self._inner_roots if is_root(start + name) else below).append(start + name)
            folders.extend(reversed(below))

    def inner_roots(self) -> list[str]:
        """Return the folders inside the root that are roots of other projects, without projects nested in those."""
        _ = self.files()
        return self._inner_roots

    def left_out(self) -> Iterator[str]:
        """Yield the Python files inside the root that are not part of the project: excluded, or another project's."""
        known = set(self.files())
        folders = [self.root]
        while folders:
            folder = folders.pop()
            below: list[str] = []
            for name, kind in sorted(entries(folder).items()):
                path = os.path.join(folder, name)
                if kind == FILE:
                    if name.endswith(".py") and path not in known:
                        yield path
                elif not name.startswith(".") and name not in SKIPPED and not is_link(path):
                    below.append(path)
            folders.extend(reversed(below))

    def _is_skipped(self, name: str, path: str) -> bool:
        return (
            name.startswith(".")
            or name in SKIPPED
            or name.endswith((".egg", ".egg-info"))
            or self._excluding.match(name, path)
            or is_link(path)
            or "pyvenv.cfg" in entries(path)
        )

    # Roles.

    def is_test(self, place: Place) -> bool:
        """Return whether a file is a test, by the patterns of `celery-test-paths`, a Django migration, or hidden.

        No worker imports modules from hidden folders, which hold the examples of other linters, for instance.
        """
        known = self._tests.get(place.relative)
        if known is None:
            known = self._tests[place.relative] = self._is_test(place.relative)
        return known

    def _is_test(self, relative: str) -> bool:
        *folders, name = relative.split("/")
        if "migrations" in folders or any(folder.startswith(".") and folder != ".." for folder in folders):
            return True
        for pattern in self.tests:
            if pattern.endswith("/"):
                if any(fnmatch.fnmatchcase(folder, pattern[:-1]) for folder in folders):
                    return True
                if "/" in pattern[:-1] and fnmatch.fnmatchcase(relative, f"{pattern}*"):
                    return True
            elif fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(relative, pattern):
                return True
        return False

    def app(self, place: Place) -> str | None:
        """Return the app that a module belongs to, as a path; None if there is none."""
        if not place.path.endswith(_MODULES):
            return None
        if self.listed_apps:
            matches = [app for app in self.listed_apps if f"{place.name}.".startswith(f"{app}.")]
            return max(matches, key=len).replace(".", "/") if matches else None
        folder = top = os.path.dirname(place.path)
        if self._is_source(folder):
            return place.path
        while not self._is_source(folder) and os.path.dirname(folder) != folder:
            top = folder
            if os.path.basename(folder) != "tasks" and is_app(folder):
                return folder
            folder = os.path.dirname(folder)
        return top


class _Patterns:
    """Patterns of file names and paths, compared as flake8 does, with `fnmatch`, but all at once."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._names: set[str] = set()
        ends: list[str] = []
        others: list[str] = []
        for pattern in map(os.path.normcase, patterns):
            if not WILD.intersection(pattern):
                self._names.add(pattern)
            elif pattern[0] == "*" and not WILD.intersection(pattern[1:]):
                ends.append(pattern[1:])
            else:
                others.append(fnmatch.translate(pattern))
        self._ends = tuple(ends)
        self._other = re.compile("|".join(others)) if others else None

    def match(self, name: str, path: str) -> bool:
        """Return whether some pattern matches a path, or its last part."""
        if not _KEEPS_CASE:
            name, path = os.path.normcase(name), os.path.normcase(path)
        return (
            name in self._names
            or path in self._names
            or path.endswith(self._ends)
            or (self._other is not None and bool(self._other.match(name) or self._other.match(path)))
        )


def is_one_app(one: str, other: str) -> bool:
    """Return whether people would regard two apps as one: the same, one inside the other, or files in one folder."""
    if one.endswith(".py") and other.endswith(".py"):
        return os.path.dirname(one) == os.path.dirname(other)
    return one == other or any(
        inner.startswith(outer + separator)
        for inner, outer in ((one, other), (other, one))
        for separator in ("/", os.sep)
    )

"""All tasks of a project, by name: the tasks that a worker which loads every module would have registered."""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.binding.values import Invoke, Ref
from flake8_celery_tasks.catalog.task_options import BUILTIN_TASKS
from flake8_celery_tasks.celery_model import definitions as celery_model_definitions
from flake8_celery_tasks.celery_model.decorators import CLASS_TASK, OPAQUE
from flake8_celery_tasks.celery_model.definitions import (
    are_apart,
    are_together,
    by_position,
    definition_of,
    has_own_names,
    is_no_task,
    is_registered,
    made_by,
    name_of,
    registers,
)
from flake8_celery_tasks.core import errors, spelling
from flake8_celery_tasks.core.memo import lazy_pattern, query
from flake8_celery_tasks.core.text import encoded
from flake8_celery_tasks.resolution.evaluation import ANYTHING, Pattern, matches, pattern_of
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.workspace.marks import DEFINITIONS, MARKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.resolution.project import Project
    from flake8_celery_tasks.workspace.layout import Place


#: Folders for copies of third-party code: who loads their tasks, and under which names, is unknown.
VENDORED: Final = frozenset({"_vendor", "_vendored", "third_party", "thirdparty", "vendor", "vendored"})

#: First parts of names that don't tell whose task it is: every other service has them too.
COMMON: Final = frozenset(
    {"__main__", "app", "celery", "celery_app", "jobs", "main", "project", "src", "task", "tasks", "worker", "workers"}
)

#: A name shorter than this may differ from the intended one by one letter only, unless there is other evidence.
_LONG: Final = 16

#: How many tasks of one name are looked at: more are alternatives, or one of these is a rival of them all.
_RIVALS: Final = 50
#: A word shorter than this is not evidence when it matches the end of a name.
_SHORT: Final = 6

#: Patterns for files that can't be parsed: may they define tasks, with names that are computed? Longer names and lists
#: of bases are not worth the time.
_DEFINES: Final = lazy_pattern(rb"@[\w.]{0,200}(?:task|job)|register_task|\([\w., ]{0,300}Task\b", re.IGNORECASE)
_DECORATED: Final = lazy_pattern(rb"@[\w.]{0,200}(?:task|job)\w{0,200}\(\s*[a-z_]\w*\s*[,)]", re.IGNORECASE)
_CALLED: Final = lazy_pattern(rb"(?<!send_)(?:task|job)\w{0,200}\(", re.IGNORECASE)
_REGISTERED: Final = lazy_pattern(rb"register_task|\([\w., ]{0,300}Task\b[^)]{0,300}\):", re.IGNORECASE)
_NAMED: Final = lazy_pattern(rb"\bname\s*=\s*[^'\"\s=]", re.IGNORECASE)
_DEFINITION: Final = lazy_pattern(rb"\b(?:def|class)\b", re.IGNORECASE)

#: With more partly known names than this, any name may be one of them.
_PATTERNS: Final = 1000

#: Code that gives something a name, and how far before it to look for a call that only sends a task of that name.
_GIVES: Final = lazy_pattern(rb"""\bname\s*[=:]\s*\w?(?:"([^"\n]*)"|'([^'\n]*)')""")
_BEFORE: Final = 200


class Unnamed(NamedTuple):
    """A definition whose name is unknown, and what its name may be.

    `names` are possible names, `patterns` the known parts of others, `starts` first parts; an empty start matches any
    name.
    """

    definition: Definition
    names: frozenset[str]
    patterns: tuple[Pattern, ...]
    starts: frozenset[str]

    def may_have(self, name: str) -> bool:
        """Return whether the task may have a name."""
        decorator = self.definition.decorator
        if decorator.spread and decorator.form != OPAQUE and "name" not in decorator.keywords:
            return True  # a spread that can't be resolved may contain any name
        if name in self.names or not self.starts.isdisjoint(("", name.partition(".")[0])):
            return True
        return any(matches(pattern, name) for pattern in self.patterns)


class Index:
    """The tasks of a project.

    `by_name` holds the definitions under each certain name. `possible` are names that some definition may have: those
    from decorators that can't be resolved, and automatic names of modules whose place in the import system is
    uncertain. `unread` are files that could contain definitions but can't be parsed.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.by_name: dict[str, list[Definition]] = {}
        self.possible: set[str] = set()
        self.unread: list[str] = []
        #: The definitions outside tests whose names are unknown, and the registrations that can't be resolved.
        self.unnamed: list[Unnamed] = []
        self.registering: list[tuple[Module, str]] = []
        #: First parts of the names that unresolved code may give; an empty one stands for all names.
        self.nameless: set[str] = set()
        self._patterns: set[Pattern] = set()  # partly known names
        self._owned: set[str] = set()
        self._registered: set[tuple[str, str]] = set()  # path and qualified name of classes
        self._imported: dict[str, bool] = {}
        for path, module in project.modules_of(project.files.holding(DEFINITIONS)):
            if module is None or project.files.disk.is_large(path):
                self.unread.append(path)
                continue
            try:
                self._add_all(module)
            except errors.CAUGHT as error:  # a bug costs this file, not every query about tasks
                project.failures[path] = errors.internal(error)
                self.unread.append(path)

    def _add_all(self, module: Module) -> None:
        for found in celery_model_definitions.definitions(self.project, module):
            self._add(found)
        for call in module.made():
            self._add_made(call, module)

    def _add_made(self, call: Invoke, module: Module) -> None:
        """Add the task that a call creates; for a class, record that it is registered."""
        found = made_by(self.project, call, module)
        if found is None:
            if registers(call) and not self.project.is_test(module):
                self.nameless.add("")
                made = call.args[0].func if call.args and isinstance(call.args[0], Invoke) else (*call.args, None)[0]
                what = made.path.rpartition(":")[2].rpartition(".")[2] if isinstance(made, Ref) else ""
                self.registering.append((module, what))
        elif found.decorator.form == CLASS_TASK:
            registered = found.module.place.path, found.symbol.qualname
            if registered not in self._registered and {"name", "run"}.isdisjoint(found.class_names):
                self._add(found)  # only this shows that a class that inherits `run` is a task
            self._registered.add(registered)
        else:
            self._add(found)

    def _add(self, found: Definition) -> None:
        name = name_of(self.project, found)
        module = found.module
        is_test = self.project.is_test(module)
        if name is not None and found.decorator.form != OPAQUE and not is_vendored(module.place):
            self.by_name.setdefault(name, []).append(found)
            if not is_test and "." in name:
                self._owned.add(name.partition(".")[0])
            return
        unnamed = _unnamed(self.project, found, name)
        self.possible.update(unnamed.names)
        self._patterns.update(unnamed.patterns)
        if not is_test:
            self._owned.add(module.place.name.partition(".")[0])
            self.nameless.update(unnamed.starts)
            if not is_vendored(module.place):
                self.unnamed.append(unnamed)

    # Queries about a name.

    @property
    def namespaces(self) -> frozenset[str]:
        """The first dotted parts of the names of the project's tasks, without those in tests."""
        return frozenset(self._owned)

    def has(self, name: str) -> bool:
        """Return whether some task has, or may have, a name."""
        return (
            name in self.by_name
            or name in self.possible
            or name in BUILTIN_TASKS
            or len(self._patterns) > _PATTERNS
            or any(matches(pattern, name) for pattern in self._patterns)
        )

    def definitions(self, name: str) -> list[Definition]:
        """Return the definitions of a name, without those in tests if there are others."""
        found = self.by_name.get(name, [])[:_RIVALS]
        return [item for item in found if not self.project.is_test(item.module)] or found

    def owns(self, name: str) -> bool:
        """Return whether the first part of a name is the project's own.

        A namespace package may be shared with other distributions: only the parts that exist in this project are its
        own.
        """
        parts = name.split(".")
        if len(parts) == 1 or parts[0] in COMMON or parts[0] not in self._owned:
            return False
        for end in range(1, len(parts)):
            path = self.project.layout.find(".".join(parts[:end]), self.project.layout.root)
            if path is None:
                return end == 1  # the names are unrelated to modules
            if path.endswith(".py"):
                return True
        return False

    def meant(self, name: str, origin: Module) -> str | None:
        """Return the name of the task that was probably meant, None if it is ambiguous or there is none."""
        real = self._name_of_alias(name, origin)
        if real is not None:
            return real if real != name else None
        match = self._words.close_match(name)
        if match is not None and _without_digits(match) != _without_digits(name):
            return match
        last = name.rpartition(".")[2]
        same = self._by_last_part.get(last, []) if self.owns(name) else self._ending(name)
        return same[0] if len(same) == 1 else None

    def _ending(self, name: str) -> list[str]:
        """Return the names of tasks outside tests that end in a name: `shop.tasks.bill` for `tasks.bill`.

        A short word is not evidence.
        """
        if _is_short(name):
            return []
        known = self._by_last_part.get(name.rpartition(".")[2], [])
        return [one for one in known if one.endswith(f".{name}") and self._is_outside_tests(one)]

    def _ends_uncertain(self, name: str) -> bool:
        """Return whether a name without a dot is the end of an automatic name whose first part is uncertain."""
        if "." in name or _is_short(name):
            return False
        return any(
            not one.patterns
            and one.definition.decorator.form != OPAQUE
            and any(x.endswith(f".{name}") for x in one.names)
            for one in self.unnamed
        )

    def _is_outside_tests(self, name: str) -> bool:
        return any(not self.project.is_test(one.module) for one in self.by_name[name])

    @cached_property
    def _words(self) -> spelling.Words:
        return spelling.Words(self.by_name)

    @cached_property
    def _by_last_part(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in self.by_name:
            found.setdefault(name.rpartition(".")[2], []).append(name)
        return found

    def is_unknown(self, name: str, origin: Module, *, closed: bool = False) -> bool:
        """Return whether a name is certainly meant for a task of the project that certainly does not exist.

        `closed` means that it is meant for one, whatever the name.
        """
        if self._is_unregistered(name):
            return True
        if self.has(name) or "" in self.nameless or name.partition(".")[0] in self.nameless:
            return False
        if not closed and not self.owns(name):
            match = self._words.close_match(name, 2 if len(name) >= _LONG else 1)
            is_close = match is not None and _without_digits(match) != _without_digits(name)
            if not is_close and not self._ending(name) and not self._ends_uncertain(name):
                return False
        return not (self._is_bound(name, origin) or self._may_be_hidden(name))

    def _is_unregistered(self, name: str) -> bool:
        """Return whether only classes have a name, and certainly none of them is registered."""
        found = [] if self.registering else self.by_name.get(name, [])[: _RIVALS + 1]
        places = {one.place[:2] for one in found if not is_registered(self.project, one)}
        return 0 < len(found) == len(places) <= _RIVALS and self._registered.isdisjoint(places)

    def is_unmatched(self, glob: str, others: Iterable[str] = ()) -> bool:
        """Return whether a glob is certainly meant for tasks of the project, but matches none, and no other name."""
        literal = glob.partition("*")[0]
        top = literal.partition(".")[0]
        if not (self.owns(glob) or self._globs_ending(glob)) or "" in self.nameless or top in self.nameless:
            return False
        if self._globbed.has_match(glob, self.possible, BUILTIN_TASKS, others):
            return False
        starts = [pattern[0] for pattern in self._patterns]
        if any(start.startswith(literal) or literal.startswith(start) for start in starts):
            return False
        hint = encoded(max(literal.split("."), key=len))
        for path in (*self._left_out, *self.project.files.holding(*MARKS)):
            text = self.project.files.read(path)
            if text is None or (hint in text and (path in self._left_out or self.project.module(path) is None)):
                return False
        return True

    def meant_by_glob(self, glob: str) -> str | None:
        """Return the glob probably meant by one that only matches the ends of names, None if it is ambiguous."""
        starts = {name.removesuffix(end) for name, end in self._globs_ending(glob)}
        if not starts or self.owns(glob):
            return None
        return f"{starts.pop()}{glob}" if len(starts) == 1 else f"*.{glob}"

    def _globs_ending(self, glob: str) -> list[tuple[str, str]]:
        """Return the names of tasks outside tests whose ends match a glob, with these ends."""
        if glob.startswith("*") or "." not in glob:
            return []
        return [(name, end) for name, end in self._globbed.ending(glob).items() if self._is_outside_tests(name)]

    @cached_property
    def _globbed(self) -> spelling.Globbed:
        return spelling.Globbed(self.by_name)

    def _name_of_alias(self, name: str, origin: Module) -> str | None:
        """Return the real name of the task that a name leads to, read as a module and a variable."""
        owner, _, last = name.rpartition(".")
        target = self.project.resolve(f"{owner}:{last}", origin) if owner else Target("")
        definition = definition_of(self.project, target)
        if definition is None or definition.decorator.form == OPAQUE:
            return None
        return name_of(self.project, definition)

    def _is_bound(self, name: str, origin: Module) -> bool:
        """Return whether a name is bound in a module of the project, so that it may be a task after all."""
        owner, _, last = name.rpartition(".")
        path = self.project.layout.find(owner, origin.place.root) if owner else None
        if path is None or not path.endswith(".py") or self._name_of_alias(name, origin) is not None:
            return False
        module = self.project.module(path)
        if module is None or module.dynamic:
            return True
        target = self.project.resolve(f"{owner}:{last}", origin)
        return not (target.lost or is_no_task(self.project, target))

    def _may_be_hidden(self, name: str) -> bool:
        """Return whether a file that can't be read, or is not part of the project, could give the name to a task."""
        return self.may_be_unread(name) or _may_hold(self._texts_left_out, name) or encoded(name) in self._given

    def may_be_unread(self, name: str, *, in_tests: bool = True) -> bool:
        """Return whether a file that can't be read could give a name to a task."""
        return _may_hold(self._unread_texts if in_tests else self._unread_texts_outside_tests, name)

    @cached_property
    def _unread_texts(self) -> list[bytes] | None:
        return _searchable(self.project, self.unread)

    @cached_property
    def _unread_texts_outside_tests(self) -> list[bytes] | None:
        layout = self.project.layout
        paths = [path for path in self.unread if not layout.is_test(layout.place(path))]
        texts = {path: self.project.files.read(path) for path in paths}
        return _searchable(
            self.project, [path for path, text in texts.items() if text is None or _DEFINES.search(text)]
        )

    @cached_property
    def _texts_left_out(self) -> list[bytes] | None:
        return _searchable(self.project, self._left_out)

    def given(self, name: str) -> set[str]:
        """Return the files in which something other than a known task, or a call of it, is given a name."""
        return self._given.get(encoded(name), set())

    @cached_property
    def _given(self) -> dict[bytes, set[str]]:
        found: dict[bytes, set[str]] = {}
        for path in self.project.files.holding(b"name"):
            text = self.project.files.read(path) or b""
            for match in _GIVES.finditer(text):
                before = text[max(0, match.start() - _BEFORE) : match.start()]
                if not before.rstrip().endswith(b"send_task("):
                    found.setdefault(match[1] or match[2], set()).add(path)
        return found

    @cached_property
    def _left_out(self) -> list[str]:
        """The files inside the root that may define tasks but are not part of the project."""
        texts = {path: self.project.files.read(path) for path in self.project.layout.left_out()}
        return [path for path, text in texts.items() if text is None or _DEFINES.search(text)]

    # Several tasks with one name.

    def rival(self, one: Definition, name: str) -> Definition | None:
        """Return the first other definition that would replace a task, or be replaced by it, in the same worker."""
        if is_vendored(one.module.place):
            return None
        for other in self.by_name.get(name, ())[:_RIVALS]:
            if (
                other.place != one.place
                and not self.project.is_test(other.module)
                and self._are_registered(one, other)
                and not are_apart(self.project, one, other)
                and are_together(one, other)
                and self.import_root(one.module.place) == self.import_root(other.module.place)
            ):
                return other
        return None

    def _are_registered(self, one: Definition, other: Definition) -> bool:
        classes = [found for found in (one, other) if found.decorator.form == CLASS_TASK]
        return all((found.module.place.path, found.symbol.qualname) in self._registered for found in classes)

    def import_root(self, place: Place) -> str:
        """Return the folder that a module is imported from.

        A folder without `__init__.py` from which other modules import is a namespace package.
        """
        if not place.certain and self._is_imported(place.name.partition(".")[0]):
            sources = reversed(self.project.layout.sources)
            return next((source for source in sources if place.root.startswith(source + os.sep)), place.root)
        return place.root

    def _is_imported(self, top: str) -> bool:
        """Return whether some file that may define tasks imports a top-level package."""
        if top not in self._imported:
            imported = re.compile(rb"^[ \t]*(?:from|import)[ \t]+" + re.escape(encoded(top)) + rb"\b", re.MULTILINE)
            paths = self.project.files.holding(*MARKS)
            self._imported[top] = any(imported.search(self.project.files.read(path) or b"") for path in paths)
        return self._imported[top]


def automatic_names(place: Place, qualname: str) -> Iterator[str]:
    """Yield the names that Celery may derive for a definition whose module name is uncertain."""
    parts = place.name.split(".")
    for start in range(len(parts)):
        yield ".".join([*parts[start:], qualname.rpartition(".")[2]])


def _unnamed(project: Project, found: Definition, name: str | None) -> Unnamed:
    """Return what is known about an uncertain name; `name` is the one that the definition gives."""
    given = found.decorator.keywords.get("name")
    positional = by_position(found)
    values = [*([] if given is None else [given]), *((value, found.module) for value in positional)]
    patterns = [pattern_of(project, value, module) for value, module in values]
    if found.decorator.form == OPAQUE or positional:
        known = any(pattern != ANYTHING for pattern in patterns)
    else:
        known = ANYTHING not in patterns
    top = found.module.place.name.partition(".")[0]
    starts = set()
    if has_own_names(project) and given is None:
        starts.add("")
    if not known:
        starts.add(top if given is None else "")
    elif found.decorator.form == CLASS_TASK and "name" in found.class_names and name is None:
        starts.add(top)
    names = {*automatic_names(found.module.place, found.symbol.qualname), *(() if name is None else (name,))}
    partly = tuple(pattern for pattern in patterns if pattern != ANYTHING)
    return Unnamed(found, frozenset(names), partly, frozenset(starts))


def is_vendored(place: Place) -> bool:
    """Return whether a module is in a folder for copies of third-party code."""
    return not VENDORED.isdisjoint(place.relative.split("/")[:-1])


def _computes(text: bytes) -> bool:
    """Return whether a text that can't be parsed may give tasks computed names."""
    if _DECORATED.search(text):
        return True
    registered = _REGISTERED.search(text)
    if registered is not None and _NAMED.search(text, registered.end()):
        return True
    for part in _DEFINITION.split(text):  # a call does not extend past the next definition
        called = _CALLED.search(part)
        if called is not None and _NAMED.search(part, called.end()):
            return True
    return False


def _searchable(project: Project, paths: Iterable[str]) -> list[bytes] | None:
    """Return the texts of files, None if one of them may give any name to a task."""
    texts = [project.files.read(path) for path in paths]
    found = [text for text in texts if text is not None and not _computes(text)]
    return found if len(found) == len(texts) else None


def _may_hold(texts: list[bytes] | None, name: str) -> bool:
    last = encoded(name.rpartition(".")[2])
    return texts is None or any(last in text for text in texts)


def _is_short(name: str) -> bool:
    """Return whether a name is a word that is not evidence for the task it is meant for."""
    return "." not in name and len(name) < _LONG and (len(name) < _SHORT or "_" not in name)


def _without_digits(name: str) -> str:
    return re.sub(r"\d", "", name)


@query()
def tasks_of(project: Project) -> Index:
    """Return the index of the project's tasks."""
    index = Index(project)
    if project.when_indexed is not None:
        project.when_indexed(project)
    return index

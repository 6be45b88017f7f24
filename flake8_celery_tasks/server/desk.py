"""The files that are open in the editor, and the projects around them, as they are with these files."""

from __future__ import annotations

import ast
import os
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.core.memo import Memo
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.engine.survey.inventory import SENDING
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.resolution.modules import parse_text
from flake8_celery_tasks.resolution.overlay import Edited
from flake8_celery_tasks.server.homes import Home, folder_of
from flake8_celery_tasks.server.settings import Settings
from flake8_celery_tasks.server.tasks import all_definitions, decoded, uses_in
from flake8_celery_tasks.server.text import UTF16, Text
from flake8_celery_tasks.workspace.cache import stamp
from flake8_celery_tasks.workspace.marks import MARKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.flake8_host.configuration import Configuration
    from flake8_celery_tasks.resolution.project import Project
    from flake8_celery_tasks.server.tasks import Key, Use

#: The name of a file that is not saved anywhere.
UNTITLED = "stdin"

#: Texts that may name a task without sending it.
_NAMING = (b"route", b"ROUTE", b"annotations", b"ANNOTATIONS", b".tasks[")


class Unwanted(BaseException):
    """Raised when nobody waits for the answer: not an Exception, so that no handler of errors catches it."""


class Buffer(NamedTuple):
    """A file as the editor has it."""

    uri: str
    path: str
    text: Text
    version: int | None = None


class Sight(Memo):
    """A project with the contents of all open files, until something changes."""

    def __init__(self, project: Edited, home: Home, configuration: Configuration, known: dict[str, list[Use]]) -> None:
        super().__init__()
        self.project = project
        self.home = home
        self.configuration = configuration
        self._known = known  # the uses found in files on disk
        self._facts: dict[str, Facts | None] = {}
        self._uses: dict[str, list[Use]] = {}

    def text(self, path: str, encoding: str = UTF16) -> Text | None:
        """Return the text of a file, None where it can't be read."""
        held = self.project.texts.get(path)
        if held is not None:
            return Text(held, encoding)
        content = self.project.files.read(path)
        known = None if content is None else decoded(content)
        return None if known is None else Text(known, encoding)

    def facts(self, path: str) -> Facts | None:
        """Return the facts of an open file, None if it can't be parsed."""
        if path not in self._facts:
            module = self._module(path)
            self._facts[path] = None if module is None else Facts(self.project, module)
        return self._facts[path]

    def _module(self, path: str) -> Module | None:
        return self.project.module(path)

    def uses(self, path: str) -> list[Use]:
        """Return the uses of tasks in a file."""
        found = self._uses.get(path)
        if found is None:
            is_open = path in self.project.texts
            found = None if is_open else self._known.get(path)
            if found is None:
                found = self._find(path)
                if not is_open:
                    self._known[path] = found
            self._uses[path] = found
        return found

    def _find(self, path: str) -> list[Use]:
        text = self.text(path)
        module = None if text is None else self.project.module(path)
        if text is None or module is None:
            return []
        self.project.hold(module)
        facts = self.facts(path) if path in self.project.texts else Facts(self.project, module)
        return [] if facts is None else uses_in(facts, text)

    @cached_property
    def _paths(self) -> list[str]:
        return list(dict.fromkeys((*self.project.texts, *self.project.files.holding(*MARKS, *SENDING, *_NAMING))))

    def all_uses(self) -> Iterator[Use]:
        """Yield the uses of tasks in all files of the project."""
        for path in self._paths:
            yield from self.uses(path)

    def prepare(self) -> bool:
        """Analyse one more file ahead of further requests; return whether there was one."""
        for path in self._paths:
            if path not in self._uses and path not in self._known:
                self.uses(path)
                return True
        return False

    @cached_property
    def definitions(self) -> dict[Key, Definition]:
        """The definitions of the project by their keys."""
        return all_definitions(self.project)

    def called(self, name: str) -> list[Definition]:
        """Return the definitions with a name."""
        return tasks_of(self.project).definitions(name)


class Desk:
    """The open files and the projects. All belong to one thread, except `buffers`, which is passed to each call."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.settings = Settings()
        self.workspace: list[str] = []
        self.tell = tell
        #: Whether somebody waits for the answer being computed.
        self.is_wanted: Callable[[], bool] = lambda: True
        #: Called when a project is read of which nothing is cached.
        self.cold: Callable[[], None] = lambda: None
        self._crashed: list[str] = []
        self._failed: set[str] = set()
        self._saved: set[str] = set()
        self._homes: dict[str, Home] = {}
        self._sights: dict[str, tuple[Project, dict[str, Text], Sight]] = {}
        self._known: dict[str, tuple[Project, object, dict[str, list[Use]]]] = {}

    def check(self) -> None:
        """Raise Unwanted if nobody waits for the answer."""
        if not self.is_wanted():
            raise Unwanted

    def unwanted(self) -> None:
        """Drop incomplete results."""
        for _, _, sight in self._sights.values():
            sight.project.release()
        self._sights.clear()

    # Failures.

    def crashed(self, message: str) -> None:
        """Note that the linter itself has failed, so that answers are incomplete."""
        self._crashed.append(message)

    def recover(self) -> list[str]:
        """Drop what was learnt while the linter failed; return what failed, each once until files change.

        What fails again may fail each time: the project would be read again for each answer.
        """
        projects = {one: None for base, _, sight in self._sights.values() for one in (base, sight.project)}
        told = [f"{path}: {said}" for project in projects for path, said in project.failures.items()]
        new = [message for message in dict.fromkeys((*self._crashed, *told)) if message not in self._failed]
        self._crashed.clear()
        if new:
            known = self._failed
            self.forget()
            self._failed = {*known, *new}
        return new

    def save(self) -> None:
        """Save what was found out about the projects, once for each: the next start is faster."""
        for root, (base, _, _) in self._sights.items():
            if root not in self._saved and base.files.disk.is_searched:
                self._saved.add(root)
                base.save()

    def prepare(self) -> bool:
        """Analyse one more file ahead of further requests; return whether there was one."""
        return any(sight.prepare() for _, _, sight in self._sights.values())

    # Configuration.

    def configure(self, settings: Settings, workspace: list[str]) -> None:
        """Apply new settings, or new folders."""
        self.settings = settings
        self.workspace = workspace
        self.forget(configuration=True)

    def home(self, path: str) -> Home:
        """Return the configuration that applies to a file."""
        folder = folder_of(path, self.workspace)
        known = self._homes.get(folder)
        if known is None or not known.is_current:
            before = "" if known is None else known.error
            self.forget()
            known = self._homes[folder] = Home(folder, self.settings)
            if known.error and known.error != before:
                self.tell(known.error)
        return known

    def named(self) -> set[str]:
        """Return the files that configurations name."""
        return {path for home in self._homes.values() for path in home.named}

    def forget(self, *, configuration: bool = False) -> None:
        """Drop what was read from the projects, because files have changed."""
        for _, _, sight in self._sights.values():
            sight.project.release()
        self._sights.clear()
        self._known.clear()
        self._failed = set()
        if configuration:
            self._homes.clear()
        session.start_over()

    def changed_on_disk(self, paths: list[str], buffers: Mapping[str, Buffer]) -> None:
        """Handle files that have been created, changed or deleted."""
        if any(home.is_source(path) for home in self._homes.values() for path in paths):
            self._homes.clear()
        if any(path not in buffers or not os.path.exists(path) for path in paths):
            self.forget()

    def closed(self, path: str) -> None:
        """Handle a closed file: the file on disk applies again, and it may differ from the text that was read."""
        for base, _, _ in self._sights.values():
            if path in base.files.disk.stamps and stamp(path) != base.files.disk.stamps[path]:
                self.forget()
                return

    # Views of projects.

    def sight(self, path: str, buffers: Mapping[str, Buffer]) -> Sight | None:
        """Return the project of a file with the contents of all open files, None if its configuration is broken."""
        home = self.home(path)
        return None if home.configuration is None else self.seen(path, buffers, home, home.configuration)

    def seen(self, path: str, buffers: Mapping[str, Buffer], home: Home, configuration: Configuration) -> Sight:
        """Return the project of a file with the contents of all open files, using the file's configuration."""
        run = configuration.run
        base = session.project_of(path, run.options, run.excluded)
        files = _files(base)
        texts = {
            one: buffer.text
            for one, buffer in buffers.items()
            if one == path or one in files or (not os.path.exists(one) and self._belongs(one, base))
        }
        root = base.layout.root
        known = self._sights.get(root)
        if known is not None and known[0] is base and _are_same(known[1], texts):
            return known[2]
        if known is not None:
            known[2].project.release()
        if root not in self._saved and not os.path.exists(base.files.disk.cache.path):
            self.cold()
        edited = Edited(base, {one: text.text for one, text in texts.items()}, self.check)
        sight = Sight(edited, home, configuration, self._found(base, edited))
        self._sights[root] = base, texts, sight
        return sight

    def _belongs(self, path: str, base: Project) -> bool:
        around = os.path.join(base.layout.root, "")
        return path.startswith(around) and session.project_of(path, base.options, base.excluded) is base

    def _found(self, base: Project, edited: Edited) -> dict[str, list[Use]]:
        """Return the uses found in files on disk, as long as the open files' visible content is unchanged."""
        shape = {path: _shape(text) for path, text in edited.texts.items()}
        known = self._known.get(base.layout.root)
        if known is None or known[0] is not base or known[1] != shape:
            known = self._known[base.layout.root] = base, shape, {}
        return known[2]


def _are_same(one: dict[str, Text], other: dict[str, Text]) -> bool:
    return one.keys() == other.keys() and all(one[path] is other[path] for path in one)


def _files(base: Project) -> frozenset[str]:
    answers = base.answers
    if _files not in answers:
        answers[_files] = frozenset(base.layout.files())
    found: frozenset[str] = answers[_files]
    return found


@lru_cache(maxsize=64)
def _shape(text: str) -> str:
    """Return what other files can see of a text: everything but its function bodies and positions."""
    tree = parse_text(text)
    if tree is None:
        return text
    functions = list(_functions_visible(tree))
    bodies = [node.body for node in functions]
    for node in functions:
        node.body = []
    try:
        return ast.dump(tree)
    finally:
        for node, body in zip(functions, bodies, strict=True):
            node.body = body


def _functions_visible(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the functions that are not inside others."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node
        elif not isinstance(node, ast.expr):
            pending += ast.iter_child_nodes(node)

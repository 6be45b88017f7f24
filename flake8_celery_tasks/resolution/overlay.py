"""Projects in which one file, or several, hold other texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.module import Module
from flake8_celery_tasks.resolution.modules import parse
from flake8_celery_tasks.resolution.project import Project
from flake8_celery_tasks.workspace.files import Files, Held
from flake8_celery_tasks.workspace.source import Source

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Mapping


class Overlay(Project):
    """A project in which one file holds another text, to be opened: what other files say is taken from the project.

    Nothing that was concluded from several files is, but the answers of queries that are `shared`; nothing is saved.
    """

    def __init__(self, before: Project, path: str) -> None:
        super().__init__(
            Files(before.files.disk),
            before.options,
            before.excluded,
            bases_of_app=before.bases_of_app,
            own_marks=before.own_marks,
        )
        self.agreement = before.agreement
        self.before: Project = before
        self._path = path

    def module(self, path: str) -> Module | None:
        """Return the module of a file."""
        return self._modules[path] if path == self._path else self.before.module(path)


class Edited(Project):
    """A project in which several files hold other texts, as in an editor: other files are those of the project.

    `is_wanted` is asked before each file is looked into: it may raise what ends a question that nobody waits for.
    """

    def __init__(self, before: Project, texts: Mapping[str, str], is_wanted: Callable[[], None] = lambda: None) -> None:
        held = {path: text.encode("utf-8", "surrogatepass") for path, text in texts.items()}
        disk = Held(before.files.disk, held)
        super().__init__(
            Files(disk),
            before.options,
            before.excluded,
            bases_of_app=before.bases_of_app,
            own_marks=before.own_marks,
        )
        self.agreement = before.agreement
        self.before: Project = before
        self.texts = dict(texts)
        self._is_wanted = is_wanted

    def module(self, path: str) -> Module | None:
        """Return the module of a file."""
        self._is_wanted()
        text = self.texts.get(path)
        if text is None:
            return self.before.module(path)
        if path not in self._modules:
            tree = parse(text.encode("utf-8", "surrogatepass"))
            self._modules[path] = None if tree is None else self.made(path, Source.of(text), tree)
        return self._modules[path]

    def made(self, path: str, source: Source, tree: ast.Module) -> Module:
        """Return the module of one of the texts."""
        module = Module(self.layout.place(path), source, tree, lambda: tree, is_from_disk=False)
        self._modules[path] = module
        return module

    def hold(self, module: Module) -> None:
        """Keep the tree of one more module."""
        super().hold(module)
        self.before.hold(module)

    def release(self) -> None:
        """Have the modules of the project forget what they were asked for this one, or for one that is based on it."""
        for module in self.before.modules_known():
            for asked in [asked for asked in module.answers if self._is_about(asked)]:
                del module.answers[asked]

    def _is_about(self, asked: object) -> bool:
        return isinstance(asked, tuple) and any(isinstance(part, Project) and part is not self.before for part in asked)

"""Projects in which one or more files have different text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.module import Module
from flake8_celery_tasks.resolution.modules import parse_text
from flake8_celery_tasks.resolution.project import Project
from flake8_celery_tasks.workspace.files import Files, Held
from flake8_celery_tasks.workspace.source import Source

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Mapping


class Overlay(Project):
    """A project in which one opened file has different text; what other files contain comes from the project.

    Conclusions drawn from several files are not taken over, except for the answers of `shared` queries. Nothing is
    saved.
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
    """A project in which several files have different text, as in an editor; the other files are the project's.

    `is_wanted` is called before each file is read: it can raise an exception to end a query that nobody waits for.
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
            tree = parse_text(text)
            self._modules[path] = None if tree is None else self.made(path, Source.of(text), tree)
        return self._modules[path]

    def made(self, path: str, source: Source, tree: ast.Module) -> Module:
        """Return the module of one of the replaced texts."""
        module = Module(self.layout.place(path), source, tree, lambda: tree, is_from_disk=False)
        self._modules[path] = module
        return module

    def hold(self, module: Module) -> None:
        """Keep the tree of one more module."""
        super().hold(module)
        self.before.hold(module)

    def release(self) -> None:
        """Make the project's modules forget the answers that were computed for this project, or for one based on it."""
        for module in self.before.modules_known():
            for asked in [asked for asked in module.answers if self._is_about(asked)]:
                del module.answers[asked]

    def _is_about(self, asked: object) -> bool:
        return isinstance(asked, tuple) and any(isinstance(part, Project) and part is not self.before for part in asked)

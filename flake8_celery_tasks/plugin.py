"""flake8's face. It imports next to nothing: engine and rules come in with the first file that passes the gate."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

from flake8_celery_tasks import __version__, gate

if TYPE_CHECKING:
    import argparse
    import ast
    from collections.abc import Iterator, Sequence

    from flake8.options.manager import OptionManager

    from flake8_celery_tasks.options import Options


class Plugin:
    """The plugin that flake8 makes for each file."""

    name = "flake8-celery-tasks"
    version = __version__
    options: ClassVar[Options | None] = None
    excluded: ClassVar[tuple[str, ...]] = ()
    #: The prefixes of codes that switch opt-in rules on.
    opted: ClassVar[tuple[str, ...]] = ()
    marks: ClassVar[tuple[str, ...]] = gate.MARKS

    def __init__(self, tree: ast.Module, filename: str, lines: Sequence[str]) -> None:
        self.tree = tree
        self.filename = filename
        self.lines = lines

    @staticmethod
    def add_options(manager: OptionManager) -> None:
        """Tell flake8 of our options."""
        from flake8_celery_tasks import options

        options.add_to(manager)

    @classmethod
    def parse_options(cls, manager: OptionManager, namespace: argparse.Namespace, _args: object) -> None:
        """Take our options from flake8. A value that an option does not take is flake8's own usage error."""
        from flake8_celery_tasks import options

        try:
            chosen = options.from_namespace(namespace)
        except options.OptionError as error:
            manager.parser.error(str(error))
        cls.options = chosen
        cls.excluded = tuple(namespace.exclude or ())
        cls.opted = options.opted(namespace)
        cls.marks = gate.marks_of(chosen.celery_task_decorators)

    def run(self) -> Iterator[tuple[int, int, str, type[Any]]]:
        """Yield what is wrong in the file: line, column, text, and this class."""
        if not gate.passes("".join(self.lines), self.marks):
            return
        from flake8_celery_tasks import engine, project
        from flake8_celery_tasks.options import Options

        path = os.path.abspath(self.filename)
        known = project.project_of(path, self.options or Options(), self.excluded)
        module = known.open(path, self.lines, self.tree)
        for violation in engine.check(known, module, engine.wanted(self.opted)):
            yield violation.line, violation.column, f"{violation.code} {violation.text}", type(self)

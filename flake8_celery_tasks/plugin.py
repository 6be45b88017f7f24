"""flake8's face. It imports next to nothing: engine and rules come in with the first file that passes the gate."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, Any, ClassVar

from flake8_celery_tasks import __version__
from flake8_celery_tasks.workspace import gate

if TYPE_CHECKING:
    import argparse
    import ast
    from collections.abc import Iterator, Sequence

    from flake8.options.manager import OptionManager

    from flake8_celery_tasks.core.options import Options
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.engine.baseline import Baseline


class Plugin:
    """The plugin that flake8 makes for each file."""

    name = "flake8-celery-tasks"
    version = __version__
    options: ClassVar[Options | None] = None
    excluded: ClassVar[tuple[str, ...]] = ()
    #: The prefixes of codes that switch opt-in rules on.
    opted: ClassVar[tuple[str, ...]] = ()
    marks: ClassVar[tuple[str, ...]] = gate.MARKS
    baseline: ClassVar[Baseline | None] = None

    def __init__(self, tree: ast.Module, filename: str, lines: Sequence[str]) -> None:
        self.tree = tree
        self.filename = filename
        self.lines = lines

    @staticmethod
    def add_options(manager: OptionManager) -> None:
        """Tell flake8 of our options."""
        from flake8_celery_tasks.core.options import add_to

        add_to(manager)

    @classmethod
    def parse_options(cls, manager: OptionManager, namespace: argparse.Namespace, _args: object) -> None:
        """Take our options from flake8. A value that an option does not take is flake8's own usage error."""
        from flake8_celery_tasks.core import options as core_options
        from flake8_celery_tasks.core.options import OptionError, from_namespace

        try:
            chosen = from_namespace(namespace)
        except OptionError as error:
            manager.parser.error(str(error))
        known = sys.modules.get("flake8_celery_tasks.engine.session")
        if known is not None:  # this process has run flake8 before, as an editor's does
            known.start_over()
        cls.options = chosen
        cls.excluded = (*(namespace.exclude or ()), *(namespace.extend_exclude or ()))
        cls.opted = core_options.opted(namespace, sys.argv[1:])
        cls.marks = gate.marks_of(chosen.celery_task_decorators)
        cls.baseline = None
        if chosen.celery_baseline:
            from flake8_celery_tasks.engine.baseline import BaselineError, load

            try:
                cls.baseline = load(chosen.celery_baseline)
            except BaselineError as error:
                manager.parser.error(f"argument --celery-baseline: {error}")

    def run(self) -> Iterator[tuple[int, int, str, type[Any]]]:
        """Yield what is wrong in the file and not known: line, column, text, and this class."""
        if not gate.passes("".join(self.lines), self.marks):
            return
        found = self.violations()
        if found and self.baseline is not None:
            from flake8_celery_tasks.engine import baseline as engine_baseline
            from flake8_celery_tasks.engine.baseline import identity

            scopes = engine_baseline.scopes(self.tree, {violation.line for violation in found})
            known = [identity(item.code, scopes.get(item.line, ""), item.text) for item in found]
            unknown = self.baseline.unknown(self.filename, known)
            found = [violation for violation, is_new in zip(found, unknown, strict=True) if is_new]
        for violation in found:
            yield violation.line, violation.column, f"{violation.code} {violation.text}", type(self)

    def violations(self) -> list[Violation]:
        """Return what is wrong in the file."""
        # To look for garbage among the nodes of many trees takes as long as to look for mistakes.
        was_on = gc.isenabled()
        gc.disable()
        try:
            return self._violations()
        finally:
            if was_on:
                gc.enable()

    def _violations(self) -> list[Violation]:
        from flake8_celery_tasks.core.options import Options
        from flake8_celery_tasks.engine import session

        path = os.path.abspath(self.filename)
        known = session.project_of(path, self.options or Options(), self.excluded)
        text = "".join(self.lines)
        results = known.results(self.opted)
        found = None if results is None else results.recall(path, text)
        if found is None:
            from flake8_celery_tasks.engine import judge, loader

            module = known.open(path, self.lines, self.tree)
            found = judge.check(known, module, loader.wanted(self.opted))
            known.close(module)
            if results is not None:
                results.note(path, text, found)
                session.save_at_exit()
        return found

"""The flake8 plugin. It imports next to nothing: engine and rules are loaded for the first file past the gate."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from flake8_celery_tasks import __version__
from flake8_celery_tasks.workspace import gate

if TYPE_CHECKING:
    import argparse
    import ast
    from collections.abc import Iterator, Sequence

    from flake8.options.manager import OptionManager

    from flake8_celery_tasks.engine.run import Run


class Plugin:
    """The plugin that flake8 instantiates for each file."""

    name = "flake8-celery-tasks"
    version = __version__
    #: The run that flake8's options describe; None before they are known.
    told: ClassVar[Run | None] = None

    def __init__(self, tree: ast.Module, filename: str, lines: Sequence[str]) -> None:
        self.tree = tree
        self.filename = filename
        self.lines = lines

    @staticmethod
    def add_options(manager: OptionManager) -> None:
        """Register our options with flake8."""
        from flake8_celery_tasks.core import options

        options.add_to(manager)

    @classmethod
    def parse_options(cls, manager: OptionManager, namespace: argparse.Namespace, _args: object) -> None:
        """Take our options from flake8. An invalid value becomes flake8's own usage error."""
        from flake8_celery_tasks.engine import run

        try:
            _check_keys(sys.argv[1:])
            cls.told = run.begin(namespace, sys.argv[1:])
        except ValueError as error:
            manager.parser.error(str(error))

    def run(self) -> Iterator[tuple[int, int, str, type[Any]]]:
        """Yield the new findings in the file: line, column, text, and this class."""
        text = "".join(self.lines)
        if self._is_foreign(text) or not (
            (gate.passes(text) if self.told is None else self.told.passes(self.filename, text))
            or self._uses_own_decorator(text)
        ):
            return
        from flake8_celery_tasks.engine.run import Run, collector_off

        with collector_off():
            from flake8_celery_tasks.engine.check import violations

            told = self.told or Run()
            found = violations(told, self.filename, self.lines, self.tree)
            if found and told.baseline is not None:
                found = told.baseline.new(self.filename, self.tree, found)
        for violation in found:
            yield violation.line, violation.column, f"{violation.code} {violation.text}", type(self)

    def _is_foreign(self, text: str) -> bool:
        """Return whether a text certainly has nothing to do with Celery: most files, so one search has to do."""
        own = gate.own.get(os.path.dirname(self.filename))
        return (
            own is not None
            and self.told is not None
            and not self.told.recorded
            and not gate.passes(text, (*self.told.marks, *own))
        )

    def _uses_own_decorator(self, text: str) -> bool:
        # Nothing is imported for files without Celery, and little is done for files in folders that are known.
        own = gate.own.get(os.path.dirname(self.filename))
        if not gate.passes(text, own) if own is not None else not (gate.own or gate.applied(text)):
            return False
        from flake8_celery_tasks.engine import concern
        from flake8_celery_tasks.engine.run import Run

        return concern.uses_own(self.told or Run(), self.filename, text)


def _check_keys(arguments: Sequence[str]) -> None:
    """Raise ValueError for a key in flake8's configuration that looks like one of our options: flake8 ignores it.

    flake8 does not tell plugins which files it has read. If that is unclear because a program with its own arguments
    has called it, nothing is reported.
    """
    from flake8.main.options import stage1_arg_parser
    from flake8.options.config import load_config

    from flake8_celery_tasks.core.options import misspelt

    parser = stage1_arg_parser()
    parser.error = _refuse  # type: ignore[method-assign] # else it ends the process
    try:
        given = parser.parse_known_args(arguments)[0]
        config = load_config(given.config, given.append_config, isolated=given.isolated)[0]
    except Exception:  # flake8 has reported it
        return
    for key in config["flake8"] if config.has_section("flake8") else ():
        if problem := misspelt(key):
            raise ValueError(f"configuration of flake8: {problem}")


def _refuse(message: str) -> NoReturn:
    raise ValueError(message)

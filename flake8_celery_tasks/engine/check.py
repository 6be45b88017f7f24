"""Checks one file: returns the cached findings, or runs the rules."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from flake8_celery_tasks.core import errors
from flake8_celery_tasks.core.violation import INTERNAL, Violation
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.engine.run import collector_off
from flake8_celery_tasks.workspace.source import Source

if TYPE_CHECKING:
    import ast
    from collections.abc import Sequence

    from flake8_celery_tasks.engine.run import Run
    from flake8_celery_tasks.engine.seen import Seen
    from flake8_celery_tasks.resolution.project import Project


def violations(
    run: Run, filename: str, lines: Sequence[str], tree: ast.Module, seen: list[Seen] | None = None
) -> list[Violation]:
    """Return the findings in a file, known or not, in source order; one report if the linter itself fails on it.

    The tasks and decorators that were checked are added to `seen`.
    """
    try:
        return found_in(run, filename, lines, tree, seen)
    except errors.CAUGHT as error:
        return [failed(errors.internal(error))]


def known_tree(run: Run, filename: str, lines: Sequence[str]) -> ast.Module | None:
    """Return the tree of a file's text, if it is in memory because a question about the project has needed it."""
    path = os.path.abspath(filename)
    with contextlib.suppress(*errors.CAUGHT):  # it will be reported for the file
        return session.project_of(path, run.options, run.excluded).tree_of(path, Source(lines))
    return None


def failed(text: str) -> Violation:
    """Return the report for a file that the linter fails on."""
    return Violation(1, 0, INTERNAL, text)


def found_in(
    run: Run, filename: str, lines: Sequence[str], tree: ast.Module, seen: list[Seen] | None = None
) -> list[Violation]:
    """Return the findings in a file, as `violations` does. Raises whatever the linter fails with."""
    path = os.path.abspath(filename)
    with collector_off():
        project = session.project_of(path, run.options, run.excluded)
        source = Source(lines)
        kept = None if run.codes else session.findings_of(project, run.opted)
        known = None if kept is None else kept.recall(path, source.text)
        if known is None:
            found, looked_at = _judged(run, project, path, source, tree)
            if path in project.failures:  # answers to other files' queries about it are unknown
                found.append(failed(project.failures[path]))
            elif kept is not None:
                kept.note(path, source.text, found, looked_at)
                session.save_at_exit()
        else:
            found, looked_at = known
        if seen is not None:
            seen.append(looked_at)
    return found


def _judged(run: Run, project: Project, path: str, source: Source, tree: ast.Module) -> tuple[list[Violation], Seen]:
    """Return what the rules say of a file, and what was looked at."""
    # The rules and facts are a third of what is imported: not for files whose findings are kept.
    from flake8_celery_tasks.engine import judge, loader
    from flake8_celery_tasks.engine.seen import seen_in

    module = project.open(path, source, tree)
    try:
        found = judge.check(project, module, loader.by_kind(run.opted, frozenset(run.codes)))
        looked_at = seen_in(project, module)
    except BaseException:
        with contextlib.suppress(*errors.CAUGHT):
            project.close(module)
        raise
    project.close(module)
    return found, looked_at

"""One file checked: what is kept of it, or else what the rules say."""

from __future__ import annotations

import contextlib
import gc
import os
from typing import TYPE_CHECKING

from flake8_celery_tasks.engine import judge, loader, session
from flake8_celery_tasks.workspace.source import Source

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator, Sequence

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.engine.run import Run


def violations(run: Run, filename: str, lines: Sequence[str], tree: ast.Module) -> list[Violation]:
    """Return what is wrong in a file, known or not, in source order."""
    path = os.path.abspath(filename)
    with collector_off():
        project = session.project_of(path, run.options, run.excluded)
        source = Source(lines)
        kept = None if run.codes else session.findings_of(project, run.opted)
        found = None if kept is None else kept.recall(path, source.text)
        if found is None:
            module = project.open(path, source, tree)
            rules = loader.wanted(run.opted)
            if run.codes:
                rules = tuple(rule for rule in rules if rule.code in run.codes)
            found = judge.check(project, module, rules)
            project.close(module)
            if kept is not None:
                kept.note(path, source.text, found)
                session.save_at_exit()
    return found


@contextlib.contextmanager
def collector_off() -> Iterator[None]:
    """Leave the garbage be: to look for it among the nodes of many trees takes as long as everything else."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()

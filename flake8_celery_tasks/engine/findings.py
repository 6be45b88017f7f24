"""What was found in one file, and how findings are told apart."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from flake8_celery_tasks.engine import baseline
from flake8_celery_tasks.engine.seen import Total
from flake8_celery_tasks.workspace import folders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flake8.statistics import Statistics
    from flake8.violation import Violation

    from flake8_celery_tasks.edits.edit import Remedy


class Finding(NamedTuple):
    """One report: line and column from 1. `scope` is the definition that it is in, `number` counts equal ones."""

    path: str
    line: int
    column: int
    code: str
    text: str
    scope: str
    number: int = 0


class Outcome(NamedTuple):
    """What a run has found: what is reported, as flake8 keeps it and as we do, and the files that it looked at."""

    violations: list[Violation]
    statistics: Statistics
    findings: list[Finding]
    files: list[str]
    #: How to fix them, where that was asked for.
    remedies: dict[Finding, Remedy]
    #: The files that could not be parsed.
    unparsed: Sequence[str] = ()
    #: The tasks that were looked at, and decorators that are not recognised.
    seen: Total = Total()


def fingerprint(finding: Finding) -> str:
    """Return a digest that stays the same when lines move, and is no other finding's."""
    import hashlib

    path = os.path.abspath(finding.path)
    root = folders.find_root(os.path.dirname(path)) or os.getcwd()
    code, scope, text = baseline.identity(finding.code, finding.scope, finding.text)
    parts = (baseline.relative(path, root), code, scope, text, str(finding.number))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()

"""The findings of one file, and how to tell findings apart."""

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
    """One report; line and column start at 1. `scope` is the enclosing definition, `number` tells equal ones apart."""

    path: str
    line: int
    column: int
    code: str
    text: str
    scope: str
    number: int = 0


class Outcome(NamedTuple):
    """The result of a run: the reports, in flake8's form and in ours, and the files that were checked."""

    violations: list[Violation]
    statistics: Statistics
    findings: list[Finding]
    files: list[str]
    #: How to fix them, if that was requested.
    remedies: dict[Finding, Remedy]
    #: The files that could not be parsed.
    unparsed: Sequence[str] = ()
    #: The files of which nothing is known: those, files that could not be read, and files that the linter fails on.
    unknown: Sequence[str] = ()
    #: The tasks that were checked, and decorators that are not recognised.
    seen: Total = Total()


def fingerprint(finding: Finding) -> str:
    """Return a digest that is unique to a finding and does not change when lines move."""
    import hashlib

    path = os.path.abspath(finding.path)
    root = folders.find_root(os.path.dirname(path)) or os.getcwd()
    code, scope, text = baseline.identity(finding.code, finding.scope, finding.text)
    parts = (baseline.relative(path, root), code, scope, text, str(finding.number))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()

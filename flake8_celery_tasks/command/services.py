"""Runs over several projects, each with its own configuration."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from flake8.statistics import Statistics

from flake8_celery_tasks.command import check, pool
from flake8_celery_tasks.core.violation import UNUSED
from flake8_celery_tasks.engine import baseline
from flake8_celery_tasks.engine.findings import Outcome
from flake8_celery_tasks.engine.seen import Total
from flake8_celery_tasks.flake8_host.configuration import find_table
from flake8_celery_tasks.flake8_host.files import passing as gated

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from flake8_celery_tasks.core.options import Options
    from flake8_celery_tasks.engine.baseline import Entry
    from flake8_celery_tasks.fixer.files import Proposal
    from flake8_celery_tasks.fixer.rounds import Order
    from flake8_celery_tasks.flake8_host.configuration import Configuration
    from flake8_celery_tasks.flake8_host.parts import Part


class Homes:
    """Finds the configuration that applies to a folder."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._base = parts[0].configuration
        self._by_table = {part.table: part.configuration for part in parts}
        self._known: dict[str, str] = {}

    def of(self, folder: str) -> Configuration:
        """Return the configuration of a folder: that of the part for its nearest table."""
        return self._by_table.get(find_table(folder, self._known), self._base)

    def options_of(self, root: str) -> tuple[Options, tuple[str, ...]]:
        """Return the options and excluded patterns of the project with a root."""
        run = self.of(root).run
        return run.options, run.excluded


def no_fixes(_configuration: Configuration) -> None:
    """Return the fixes to look for: none."""


def grouped(homes: Homes, folder: str, names: Iterable[str]) -> list[tuple[Configuration, list[str]]]:
    """Return some files by the configurations that apply to them, that of a folder first, even if it has no files."""
    found: dict[int, tuple[Configuration, list[str]]] = {}
    first = homes.of(folder)
    found[id(first)] = (first, [])
    for name in names:
        configuration = homes.of(os.path.dirname(name))
        found.setdefault(id(configuration), (configuration, []))[1].append(name)
    return list(found.values())


def outcomes(
    parts: Sequence[Part], order_of: Callable[[Configuration], Order | None], *, unused_noqa: bool = False
) -> list[Outcome]:
    """Return the findings of each part; `order_of` returns the fixes to look for, None for none."""
    found = []
    for configuration, names, _ in parts:
        checked = check.check(configuration, names)
        if unused_noqa or UNUSED in configuration.run.opted:
            from flake8_celery_tasks.command import noqa

            checked = noqa.unused(configuration, checked, names)
            configuration = noqa.with_unused(configuration)
        found.append(check.decided(configuration, checked, names, order_of(configuration)))
    return found


def joined(found: Sequence[Outcome]) -> Outcome:
    """Return the findings of all parts, in flake8's order of files."""
    if len(found) == 1:
        return found[0]
    violations = sorted((item for one in found for item in one.violations), key=lambda item: item.filename)
    statistics = Statistics()
    for violation in violations:
        statistics.record(violation)
    findings = sorted((item for one in found for item in one.findings), key=lambda item: item.path)
    files = [name for one in found for name in one.files]
    remedies = {finding: remedy for one in found for finding, remedy in one.remedies.items()}
    unparsed = [name for one in found for name in one.unparsed]
    unknown = [name for one in found for name in one.unknown]
    return Outcome(violations, statistics, findings, files, remedies, unparsed, unknown, _seen(found))


def _seen(found: Sequence[Outcome]) -> Total:
    """Return what was checked in all parts, with the first decorator that is not recognised."""
    parts = [one.seen for one in found]
    unknown = sorted((not part.name, part.place, part.name) for part in parts if part.unknown)
    _, place, name = unknown[0] if unknown else (True, "", "")
    return Total(
        sum(part.tasks for part in parts),
        sum(part.files for part in parts),
        sum(part.unknown for part in parts),
        place,
        name,
    )


def prune_baselines(parts: Sequence[Part], found: Sequence[Outcome]) -> Iterator[Entry]:
    """Remove entries from each part's baseline that it no longer found; yield them. Raises UsageError."""
    seen: set[str] = set()
    for (configuration, *_), outcome in zip(parts, found, strict=True):
        listed = configuration.run.baseline
        if listed is None:
            continue
        if listed.path in seen:  # of another part, which may have removed some
            listed.known = baseline.load(listed.path).known
        seen.add(listed.path)
        yield from check.prune_baseline(outcome, configuration.run)


def passing(parts: Sequence[Part], is_left: Callable[[str], bool]) -> list[Part]:
    """Return the parts with those of their files that pass the gate and are not to be skipped."""
    return [
        part._replace(names=[name for name in gated(part.names, part.configuration.run) if not is_left(name)])
        for part in parts
    ]


def proposals(
    parts: Sequence[Part],
    order_of: Callable[[Configuration], Order],
    _work: Callable[[str], Proposal],
    names: Collection[str],
) -> Iterator[Proposal]:
    """Yield the proposed fixes for some files, each by the configuration of its part, whatever the work is."""
    from flake8_celery_tasks.fixer.files import propose

    wanted = set(names)
    for configuration, some, _ in parts:
        work = partial(propose, order=order_of(configuration))
        yield from pool.spread(work, [name for name in some if name in wanted], configuration, pool.FEW)

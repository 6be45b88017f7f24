"""The regions of a text that edits affect."""

from __future__ import annotations

import ast
import bisect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flake8_celery_tasks.workspace.source import Source


class Regions:
    """The functions of a module, and the statements outside of them: the scope of an edit's effect."""

    def __init__(self, text: Source, tree: ast.Module) -> None:
        nodes = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
        spans = sorted((text.start(node), -text.end(node)) for node in (*tree.body, *nodes))
        self._starts: list[int] = []
        self._regions: list[int] = []  # the region that follows each start
        around = [(len(text.text) + 1, -1)]
        for region, (start, end) in enumerate((*spans, (len(text.text), 0))):
            while around[-1][0] <= start:
                self._begin(around.pop()[0], around[-1][1])
            self._begin(start, region)
            around.append((-end, region))

    def _begin(self, start: int, region: int) -> None:
        self._starts.append(start)
        self._regions.append(region)

    def at(self, offset: int) -> int:
        """Return the number of the innermost region around an offset, -1 where there is none."""
        index = bisect.bisect_right(self._starts, offset)
        return self._regions[index - 1] if index else -1

"""Time single steps of the plugin. run.py runs this in an environment that has flake8 and one plugin; prints JSON.

micro.py file           the plugin on a file that has nothing to do with Celery
micro.py import         importing the plugin's module where flake8 is imported already
micro.py parts FILE...  gate, collect, link and rules on the files that pass the gate
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import importlib.metadata
import inspect
import json
import pkgutil
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import flake8.utils
from flake8.options.parse_args import parse_args
from flake8.processor import FileProcessor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flake8.plugins.finder import LoadedPlugin

NOT_OURS = {"flake8", "mccabe", "pyflakes", "pycodestyle"}
PACKAGE = "flake8_celery_tasks"
REST = "the rest"
PARSE = "to compare: ast.parse"
#: Part, module, function or method. Whatever is not there is left out.
PARTS = (
    ("gate", "gate", "passes"),
    ("collect", "collect", "collect"),
    ("link", "link", "Facts.of"),
    ("rules", "engine", "check"),
    ("parse other files", "project", "parse"),
)
IMPORT = """
import importlib, sys, time
import flake8.checker, flake8.main.cli, flake8.plugins.pycodestyle, flake8.plugins.pyflakes
before = set(sys.modules)
start = time.perf_counter_ns()
importlib.import_module(sys.argv[1])
spent = time.perf_counter_ns() - start
new = set(sys.modules) - before
flake8.options.parse_args.parse_args(["--isolated"])
print(spent)
print(*sorted(new))
print(*sorted(set(sys.modules) - before - new))
"""


def plugin_module() -> str:
    """Find the module of the one plugin that is not flake8's own."""
    for point in importlib.metadata.entry_points(group="flake8.extension"):
        if point.dist is not None and point.dist.name not in NOT_OURS:
            return point.value.partition(":")[0]
    sys.exit("no plugin here")


class Checks:
    """The plugin, loaded and given its options by flake8."""

    def __init__(self) -> None:
        plugins, self.options = parse_args(["--isolated"])
        self.plugins: list[LoadedPlugin] = [
            plugin for plugin in plugins.checkers.tree if plugin.plugin.package not in NOT_OURS
        ]

    def prepare(self, path: str) -> Callable[[], int]:
        """Give what flake8 does with a file's tree and this plugin, as a function of nothing."""
        processor = FileProcessor(path, self.options)
        tree = processor.build_ast()
        prepared = [
            (plugin.obj, {"tree": tree, **processor.keyword_arguments_for(plugin.parameters, {"tree": tree})})
            for plugin in self.plugins
        ]

        def check() -> int:
            return sum(sum(1 for _ in plugin(**arguments).run()) for plugin, arguments in prepared)

        return check


def timed(check: Callable[[], int]) -> int:
    start = perf_counter_ns()
    check()
    return perf_counter_ns() - start


def one_file() -> dict[str, Any]:
    """Time the plugin on one of flake8's own files, which is the same in every environment."""
    path = flake8.utils.__file__
    checks = Checks()
    first = timed(checks.prepare(path))
    times: list[int] = []
    until = perf_counter_ns() + 5_000_000_000
    while len(times) < 2000 and (perf_counter_ns() < until or len(times) < 50):
        check = checks.prepare(path)  # a new tree, so that nothing can be remembered by it
        times += [timed(check) for _ in range(10)]
    return {
        "file": "flake8/utils.py",
        "lines": len(Path(path).read_text("utf-8").splitlines()),
        "runs": len(times),
        "median_ms": statistics.median(times) / 1e6,
        "min_ms": min(times) / 1e6,
        "first_ms": first / 1e6,
    }


def import_time() -> dict[str, Any]:
    """Import the plugin in fresh interpreters; the first does not count."""
    module = plugin_module()
    command = [sys.executable, "-c", IMPORT, module]
    outputs = [
        subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines() for _ in range(12)
    ]
    new, later = (line.split() for line in outputs[-1][1:])
    package = module.partition(".")[0]
    return {
        "module": module,
        "ms": [int(output[0]) / 1e6 for output in outputs[1:]],
        "ours": [name for name in new if name.partition(".")[0] == package],
        "others": [name for name in new if name.partition(".")[0] != package],
        "later": [name for name in later if name.partition(".")[0] == package],
        "unwanted": [
            name for name in (*new, *later) if name.partition(".")[0] == "libcst" or name.startswith(f"{PACKAGE}.rules")
        ],
    }


class Stopwatch:
    """Time of functions without the time of the measured functions that they call."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self._inner: list[int] = []

    def measure(self, label: str, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        """Call the function and count its time under the label."""
        self._inner.append(0)
        start = perf_counter_ns()
        try:
            return function(*arguments, **keywords)
        finally:
            passed = perf_counter_ns() - start
            self.spent[label] += passed - self._inner.pop()
            if self._inner:
                self._inner[-1] += passed

    def watch(self, label: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function; of a generator, every step is measured."""

        @functools.wraps(function)
        def watched(*arguments: Any, **keywords: Any) -> Any:
            result = self.measure(label, function, *arguments, **keywords)
            return self.steps(label, result) if inspect.isgenerator(result) else result

        return watched

    def steps(self, label: str, generator: Iterator[Any]) -> Iterator[Any]:
        """Hand on what a generator makes and count the time of its steps."""
        end = object()
        while (item := self.measure(label, next, generator, end)) is not end:
            yield item


def import_all() -> None:
    """Import what the package imports at need, so that no file is charged with it."""
    package = importlib.import_module(PACKAGE)
    for module in pkgutil.walk_packages(package.__path__, f"{PACKAGE}."):
        if not module.name.endswith("__main__"):
            with contextlib.suppress(ImportError):  # of something optional
                importlib.import_module(module.name)


def watch_parts(stopwatch: Stopwatch) -> list[str]:
    """Put the stopwatch around the parts, wherever they are imported; return what is missing."""
    notes = []
    for label, module, name in PARTS:
        owner: Any = sys.modules.get(f"{PACKAGE}.{module}")
        *outer, last = name.split(".")
        for part in outer:
            owner = getattr(owner, part, None)
        function = getattr(owner, last, None)
        if not inspect.isfunction(function):
            notes.append(f"- {label}: skipped, there is no {PACKAGE}.{module}.{name}")
            continue
        wrapped = stopwatch.watch(label, function)
        setattr(owner, last, wrapped)
        for loaded in [loaded for key, loaded in sys.modules.items() if key.partition(".")[0] == PACKAGE]:
            for attribute, value in list(vars(loaded).items()):
                if value is function:
                    setattr(loaded, attribute, wrapped)
    return notes


def parts(paths: list[str]) -> dict[str, Any]:
    """Time the parts on each of the files, twice: what is kept from the first time is there the second time."""
    stopwatch = Stopwatch()
    checks = Checks()
    if plugin_module().partition(".")[0] != PACKAGE:
        notes = ["- parts: skipped, this is another plugin"]
    else:
        import_all()
        notes = watch_parts(stopwatch)
    passes: list[dict[str, list[int]]] = [{}, {}]
    passed = unreadable = 0
    for spent in passes:
        for path in paths:
            try:
                check = checks.prepare(path)
            except SyntaxError:
                unreadable += spent is passes[1]
                continue
            stopwatch.spent.clear()
            stopwatch.measure(REST, check)
            passed += spent is passes[1] and not {REST, "gate"}.issuperset(stopwatch.spent)
            stopwatch.measure(PARSE, ast.parse, Path(path).read_bytes())
            for label, nanoseconds in stopwatch.spent.items():
                spent.setdefault(label, []).append(nanoseconds)
    if unreadable:
        notes.append(f"- {unreadable} files could not be read by this Python")
    order = [*(label for label, _, _ in PARTS), REST, PARSE]
    return {
        "files": len(paths),
        "passed": passed,
        "parts": {
            label: [
                {"ms": statistics.mean(spent.get(label, [0])) / 1e6, "files": len(spent.get(label, []))}
                for spent in passes
            ]
            for label in order
            if label in passes[0] or label in passes[1]
        },
        "notes": notes,
    }


def main(arguments: list[str]) -> None:
    if arguments == ["file"]:
        result = one_file()
    elif arguments == ["import"]:
        result = import_time()
    elif arguments[:1] == ["parts"] and arguments[1:]:
        result = parts(arguments[1:])
    else:
        sys.exit(__doc__)
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])

"""The pages of the rules on a stage: their bad examples as modules, and all that Celery says while they run."""

from __future__ import annotations

import ast
import importlib
import inspect
import logging
import re
import sys
import traceback
import warnings
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from celery import Task
from celery.signals import before_task_publish

from flake8_celery_tasks.engine import loader
from flake8_celery_tasks.pages import examples
from tests.helpers import write

from .lab import celery_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

    from .lab import Lab

#: What helpers of the shop do that an example imports and does not show; all others return None.
HELPERS = {
    "shop.web.download": "raise ConnectionError('refused')",
    "shop.payments.charge_once": "raise ValueError('no such card')",
}


#: What is sent to a task, and what is given to a function, by the name of the parameter.
SENT = {"": 1, "url": "https://example.com/rates", "urls": []}
GIVEN = {**SENT, "": SimpleNamespace(pk=1, number=1, save=list, close=list)}

RULES = loader.rules()


def page_of(text: str) -> dict[str, examples.Section]:
    """The sections of a page by their titles."""
    return {section.title: section for section in examples.sections(text)}


#: The sections of all pages, by code and title.
PAGES = {rule.code: page_of(inspect.getdoc(type(rule)) or "") for rule in RULES}


def fences(code: str, language: str) -> list[str]:
    """What a page shows of a language where it says what happens."""
    return [fence.text for fence in PAGES[code]["What happens"].fences if fence.language == language]


def stands_in(quote: str, text: str) -> bool:
    """Whether the lines of a quote stand in a text in their order; `...` is whatever stands there on the line."""
    lines = [".*?".join(map(re.escape, line.strip().split("..."))) for line in quote.splitlines() if line.strip()]
    return re.search(r"(?s:.*?)".join(lines), text) is not None


def unsaid(code: str, text: str) -> list[str]:
    """What a page quotes and a text does not hold. Older versions of Celery are not quoted."""
    return [quote for quote in fences(code, "text") if celery_version() >= (5, 7) and not stands_in(quote, text)]


def looked_for(sources: Iterable[str] = ()) -> set[str]:
    """The codes of the pages whose quotes truth tests look for themselves, by `unsaid("CLY301", ...)`."""
    files = sorted(Path(__file__).parent.glob("test_*.py"))
    trees = [ast.parse(source) for source in sources or (path.read_text(encoding="utf-8") for path in files)]
    return {
        node.args[0].value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "unsaid" and isinstance(node.args[0], ast.Constant)
    }


def module_name(path: str) -> str:
    """The dotted name of a file below the folder that stands on the path."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def arguments_for(function: Callable[..., Any], known: dict[str, Any]) -> list[Any]:
    """What can be given to a function for its parameters without a default."""
    return [
        known.get(name, known[""])
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]


class Stage:
    """One page: its bad examples can be imported, and what they make Celery say is heard."""

    def __init__(self, lab: Lab, code: str) -> None:
        self.lab = lab
        self.cases = examples.cases(PAGES[code]["Bad"])
        self.good_cases = examples.cases(PAGES[code]["Good"])
        self.helpers = dict(HELPERS)
        #: Further files of the project.
        self.files: dict[str, str] = {}
        self._heard: list[str] = []
        self._warned: list[warnings.WarningMessage] = []

    def __enter__(self) -> Stage:
        self._warnings = warnings.catch_warnings(record=True)
        self._warned = self._warnings.__enter__()
        warnings.simplefilter("always")
        self.lab.monkeypatch.syspath_prepend(self.lab.tmp_path)
        return self

    def __exit__(self, *_: object) -> None:
        self._warnings.__exit__(None, None, None)
        self.forget()

    def show(self, number: int = 0, *, good: bool = False) -> ModuleType:
        """Write a case's files, and the helpers that they import; returns the module of the first one."""
        self.forget()
        files = {**(self.good_cases if good else self.cases)[number].files, **self.files}
        write(self.lab.tmp_path, {**files, **self._helping(files)})
        importlib.invalidate_caches()
        return self.module(module_name(next(iter(files))))

    def next(self, number: int) -> ModuleType:
        """Show another case, in a process that knows nothing of the one before."""
        self.lab.stop()
        self.lab.restart()
        return self.show(number)

    def module(self, name: str) -> ModuleType:
        """Import a module that has been written."""
        __import__(name)
        return sys.modules[name]

    def play(self) -> None:
        """Run the bad examples: import their files, send their tasks, call their functions, and let a worker work."""
        for number, case in enumerate(self.cases):
            self.hear(self.next, number)
            for path in case.files:
                if path.endswith(".py"):
                    self.hear(self._run, module_name(path))
            self.hear(self.work)

    def _run(self, name: str) -> None:
        """Send each task that a module defines, and call each other function."""
        for value in list(vars(self.module(name)).values()):
            if getattr(value, "__module__", "") != name:
                continue
            if isinstance(value, Task):
                self.hear(value.delay, *arguments_for(value.run, SENT))
            elif isinstance(value, FunctionType):
                self.hear(value, *arguments_for(value, GIVEN))

    def hear(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call something, and note what it raises."""
        try:
            return call(*args, **kwargs)
        except Exception as error:
            self._heard += traceback.format_exception_only(error)

    def work(self) -> None:
        """Let a worker do what there is to do."""
        self.lab.work()

    @contextmanager
    def late(self) -> Iterator[None]:
        """What is sent arrives when it has expired."""

        def expire(headers: dict[str, Any], **info: Any) -> None:
            headers["expires"] = headers["expires"] and "2001-01-01T00:00:00+00:00"

        before_task_publish.connect(expire, weak=False)
        try:
            yield
        finally:
            before_task_publish.disconnect(expire)

    @property
    def said(self) -> str:
        """All that was logged, raised or warned of."""
        warned = [f"{warning.category.__name__}: {warning.message}" for warning in self._warned]
        return "\n".join([self.lab.log, *self._heard, *warned])

    @property
    def complaints(self) -> list[str]:
        """What Celery itself has logged that is worth a look, what was raised, and the warnings that Python shows."""
        logged = [
            record.getMessage()
            for record in self.lab.caplog.records
            if record.levelno >= logging.WARNING and record.name.startswith("celery")
        ]
        shown = [warning for warning in self._warned if not issubclass(warning.category, DeprecationWarning)]
        warned = [str(warning.message) for warning in shown if warning.category.__module__.startswith("celery")]
        return logged + self._heard + warned

    def _helping(self, files: dict[str, str]) -> dict[str, str]:
        """The modules of the shop that files import and that are none of them."""
        found: dict[str, str] = {}
        nodes = [node for source in files.values() for node in ast.walk(ast.parse(source))]
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "shop":
                path = f"{node.module.replace('.', '/')}.py"
                for alias in node.names if path not in files else ():
                    body = self.helpers.get(f"{node.module}.{alias.name}", "return None")
                    found[path] = f"{found.get(path, '')}def {alias.name}(*args, **kwargs):\n    {body}\n"
        return found

    def forget(self) -> None:
        """Make the next import of the page's modules read their files again."""
        own = {path.stem for path in self.lab.tmp_path.iterdir()}
        for name in list(sys.modules):
            if name.partition(".")[0] in own:
                del sys.modules[name]

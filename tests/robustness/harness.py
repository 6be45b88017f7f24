"""Everything that the package does with a file, in this process, with nothing hidden and every promise checked."""

from __future__ import annotations

import ast
import contextlib
import gc
import io
import os
import tokenize
import warnings
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from flake8_celery_tasks.binding.module import Module
from flake8_celery_tasks.binding.symbols import Class
from flake8_celery_tasks.celery_model.settings import given_in
from flake8_celery_tasks.command import main
from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import loader, session
from flake8_celery_tasks.engine.check import violations
from flake8_celery_tasks.engine.run import Run
from flake8_celery_tasks.engine.survey import inventory
from flake8_celery_tasks.fixer import files, rounds
from flake8_celery_tasks.report import tasks
from flake8_celery_tasks.report.listing import diagrams, page, records
from flake8_celery_tasks.rules.rule import Rule
from flake8_celery_tasks.workspace import prescan
from flake8_celery_tasks.workspace.layout import Layout
from flake8_celery_tasks.workspace.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from flake8_celery_tasks.core.violation import Violation

#: All rules, the opt-in ones too.
EVERY = ("CLY9",)
#: Options with which rules have more to say.
GIVEN = {
    "celery_no_cache": True,
    "celery_task_name_pattern": r"{app}\.[a-z.]+",
    "celery_bind_requires_retry": True,
}
OPTIONS = Options.of(GIVEN)

#: The codes of the rules with fixes.
FIXING = {rule.code for rule in loader.rules() if type(rule).fix is not Rule.fix}


@contextlib.contextmanager
def laid_bare() -> Iterator[None]:
    """Let errors out that fixing takes for a fix that does not work. Only that a text does not parse is no error."""
    broken, rounds.BROKEN = rounds.BROKEN, (SyntaxError,)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the parser says of a text
            yield
    finally:
        rounds.BROKEN = broken
        gc.unfreeze()  # a project lives as long as the process, but for tests


class Readable(NamedTuple):
    """A text that Python can read."""

    text: str
    tree: ast.Module


def parsed(text: str) -> Readable | None:
    """Return a text with its tree, None where this Python can't parse it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Readable(text, ast.parse(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def read(path: Path) -> Readable | None:
    """Return what is in a file, None where it is no Python of this version."""
    try:
        with tokenize.open(path) as file:
            return parsed(file.read())
    except (OSError, SyntaxError, UnicodeDecodeError):
        return None


def reported(path: Path, read: Readable, options: Options = OPTIONS) -> list[Violation]:
    """Return what all rules say of a text, as the plugin asks them, but for the gate."""
    return violations(Run(options, opted=EVERY), str(path), read.text.splitlines(keepends=True), read.tree)


def fixed(path: Path, read: Readable, options: Options = OPTIONS, *, unsafe: bool = True) -> Readable:
    """Return a text with all fixes applied, after checks of what fixing promises."""
    order = rounds.Order(Run(options, opted=EVERY), unsafe=unsafe)
    after = rounds.fix_text(str(path), read.text, order)
    assert (after.text == read.text) == (not after.violations)
    again = parsed(after.text)
    assert again is not None, "the fixed text can't be parsed"
    return again


def codes(found: list[Violation]) -> Counter[str]:
    """Return how often each rule reports."""
    return Counter(violation.code for violation in found)


def assert_scan_agrees(text: str) -> None:
    """Check that what the index does not parse, or not look into, holds nothing that it looks for."""
    text += "\n# task\n"
    tree, content = ast.parse(text), text.encode("utf-8", "surrogatepass")
    place = Layout("/project").place("/project/shop/jobs.py")
    whole, surface = (Module(place, Source(()), tree, lambda: tree, text=given) for given in (None, content))
    assert prescan.may_define(content) or not (whole.definable() or whole.made())
    for module in (whole, surface):
        for name in module.names():
            for symbol in module.symbols(name):
                for inner in symbol.names if isinstance(symbol, Class) else ():
                    module.symbols(f"{symbol.qualname}.{inner}")
        for name, _ in module.definable():
            module.symbols(name)
        module.made()
    assert surface.summary() == whole.summary()
    named = sorted({node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and hasattr(node.func, "id")})
    for name in named[:50]:
        given = not prescan.is_coded(content) and prescan.only_calls(content, name.encode()) and name in text
        assert not (given and any(True for _ in given_in(whole, frozenset({name})))), name


def examine_text(path: Path, read: Readable, options: Options = OPTIONS) -> None:
    """Ask everything about one file, without a change on disk."""
    with laid_bare():
        assert_scan_agrees(read.text)
        before = reported(path, read, options)
        if FIXING.isdisjoint(codes(before)):
            return
        for unsafe in (False, True):
            after = fixed(path, read, options, unsafe=unsafe)
            if after.text != read.text:
                session.forget()  # what was in the file before
                assert codes(reported(path, after, options)) <= codes(before), "a fix makes new findings"
                session.forget()
                assert fixed(path, after, options, unsafe=unsafe).text == after.text, "a second run changes something"
            session.forget()


def examine(folder: Path, options: Options = OPTIONS) -> None:
    """Ask everything about a project, and fix all of it."""
    with laid_bare():
        before = judged(folder, options)
        for path in before:
            found = read(path)
            assert found is not None
            assert_scan_agrees(found.text)
        assert judged(folder, options, backwards=True) == before, "the order of the files makes a difference"
        listed(folder, options)
        for unsafe in (False, True):
            texts = {path: path.read_bytes() for path in before}
            for path in before:
                if fix([path], options, unsafe=unsafe):
                    # What it means for other files is theirs: a call of what is mended may turn out to be wrong.
                    new = codes(judged(folder, options)[path]) - codes(before[path])
                    assert not new, "a fix makes new findings"
                    restore(texts)
            if fix(list(before), options, unsafe=unsafe):
                assert judged(folder, options).keys() == before.keys(), "a fixed text can't be parsed"
                assert not fix(list(before), options, unsafe=unsafe), "a second run of fix changes something"
                restore(texts)


def restore(texts: dict[Path, bytes]) -> None:
    """Write files as they were."""
    for path, text in texts.items():
        path.write_bytes(text)


def sources(folder: Path) -> list[Path]:
    """Return the Python files of a project that can be read."""
    return sorted(path for path in folder.rglob("*.py") if path.is_file())


def judged(folder: Path, options: Options, *, backwards: bool = False) -> dict[Path, list[Violation]]:
    """Return what all rules say of each file of a project that can be parsed, in one process."""
    session.forget()
    texts = {path: text for path in sources(folder) if (text := read(path)) is not None}
    found = {path: reported(path, texts[path], options) for path in sorted(texts, reverse=backwards)}
    return dict(sorted(found.items()))


def fix(paths: Iterable[Path], options: Options, *, unsafe: bool) -> list[files.Result]:
    """Fix some files of a project, and return what became of those that were changed."""
    session.forget()
    order = rounds.Order(Run(options, opted=EVERY), unsafe=unsafe)
    return list(files.fix_files(map(str, paths), order))


def listed(folder: Path, options: Options) -> None:
    """List the tasks of a project in all forms."""
    session.forget()
    found = inventory.inventory([session.project_of(str(folder / "any.py"), options)], f"{folder}{os.sep}")
    for form in tasks.FORMATS.values():
        form([one.entry for one in found.tasks], ())
    records.as_json(found.tasks)
    diagrams.as_mermaid(found)
    diagrams.as_dot(found)
    page.as_html(found, {}, folder.name)


def command(*arguments: str) -> tuple[int, str, str]:
    """Run the command in this process, and return its exit code, its output and its errors."""
    session.forget()
    out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
    with laid_bare(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main.main(arguments)
    return code, out.buffer.getvalue().decode("utf-8", "replace"), err.getvalue()

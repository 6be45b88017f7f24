"""Imports that fixes need: the names by which a module can already reach something, and where to add a new import."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.scopes import IMPORT, MODULE
from flake8_celery_tasks.core.errors import Unfixable
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.edits.changes import edits_of
from flake8_celery_tasks.edits.edit import Edit, Import
from flake8_celery_tasks.edits.lines import laid
from flake8_celery_tasks.edits.operations import AddName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Scope
    from flake8_celery_tasks.workspace.source import Source


# isort's sections, in order.
_FUTURE: Final = 0
_STANDARD: Final = 1
_INSTALLED: Final = 2
_OWN: Final = 3
_RELATIVE: Final = 4


class Names:
    """The names by which new code in a module reaches what it needs. `needed` are the missing imports."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.needed: dict[Import, None] = {}

    def reach(self, package: str, name: str, scope: Scope) -> str:
        """Return an expression for `package.name`, as seen from a scope."""
        direct = self._imported(f"{package}:{name}", scope) or self._imported(f"{package}:", scope, name)
        if direct is not None:
            return direct
        for asname in ("", f"{package.rpartition('.')[2]}_{name}"):
            if not self._is_taken(asname or name, f"{package}:{name}"):
                self.needed[Import(package, name, asname)] = None
                return asname or name
        raise Unfixable(f"no name for {name} is free")

    def _imported(self, path: str, scope: Scope, attribute: str = "") -> str | None:
        for name in _imports(self.module).get(path, ()):
            found = scope.find(name)
            if found is not None and found[1] is self.module.candidates.scope.bindings[name]:
                return f"{name}.{attribute}" if attribute else name
        return None

    def _is_taken(self, name: str, path: str) -> bool:
        """Return whether a name means something else anywhere in the module."""
        return not _meanings(self.module).get(name, set()) <= {path}


@query()
def _imports(module: Module) -> dict[str, list[str]]:
    """Return the names that certainly stand for a top-level import of a module, by the import's path."""
    found: dict[str, list[str]] = {}
    for name, (first, *others) in module.candidates.scope.bindings.items():
        if first.kind == IMPORT and not others and first.site.kind == MODULE:
            found.setdefault(first.path, []).append(name)
    return found


@query()
def _meanings(module: Module) -> dict[str, set[str | None]]:
    """Return all names that a module mentions, with the paths that they are imported from, None for other meanings."""
    paths = {id(binding.node): binding.path for binding in module.candidates.imports}
    found: dict[str, set[str | None]] = {}
    for node in ast.walk(module.candidates.scope.node):
        for name in _names(node):
            found.setdefault(name, set()).add(paths.get(id(node)))
    return found


def _names(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node itself mentions."""
    if isinstance(node, ast.alias):
        yield (node.asname or node.name).partition(".")[0]
    for field in ("id", "arg", "name", "rest"):
        value = getattr(node, field, None)
        if isinstance(value, str) and not isinstance(node, (ast.alias, ast.keyword)):
            yield value
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        yield from node.names


def added(text: Source, tree: ast.Module, needed: Import, is_own: Callable[[str], bool]) -> tuple[Edit, ...]:
    """Return the edits that add an import where isort would put it; `is_own` recognises the project's packages."""
    leading = list(_leading(tree))
    for statement in leading:
        if _is_star(statement):
            continue
        if isinstance(statement, ast.ImportFrom) and statement.module == needed.module and not statement.level:
            return _among(text, statement, needed)
    return (_in_a_line(text, tree, needed, leading, is_own),)


def _in_a_line(
    text: Source, tree: ast.Module, needed: Import, leading: list[ast.stmt], is_own: Callable[[str], bool]
) -> Edit:
    """Return the edit that adds an import statement."""
    written = f"{needed.name} as {needed.asname}" if needed.asname else needed.name
    line = laid(f"from {needed.module} import {written}", text.style, "").replace("\n", text.newline)

    def key(statement: ast.stmt) -> tuple[int, bool, str]:
        if isinstance(statement, ast.ImportFrom):
            module = statement.module or ""
            return _section(module, statement.level, is_own), True, module.lower()
        assert isinstance(statement, ast.Import)
        module = statement.names[0].name
        return _section(module, 0, is_own), False, module.lower()

    own = (_section(needed.module, 0, is_own), True, needed.module.lower())
    newline = text.newline
    section = [statement for statement in leading if key(statement)[0] == own[0]]
    before = [statement for statement in section if key(statement) < own]
    earlier = [statement for statement in leading if key(statement)[0] < own[0]]
    if before:
        return _below(text, before[-1], line)
    if section:
        return _above(text, section[0], f"{line}{newline}")
    if earlier:
        after = "" if text.is_blank(text.line_at(text.end(earlier[-1])) + 1) else newline
        edit = _below(text, earlier[-1], f"{newline}{line}")
        return edit._replace(text=edit.text + (after if earlier[-1] is not tree.body[-1] else ""))
    return _first(text, tree, line, has_imports=bool(leading))


def head(text: Source, tree: ast.Module) -> int:
    """Return the offset before which every import is added."""
    leading = list(_leading(tree))
    return text.line_end(text.end(leading[-1] if leading else tree.body[0]))


def _first(text: Source, tree: ast.Module, line: str, *, has_imports: bool) -> Edit:
    """Return the edit for an import before all others."""
    newline = text.newline
    (first, *others) = tree.body
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        after = "" if not others or text.is_blank(text.line_at(text.end(first)) + 1) else newline
        edit = _below(text, first, f"{newline}{line}")
        return edit._replace(text=edit.text + after)
    defines = isinstance(first, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    return _above(text, first, f"{line}{newline}{newline}{newline if defines and not has_imports else ''}")


def _leading(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the import statements at the start of a module."""
    for index, statement in enumerate(tree.body):
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            yield statement
        elif index or not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            return


def _is_star(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*"


def _section(module: str, level: int, is_own: Callable[[str], bool]) -> int:
    top = module.partition(".")[0]
    if level:
        return _RELATIVE
    if top == "__future__":
        return _FUTURE
    if top in sys.stdlib_module_names:
        return _STANDARD
    return _OWN if is_own(module) else _INSTALLED


def _below(text: Source, statement: ast.stmt, line: str) -> Edit:
    offset = text.end(statement)
    end = text.line_end(offset)
    if text.following(offset).text == ";" and text.following(offset).start < end:
        raise Unfixable("another statement is in the line")
    lead = "" if text.text[:end].endswith(("\n", "\r")) else text.newline
    return Edit(end, end, f"{lead}{line}{text.newline}")


def _above(text: Source, statement: ast.stmt, lines: str) -> Edit:
    offset = text.start(statement)
    start = text.line_start(offset)
    if text.text[start:offset].strip():
        raise Unfixable("another statement is in the line")
    return Edit(start, start, lines)


def _among(text: Source, statement: ast.ImportFrom, needed: Import) -> tuple[Edit, ...]:
    """Return the edits that add a name to an import."""
    names = [alias.name for alias in statement.names]
    place = next((i for i, name in enumerate(names) if _order(name) > _order(needed.name)), len(names))
    return edits_of([AddName(statement, needed.name, needed.asname, place)], text)


def _order(name: str) -> tuple[int, str]:
    """Return the sort key that isort uses for a name: constants, classes, the rest."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name.lower()

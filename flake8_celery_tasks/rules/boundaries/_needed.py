"""Whether anything other than the calls that the fix sends by name needs an import."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.nodes import dotted, last_name, walk
from flake8_celery_tasks.binding.scopes import FUNCTION
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.core.text import encoded
from flake8_celery_tasks.facts.imports import imports_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Scope
    from flake8_celery_tasks.facts.context import FileContext
    from flake8_celery_tasks.facts.imports import TaskImport
    from flake8_celery_tasks.resolution.project import Project

#: Functions that take an object and the name of an attribute.
_BY_NAME: Final = frozenset({"delattr", "getattr", "hasattr", "object", "setattr"})


def is_needed(fact: TaskImport) -> bool:
    """Return whether anything other than the calls needs an import: in its module, in others, or in tests."""
    name, module, alias = fact.binding.name, fact.module, fact.node
    if any(_other_uses(fact)) or any(isinstance(dotted(sent.node)[0], ast.Call) for sent in fact.places):
        return True
    if fact.in_function:
        return False
    if module.place.is_package or getattr(alias, "asname", None) == getattr(alias, "name", None):
        return True
    return (
        _is_listed(fact, name)
        or _is_in_a_text(module.candidates.scope.node, name)
        or _is_taken(fact.project, module.place.path, name, frozenset())
    )


# In its module.


def is_used_otherwise(fact: TaskImport) -> bool:
    """Return whether the module uses an imported name for anything other than sending through it.

    Rebinding it, or checking whether it exists, is not a use.
    """
    asked = _uses(fact.context, fact.binding.site.scope.node)[1]
    return any(isinstance(use.ctx, ast.Load) and id(use) not in asked for use in _other_uses(fact))


def _other_uses(fact: TaskImport) -> Iterator[ast.Name]:
    known = {id(_name_at(sent.node)) for sent in fact.places} | _hidden(fact)
    for node in _uses(fact.context, fact.binding.site.scope.node)[0].get(fact.binding.name, ()):
        if id(node) not in known:
            yield node


@query()
def _uses(context: FileContext, root: ast.AST) -> tuple[dict[str, list[ast.Name]], frozenset[int]]:
    """Return the uses of imported tasks in a scope, and which nodes are parts of conditions, by their identities."""
    lines = context.module.source.lines_with({fact.binding.name for fact in imports_in(context)})
    names: dict[str, list[ast.Name]] = {}
    asked: set[int] = set()
    for node in walk(root, lines):
        if isinstance(node, ast.Name):
            names.setdefault(node.id, []).append(node)
        elif isinstance(node, (ast.If, ast.IfExp)):
            asked.update(map(id, _asked(node)))
    return names, frozenset(asked)


def _asked(node: ast.If | ast.IfExp) -> Iterator[ast.expr]:
    """Yield the parts of an `if` condition that check whether something exists."""
    pending = [node.test]
    while pending:
        part = pending.pop()
        yield part
        if isinstance(part, ast.BoolOp):
            pending += part.values
        elif isinstance(part, ast.UnaryOp):
            pending.append(part.operand)
        elif isinstance(part, ast.Compare):
            pending.append(part.left)


def _name_at(node: ast.expr) -> ast.expr:
    """Return the first name of a call that sends: the task's, or its class's if the call creates an instance."""
    root = dotted(node)[0]
    return dotted(root.func)[0] if isinstance(root, ast.Call) else root


def _hidden(fact: TaskImport) -> set[int]:
    """Return the nodes in functions that rebind the import's name."""
    home = fact.binding.site.scope
    inside: list[ast.AST] = []
    for scope in _functions_binding(fact.module).get(fact.binding.name, ()):
        if _is_within(scope.parent, home):
            body: list[ast.AST] | ast.AST = getattr(scope.node, "body", [])
            inside += body if isinstance(body, list) else [body]
    return {id(node) for part in inside for node in walk(part)}


@query()
def _functions_binding(module: Module) -> dict[str, list[Scope]]:
    """Return the scopes of functions that bind each name."""
    found: dict[str, list[Scope]] = {}
    for scope in module.candidates.all_scopes:
        for name in scope.bindings if scope.kind == FUNCTION else ():
            found.setdefault(name, []).append(scope)
    return found


def _is_within(scope: Scope | None, home: Scope) -> bool:
    """Return whether a scope is another one, or inside it."""
    while scope is not None and scope is not home:
        scope = scope.parent
    return scope is not None


def _is_listed(fact: TaskImport, name: str) -> bool:
    """Return whether the module lists the name in its `__all__`, or may look it up dynamically."""
    tree = fact.module.candidates.scope.node
    parts = ast.iter_child_nodes(tree) if not fact.module.dynamic else [tree]
    return any(
        isinstance(node, ast.Constant) and node.value == name
        for part in parts
        if fact.module.dynamic or any(getattr(node, "id", "") == "__all__" for node in walk(part))
        for node in walk(part)
    )


def _is_in_a_text(tree: ast.AST, name: str) -> bool:
    """Return whether a quoted annotation or a doctest contains the name."""
    word = re.compile(rf"\b{re.escape(name)}\b")
    for node in walk(tree):
        for part in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if part is not None and any(word.search(text) for text in _texts(part)):
                return True
        if isinstance(node, ast.Expr) and any(
            line.lstrip().startswith((">>>", "...")) and word.search(line)
            for text in _texts(node.value)
            for line in text.splitlines()
        ):
            return True
    return False


def _texts(node: ast.AST) -> Iterator[str]:
    for inner in walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value


# In other modules.


def _is_taken(project: Project, path: str, name: str, seen: frozenset[str]) -> bool:
    """Return whether another module, or a test, uses a name from the module of a file."""
    layout = project.layout
    owner = layout.place(path).name
    last, word = encoded(owner.rpartition(".")[2]), encoded(name)
    mentions = re.compile(rb"%b[.:]%b\b" % (re.escape(last), re.escape(word)))
    imports = re.compile(rb"\bfrom[\s\\]+[\w.]*\b%b[\s\\]+import\b" % re.escape(last))
    attribute = re.compile(rb"\.\s*%b\b|[\"']%b[\"']" % (re.escape(word), re.escape(word)))
    for file in layout.files():
        content = project.files.read(file) or b""
        if file == path or file in seen or not (word in content or b"*" in content) or last not in content:
            continue
        # A mention may have only the last parts of the module's dotted name.
        most = len(encoded(owner)) + 1
        found = {_before(content, match.start(), most) + last for match in mentions.finditer(content)}
        if any(encoded(f".{owner}").endswith(b"." + dotted_name) for dotted_name in found):
            return True
        if imports.search(content):
            root = layout.place(file).root
            taken = {one for module, one in _taken(project, file) if layout.find(module, root) == path}
            if name in taken or ("*" in taken and word in content):
                return True
            if "*" in taken and _is_taken(project, file, name, seen | {path}):
                return True
        if attribute.search(content) and _reaches_into(project, file, path, name, by_name=b"import_module" in content):
            return True
    return False


def _reaches_into(project: Project, file: str, path: str, name: str, *, by_name: bool) -> bool:
    """Return whether a file imports the module of another file, under any name, and may use a name from it.

    `by_name` says whether the file imports modules by strings.
    """
    module = project.module(file)
    if module is None:
        return False
    root = project.layout.place(file).root
    mine: set[str] = set()
    others: set[str] = set()
    for binding in module.candidates.imports:
        owner, _, attribute = binding.path.partition(":")
        names = {owner, f"{owner}.{attribute}" if attribute else owner, getattr(binding.node, "name", owner)}
        leads = {project.layout.find(one, root) for one in names}
        (mine if path in leads else others).add(binding.name)
    if not mine and not by_name:
        return False
    others -= mine
    for node in walk(module.candidates.scope.node):
        if isinstance(node, ast.Attribute) and node.attr == name and _root(node) not in others:
            return True
        if isinstance(node, ast.Call) and last_name(node.func) in _BY_NAME and _gives(node, name):
            return True
    return False


def _gives(call: ast.Call, name: str) -> bool:
    return any(isinstance(given, ast.Constant) and given.value == name for given in call.args[1:2])


def _root(node: ast.Attribute) -> str | None:
    inner: Any = node
    while isinstance(inner, ast.Attribute):
        inner = inner.value
    return getattr(inner, "id", None)


def _before(content: bytes, offset: int, most: int) -> bytes:
    """Return the part of a dotted name before an offset, at most `most` bytes."""
    start = offset
    while (
        start
        and offset - start < most
        and (content[start - 1 : start].isalnum() or content[start - 1 : start] in b"_.")
    ):
        start -= 1
    return content[start:offset]


@query()
def _taken(project: Project, file: str) -> frozenset[tuple[str, str]]:
    """Return what a file imports from modules, as pairs of module and name; the name is a star for all."""
    module = project.module(file)
    found = [] if module is None else [(star, "*") for star in module.candidates.stars]
    for binding in () if module is None else module.candidates.imports:
        owner, _, attribute = binding.path.partition(":")
        found.append((owner, attribute))
    return frozenset(found)

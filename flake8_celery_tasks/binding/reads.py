"""Where a file reads attributes of given names."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.scopes import CLASS, FUNCTION, LAMBDA, LOOP, MODULE, TRY, Scope, Site

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from flake8_celery_tasks.binding.module import Module


_SCOPED = {
    ast.FunctionDef: FUNCTION,
    ast.AsyncFunctionDef: FUNCTION,
    ast.Lambda: LAMBDA,
    ast.ClassDef: CLASS,
    ast.ListComp: LOOP,
    ast.SetComp: LOOP,
    ast.DictComp: LOOP,
    ast.GeneratorExp: LOOP,
}


def attributes_read(module: Module, names: Collection[str]) -> Iterator[tuple[ast.Attribute, Site]]:
    """Yield the attributes of some names that a file reads, in source order, with their sites.

    The traversal of the file does not note them: there are too many. A site says in which definitions and `try` bodies
    the attribute stands, and in no other blocks.
    """
    if module.tree is None or not any(module.source.may_hold(f".{name}") for name in names):
        return
    scopes = {id(scope.node): scope for scope in module.candidates.all_scopes}
    stack: list[tuple[ast.AST, Site]] = [(module.tree, Site(None, MODULE, module.tree, module.candidates.scope))]
    while stack:
        node, site = stack.pop()
        if isinstance(node, ast.Attribute) and node.attr in names and isinstance(node.ctx, ast.Load):
            yield node, site
        stack.extend(reversed(list(_below(node, site, scopes))))


def _below(node: ast.AST, site: Site, scopes: dict[int, Scope]) -> Iterator[tuple[ast.AST, Site]]:
    """Yield what is below a node, each with its site."""
    scope = scopes.get(id(node))
    inside = site if scope is None else Site(site, _SCOPED[node.__class__], node, scope)
    body = Site(site, TRY, node, site.scope, "body") if isinstance(node, ast.Try) else inside
    # What is evaluated where a definition stands.
    outer = [*getattr(node, "decorator_list", ()), *getattr(node, "bases", ()), *getattr(node, "keywords", ())]
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        outer += [*node.args.defaults, *(default for default in node.args.kw_defaults if default is not None)]
    outside = {id(child) for child in outer} if scope is not None else set()
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.arguments):
                yield from ((default, site) for default in outer if default in child.defaults + child.kw_defaults)
            elif isinstance(child, ast.AST):
                yield child, (site if id(child) in outside else body if field == "body" else inside)

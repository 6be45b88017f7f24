"""Rules that offer what a test wants."""

from __future__ import annotations

import ast

from flake8_celery_tasks.edits.edit import Fix
from flake8_celery_tasks.edits.operations import Replace
from flake8_celery_tasks.engine import judge, loader
from flake8_celery_tasks.fixer import rounds
from flake8_celery_tasks.rules.rule import Rule
from flake8_celery_tasks.workspace.source import Source


class Offering(Rule[judge.Facts]):
    """Says what a test wants."""

    code = "CLY999"
    message = "{text}"
    operations = staticmethod(lambda module: ())
    imports = ()

    def check(self, facts):
        for index, node in enumerate(facts.module.tree.body):
            if isinstance(node, ast.Expr):
                yield self.report(facts.module, node, text=f"{ast.unparse(node)}{index}")

    def fix(self, facts, violation):
        node = next(node for node in facts.module.tree.body if node.lineno == violation.line)
        return Fix(self.operations(node), safe=True, imports=self.imports)


def offered(monkeypatch, shop, text, operations, imports=()):
    rule = Offering()
    rule.operations = operations
    rule.imports = imports
    monkeypatch.setattr(loader, "by_kind", lambda opted=(): {"Facts": [lambda: rule]})
    return rounds.fix_text(str(shop), text, rounds.Order()).text


class Rivals(Rule[judge.Facts]):
    """Each fix is good, but where two are made it has something to say of both."""

    code = "CLY999"
    message = "{text}"

    def check(self, facts):
        fixed = [node for node in facts.module.tree.body if isinstance(node, ast.Pass)]
        for node in facts.module.tree.body:
            if isinstance(node, ast.Expr):
                yield self.report(facts.module, node, text=ast.unparse(node))
            elif len(fixed) > 1:
                yield self.report(facts.module, node, text="two")
                yield self.report(facts.module, node, text="rivals")

    def fix(self, facts, violation):
        node = next(node for node in facts.module.tree.body if node.lineno == violation.line)
        return Fix((Replace(node, "pass"),), safe=True)


def applied(text, remedy):
    """Return a text with what a remedy replaces, as a reader of SARIF does it."""
    known = Source.of(text)
    for one in reversed(remedy.replacements):
        start = known.line_offset(one.line) + one.column - 1
        end = known.line_offset(one.end_line) + one.end_column - 1
        text = text[:start] + one.text + text[end:]
    return text

"""The fix of CLY401 and CLY402: send tasks by name and remove their import."""

from __future__ import annotations

import ast
from functools import partial
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import dotted
from flake8_celery_tasks.binding.values import MISSING, UNKNOWN, Ref
from flake8_celery_tasks.catalog.methods import DIRECT, SENDS, SENDS_ON_COMMIT, SIGNS
from flake8_celery_tasks.celery_model import decorators
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.core.errors import Unfixable
from flake8_celery_tasks.edits.edit import Fix, New
from flake8_celery_tasks.edits.imports import Names
from flake8_celery_tasks.edits.operations import RemoveImports
from flake8_celery_tasks.edits.rewrite import Rewrite, kept, refuse_mixed, task_arguments
from flake8_celery_tasks.facts.calls import on_commits_in
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules.boundaries import _needed, _sender

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Binding, Site
    from flake8_celery_tasks.edits.edit import Argument, Operation
    from flake8_celery_tasks.facts.imports import Sent, TaskImport


#: Options of a task that its own methods put into the message and `send_task` omits.
PUBLISHER: Final = (
    *("queue", "exchange", "routing_key", "priority", "expires", "serializer", "compression", "delivery_mode"),
    *("mandatory", "immediate"),
)


def fix(module: Module, facts: Iterable[TaskImport]) -> Fix | None:
    """Return the fix for imports that are used to send tasks, None if one of their uses can't be rewritten."""
    names = Names(module)
    operations: list[Operation] = []
    unneeded: list[Binding] = []
    try:
        for fact in facts:
            operations += _Rewriting(fact, names).calls()
            if not _needed.is_needed(fact):
                unneeded.append(fact.binding)
    except Unfixable:
        return None
    if unneeded:
        operations.append(RemoveImports(tuple(unneeded)))
    return Fix(tuple(operations), safe=False, imports=tuple(names.needed))


class _Rewriting:
    def __init__(self, fact: TaskImport, names: Names) -> None:
        self.fact = fact
        self.project = fact.project
        self.module = fact.module
        self.text = fact.module.source
        self.names = names
        self.call_of = fact.context.call_of
        self.sender = _sender.sender(fact.project, fact.module)

    def calls(self) -> Iterator[Rewrite]:
        binding = self.fact.binding
        if len(binding.site.scope.bindings[binding.name]) > 1:
            raise Unfixable("the name has several meanings")
        for sent in self.fact.places:
            yield self._rewritten(*self._whole(sent), sent)

    def _whole(self, sent: Sent) -> tuple[ast.expr, Site]:
        """Return the node to rewrite: a call, or a method that is passed to `on_commit`."""
        if not isinstance(dotted(sent.node)[0], ast.Name):
            raise Unfixable("not a plain name")
        if id(sent.node) in self.call_of:
            return self.call_of[id(sent.node)]
        for call, site in self.module.candidates.calls:
            if sent.node in call.args[:1] and self._is_partial(call, site) and self._is_callback(call):
                return call, site
        if self._is_callback(sent.node):
            return sent.node, sent.site
        raise Unfixable("the method is passed to something else")

    def _is_partial(self, call: ast.Call, site: Site) -> bool:
        value = self.module.value(call.func, site.scope)
        return isinstance(value, Ref) and self.project.resolve(value.path, self.module).path == "functools.partial"

    def _is_callback(self, node: ast.expr) -> bool:
        return any(on_commit.callback is node for on_commit in on_commits_in(self.fact.context))

    # One call.

    def _rewritten(self, node: ast.expr, site: Site, sent: Sent) -> Rewrite:
        method = sent.node.attr
        definition = sent.definition
        if definition is None or definition.decorator.form == decorators.CLASS_TASK:
            raise Unfixable("a class, or a task that can't be resolved")
        task = Defined(self.project, definition)
        if isinstance(task.base, Target) and task.overrides("apply_async", method) is not False:
            raise Unfixable("the task's class overrides how it is sent")
        name = _sender.name_of(self.fact, sent)
        if name is None:
            raise Unfixable("the name is uncertain")
        call = node if isinstance(node, ast.Call) else None
        is_partial = call is not None and call.func is not sent.node
        positional = [] if call is None else call.args[is_partial:]
        keywords = [] if call is None else call.keywords
        arguments: list[Argument] = [New(self.text.quoted(name))]
        if call is not None and method in DIRECT:
            arguments += task_arguments(self.text, call, positional, keywords)
        elif call is not None:
            arguments += self._handed_on(call, positional, keywords)
        given = set() if method in DIRECT else {keyword.arg for keyword in keywords}
        arguments += map(New, self._options(task, given))
        if method == "si":
            arguments.append(New("immutable=True"))
        app = self._app(site)
        if method in SIGNS:
            is_current = self.sender == _sender.CURRENT
            make = self.names.reach("celery", "signature", site.scope) if is_current else f"{app()}.signature"
            return Rewrite(node, make, tuple(arguments))
        send = f"{app()}.send_task"
        if method in SENDS and is_partial and call is not None:
            return Rewrite(node, self.text.segment(call.func), (New(send), *arguments))
        if method in SENDS and call is not None:
            return Rewrite(node, send, tuple(arguments))
        if method not in SENDS | SENDS_ON_COMMIT:
            raise Unfixable(f"{method} has no counterpart")
        later = self.names.reach("functools", "partial", site.scope)
        if call is None:
            return Rewrite(node, later, (New(send), *arguments))
        transaction = self.names.reach("django.db", "transaction", site.scope)
        return Rewrite(node, later, (New(send), *arguments), before=f"{transaction}.on_commit(", after=")")

    def _app(self, site: Site) -> Callable[[], str]:
        if self.sender is None:
            raise Unfixable("it is uncertain which app sends there")
        return partial(self.names.reach, *self.sender, site.scope)

    def _handed_on(
        self, call: ast.Call, positional: Sequence[ast.expr], keywords: Sequence[ast.keyword]
    ) -> list[Argument]:
        """Return the arguments of `apply_async` and `signature`, which `send_task` also accepts."""
        if len(positional) > 2 or any(isinstance(item, ast.Starred) for item in positional):
            raise Unfixable("an order that send_task does not have")
        refuse_mixed(self.text, positional, keywords)
        return kept(self.text, call, (*positional, *keywords))

    def _options(self, task: Defined, given: set[str | None]) -> list[str]:
        """Return the message options that the decorator sets and the call does not."""
        found = []
        for name in PUBLISHER:
            value = task.option(name)
            if value is MISSING:
                value = task.effective(name)
                value = MISSING if value is UNKNOWN else value
            if value is MISSING or value is None or name in given:
                continue
            if None in given:
                raise Unfixable("a spread may hold the option")
            if isinstance(value, str):
                found.append(f"{name}={self.text.quoted(value)}")
            elif isinstance(value, (int, float)):
                found.append(f"{name}={value!r}")
            else:
                raise Unfixable("an option that can't be carried over")
        return found

"""Where tasks are defined, named and sent in a file: the basis of hover, definition, references and rename."""

from __future__ import annotations

import ast
import tokenize
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.celery_model.configuration import display
from flake8_celery_tasks.celery_model.definitions import definition_of
from flake8_celery_tasks.celery_model.objects import SignatureThing, TaskThing
from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.engine.survey.inventory import task_name
from flake8_celery_tasks.facts.calls import lookups_in
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.server.text import Span
from flake8_celery_tasks.workspace.source import Source, start_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Scope, Site
    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.facts.calls import Invocation
    from flake8_celery_tasks.facts.configured.schedules import BeatEntry
    from flake8_celery_tasks.resolution.project import Project
    from flake8_celery_tasks.resolution.resolver import Target
    from flake8_celery_tasks.server.text import Text

#: How a place relates to a task.
DEFINED: Final = "defined"  # the name of its function or class
NAMED: Final = "named"  # its explicit name
SENT: Final = "sent"  # a call, a signature, a beat entry
IMPORTED: Final = "imported"
ROUTED: Final = "routed"  # a key of routes or annotations
LOOKED_UP: Final = "looked up"  # a key of an app's `tasks`

#: The file and qualified name of a definition: they stay the same when lines move.
Key = tuple[str, str]


class Use(NamedTuple):
    """A use of a task.

    `span` is the part of the text, `place` how it relates to the task; `key` is that of the definition, None if only
    the name is known. `literal` is the string that contains the name, None if there is none; `line` and `what` are
    those of the inventory, with no line if nothing is sent.
    """

    span: Span
    kind: str
    key: Key | None
    name: str | None
    place: Span
    literal: Span | None = None
    #: The string in a constant through which the name is given.
    constant: Span | None = None
    line: int = 0
    what: str = ""

    def is_of(self, key: Key, name: str | None) -> bool:
        """Return whether it refers to the task of a definition that has a given name."""
        return self.key == key if self.key is not None else name is not None and self.name == name


def key_of(definition: Definition) -> Key:
    """Return the key of a definition."""
    return definition.place[:2]


def uses_in(facts: Facts, text: Text) -> list[Use]:
    """Return the uses of tasks in a file, in no particular order."""
    return list(_Finder(facts, text).uses())


class _Finder:
    def __init__(self, facts: Facts, text: Text) -> None:
        self.facts = facts
        self.project: Project = facts.project
        self.module: Module = facts.module
        self.path = facts.module.place.path
        self.source = text.source

    def uses(self) -> Iterator[Use]:
        for task in self.facts.tasks:
            yield from self.defined(task)
        for call in self.facts.invocations:
            yield from self.sent(call)
        for lookup in lookups_in(self.facts):
            node = lookup.node.slice
            if isinstance(lookup.name, str):
                constant = self.constant(node, lookup.site)
                yield Use(self.span(node), LOOKED_UP, None, lookup.name, self.span(node), self.literal(node), constant)
        settings, entries = self.facts.configured
        for entry in entries:
            yield from self.scheduled(entry)
        for setting in settings:
            if setting.name in ("task_routes", "task_annotations"):
                yield from self.routed(setting.value, setting.site)
        for binding in self.module.candidates.imports:
            target = self.project.resolve(binding.path, self.module)
            definition = definition_of(self.project, target) if target.symbol is not None else None
            if definition is not None:
                span = self.span(binding.node)
                yield Use(span, IMPORTED, key_of(definition), None, span)

    def span(self, node: ast.AST) -> Span:
        return Span(self.path, self.source.offset(*start_of(node)), self.source.end(node))

    def literal(self, node: ast.AST) -> Span | None:
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        return self.span(node) if is_text else None

    def defined(self, task: Task) -> Iterator[Use]:
        key, name = key_of(task.definition), task_name(task)
        span = name_span(task, self.source)
        yield Use(span, DEFINED, key, name, span)
        if task.states("name"):
            node = task.keyword("name")
            value = getattr(node, "value", node) if isinstance(node, (ast.keyword, ast.Assign, ast.AnnAssign)) else node
            if isinstance(value, ast.expr) and isinstance(name, str):
                constant = self.constant(value, task.site)
                yield Use(self.span(value), NAMED, key, name, self.span(value), self.literal(value), constant)

    def sent(self, call: Invocation) -> Iterator[Use]:
        line = call.node.lineno
        if call.by_name:
            node = named_by(call)
            if node is not None and isinstance(call.name, str):
                yield self.by_name(node, call.name, call.node, call.site, line)
        elif call.definition is not None:
            span = self.span(call.node.func)
            line = line if call.method != "set" else 0
            yield Use(span, SENT, key_of(call.definition), None, self.span(call.node), line=line)

    def by_name(self, node: ast.expr, name: str, around: ast.AST, site: Site, line: int, what: str = "") -> Use:
        literal, constant = self.literal(node), self.constant(node, site)
        return Use(self.span(node), SENT, None, name, literal or self.span(around), literal, constant, line, what)

    def constant(self, node: ast.expr, site: Site) -> Span | None:
        """Return the string that a name stands for, if a module of the project binds it exactly once."""
        target = meaning(self.project, self.module, node, site.scope)
        if target is None or target.module is None:
            return None
        module = target.module
        bindings = module.bindings(target.path[len(module.prefix) :])
        if len(bindings) != 1 or not isinstance(bindings[0].node, ast.Constant):
            return None
        content = self.project.files.read(module.place.path)
        text = decoded(content) if content is not None else None
        source = None if text is None else Source.of(text)
        found = bindings[0].node
        if source is None or not isinstance(found.value, str):
            return None
        return Span(module.place.path, source.offset(*start_of(found)), source.end(found))

    def scheduled(self, entry: BeatEntry) -> Iterator[Use]:
        written = entry.given.get("task")
        if written is None:
            return
        line = start_of(entry.node)[0]
        thing = entry.thing("task")
        if isinstance(thing, (TaskThing, SignatureThing)) and thing.definition is not None:
            span = self.span(written.value)
            yield Use(span, SENT, key_of(thing.definition), None, span, line=line, what=" (beat)")
            return
        value = thing.name if isinstance(thing, SignatureThing) else entry.value("task")
        if isinstance(value, str):
            yield self.by_name(written.value, value, written.value, written.site, line, " (beat)")

    def routed(self, value: ast.expr, site: Site) -> Iterator[Use]:
        if isinstance(value, (ast.List, ast.Tuple)):
            for one in value.elts:
                if isinstance(one, ast.Tuple) and one.elts and isinstance(one.elts[0], ast.Constant):
                    yield from self.key(one.elts[0], one.elts[0].value, site)
                elif isinstance(one, (ast.Dict, ast.Tuple, ast.List)):
                    yield from self.routed(one, site)
            return
        found = display(self.project, self.module, value, site)
        for name, written in found[0] if found else ():
            yield from self.key(written.key, name, written.site)

    def key(self, node: ast.AST, name: object, site: Site) -> Iterator[Use]:
        if isinstance(name, str) and "*" not in name and isinstance(node, ast.expr):
            constant = self.constant(node, site)
            yield Use(self.span(node), ROUTED, None, name, self.span(node), self.literal(node), constant)


def meaning(project: Project, module: Module, node: ast.expr, scope: Scope) -> Target | None:
    """Return what a name stands for, None if it stands for nothing that is certain."""
    value = None if isinstance(node, ast.Constant) else module.value(node, scope)
    target = project.resolve(value.path, module) if isinstance(value, Ref) else None
    return None if target is None or target.rest else target


def name_span(task: Task, source: Source) -> Span:
    """Return the span of the name of a task's function or class, in the source of its file."""
    position = source.name(task.node)
    start = source.line_offset(position.line) + position.column
    return Span(task.module.place.path, start, start + len(task.node.name))


def named_by(call: Invocation) -> ast.expr | None:
    """Return the argument that holds the name in a call by name."""
    for word in ("name", "varargs"):
        keyword = call.keyword(word)
        if keyword is not None:
            return keyword.value
    return call.node.args[0] if call.node.args and not isinstance(call.node.args[0], ast.Starred) else None


def decoded(content: bytes) -> str | None:
    """Return the text of a file, None if it can't be decoded."""
    try:
        encoding, _ = tokenize.detect_encoding(iter(content.splitlines(keepends=True)).__next__)
        return content.decode(encoding)
    except (SyntaxError, ValueError, LookupError):
        return None


# Definitions.


def all_definitions(project: Project) -> dict[Key, Definition]:
    """Return the definitions of a project by their keys."""
    index = tasks_of(project)
    found = {key_of(one): one for several in index.by_name.values() for one in several}
    for unnamed in index.unnamed:
        found.setdefault(key_of(unnamed.definition), unnamed.definition)
    return found


def task_of(project: Project, definition: Definition) -> Task | None:
    """Return the task of a definition, with its nodes."""
    module = definition.module
    project.hold(module)
    for task in Facts(project, module).tasks:
        if task.definition.place == definition.place:
            return task
    for node, site, scope in module.functions_called(definition.symbol.qualname):
        if node.lineno == definition.symbol.line:
            return Task(project, definition, node, site, scope)
    return None

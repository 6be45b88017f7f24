"""Which imports cross the boundary of an app; shared by CLY401 and CLY402."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar, Final

from flake8_celery_tasks.binding.scopes import is_typing_only
from flake8_celery_tasks.catalog.methods import SENDS, SIGNS
from flake8_celery_tasks.celery_model import definitions
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.imports import TaskImport, imports_in
from flake8_celery_tasks.rules.boundaries import _needed, _sender
from flake8_celery_tasks.rules.boundaries._entry_points import is_entry_point
from flake8_celery_tasks.rules.rule import Rule
from flake8_celery_tasks.workspace import folders, layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.edit import Fix
    from flake8_celery_tasks.facts.context import FileContext
    from flake8_celery_tasks.facts.imports import Sent
    from flake8_celery_tasks.resolution.project import Project


#: The sending methods that a task's class may override, for example to take a lock first.
_SENDING: Final = (*SENDS, *SIGNS)

#: Files of a package that say nothing of what it holds.
_AROUND: Final = frozenset({"__init__.py", "apps.py"})

#: Parts of module names that mark a module as configuration of the project.
SETTINGS: Final = frozenset({"celery_config", "celeryconfig", "conf", "config", "settings"})


class CrossAppImport(Rule[TaskImport]):
    """The base of both rules, which differ only in whether the import is in a function."""

    see = ("Celery#celery.Celery.send_task", "faq#can-i-call-a-task-by-name")
    fixes = "unsafe"
    quiet_in_tests = True
    in_function: ClassVar[bool]

    def check(self, fact: TaskImport) -> Iterator[Violation]:
        """Report an import of a task that crosses the boundary of an app, at the imported name."""
        together = _together(fact) if fact.in_function == self.in_function and not fact.makes_app else {}
        reported = [sent for sents in together.values() for sent in sents]
        if reported:
            yield self.report(
                fact.module,
                fact.node,
                task=reported[0].path.rpartition(".")[2],
                app=_app_label(fact, reported[0]),
                instead=_instead(fact, reported),
            )

    def fix(self, fact: TaskImport, violation: Violation) -> Fix | None:
        """Send by name, and drop the import."""
        from flake8_celery_tasks.rules.boundaries import _send_by_name

        return _send_by_name.fix(fact.module, _together(fact))


def _crossing(fact: TaskImport) -> list[Sent]:
    """Return the tasks of other apps that are sent through an import, if it has no other use."""
    module, project = fact.module, fact.project
    own = project.layout.app(module.place)
    if own is None or is_typing_only(fact.binding.site):
        return []
    parts = module.place.name.split(".")
    label = own.replace(os.sep, "/").rpartition("/")[2]
    if label in parts and (project.layout.listed_apps or folders.is_app(own)):
        parts.remove(label)  # an app may have such a name too
    if not SETTINGS.isdisjoint(parts):
        return []
    found = [sent for sent in fact.sent.values() if _is_of_other_app(fact, sent, own) and _sends_plainly(fact, sent)]
    return [] if found and (_needed.is_used_otherwise(fact) or is_entry_point(project, module)) else found


def _together(fact: TaskImport) -> dict[TaskImport, list[Sent]]:
    """Return the imports to report at an import, with the tasks of other apps that are sent through each.

    Everybody imports from a package that holds nothing but tasks: all such imports are reported at the first.
    """
    found = _crossings(fact.context)[fact]
    app = _app(fact, found)
    if app is None or not _is_of_tasks(fact.project, app):
        return {fact: found}
    together = _by_app(fact.context)[fact.in_function, app]
    return together if next(iter(together)) is fact else {}


def _app(fact: TaskImport, found: list[Sent]) -> str | None:
    """Return the app of the first of some tasks, None if there is none or it can't be resolved."""
    definition = found[0].definition if found else None
    return None if definition is None else fact.project.layout.app(definition.module.place)


@query()
def _crossings(context: FileContext) -> dict[TaskImport, list[Sent]]:
    """Return the tasks of other apps that each import of a file sends, in order."""
    return {fact: _crossing(fact) for fact in imports_in(context)}


@query()
def _by_app(context: FileContext) -> dict[tuple[bool, str | None], dict[TaskImport, list[Sent]]]:
    """Return the same by whether the imports are in functions, and by the app that they lead to."""
    found: dict[tuple[bool, str | None], dict[TaskImport, list[Sent]]] = {}
    for fact, sents in _crossings(context).items():
        found.setdefault((fact.in_function, _app(fact, sents)), {})[fact] = sents
    return found


@query()
def _is_of_tasks(project: Project, app: str) -> bool:
    """Return whether an app is a package of two or more modules, all of which define tasks."""
    known = project.layout
    start = os.path.join(app, "") if os.path.isabs(app) else None
    count = 0
    for path in known.files():
        if os.path.basename(path) in _AROUND or (start is not None and not path.startswith(start)):
            continue
        place = known.place(path)
        if (start is not None or known.app(place) == app) and not known.is_test(place):
            module = project.module(path)
            if module is None or not any(definitions.definitions(project, module)):
                return False
            count += 1
    return count > 1


def _sends_plainly(fact: TaskImport, sent: Sent) -> bool:
    """Return whether sending a task only sends a message: its class has Celery's own methods for that."""
    if sent.definition is None:
        return True
    task = Defined(fact.project, sent.definition)
    hides_base = sent.definition.decorator.spread and not task.is_class and not task.states("base")
    return hides_base or task.overrides(*_SENDING) is False


def _is_of_other_app(fact: TaskImport, sent: Sent, own: str) -> bool:
    if sent.definition is None:
        # Its module can't be parsed: only another top-level package is certainly another app.
        return sent.path.partition(".")[0] != fact.module.place.name.partition(".")[0]
    other = fact.project.layout.app(sent.definition.module.place)
    return other is not None and not layout.is_one_app(own, other)


def _app_label(fact: TaskImport, sent: Sent) -> str:
    """Return the readable name of the app that a task belongs to."""
    if not sent.place:
        return sent.path.partition(".")[0]
    known = fact.project.layout
    place = known.place(sent.place)
    app = known.app(place)
    if app is None or app == place.path:
        return place.name
    sources = (place.root,) if place.certain else fact.project.layout.sources
    source = max((root for root in sources if app.startswith(root + os.sep)), key=len, default="")
    return app[len(source) :].strip(os.sep).replace(os.sep, ".").replace("/", ".")


def _instead(fact: TaskImport, found: list[Sent]) -> str:
    """Return what to write instead: the calls by name, or the signatures if the module creates nothing else."""
    names = []
    for sent in found:
        name = _sender.name_of(fact, sent)
        names.append(f'"{name}"' if name else f"the name of {sent.path.rpartition('.')[2]!r}")
    shown = ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
    app = _sender.sender(fact.project, fact.module)
    shown_paths = {sent.path for sent in found}
    if all(place.node.attr in SIGNS for place in fact.places if place.path in shown_paths):
        send = "signature"
    else:
        send = "send_task" if app is None else f"{app.name}.send_task"
    return f"{send}({names[0]}, ...)" if len(names) == 1 else f"{send}() with {shown}"

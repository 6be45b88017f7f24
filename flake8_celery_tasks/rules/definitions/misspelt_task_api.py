from __future__ import annotations

import ast
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.symbols import Class
from flake8_celery_tasks.binding.values import MISSING, Missing, Unknown
from flake8_celery_tasks.catalog.methods import SIGNATURE_API, SIGNATURE_NAMES, TASK_NAMES
from flake8_celery_tasks.catalog.packages import PLAIN_BASES
from flake8_celery_tasks.catalog.task_options import INTERNAL, OPTIONS, REMOVED, TASK_API
from flake8_celery_tasks.celery_model.apps import task_cls_of
from flake8_celery_tasks.celery_model.objects import CanvasThing, SignatureThing, TaskThing
from flake8_celery_tasks.celery_model.task import Defined, is_assigned
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.core.spelling import close_match
from flake8_celery_tasks.facts.arguments import is_expected_to_fail, is_looked_for
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.edit import Fix
    from flake8_celery_tasks.resolution.project import Project

#: An attribute in source text, but not one of a request. Constants and classes are named differently.
_ATTRIBUTE: Final = re.compile(r"(?<!request)\.\s*([a-z]\w{3,})")

#: A line that holds nothing but a string. A settings module has many, with dotted names.
_ONLY_STRING: Final = re.compile(r"""^[ \t]*(?:'[^'{\\\n]*'|"[^"{\\\n]*"),?$""", re.MULTILINE)

#: The attributes of tasks, including those that only some versions have.
_OF_TASKS: Final = frozenset({*OPTIONS, *TASK_API, *INTERNAL, *REMOVED, *TASK_NAMES, "from_config", "get_logger"})

#: Attributes that code reads from the task, but that are in its request.
_OF_REQUESTS: Final = {"retries": "request.retries"}


class MisspeltTaskApi(Rule[Facts]):
    """Code reads an attribute that no task or signature has, and whose name nearly matches an existing one.

    ## What happens

    A task accepts any attribute that is assigned to it, but has only those of Celery's class and its own. A misspelt
    name fails when its line runs. In an error handler or a retry, that may be long after it was written:

    ```text
    AttributeError: 'fetch_rates' object has no attribute 'requests'
    ```

    ## Bad

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", bind=True, max_retries=5)
    def fetch_rates(self, url):
        try:
            return download(url)
        except ConnectionError as exc:
            raise self.retry(exc=exc, countdown=2 ** self.requests.retries)
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_bill")
    def bill(number):
        print(number)


    def close(order):
        bill.async_apply((order.number,))
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", bind=True, max_retries=5)
    def fetch_rates(self, url):
        try:
            return download(url)
        except ConnectionError as exc:
            raise self.retry(exc=exc, countdown=2**self.request.retries)
    ```

    ## Not reported when

    - the name does not resemble a usual one;
    - the task's class, or one that it inherits from, has or sets such an attribute or a `__getattr__`, or can't be
      resolved;
    - the decorator gives the task such an attribute, or may do so: it has `**options`, or can't be resolved;
    - the module, or the task's module, assigns an attribute of this name, or the enclosing function checks for it with
      `getattr` or `hasattr`;
    - a test expects it, or `except AttributeError` catches it.

    ## Fix

    Write the name that the message suggests. The automatic fix does that. The line fails today and will work after the
    fix, so check it first.
    """

    code = "CLY521"
    see = ("Task#celery.app.task.Task.apply_async", "calling#basics", "tasks#bound-tasks")
    fixes = "unsafe"
    message = "'{owner}' has no attribute {name!r}: AttributeError when this runs; did you mean {meant!r}?"

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Report such attributes where they are read."""
        for node, meant in (one for found in _misspelt_in(facts).values() for one in found):
            yield self._reported(facts, node, meant)

    def fix(self, facts: Facts, violation: Violation) -> Fix | None:
        """Write the suggested name."""
        from flake8_celery_tasks.edits.edit import Fix
        from flake8_celery_tasks.edits.operations import RenameAttribute

        for node, meant in _misspelt_in(facts)[violation[:2]]:
            if self._reported(facts, node, meant) == violation and "." not in meant:
                return Fix((RenameAttribute(node, meant),), safe=False)
        return None

    def _reported(self, facts: Facts, node: ast.Attribute, meant: str) -> Violation:
        return self.report(facts.module, node, owner=shown(node.value), name=node.attr, meant=meant)


@query()
def _misspelt_in(facts: Facts) -> dict[tuple[int, int], list[tuple[ast.Attribute, str]]]:
    """Return such attributes, each with the probable intended name, by position."""
    names = frozenset(
        name for name in _ATTRIBUTE.findall(_ONLY_STRING.sub("", facts.module.source.text)) if _near(name)
    )
    found: dict[tuple[int, int], list[tuple[ast.Attribute, str]]] = {}
    for node, site in facts.attributes_named(names) if names else ():
        if isinstance(node.ctx, ast.Load):
            meant = _meant(facts, node, site)
            known = is_looked_for(facts.module, node.attr, site) or is_assigned(facts.module, node.attr)
            if meant and not known and not is_expected_to_fail(site):
                found.setdefault(facts.module.source.position(node), []).append((node, meant))
    return found


@lru_cache(4096)
def _near(name: str) -> tuple[str, str] | None:
    """Return the attributes of a task and of a signature that a name misspells; None if it misspells neither.

    >>> _near("deplay"), _near("async_apply"), _near("linkerror"), _near("delay"), _near("queue")
    (('delay', 'delay'), ('apply_async', 'apply_async'), ('', 'link_error'), None, None)
    """
    of_task = "" if name in _OF_TASKS else _OF_REQUESTS.get(name) or _misspelt(name, _TASK_NAMES)
    of_signature = "" if name in SIGNATURE_API else _misspelt(name, _SIGNATURE_NAMES)
    return (of_task, of_signature) if of_task or of_signature else None


def _misspelt(name: str, meant: tuple[tuple[str, int], ...]) -> str:
    """Return the name that another one misspells, or shares its words with; an empty string if there is none."""
    letters = _letters(name)
    # A file has many attributes: only names with nearly the same letters are compared one by one.
    near = [other for other, held in meant if (letters ^ held).bit_count() <= 4 and abs(len(other) - len(name)) <= 3]
    words = sorted(name.split("_"))
    return next((other for other in near if sorted(other.split("_")) == words), "") or close_match(name, near) or ""


def _letters(name: str) -> int:
    """Return the letters of a name as a bit mask."""
    found = 0
    for letter in name.lower().replace("_", ""):
        found |= 1 << (ord(letter) & 31)
    return found


_TASK_NAMES: Final = tuple((name, _letters(name)) for name in sorted(TASK_NAMES))
_SIGNATURE_NAMES: Final = tuple((name, _letters(name)) for name in sorted(SIGNATURE_NAMES))


def _meant(facts: Facts, node: ast.Attribute, site: Site) -> str:
    """Return the intended name for a missing attribute of a task or signature, otherwise an empty string."""
    of_task, of_signature = _near(node.attr) or ("", "")
    thing = facts.thing(node.value, site)
    if isinstance(thing, (SignatureThing, CanvasThing)):
        return of_signature
    if isinstance(thing, TaskThing) and thing.definition is not None:
        return of_task if _lacks(Defined(facts.project, thing.definition), node.attr) else ""
    if isinstance(thing, TaskThing) or (of_task and facts.is_running_task(node.value, site)):
        cls = facts.task_class_at(site)
        # The running task, or a parameter with an annotation, may be of any class of the project.
        lacks = task_cls_of(facts.project) is MISSING if cls is None else _lacks_in(facts.project, cls, node.attr)
        # A decorator may give a task of the class one of the project's own options.
        return of_task if lacks and of_task not in OPTIONS else ""
    return ""


def _lacks(defined: Defined, name: str) -> bool:
    """Return whether a task certainly has no attribute of a name."""
    decorator = defined.definition.decorator
    if defined.is_opaque or name in decorator.keywords or (decorator.spread and not defined.is_class):
        return False
    if is_assigned(defined.module, name):
        return False
    cls = defined.own_class if defined.is_class else defined.base
    return isinstance(cls, Missing) or (isinstance(cls, Target) and _lacks_in(defined.project, cls, name))


def _lacks_in(project: Project, cls: Target, name: str) -> bool:
    """Return whether a task class and all its bases can be resolved, and lack an attribute of a name."""
    for found in project.line(cls):
        if isinstance(found, Unknown) or (found.module is None and found.path not in PLAIN_BASES):
            return False
        if isinstance(found.symbol, Class):
            own = {*found.symbol.names, *(keyword for keyword, _ in found.symbol.keywords)}
            if not own.isdisjoint((name, "__getattr__", "__getattribute__")):
                return False
            if found.module is not None and is_assigned(found.module, name):
                return False
    return True

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.nodes import unparsed
from flake8_celery_tasks.binding.scopes import IF, TRY
from flake8_celery_tasks.catalog.methods import SENDS, SIGNS
from flake8_celery_tasks.celery_model.objects import ResultThing, SignatureThing, TaskThing, thing_of
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.configured import settings
from flake8_celery_tasks.facts.configured.schedules import BeatEntry
from flake8_celery_tasks.resolution.evaluation import is_plain, settled
from flake8_celery_tasks.rules._messages import cut
from flake8_celery_tasks.rules.rule import Rule
from flake8_celery_tasks.workspace.source import start_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.context import FileContext

#: Methods of a task that code names without calling them.
METHODS: Final = SENDS | SIGNS


class PeriodicTaskMisuse(Rule[BeatEntry]):
    """`add_periodic_task` is given something that is not a signature, or the same signature twice.

    ## What happens

    The second argument of `add_periodic_task` is a signature, `clean_up.s()`, or the task itself. A name, a result, the
    method `clean_up.delay` or the task's return value is neither, and the call raises an `AttributeError`. In a
    receiver of `on_after_configure`, the error is only logged, and beat continues without this entry and those after
    it:

    ```text
    Signal handler <function set_up at 0x...> raised: AttributeError("'function' object has no attribute 'name'")
    ```

    An entry without a name is named after its signature. A second entry with the same signature replaces it, and the
    first schedule is lost:

    ```text
    Periodic task key='shop_clean_up()' shadowed a previous unnamed periodic task.
    Pass a name kwarg to add_periodic_task to silence this warning.
    ```

    ## Bad

    ```python
    from celery import Celery

    app = Celery("shop")


    @app.task(name="shop_clean_up")
    def clean_up():
        print("clean")


    @app.on_after_configure.connect
    def set_up(sender, **kwargs):
        sender.add_periodic_task(3600, clean_up.delay)
    ```

    ```python
    from celery import Celery
    from celery.schedules import crontab

    app = Celery("shop")


    @app.task(name="shop_clean_up")
    def clean_up():
        print("clean")


    @app.on_after_configure.connect
    def set_up(sender, **kwargs):
        sender.add_periodic_task(crontab(minute=0, hour=3), clean_up.s())
        sender.add_periodic_task(crontab(minute=30, hour=15), clean_up.s())
    ```

    ## Good

    ```python
    from celery import Celery
    from celery.schedules import crontab

    app = Celery("shop")


    @app.task(name="shop_clean_up")
    def clean_up():
        print("clean")


    @app.on_after_configure.connect
    def set_up(sender, **kwargs):
        sender.add_periodic_task(crontab(minute=0, hour=3), clean_up.s(), name="clean up at night")
        sender.add_periodic_task(crontab(minute=30, hour=15), clean_up.s(), name="clean up by day")
    ```

    ## Not reported when

    - the argument can't be resolved;
    - the two calls differ in an argument of the signature, or are in different branches;
    - it is uncertain whether the method belongs to a Celery app.

    ## Fix

    Write `clean_up.s(...)`, or `app.signature("shop_clean_up")` if only the name is known. Give each entry its own
    name, as in `name="clean up at night"`.
    """

    code = "CLY806"
    see = ("periodic#entries", "Celery#celery.Celery.add_periodic_task")
    message = "add_periodic_task is given {what}, which is not a signature: AttributeError; write {instead}"
    again: Final = "{signature} is scheduled unnamed in line {line} already: this one replaces it; give each a name="

    def check(self, entry: BeatEntry) -> Iterator[Violation]:
        """Report a wrong second argument at its place, and the later of two calls that share a name."""
        written = entry.given.get("task")
        if entry.call is None or written is None:
            return
        wrong = _misuse(entry, written.value)
        before = _before(entry.context).get(id(entry))
        if wrong is not None:
            what, instead = wrong
            yield self.report(entry.module, written.value, what=what, instead=instead)
        elif before is not None:
            signature = cut(unparsed(written.value), 50, "The signature")
            line = start_of(before.node)[0]
            yield self.report(entry.module, entry.node, self.again, signature=signature, line=line)


@query()
def _before(context: FileContext) -> dict[int, BeatEntry]:
    """Return the first call with the same name for each later call, by the identity of the entry."""
    found: dict[int, BeatEntry] = {}
    seen: dict[tuple[object, ...], list[BeatEntry]] = {}
    for entry in settings.read(context)[1]:
        key = _key(entry)
        if key is not None:
            before = [other for other in seen.get(key, ()) if not _exclusive(other.site, entry.site)]
            if before:
                found[id(entry)] = before[0]
            seen.setdefault(key, []).append(entry)
    return found


def _misuse(entry: BeatEntry, node: ast.expr) -> tuple[str, str] | None:
    """Return what is used instead of a signature, and what to write instead of that."""
    value = entry.value("task")
    if isinstance(value, str):
        return f"the name {value[:40]!r}", "the task's .s(), or app.signature(name)"
    if isinstance(entry.thing("task"), ResultThing):
        return "a result: the task is sent now", "the task's .s()"
    if isinstance(node, ast.Call) and isinstance(_thing(entry, node.func), TaskThing):
        text = unparsed(node.func)[:40]
        return f"what {text}() returns", f"{text}.s()"
    if isinstance(node, ast.Attribute) and node.attr in METHODS and isinstance(_thing(entry, node.value), TaskThing):
        text = unparsed(node.value)[:40]
        return f"the method {text}.{node.attr}", f"{text}.s()"
    return None


def _thing(entry: BeatEntry, node: ast.expr) -> Any:
    return thing_of(entry.project, entry.module.value(node, entry.site.scope), entry.module)


def _key(entry: BeatEntry) -> tuple[object, ...] | None:
    """Return a key that is equal for two entries with the same name; None if the name is unknown."""
    written = entry.given.get("task")
    node = None if written is None else written.value
    if entry.call is None or not isinstance(node, ast.Call) or not isinstance(entry.thing("task"), SignatureThing):
        return None
    if not entry.complete or entry.name is not None:
        return None
    nodes = [*node.args, *(keyword.value for keyword in node.keywords)]
    nodes += [entry.given[name].value for name in ("args", "kwargs") if name in entry.given]
    if not all(is_plain(settled(entry.project, entry.module, item, entry.site)) for item in nodes):
        return None
    receiver = ast.dump(entry.call.func)
    return (receiver, id(entry.site.function()), ast.dump(node), *map(ast.dump, nodes))


def _exclusive(one: Site, other: Site) -> bool:
    """Return whether two places are in different branches of one `if` or `try`."""
    parts = {id(site.node): site.part for site in one.chain() if site.kind in (IF, TRY)}
    return any(site.kind in (IF, TRY) and parts.get(id(site.node), site.part) != site.part for site in other.chain())

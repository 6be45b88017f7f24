from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import last_name, unparsed
from flake8_celery_tasks.binding.scopes import CLASS, FUNCTION, IF, TRY, is_script
from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.catalog.methods import INVOKING, SENDING
from flake8_celery_tasks.celery_model import definitions
from flake8_celery_tasks.celery_model.apps import is_task_class
from flake8_celery_tasks.celery_model.decorators import CLASS_TASK, OPAQUE
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.resolution.project import Project

#: Methods that send a task, or create a signature that is sent.
_SENDS: Final = INVOKING - {"apply", "send_task", "set"}
_MARKS: Final = (b".apply_async", b".delay", b".s(", b".si(", b".signature(", b".subtask(")
_SENT: Final = re.compile(
    rb"(?<![\w\x80-\xff])([\w\x80-\xff]+)\s*\.\s*(?:" + "|".join(sorted(_SENDS)).encode() + rb")\b"
)

#: Places of code that people start, and wait for.
_COMMANDS: Final = "/management/commands/"
_COMMAND: Final = re.compile(r"\b(?:command|cli)\b")

#: Words in an `if` that chooses between sending and calling.
_ASKS: Final = re.compile(r"celery|eager|async|sync|wait|background|immediate|inline", re.IGNORECASE)

#: Words in the name of a function that calls tasks on purpose.
_HERE: Final = re.compile(r"inline|eager|immediate|(?<!a)sync", re.IGNORECASE)


class CalledNotSent(Rule[Facts]):
    """A statement calls a task like a function, though the task is sent elsewhere.

    ## What happens

    A task is a callable. `send_receipt(pk)` runs its function here and now, in the request, without a message, a retry,
    a time limit or a result. Nothing is logged. It works, but slowly. Often `.delay` was forgotten.

    ## Bad

    ```ini
    extend-select = CLY926
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        print(order_pk)


    def pay(order):
        send_receipt.delay(order.pk)


    def pay_later(order):
        send_receipt(order.pk)
    ```

    ## Good

    ```ini
    extend-select = CLY926
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        print(order_pk)


    @shared_task(name="shop_count")
    def count(numbers):
        return len(numbers)


    def pay(order):
        send_receipt.delay(order.pk)


    def pay_later(order):
        send_receipt.delay(order.pk)
        return count(order.numbers)


    def pay_at_once(order):
        send_receipt.run(order.pk)
    ```

    ## Not reported when

    - nothing outside tests sends the task, or creates a signature of it;
    - the value of the call is used: the task serves as a function there;
    - the call is in the body of a task, or in a method of its class: it runs in a worker anyway;
    - the call is intended: the same function sends the task in another branch (`if wait: task(x)`,
      `else: task.delay(x)`), an `if` around the call checks whether to send it
      (`if settings.CELERY_TASK_ALWAYS_EAGER`), or the function's name says so (`run_inline`);
    - the call is in a management command, a command of click or Flask, or under `if __name__ == "__main__"`;
    - the call is in a function named `test_...`, even if its file is not named like a test;
    - the task is a class, or a decorator that can't be resolved creates it;
    - the module is a test or a migration.

    ## Fix

    Write `.delay(...)`. If the work should be done at once, write `task.run(...)`, which shows the intention. The
    choice is yours: with `.delay` the arguments have to be serialisable, and the work is done later.
    """

    code = "CLY926"
    see = ("calling#basics",)
    message = "{call}() runs the task here and now, though it is sent elsewhere: write {call}.delay(), or {call}.run()"
    quiet_in_tests = True

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Report the statements that call a task that is sent elsewhere."""
        if _COMMANDS in f"/{facts.module.place.relative}":
            return
        for call, site in facts.calls_named(*_names_sent(facts.project)):
            if id(call) not in facts.module.candidates.statements or _is_started_by_hand(site):
                continue
            found = _task_called(facts, call, site)
            if found is None or _is_in_task(facts, site) or _is_choice(facts, call, site):
                continue
            if _is_sent(facts.project, found):
                yield self.report(facts.module, call, call=shown(call.func))


def _is_in_task(facts: Facts, site: Site) -> bool:
    """Return whether a place is in the function of a task, or in a method of a task's class."""
    if facts.task_at(site) is not None:
        return True
    for around in site.chain():
        if isinstance(around.node, ast.ClassDef) and around.kind == CLASS and around.parent is not None:
            symbol = facts.module.symbol_of(around.node, around.parent)
            cls = Target(f"{facts.module.prefix}{symbol.qualname}", facts.module, symbol)
            return is_task_class(facts.project, cls) is not False
    return False


def _task_called(facts: Facts, call: ast.Call, site: Site) -> Definition | None:
    value = facts.module.value(call.func, site.scope)
    if not isinstance(value, Ref):
        return None
    found = definitions.definition_of(facts.project, facts.project.resolve(value.path, facts.module))
    return None if found is None or found.decorator.form in (CLASS_TASK, OPAQUE) else found


@query()
def _names_sent(project: Project) -> tuple[str, ...]:
    """Return the names of everything that the project may send as a task."""
    return tuple(sorted(_senders(project)))


@query()
def _senders(project: Project) -> dict[str, list[str]]:
    """Return the files outside tests that may send a task, by the names before the sending method."""
    found: dict[str, list[str]] = {}
    for path in project.files.holding(*_MARKS):
        if not project.layout.is_test(project.layout.place(path)):
            for name in set(_SENT.findall(project.files.read(path) or b"")):
                found.setdefault(name.decode("utf-8", "replace"), []).append(path)
    return found


def _is_sent(project: Project, definition: Definition) -> bool:
    """Return whether something sends the task of a definition, and not only another of the same name."""
    name = definition.symbol.qualname.rpartition(".")[2]
    return any(definition.place in _sent_in(project, path) for path in _senders(project).get(name, ()))


@query()
def _sent_in(project: Project, path: str) -> frozenset[tuple[str, str, int] | None]:
    """Return the places of everything that a file sends."""
    module = project.module(path)
    if module is None:
        return frozenset()
    values = (module.value(node.value, site.scope) for node, site in module.candidates.sends if node.attr in _SENDS)
    return frozenset(
        definitions.place_of(project.resolve(value.path, module)) for value in values if isinstance(value, Ref)
    )


def _is_started_by_hand(site: Site) -> bool:
    """Return whether a place is a test, a command of click or Flask, or only runs when its file is a script."""
    return is_script(site) or any(
        getattr(around.node, "name", "").startswith("test_")
        or any(_COMMAND.search(unparsed(decorator)) for decorator in getattr(around.node, "decorator_list", ()))
        for around in site.chain()
    )


@query()
def _names_sent_in(facts: Facts) -> dict[int, set[str]]:
    """Return the names before the sending methods in each block of a file, by the identity of the statement."""
    found: dict[int, set[str]] = {}
    for node, site in facts.module.candidates.sends:
        if node.attr in SENDING:
            for around in site.chain():
                found.setdefault(id(around.node), set()).add(last_name(node.value))
    return found


@query()
def _asks(_facts: Facts, test: ast.expr) -> bool:
    """Return whether a condition checks whether to send tasks: there may be many calls below it."""
    return _ASKS.search(unparsed(test)) is not None


def _is_choice(facts: Facts, call: ast.Call, site: Site) -> bool:
    """Return whether the same function also sends the task, or an `if` around it checks whether to send tasks."""
    name = last_name(call.func)
    for around in site.chain():
        if around.kind == IF and _asks(facts, around.test):
            return True
        if around.kind in (FUNCTION, IF, TRY) and name in _names_sent_in(facts).get(id(around.node), ()):
            return True
        if around.kind == FUNCTION:
            return _HERE.search(getattr(around.node, "name", "")) is not None
    return False

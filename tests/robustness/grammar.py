"""Programs that look like Celery code and are written by nobody in their right mind.

Hypothesmith writes Python as such, of which next to nothing has to do with Celery; so the grammar is our own. It takes
a `random.Random`: that of hypothesis, so that what fails is made small, or a plain one, which is many times as fast.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.catalog import call_options, settings, task_options
from flake8_celery_tasks.catalog.crontab import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

#: Few, so that what is used is often defined. The ligature is another spelling of `fi` to the parser.
NAMES: Final = (
    *("add", "bill", "send", "x", "y", "self", "cls", "task", "tasks", "app", "celery", "order", "instance", "fi"),
    *(
        "\ufb01",
        "é",
        "名前",
        "_",
        "__secret",
        "print",
        "type",
        "match",
        "None_",
        "f",
        "args",
        "kwargs",
        "Order",
        "Base",
    ),
)
#: What tasks, and what else is defined, is mostly called: most of it is also used.
TASKS: Final = ("add", "bill", "send", "ship")
#: What makes most of what follows Celery's.
HEAD: Final = """\
import sys, time, celery, requests
from datetime import datetime, timedelta
from functools import partial, wraps
from celery import Celery, Task, chain, chord, current_app, group, shared_task, signature, states
from celery.exceptions import Ignore, MaxRetriesExceededError, Reject, Retry
from celery.schedules import crontab
from celery.signals import task_success, worker_ready
from content.tasks import drop
from django.db import models, transaction
from django.db.models.signals import post_save
from django.dispatch import receiver
"""
IMPORTS: Final = (
    "import celery",
    "import celery.app, celery as c",
    "import datetime",
    "import functools",
    "import requests",
    "import sys, os, time",
    "import shop.tasks",
    "import shop.tasks as tasks",
    "from . import tasks",
    "from . import *",
    "from .. import add",
    "from ....far import send",
    "from .tasks import add, bill as send",
    "from .tasks import *",
    "from __future__ import annotations",
    "from celery import *",
    "from celery import Celery, Task, chain, chord, current_app, group, shared_task, signature, states",
    "from celery import Celery",
    "from celery import chain, chord, group, signature",
    "from celery import current_task as self",
    "from celery import shared_task",
    "from celery import shared_task as task",
    "from celery.canvas import Signature, chunks, xmap",
    "from celery.decorators import periodic_task, task",
    "from celery.exceptions import Ignore, MaxRetriesExceededError, Reject, Retry",
    "from celery.schedules import crontab",
    "from celery.signals import task_failure, task_success, worker_ready",
    "from celery.task import Task",
    "from content.tasks import drop",
    "from content import tasks as add",
    "from datetime import datetime, timedelta",
    "from django.db import models, transaction",
    "from django.db.models.signals import post_save",
    "from django.db.transaction import atomic, on_commit",
    "from django.dispatch import receiver",
    "from functools import partial, wraps",
    "from project.celery import app",
    "from shop.tasks import add",
    "from shop import tasks, models",
    "from tasks import add",
    "from x import x",
)
TEXTS: Final = (
    *(
        '"shop.tasks.add"',
        "'add'",
        '"celery.ping"',
        '""',
        '" "',
        "'''\n'''",
        '"a\\\nb"',
        '"\\ud800"',
        'b"shop"',
        'rb"\\d"',
    ),
    *(
        '"10/m"',
        '"*/5 * * * *"',
        '"1-5,7"',
        '"L"',
        '"0"',
        '"json"',
        '"pickle"',
        '"redis://x"',
        '"shop" ".tasks"',
        '"{x"',
    ),
    *('u"é\\N{BULLET}"', '"😀"', '"task"', '"true"', '"\\0"', '"%s"', '"2024-01-01"', "'\"'", '"a b"', '"*"', '"..."'),
)
#: What is a sensible value for some option or argument.
VALUES: Final = (
    *(
        "True",
        "True",
        "False",
        "None",
        "0",
        "3",
        "60",
        "(ConnectionError,)",
        "(Exception,)",
        "ConnectionError",
        "[OSError]",
    ),
    *(
        '"shop_add"',
        '"shop.tasks.add"',
        '"shop_bill"',
        '{"countdown": 5}',
        '{"max_retries": None}',
        "()",
        "(1,)",
        "(1)",
    ),
    *(
        "[1, 2]",
        "{}",
        '{"x": 1}',
        "timedelta(days=2)",
        "datetime.now()",
        "add.s()",
        "add",
        '"3"',
        "Base",
        "Task",
        "order",
    ),
    *("{1, 2}", "order.pk", "lambda: 1", "states.FAILURE", '("shop" "x")', "**{}", "5 * 60", "(x for x in y)", "exc"),
)
NUMBERS: Final = (
    "0",
    "1",
    "-1",
    "60",
    "1.5",
    "1e400",
    "0x10",
    "10**9",
    "1_000",
    "3j",
    "9" * 25,
    "-0.0",
    "True",
    "None",
)
TASK_OPTIONS: Final = (*task_options.OPTIONS, "max_retry", "countdown", "ackslate", "once", "delay", "retry_kwarg", "é")
CALL_OPTIONS: Final = (*call_options.OPTIONS, "args", "kwargs", "count_down", "queues", "max_retries", "x", "order")
SETTINGS: Final = (
    *("task_acks_late", "task_ack_late", "beat_schedule", "task_routes", "task_annotations", "broker_url", "imports"),
    *("CELERY_BEAT_SCHEDULE", "CELERY_TASK_ROUTES", "CELERY_ACKS_LATE", "CELERYBEAT_SCHEDULE", "TASK_ALWAYS_EAGER"),
    *list(settings.SETTINGS)[::7],
)
CRONTAB: Final = (*(field.name for field in FIELDS), "nowfun", "minutes", "dayofweek")
METHODS: Final = (
    *("delay", "apply_async", "s", "si", "signature", "subtask", "apply", "delay_on_commit", "apply_async_on_commit"),
    *(
        "map",
        "starmap",
        "chunks",
        "retry",
        "replace",
        "update_state",
        "set",
        "link",
        "on_error",
        "clone",
        "get",
        "wait",
    ),
    *("AsyncResult", "send_task", "task", "conf", "update", "config_from_object", "add_periodic_task", "connect", "x"),
    *("request", "name", "run", "register_task", "objects", "tasks", "autodiscover_tasks", "on_after_configure", "é"),
)
CALLS: Final = (
    *("group", "chain", "chord", "signature", "crontab", "timedelta", "datetime.now", "partial", "Retry", "Reject"),
    *("transaction.on_commit", "transaction.atomic", "Celery", "shared_task", "app.task", "current_app.send_task"),
    *("requests.post", "time.sleep", "sys.exit", "getattr", "setattr", "print", "dict", "list", "Order.objects.get"),
    *("app.conf.update", "app.send_task", "self.retry", "celery.group", "super().save", "crontab.from_string"),
)
OPERATORS: Final = (
    "+",
    "-",
    "*",
    "/",
    "|",
    "|",
    "%",
    "**",
    "@",
    "<<",
    "and",
    "or",
    "in",
    "not in",
    "is",
    "==",
    "<",
    "//",
)
EXCEPTIONS: Final = (
    "Exception",
    "Retry",
    "(OSError, Ignore)",
    "BaseException",
    "self.MaxRetriesExceededError",
    "x",
    "()",
)


class Grammar:
    """What writes a program."""

    def __init__(self, random: Random, *, newest: bool = True) -> None:
        self.random = random
        self.newest = newest  # also what only newer Pythons know
        self.fuel = random.randint(5, 150)

    def pick(self, options: Sequence[str]) -> str:
        return self.random.choice(options)

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def of(self, *options: Callable[[], str]) -> str:
        return self.random.choice(options)()

    def many(self, most: int, make: Callable[[], str]) -> list[str]:
        return [make() for _ in range(self.random.randint(0, most))]

    # Expressions. What runs out of fuel gets short.

    def name(self) -> str:
        return self.pick(NAMES)

    def defined(self) -> str:
        return self.pick(TASKS) if self.chance(80) else self.name()

    def atom(self) -> str:
        return self.of(self.defined, self.name, lambda: self.pick(TEXTS), lambda: self.pick(NUMBERS))

    def value(self) -> str:
        value = self.pick(VALUES) if self.chance(75) else self.expression()
        return value.removeprefix("**")

    def expression(self) -> str:
        self.fuel -= 1
        if self.fuel < 0:
            return self.atom()
        return self.of(
            self.atom,
            self.atom,
            self.call,
            self.call,
            self.send,
            self.send,
            self.attribute,
            self.display,
            self.mapping,
            self.operation,
            self.rare,
        )

    def attribute(self) -> str:
        owner = self.of(self.defined, self.defined, self.defined, self.name, self.call, self.expression)
        return f"{owner}.{self.pick(METHODS)}"

    def call(self) -> str:
        name = self.pick(CALLS)
        keywords = CRONTAB if name.startswith("crontab") else TASK_OPTIONS if "task" in name else CALL_OPTIONS
        return f"{name}{self.arguments(keywords)}"

    def send(self) -> str:
        return f"{self.attribute()}{self.arguments(CALL_OPTIONS)}"

    def display(self) -> str:
        opened, closed = self.pick(("()", "[]", "{}"))
        items = self.many(3, lambda: f"{self.pick(('', '', '', '*'))}{self.expression()}")
        comma = "," if opened == "(" and len(items) == 1 and self.chance(80) else ""
        return f"{opened}{self.separated(items)}{comma}{closed}"

    def mapping(self) -> str:
        def item() -> str:
            key = self.of(lambda: self.pick(TEXTS), lambda: f'"{self.pick(SETTINGS + CALL_OPTIONS)}"', self.name)
            return f"**{self.name()}" if self.chance(10) else f"{key}: {self.of(self.expression, self.entry)}"

        return f"{{{self.separated(self.many(3, item))}}}"

    def entry(self) -> str:
        pairs = [f'"{key}": {self.expression()}' for key in ("task", "schedule", "args", "options") if self.chance(70)]
        return f"{{{self.separated(pairs)}}}"

    def operation(self) -> str:
        left, right = self.expression(), self.expression()
        return (
            f"({left}) {self.pick(OPERATORS)} ({right})"
            if self.chance(50)
            else f"{left} {self.pick(OPERATORS)} {right}"
        )

    def rare(self) -> str:
        inner = self.expression
        return self.of(
            lambda: f"lambda {self.pick(('', 'x', '*args, **kwargs', 'x=1, /, *, y', 'self'))}: {inner()}",
            lambda: f"({inner()} if {inner()} else {inner()})",
            lambda: f"({self.name()} := {inner()})",
            lambda: f"[{inner()} for {self.name()} in {inner()} if {inner()}]",
            lambda: f"{{{inner()}: {inner()} for x, *y in {inner()}}}",
            lambda: f"({inner()} for x in {inner()} for y in x)",
            lambda: f"(await {inner()})",
            lambda: f"(yield {inner()})",
            lambda: f"not {inner()}",
            lambda: f"-{inner()}",
            lambda: f"{self.name()}[{inner()}]",
            lambda: f"{self.name()}[{inner()}:, ...]",
            lambda: f"{self.name()}[*{inner()}]" if self.newest else "x",
            lambda: f"[{inner()} async for {self.name()} in {inner()}]",
            lambda: f"f'{{{self.name()}.delay('x')}}'" if self.newest else "x",
            lambda: "x" + ".s()" * 400,
            lambda: f'f"{{{self.name()}!r:>{{x}}}} {self.pick(("", "é", "{{", "{add.delay(1)}"))}"',
            lambda: f"(({inner()}))",
            lambda: "f(" * 30 + inner() + ")" * 30,
            lambda: "x" + ".y" * 60,
            lambda: "+".join([self.atom()] * 60),
        )

    def separated(self, items: list[str]) -> str:
        """Return items of something in brackets, where lines may break and comments stand."""
        if not items:
            return self.pick(("", "", " ", "\n"))
        style = self.random.randrange(10)
        if style < 7:
            return ", ".join(items) + ("," if style == 0 else "")
        if style == 7:
            return "\n" + "".join(f"            {item},\n" for item in items)
        if style == 8:
            return "  # why\n".join(["", *(f"{item} ," for item in items)]) + " # é\n"
        return " ,\\\n ".join(items)

    def arguments(self, keywords: Sequence[str]) -> str:
        def keyword() -> str:
            name = self.pick(keywords)
            return f"{name}{self.pick(('=', '=', ' = '))}{self.value()}"

        most = 0 if keywords is TASK_OPTIONS and self.chance(90) else 2
        positional = self.many(most, lambda: f"{'*' if self.chance(8) else ''}{self.value()}")
        named = [f"**{self.of(self.name, self.mapping)}" if self.chance(10) else keyword() for _ in range(self.less(4))]
        return f"{self.pick(('', '', '', ' '))}({self.separated(positional + named)})"

    def less(self, most: int) -> int:
        return min(self.random.randint(0, most), self.random.randint(0, most))

    # Statements, as lines without indentation.

    def block(self, most: int = 3) -> list[str]:
        self.fuel -= 1
        lines = [line for _ in range(self.random.randint(1, most)) for line in self.statement()]
        step = self.pick(("    ", "    ", "  ", "\t"))
        return [f"{step}{line}" for line in lines]

    def statement(self) -> list[str]:
        self.fuel -= 1
        if self.fuel < 0:
            return [self.pick(("pass", "...", "return", "x = 1"))]
        return self.random.choice(
            (
                self.simple,
                self.simple,
                self.simple,
                self.assignment,
                self.task,
                self.task,
                self.function,
                self.cls,
                self.compound,
                self.compound,
                lambda: [self.pick(IMPORTS)],
            )
        )()

    def simple(self) -> list[str]:
        expression = self.expression
        line = self.of(
            expression,
            self.routine,
            self.routine,
            self.send,
            self.send,
            self.call,
            lambda: f"return {expression()}",
            lambda: f"raise {expression()}",
            lambda: f"raise self.retry({self.pick(('exc', 'x', 'exc=x, countdown=60', '*args'))}) from x",
            lambda: f"del {self.pick(('x', 'x.y', 'add', 'app.conf.x, y[0]'))}",
            lambda: f"assert {expression()}, {expression()}",
            lambda: f"global {self.name()}",
            lambda: f"nonlocal {self.name()}",
            lambda: self.pick(("pass", "break", "continue", "return", "raise", "...", "x; y", "pass; pass;")),
        )
        comment = self.pick(("", "", "", "", "  # noqa", "  # noqa: CLY", "  # é", ";", "  # type: ignore"))
        return [f"{line}{comment}"]

    def routine(self) -> str:
        """Return what is often seen in real code."""
        value, name = self.value, self.defined
        return self.of(
            lambda: f"{name()}.delay({value()}, {self.pick(CALL_OPTIONS)}={value()})",
            lambda: f"{name()}.apply_async(({value()},), {self.pick(CALL_OPTIONS)}={value()})",
            lambda: f"{name()}.apply_async(args={value()}, kwargs={value()}, {self.pick(CALL_OPTIONS)}={value()})",
            lambda: f"current_app.send_task({value()}, {value()}, {self.pick(CALL_OPTIONS)}={value()})",
            lambda: f"transaction.on_commit({self.pick(('', 'lambda: ', 'partial('))}{name()}.delay({value()}))",
            lambda: f"transaction.on_commit({name()}{self.pick(('', '.delay', '.s()', '.s'))})",
            lambda: f"{self.pick(('chain', 'group'))}({name()}.s({value()}), {name()}.si(), {name()})()",
            lambda: f"chord([{name()}.s()], {name()}.s({value()}))({self.pick(('', 'add.s()', 'add'))})",
            lambda: f"({name()}.s({value()}) | {name()}.s() | {name()}.delay()).delay()",
            lambda: f"raise self.retry({self.pick(('exc', 'exc=exc, countdown=60', 'max_retries=None', '*args'))})",
            lambda: f"self.update_state(state={value()}, meta={value()})",
            lambda: f"raise {self.pick(('Reject', 'Ignore', 'Retry'))}({value()}, requeue={value()})",
            lambda: f"x = {name()}.delay({value()}).get({self.pick(('', 'timeout=5', 'propagate=x'))})",
            lambda: f"x = {name()}.delay_on_commit({value()}); x.id",
            lambda: self.pick(
                ("sys.exit(1)", "time.sleep(5)", "requests.post(x, headers=y)", "order.save()", "drop.delay(1)")
            ),
            lambda: (
                f"sender.add_periodic_task({value()}, {name()}{self.pick(('.s()', '.delay()', '', '.s(1), name=2'))})"
            ),
        )

    def assignment(self) -> list[str]:
        return [
            self.of(
                lambda: f"{self.name()} = {self.expression()}",
                lambda: f"{self.pick(SETTINGS)} = {self.of(self.expression, self.mapping)}",
                lambda: f"app.conf.{self.pick(SETTINGS)} = {self.of(self.expression, self.mapping)}",
                lambda: f'app.conf["{self.pick(SETTINGS)}"] = {self.expression()}',
                lambda: f'app.conf.beat_schedule["x"] = {self.entry()}',
                lambda: f"app = {self.pick(('Celery()', 'None', 'make()'))}",
                lambda: f"{self.name()}: {self.pick(NAMES + TEXTS)} = {self.expression()}",
                lambda: f"{self.name()}: Task",
                lambda: f"{self.name()} += {self.expression()}",
                lambda: f"{self.name()} = {self.name()} = {self.expression()}",
                lambda: f"({self.name()}, *{self.name()}), [x] = {self.expression()}",
                lambda: f"{self.name()}.{self.pick(METHODS)} = {self.expression()}",
                lambda: f"{self.name()} = task({self.name()})",
                lambda: f"type {self.name()} = {self.name()}" if self.newest else "pass",
            )
        ]

    def parameters(self) -> str:
        return self.pick(
            (
                *("", "self", "x", "self, x", "x, y=1", "*args, **kwargs", "self, /, x, *, y", "x=add.delay(1)"),
                *(
                    "order: Order",
                    "self: Task, *x: int",
                    "instance, **kwargs",
                    "_, x",
                    "x, /",
                    "*, self",
                    "  x,\n  y,  # é\n",
                ),
            )
        )

    def decorator(self) -> str:
        options = lambda: self.arguments(TASK_OPTIONS)  # noqa: E731
        if self.chance(70):
            return f"@{self.pick(('shared_task', 'app.task'))}{options()}"
        return "@" + self.of(
            lambda: f"app.task{options()}",
            lambda: f"task{options()}",
            lambda: self.pick(
                ("shared_task", "app.task", "task", "transaction.atomic", "property", "staticmethod", "x")
            ),
            lambda: f"receiver(post_save, sender={self.name()})",
            lambda: f"{self.pick(('worker_ready', 'task_success'))}.connect{self.arguments(('sender', 'weak'))}",
            lambda: f"celery.shared_task{options()}",
            lambda: f"app.on_after_configure.connect{self.pick(('', '()'))}",
            lambda: f"wraps({self.name()})",
            lambda: f"({self.expression()})",
            lambda: self.expression(),
        )

    def task(self) -> list[str]:
        kind = self.pick(("def", "def", "def", "async def"))
        comment = self.pick(("", "", "", "  # why"))
        decorators = [self.decorator() + comment for _ in range(self.random.randint(1, 2))]
        generic = self.pick(("", "[T]", "[*T, **P]", "[add: Task]")) if self.newest else ""
        return [*decorators, f"{kind} {self.defined()}{generic}({self.parameters()}):", *self.block()]

    def function(self) -> list[str]:
        head = f"{self.pick(('def', 'def', 'async def'))} {self.pick(('f', self.name()))}({self.parameters()})"
        if self.chance(15):
            return [f"{head}: {self.expression()}; {self.expression()}"]
        return [f"{head}{self.pick(('', ' -> Task', ' -> ' + self.name()))}:", *self.block()]

    def cls(self) -> list[str]:
        bases = self.pick(
            ("", "()", "(Task)", "(app.Task)", "(celery.Task, Base)", "(models.Model)", "(Base, metaclass=x)", "(*x)")
        )
        method = self.pick(("run", "save", "delete", "__call__", "apply_async", "on_failure", "é"))
        generic = self.pick(("", "", "[T]", "[add, *x]")) if self.newest else ""
        lines = [f"class {self.name()}{generic}{bases}:"]
        for line in (f"{self.pick(TASK_OPTIONS)} = {self.expression()}", f"{self.name()}: int"):
            lines += [f"    {line}"] if self.chance(50) else []
        lines += [f"    def {method}({self.parameters()}):", *(f"    {line}" for line in self.block())]
        decorators = [self.decorator()] if self.chance(20) else []
        registered = [f"{self.name()} = app.register_task({self.name()}())"] if self.chance(40) else []
        return [*decorators, *lines, *registered]

    def compound(self) -> list[str]:
        inner, block = self.expression, self.block
        head, *more = self.random.choice(
            (
                lambda: [f"if {inner()}:", *block(), "else:", *block()],
                lambda: ["if TYPE_CHECKING:", *block()],
                lambda: [f"for {self.pick(('x', 'x, y', 'self.x', '(x[0], *y)'))} in {inner()}:", *block()],
                lambda: [f"while {inner()}:", *block(), "else:", *block()],
                lambda: [f"with {self.pick(('transaction.atomic()', 'suppress(Retry) as x', 'x, y'))}:", *block()],
                lambda: [f"async with {inner()} as x:", *block()],
                lambda: [
                    "try:",
                    *block(),
                    f"except {self.pick(EXCEPTIONS)} as x:",
                    *block(),
                    *(["else:", *block()] if self.chance(30) else []),
                    *(["finally:", *block()] if self.chance(30) else []),
                ],
                lambda: [
                    "try:",
                    *block(),
                    f"except{'*' if self.newest else ''} {self.pick(EXCEPTIONS)}:",
                    *block(),
                ],
                lambda: [f"for {self.name()} in {inner()}:", *block(), "else:", *block()],
                lambda: [f"match {inner()}:", *self.case(), *(self.case() if self.chance(50) else [])],
            )
        )()
        return [head, *more]

    def case(self) -> list[str]:
        patterns = ("{**x}", "[*_, add]", "Order(x=1) | None", "_ if x", "-1", "int() as add", "'x' | 'y'")
        pattern = self.pick((*patterns, f"x if {self.expression()}", f"{{'x': {self.name()}}}"))
        return [f"    case {pattern}:", *(f"    {line}" for line in self.block())]

    # The whole.

    def program(self) -> str:
        lines = HEAD.splitlines() if self.chance(85) else []
        lines += [line for line in IMPORTS if self.chance(3)]
        lines += [self.pick(("app = Celery()", "from project.celery import app"))] if self.chance(85) else []
        if self.chance(10):
            lines.insert(0, self.pick(('"""é"""', "# coding: utf-8", "#!/usr/bin/env python", "\x0c")))
        for _ in range(self.random.randint(1, 6)):
            lines += [""] * self.random.randint(0, 2)
            lines += self.statement()
        return "\n".join(lines) + self.pick(("\n", "\n", "", "\n\n\n", "  # é"))


def program(random: Random) -> str:
    """Return a program, most of them such as this Python can parse."""
    newest = sys.version_info >= (3, 12) and random.random() < 0.5
    return Grammar(random, newest=newest).program()

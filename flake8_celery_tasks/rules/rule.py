"""What a rule is: a code, a message, and a check of one kind of fact. The class's docstring is the rule's page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar, get_args

from flake8_celery_tasks.binding.values import LARGEST
from flake8_celery_tasks.core.text import plain
from flake8_celery_tasks.core.violation import Violation

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.edits.edit import Fix
    from flake8_celery_tasks.facts.task import Task


Fact = TypeVar("Fact")

#: The folder of the opt-in rules: house policy.
OPT_IN: Final = "policy"


class Rule(Generic[Fact]):
    """Base of all rules.

    A subclass names the kinds of facts that it checks, `class MissingTaskName(Rule[Task])` or
    `class NaiveEta(Rule[Invocation | TaskCall])`, its `code`, and its `message`: a template whose fields `report`
    fills. `check` yields violations and keeps no state. The file is in the folder of its topic under `rules/` and is
    named after the rule.
    """

    code: ClassVar[str]
    message: ClassVar[str]
    #: The sections of Celery's documentation that the page cites, as `catalog/guide.py` names them: `tasks#names`.
    see: ClassVar[tuple[str, ...]] = ()
    #: The kind of fixes that `fix` returns: `safe`, `unsafe`, `safe or unsafe`; empty if it returns none.
    fixes: ClassVar[str] = ""
    #: Whether the rule skips test modules and migrations.
    quiet_in_tests: ClassVar[bool] = False
    #: Whether the rule is opt-in: all rules of house policy are, and no others.
    opt_in: ClassVar[bool] = False
    #: The kinds of facts that the rule checks, taken from the class's base.
    kinds: ClassVar[tuple[type, ...]]

    def __init_subclass__(cls) -> None:
        (checked,) = get_args(cls.__orig_bases__[0])  # type: ignore[attr-defined]
        cls.kinds = get_args(checked) or (checked,)
        cls.opt_in = f".rules.{OPT_IN}." in cls.__module__

    def check(self, fact: Fact) -> Iterator[Violation]:
        """Yield the violations of one fact."""
        raise NotImplementedError

    def fix(self, fact: Fact, violation: Violation) -> Fix | None:
        """Return the fix for a violation that `check` yielded for a fact; None if no fix is certain.

        It is called only when fixes are wanted, so that plain checking does not pay for it.
        """
        return None

    def report(self, module: Module, node: ast.AST, message: str = "", **values: Any) -> Violation:
        """Return a violation at a node; `message` replaces the rule's own template."""
        line, column = module.source.position(node)
        return Violation(line, column, self.code, _filled(message or self.message, values))

    def report_name(self, task: Task, message: str = "", **values: Any) -> Violation:
        """Return a violation at the name of a task's function or class."""
        line, column = task.module.source.name(task.node)
        return Violation(line, column, self.code, _filled(message or self.message, values))

    def report_definition(self, task: Task, message: str = "", **values: Any) -> Violation:
        """Return a violation at a whole definition: at its decorator, or at the name of a class."""
        if task.decorator is None:
            return self.report_name(task, message, **values)
        return self.report(task.module, task.decorator, message, **values)


def _filled(message: str, values: dict[str, Any]) -> str:
    # Python 3.10 writes a lambda with that space. Baselines compare messages, so all versions must write the same.
    text = message.format(**{name: _short(value) for name, value in values.items()}).replace("lambda :", "lambda:")
    # flake8 fails on file names that are not valid text, and passes control characters on to the terminal.
    return plain(text)


def _short(value: object) -> object:
    """Return a value for a message; Python refuses to format numbers of thousands of digits."""
    return "..." if isinstance(value, int) and abs(value) > LARGEST else value


def name_of(rule: type[Rule[Any]]) -> str:
    """Return a rule's name: its class name in kebab case.

    >>> class SelfWithoutBind(Rule[int]): ...
    >>> name_of(SelfWithoutBind)
    'self-without-bind'
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", rule.__name__).lower()

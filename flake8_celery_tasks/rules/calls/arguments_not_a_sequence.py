from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8_celery_tasks.binding.nodes import last_name, unparsed, unsubscripted
from flake8_celery_tasks.binding.scopes import ASSIGN, COMPREHENSION, PARAM
from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.catalog.methods import ARGS_AT
from flake8_celery_tasks.celery_model.objects import CanvasThing, SignatureThing
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.facts.arguments import container_of, is_expected_to_fail
from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.facts.configured.schedules import BeatEntry
from flake8_celery_tasks.resolution import inference
from flake8_celery_tasks.resolution.evaluation import Table, settled
from flake8_celery_tasks.rules._messages import cut
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Binding, Site
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.edit import Fix
    from flake8_celery_tasks.resolution.project import Project

#: Methods that take `args` and `kwargs`, with the position of `args`.

#: Expressions whose values Celery does not accept as a sequence, and how to call them.
_NO_SEQUENCES: Final = {
    ast.Set: "set",
    ast.SetComp: "set",
    ast.GeneratorExp: "generator",
    ast.DictComp: inference.MAPPING,
    ast.JoinedStr: inference.STRING,
}

#: Expressions whose values are not mappings.
_NO_MAPPINGS: Final = {
    ast.Set: "set",
    ast.SetComp: "set",
    ast.GeneratorExp: "generator",
    ast.ListComp: "list",
    ast.List: "list",
    ast.Tuple: "tuple",
    ast.JoinedStr: inference.STRING,
}

#: Values that a signature splits into arguments.
_TAKEN_APART: Final = {inference.STRING: "letters", inference.MAPPING: "keys"}

_BEAT: Final = "beat logs an error and sends nothing"

#: Endings of names that hold several arguments.
_SEVERAL: Final = re.compile(r"(?:^|_)(?:kw)?(?:args|arguments|list|params|parameters|tuple|values)$", re.IGNORECASE)

#: Attributes and names for the key of one row.
_KEYS: Final = re.compile(r"(?:^|_)(?:id|pk|uuid)$")

#: Expressions that don't need parentheses; others may have them for readability.
_BARE: Final = (ast.Attribute, ast.Name, ast.Subscript)

#: Expressions, and calls, that return a list, tuple or dict.
_SEQUENCES: Final = (ast.Dict, ast.DictComp, ast.List, ast.ListComp, ast.Tuple)
_GIVING_TUPLES: Final = frozenset(
    {
        "batched",
        "chunked",
        "combinations",
        "enumerate",
        "groupby",
        "items",
        "permutations",
        "product",
        "values_list",
        "zip",
    }
)
_HOLDING: Final = re.compile(
    r"\b(?:any|collection|dict|iterable|list|mapping|namedtuple|object|sequence|set|tuple)\b", re.IGNORECASE
)
_MAKERS: Final = frozenset({"builtins.dict", "builtins.list", "builtins.sorted", "builtins.tuple"})


class _Given(NamedTuple):
    """The `args` and `kwargs` of one call or entry, and what happens if they are wrong."""

    args: ast.expr | None
    kwargs: ast.expr | None
    effect: str
    site: Site
    signs: bool
    task: Defined | None = None


class ArgumentsNotASequence(Rule[Invocation | BeatEntry]):
    """A call's `args` is not a list or tuple, or its `kwargs` is not a dict. Often a comma is missing.

    ## What happens

    `(order.pk)` is `order.pk` in parentheses; the tuple needs its comma, `(order.pk,)`. `apply_async()` and
    `send_task()` accept only a list or tuple:

    ```text
    TypeError: task args must be a list or tuple
    ```

    With a string of several letters, the error counts each letter as an argument:

    ```text
    TypeError: fetch_rates() takes 1 positional argument but 25 were given
    ```

    A signature silently splits the string, both when it is created and when it is sent: each letter becomes an
    argument. Beat does the same with a string as an entry's `args`. If that results in more arguments than the task
    takes, or if `args` is a number, beat logs the error and never sends anything.

    ## Bad

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates")
    def fetch_rates(url):
        return download(url)


    def refresh():
        fetch_rates.apply_async(("https://example.com/rates"), countdown=10)
    ```

    ```python
    from celery import Celery

    app = Celery("shop")


    def fetch(order_pk: int):
        app.send_task("warehouse_fetch", args=(order_pk))
    ```

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates")
    def fetch_rates(url):
        return download(url)


    def refresh(url):
        fetch_rates.apply_async(kwargs=["url", url])
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        print(order_pk)


    def pay(order):
        send_receipt.apply_async((order.pk), countdown=10)
    ```

    ## Good

    ```python
    from celery import Celery, shared_task

    from shop.web import download

    app = Celery("shop")


    @shared_task(name="shop_fetch_rates")
    def fetch_rates(url):
        return download(url)


    def refresh(order_pk: int, urls: list):
        fetch_rates.apply_async(("https://example.com/rates",), countdown=10)
        fetch_rates.apply_async(urls)
        fetch_rates.apply_async(kwargs={"url": "https://example.com/rates"})
        app.send_task("warehouse_fetch", args=(order_pk,))
    ```

    ## Not reported when

    - the argument could be a list, tuple or dict. Four things are reported: literals; names whose annotation or
      assignments all show that they are something else; names like the key of a row (`order.pk`, `order_id`); and
      expressions in parentheses that have no effect, `args=(order.total)`. The last two are skipped if the name
      suggests arguments (`args=(task_args)`), or if the value is certainly a list, tuple or dict;
    - a beat entry passes a string to a task that takes `*args`;
    - the value is falsy (`0`, `""`, `{}`, None), which Celery treats as no arguments;
    - the task's class has its own `apply_async`;
    - a test expects it: `with pytest.raises(TypeError)`.

    ## Fix

    Add the comma, `(order_pk,)`, or move a dict to `kwargs`. The automatic fix does this. It is safe if the call can't
    have worked before, and unsafe if only the parentheses or the name show the mistake.
    """

    code = "CLY604"
    see = ("calling#basics",)
    fixes = "safe or unsafe"
    message = "{name} must be {wanted}, {given} is {kind}: {effect}; write {advice}"
    comma: Final = (
        "args must be a list or tuple, and ({text}) is only {text} in parentheses: a comma is missing; write ({text},)"
    )

    def check(self, fact: Invocation | BeatEntry) -> Iterator[Violation]:
        """Report `args` and `kwargs` of a call or of a beat entry."""
        given = _given(fact)
        if given is None:
            return
        wrong = given.args and _wrong_args(fact.project, fact.module, given.args, given)
        if given.args is not None and wrong:
            text = _short(given.args)
            advice = f"kwargs={text}" if wrong == inference.MAPPING else f"({text},)"
            if isinstance(given.args, ast.GeneratorExp):
                advice = "a list"
            effect = given.effect
            if given.signs and wrong in _TAKEN_APART:
                what = f"each of its {_TAKEN_APART[wrong]}"
                effect = f"beat sends {what} as an argument" if effect == _BEAT else f"{what} becomes an argument"
            yield self._report(fact, given.args, "args", wrong, effect, advice)
            return
        if given.args is not None and _lacks_comma(fact, given.args, given.site):
            yield self.report(fact.module, given.args, self.comma, text=_short(given.args))
            return
        if given.args is not None and _is_key(fact, given.args, given):
            text = _short(given.args)
            yield self._report(fact, given.args, "args", "key", given.effect, f"({text},)")
            return
        wrong = given.kwargs and _wrong_kwargs(fact.project, fact.module, given.kwargs, given)
        if given.kwargs is not None and wrong:
            yield self._report(fact, given.kwargs, "kwargs", wrong, given.effect, "{...}")

    def _report(
        self, fact: Invocation | BeatEntry, node: ast.expr, name: str, kind: str, effect: str, advice: str
    ) -> Violation:
        article = "an" if kind == inference.EXCEPTION else "a"
        return self.report(
            fact.module,
            node,
            name=name,
            wanted="a list or tuple" if name == "args" else "a dict",
            given=_short(node),
            kind=f"{article} {kind}",
            effect=effect,
            advice=advice,
        )

    def fix(self, fact: Invocation | BeatEntry, violation: Violation) -> Fix | None:
        """Add the comma, or pass a dict as `kwargs`."""
        from flake8_celery_tasks.edits.edit import Fix
        from flake8_celery_tasks.edits.operations import MakeTuple, NameArgument, RenameKeyword

        given = _given(fact)
        args = None if given is None else given.args
        if given is None or args is None or fact.module.source.position(args) != (violation.line, violation.column):
            return None
        wrong = _wrong_args(fact.project, fact.module, args, given)
        if wrong in (inference.STRING, inference.NUMBER, inference.EXCEPTION, inference.DURATION):
            return Fix((MakeTuple(args),), safe=True)
        if wrong is None and (_lacks_comma(fact, args, given.site) or _is_key(fact, args, given)):
            return Fix((MakeTuple(args),), safe=False)
        if wrong != inference.MAPPING or isinstance(fact, BeatEntry):
            return None
        if fact.keyword("kwargs") is not None or fact.node.args[-1:] not in ([], [args]):
            return None
        keyword = fact.keyword("args")
        if args in fact.node.args:
            return Fix((NameArgument(fact.node, args, "kwargs"),), safe=True)
        return None if keyword is None else Fix((RenameKeyword(fact.node, keyword, "kwargs"),), safe=True)


def _short(node: ast.expr) -> str:
    return cut(unparsed(node), 24, "...")


def _given(fact: Invocation | BeatEntry) -> _Given | None:
    """Return the arguments of a call or an entry; None if a test, or a function other than Celery's, gets them."""
    if isinstance(fact, BeatEntry):
        return _of_entry(fact) if fact.call is None else None
    start = ARGS_AT.get(fact.method)
    if start is None or _may_differ(fact) or is_expected_to_fail(fact.site):
        return None
    if fact.by_name and fact.method == "signature":
        start = 1
    makes = fact.method in ("signature", "subtask")
    effect = "sending it raises TypeError" if makes else f"{fact.method}() raises TypeError"
    # The arguments of the call go before the signature's own arguments.
    signs = makes or isinstance(fact.thing, (SignatureThing, CanvasThing))
    args = container_of(fact.node, "args", start)
    return _Given(args, container_of(fact.node, "kwargs", start + 1), effect, fact.site, signs)


def _may_differ(call: Invocation) -> bool:
    """Return whether the task's class may take arguments other than Celery's."""
    return call.defined is not None and not call.defined.hands_on_calls


def _of_entry(entry: BeatEntry) -> _Given:
    args, kwargs = entry.given.get("args"), entry.given.get("kwargs")
    tasks = entry.definitions if args is not None else None
    task = Defined(entry.project, tasks[0]) if tasks else None
    site = (args or kwargs or entry).site
    return _Given(args and args.value, kwargs and kwargs.value, _BEAT, site, signs=True, task=task)


def _is_falsy(value: Any) -> bool:
    """Return whether Celery treats a known value as no arguments."""
    return value is None or (isinstance(value, (int, float, str, bytes, tuple, list, Table)) and not value)


def _wrong_args(project: Project, module: Module, node: ast.expr, given: _Given) -> str | None:
    """Return what `args` is, if it can't be a list or tuple."""
    if _is_falsy(project.settle(module.value(node, given.site.scope), module)):
        return None
    kind = _NO_SEQUENCES.get(node.__class__) or inference.kind_of(project, module, node, given.site.scope)
    if kind == inference.STRING and given.task is not None and _takes_any(given.task):
        return None
    # Signatures and beat make a tuple of any iterable.
    return None if given.signs and kind in ("set", "generator") else kind


def _takes_any(task: Defined) -> bool:
    """Return whether a task takes any number of arguments, or may do so."""
    return task.accepts is None or bool(task.accepts.vararg)


def _lacks_comma(fact: Invocation | BeatEntry, node: ast.expr, site: Site) -> bool:
    """Return whether `args` is in parentheses without effect, and nothing shows that it is a sequence."""
    if not isinstance(node, _BARE) or _SEVERAL.search(last_name(unsubscripted(node))):
        return False
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        return False
    return _is_parenthesised(fact.module, node) and not _may_be_sequence(fact, node, site)


def _is_key(fact: Invocation | BeatEntry, node: ast.expr, given: _Given) -> bool:
    """Return whether `args` is named like the key of one row: `order.pk`, `order_id`.

    A signature may turn a string into a tuple.
    """
    if given.signs or not isinstance(node, (ast.Attribute, ast.Name)) or not _KEYS.search(last_name(node)):
        return False
    return not _may_be_sequence(fact, node, given.site)


def _is_parenthesised(module: Module, node: ast.expr) -> bool:
    """Return whether an argument of a call, or a value in a dict, has its own parentheses on its line."""
    line, column = module.source.position(node)
    before = "".join(module.source.lines[line - 1 : line])[:column].rstrip()
    # A parenthesis after a name belongs to the call.
    return before.endswith("(") and before[:-1].rstrip()[-1:] in ("", "(", "=", ",", ":")


def _may_be_sequence(fact: Invocation | BeatEntry, node: ast.expr, site: Site) -> bool:
    """Return whether something shows that an expression is, or may be, a list, tuple or dict."""
    value = settled(fact.project, fact.module, node, site)
    if isinstance(value, (list, tuple, Table)):
        return True
    found = site.scope.find(node.id) if isinstance(node, ast.Name) else None
    return found is not None and any(_binds_sequence(fact, binding) for binding in found[1])


def _binds_sequence(fact: Invocation | BeatEntry, binding: Binding) -> bool:
    if binding.kind == ASSIGN:
        node = binding.node
        value = fact.module.value(node.func, binding.site.scope) if isinstance(node, ast.Call) else None
        path = fact.project.resolve(value.path, fact.module).path if isinstance(value, Ref) else ""
        return isinstance(node, _SEQUENCES) or path in _MAKERS
    if isinstance(binding.statement, (ast.For, ast.AsyncFor)):
        return last_name(getattr(binding.statement.iter, "func", binding.statement.iter)) in _GIVING_TUPLES
    if binding.kind != PARAM:
        return binding.site.scope.kind != COMPREHENSION
    arguments = getattr(binding.site.node, "args", None)
    if isinstance(arguments, ast.arguments) and binding.node in (arguments.vararg, arguments.kwarg):
        return True
    annotation = getattr(binding.node, "annotation", None)
    return annotation is not None and _HOLDING.search(unparsed(annotation)) is not None


def _wrong_kwargs(project: Project, module: Module, node: ast.expr, given: _Given) -> str | None:
    """Return what `kwargs` is, if it can't be a dict."""
    if _is_falsy(project.settle(module.value(node, given.site.scope), module)):
        return None
    kind = _NO_MAPPINGS.get(node.__class__) or inference.kind_of(project, module, node, given.site.scope)
    return None if kind == inference.MAPPING else kind

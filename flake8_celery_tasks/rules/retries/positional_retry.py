from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.nodes import unparsed
from flake8_celery_tasks.binding.values import UNKNOWN
from flake8_celery_tasks.facts.calls import TaskCall
from flake8_celery_tasks.resolution import inference
from flake8_celery_tasks.resolution.evaluation import Called
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules._messages import cut
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.edit import Fix


class PositionalRetry(Rule[TaskCall]):
    """`self.retry(exc)` passes the exception as new arguments; `self.retry(exc="text")` passes a string as exception.

    ## What happens

    The first parameter of `Task.retry` is `args`, the positional arguments of the next run. An exception or a number is
    not a sequence of arguments, so the call itself fails in the worker, and nothing is retried:

    ```text
    TypeError: 'ConnectionError' object is not iterable
    ```

    A string or a dict is unpacked instead: the next run gets its letters, or its keys, as arguments. `0` and `""` mean
    no arguments at all. One example in Celery's own user guide makes this mistake.

    The value of `exc=` has to be an exception: Celery stores it with every retry, and raises it when no retries are
    left. With a string, a `TypeError` is raised instead, and only at that point. An exception class can't be stored at
    all.

    ## Bad

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", bind=True, max_retries=5)
    def fetch_rates(self, url):
        try:
            return download(url)
        except ConnectionError as exc:
            raise self.retry(exc)
    ```

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_prices", bind=True, max_retries=5)
    def fetch_prices(self, url):
        response = download(url)
        if response.status_code == 503:
            raise self.retry(exc="no prices yet")
        return response.text
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
            raise self.retry(exc=exc)
    ```

    ## Not reported when

    - the argument is a tuple or list, or could be one: new arguments for the next run are what the parameter is for;
    - the argument is None, which means the arguments of the current run;
    - the value of `exc=` may be an exception, or is empty.

    ## Fix

    Write `exc=`. That is certainly right if the argument is the exception that the surrounding handler caught.
    Otherwise another parameter may have been intended, such as `countdown=`.
    """

    code = "CLY219"
    see = ("tasks#retrying", "Task#celery.app.task.Task.retry")
    fixes = "safe or unsafe"
    message = "The first parameter of retry() is args: passing {given} {effect}; {advice}"

    none = "exc= takes an exception, not {given}: {effect}; {advice}"

    def check(self, call: TaskCall) -> Iterator[Violation]:
        """Report a first argument that can't be a sequence of arguments, and an `exc=` that can't be an exception."""
        if call.method == "retry":
            yield from self._positional(call)
            yield from self._exception(call)

    def _exception(self, call: TaskCall) -> Iterator[Violation]:
        keyword = call.keyword("exc")
        if keyword is None:
            return
        kind = inference.kind_of(call.project, call.module, keyword.value, call.site.scope)
        value = call.argument("exc")
        text = cut(unparsed(keyword.value), 24)
        effect, advice = "TypeError hides the error when no retries are left", "pass the caught exception"
        if kind == inference.EXCEPTION:
            if not isinstance(value, Target):
                return
            given, effect, advice = f"the class '{text}'", "EncodeError at each retry", f"write {text}(...)"
        elif kind == inference.STRING or _is_text(keyword.value):
            given = f"the string {text}"
        elif kind is None:
            return
        else:
            given = f"the {kind} '{text}'"
        if value is UNKNOWN or isinstance(value, (Called, Target)) or value:
            yield self.report(call.module, keyword.value, self.none, given=given, effect=effect, advice=advice)

    def _positional(self, call: TaskCall) -> Iterator[Violation]:
        if not call.node.args or isinstance(call.node.args[0], ast.Starred):
            return
        first = call.node.args[0]
        kind = inference.kind_of(call.project, call.module, first, call.site.scope)
        if kind is None:
            return
        value = call.settled(first)
        full = unparsed(first)
        short = len(full) <= 24
        text = full if short else f"{full[:21]}..."
        given = f"the {kind} {text}" if kind == inference.STRING else f"the {kind} '{text}'"
        effect = "raises TypeError and nothing is retried"
        if isinstance(value, (int, str, bytes)) and not value:
            effect = "means no arguments for the next run"
        elif kind == inference.STRING:
            effect = "gives the next run one argument per letter"
        elif kind == inference.MAPPING:
            effect = "gives the next run its keys as arguments"
        yield self.report(
            call.module, first, given=given, effect=effect, advice=self._advice(kind, full if short else "...")
        )

    def _advice(self, kind: str, text: str) -> str:
        if kind == inference.EXCEPTION:
            return f"write exc={text}"
        if kind == inference.NUMBER:
            return f"write countdown={text}"
        if kind == inference.DURATION:
            return "write countdown= with its seconds"
        return f"write kwargs={text}" if kind == inference.MAPPING else f"write args=({text},)"

    def fix(self, call: TaskCall, violation: Violation) -> Fix | None:
        """Write `exc=` before an exception."""
        from flake8_celery_tasks.edits.edit import Fix
        from flake8_celery_tasks.edits.operations import NameArgument

        if len(call.node.args) != 1 or call.keyword("exc") is not None:
            return None
        first = call.node.args[0]
        if inference.kind_of(call.project, call.module, first, call.site.scope) != inference.EXCEPTION:
            return None
        caught = {node.name for node in call.handlers()}
        return Fix((NameArgument(call.node, first, "exc"),), safe=isinstance(first, ast.Name) and first.id in caught)


def _is_text(node: ast.expr) -> bool:
    """Return whether an expression formats or joins a string literal: `"{}".format(x)`, `"%s" % x`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Mod)):
        node = node.left
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "join"):
        node = node.func.value
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))

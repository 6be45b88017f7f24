from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.nodes import unparsed
from flake8_celery_tasks.facts.calls import RaisedMethod
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class RetryNotCalled(Rule[RaisedMethod]):
    """`raise self.retry` without parentheses raises a method, and retries nothing.

    ## What happens

    A method is not an exception, so Python raises a `TypeError` instead of the real error. Nothing is sent again:

    ```text
    TypeError: exceptions must derive from BaseException
    ```

    ## Bad

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", bind=True)
    def fetch_rates(self, url):
        try:
            return download(url)
        except ConnectionError as error:
            raise self.retry from error
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", bind=True)
    def fetch_rates(self, url):
        try:
            return download(url)
        except ConnectionError as error:
            raise self.retry(exc=error) from error
    ```

    ## Not reported when

    - it is uncertain whether `retry` is the method of a task.

    ## Fix

    Add the parentheses. Make sure that the task can run twice: until now it was never retried.
    """

    code = "CLY222"
    see = ("tasks#retrying",)
    message = (
        "'raise {name}' raises a method: it fails with TypeError and nothing is retried; write 'raise {name}({exc})'"
    )

    def check(self, raised: RaisedMethod) -> Iterator[Violation]:
        """Report the raised method."""
        if raised.method.attr == "retry":
            cause = raised.node.cause
            exc = f"exc={cause.id}" if isinstance(cause, ast.Name) else ""
            yield self.report(raised.module, raised.method, name=unparsed(raised.method), exc=exc)

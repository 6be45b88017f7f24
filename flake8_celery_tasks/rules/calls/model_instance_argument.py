from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.facts.arguments import arguments_of, is_expected_to_fail, is_json
from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.frameworks import django_models
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.core.violation import Violation


class ModelInstanceArgument(Rule[Invocation]):
    """A task is given an instance of a Django model, or a queryset.

    ## What happens

    Arguments travel as JSON, which can't hold a model instance. The call fails, and nothing is sent:

    ```text
    kombu.exceptions.EncodeError: Object of type Order is not JSON serializable
    ```

    A queryset can't be encoded either, not even one of `values_list()` or `values()`; neither can `request.user`.
    Pickle would send the instance, but the task would work with an outdated row.

    ## Bad

    ```python title="shop/tasks.py"
    from celery import shared_task


    @shared_task(name="shop_bill")
    def bill(order):
        print(order)
    ```

    ```python title="shop/models.py"
    from django.db import models

    from shop.tasks import bill


    class Order(models.Model):
        def close(self):
            bill.delay(self)
    ```

    ## Good

    ```python title="shop/tasks.py"
    from celery import shared_task


    @shared_task(name="shop_bill")
    def bill(number):
        print(number)
    ```

    ```python title="shop/models.py"
    from django.db import models

    from shop.tasks import bill


    class Order(models.Model):
        def close(self):
            bill.delay(self.pk)
    ```

    ## Not reported when

    - only its name suggests that a value is an instance. It has to be `self` in a method of a model, the `instance` of
      a receiver, annotated as a model, the user of a `request`, or come from `Model.objects.get()` and the like, from a
      queryset by its index, or from a loop over a queryset or a list of one. If `request` is annotated, it has to be a
      request of Django or its REST framework;
    - a queryset is converted to a list of keys or plain values: `list(Model.objects.values_list("pk", flat=True))`;
    - the task, the call or the project has a serializer other than JSON, or one that can't be resolved, or the project
      registers more types with kombu (`register_type`);
    - the task's class has its own `apply_async`, which may convert the argument;
    - a test expects it: `with pytest.raises(EncodeError)`.

    ## Fix

    Pass the primary key, and fetch the row in the task. Change the task too: it has to accept the key. Messages that
    are already in the queue still have their old arguments.
    """

    code = "CLY614"
    see = ("tasks#state", "calling#serializers")
    queryset: Final = (
        "'{text}' is a queryset, which JSON can't encode: EncodeError; pass a list of keys or plain values"
    )
    rows: Final = "'{text}' holds instances of a model, which JSON can't encode: EncodeError; pass a list of their keys"
    message = "'{text}' is an instance of a model, which JSON can't encode: EncodeError; pass its key, '{key}'"

    def check(self, call: Invocation) -> Iterator[Violation]:
        """Report the arguments that are certainly instances of models."""
        arguments = arguments_of(call)
        for argument in () if arguments is None else arguments.values:
            for node, site in _parts(call, argument):
                message = _judge(call, node, site)
                if message and is_json(call) and not is_expected_to_fail(call.site):
                    text = shown(node)
                    key = f"({text}).pk" if isinstance(node, ast.Await) else f"{text}.pk"
                    yield self.report(call.module, node, getattr(self, message), text=text, key=key)


def _judge(call: Invocation, node: ast.expr, site: Site) -> str:
    """Return the name of the message for an argument that JSON can't encode; an empty string for others."""
    if isinstance(node, ast.Attribute) and call.task is not None:
        return ""  # the request of a bound task has no user
    if django_models.is_instance(call.project, call.module, node, site):
        return "message"
    if django_models.is_queryset(call.project, call.module, node, site):
        return "queryset"
    return "rows" if django_models.holds_instances(call.project, call.module, node, site) else ""


def _parts(call: Invocation, node: ast.expr, depth: int = 0) -> Iterator[tuple[ast.expr, Site]]:
    """Yield an argument, or its parts, or the sides of a condition."""
    parts = node.values if isinstance(node, ast.Dict) else getattr(node, "elts", None)
    if isinstance(node, ast.IfExp):
        parts = [node.body, node.orelse]
    if parts is None or depth > 5:
        yield node, call.site
    else:
        for part in parts:
            yield from _parts(call, part, depth + 1)

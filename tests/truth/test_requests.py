"""Views under `ATOMIC_REQUESTS`, and functions that they call: a task is sent before the commit."""

from __future__ import annotations

import pytest

pytest.importorskip("django")

from . import django_project  # noqa: F401 isort: skip
from django.core.handlers.base import BaseHandler
from django.db import connections, transaction
from django.http import HttpResponse
from django.views import View


@pytest.fixture
def _atomic():
    settings = connections["default"].settings_dict
    before, settings["ATOMIC_REQUESTS"] = settings["ATOMIC_REQUESTS"], True
    yield
    settings["ATOMIC_REQUESTS"] = before


@pytest.fixture
def bill(lab):
    """A task."""

    def bill(number):
        return number

    task = lab.app.task(bill, name="bill")
    lab.app.finalize()
    return task


@pytest.mark.truth("CLY701")
@pytest.mark.usefixtures("_atomic")
def test_a_view_sends_before_the_commit_of_its_request(lab, bill):
    """CLY701: under `ATOMIC_REQUESTS` a view runs in `atomic`, and `non_atomic_requests` takes it out."""

    def tell():
        bill.delay(1)
        return transaction.get_connection().in_atomic_block

    seen = []

    def view(request):
        seen.append((tell(), lab.queue_length()))
        return HttpResponse()

    handler = BaseHandler()
    handler.make_view_atomic(view)(None)
    assert seen == [(True, 1)]
    handler.make_view_atomic(transaction.non_atomic_requests(view))(None)
    assert seen[1][0] is False


class _Apart(View):
    @transaction.non_atomic_requests
    def dispatch(self, *args, **kwargs):
        return super().dispatch(*args, **kwargs)


class _Inheriting(_Apart):
    pass


class _Dispatching(_Apart):
    def dispatch(self, *args, **kwargs):
        return super().dispatch(*args, **kwargs)


@pytest.mark.truth("CLY701")
@pytest.mark.usefixtures("_atomic")
@pytest.mark.parametrize(
    ("view", "is_atomic"),
    [
        (View.as_view(), True),
        (transaction.non_atomic_requests(View.as_view()), False),
        (_Apart.as_view(), False),
        (_Inheriting.as_view(), False),
        (_Dispatching.as_view(), True),
    ],
)
def test_the_first_dispatch_exempts_a_view(view, is_atomic):
    """CLY701: `as_view()` takes `non_atomic_requests` from the `dispatch` of its class, and from nothing further up."""
    assert (BaseHandler().make_view_atomic(view) is not view) is is_atomic

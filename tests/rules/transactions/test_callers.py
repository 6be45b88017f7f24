"""Callers of the function that sends, with evicted syntax trees and with files that can't be parsed."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.frameworks import django_callers, django_signals
from flake8_celery_tasks.resolution import modules
from tests.helpers import check, opened, project_at

TASKS = """
from celery import shared_task


@shared_task(name="bill")
def bill(number): ...


def notify(order):
    bill.delay(order.pk)
"""
VIEWS = """
from django.views import View

from shop.tasks import notify


class Close(View):
    def post(self, request):
        self.order.save()
        notify(self.order)


def routed(request):
    request.order.save()
    notify(request.order)
"""
ROUTES = "from django.urls import path\n\nfrom shop import views\n\nurlpatterns = [path('x', views.routed)]\n"
SETTINGS = "DATABASES = {'default': {'ATOMIC_REQUESTS': True}}\n"


def found(folder, files):
    found = check(folder, {"shop/tasks.py": TASKS, "shop/settings.py": SETTINGS, **files})["shop/tasks.py"]
    return [violation.text.partition(": ")[2].partition(";")[0] for violation in found]


def test_trees_come_and_go_while_callers_are_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(modules, "KEPT", 1)
    routes = {f"shop/urls{number}.py": ROUTES for number in range(5)}
    (said,) = found(tmp_path, {"shop/views.py": VIEWS, **routes})
    assert said == "'notify()' is called inside the request's transaction in post() at shop/views.py:10"


def test_a_file_that_can_not_be_parsed_calls_nobody(tmp_path):
    assert found(tmp_path, {"shop/views.py": VIEWS + "def (\n"}) == []


def test_a_name_that_half_the_project_calls_is_not_followed(tmp_path):
    others = {f"shop/views{number}.py": VIEWS for number in range(31)}
    assert found(tmp_path, others) == []


def test_what_is_handed_on_to_a_base_class_only_is_not_parsed(tmp_path, monkeypatch):
    """Files that call a method of `super()`, or define one of that name, call nothing that is followed."""
    parsed = []
    parse = modules.parse

    def note(text):
        parsed.append(text)
        return parse(text)

    monkeypatch.setattr(modules, "parse", note)
    own = "class Close:\n    def notify(self):\n        return super().notify()\n\n"
    other = f"{own}\n\ndef close(order):\n    notify(order)\n"
    assert len(found(tmp_path, {"shop/views.py": VIEWS, "shop/own.py": own, "shop/other.py": other})) == 1
    assert other.encode() in parsed
    assert own.encode() not in parsed


def test_what_an_editor_holds_calls(tmp_path):
    known = project_at(tmp_path, {"shop/views.py": "notify()\n"})
    path = str(tmp_path / "shop/views.py")
    assert django_callers._is_called_in(known, path, "notify")
    with_super = opened(known, tmp_path, "shop/views.py", "class A:\n    def f(self):\n        super().notify()\n")
    assert not django_callers._is_called_in(known, path, "notify")
    known.close(with_super)
    assert not django_callers._is_called_in(known, str(tmp_path / "shop/none.py"), "notify")


def test_a_file_that_can_not_be_parsed_connects_nothing(tmp_path):
    known = project_at(tmp_path, {"shop/apps.py": "post_save.connect(saved\n"})
    assert django_signals._connected_in(known, str(tmp_path / "shop/apps.py")) == {}


def test_a_parameter_that_is_called_is_no_method(tmp_path):
    known = project_at(tmp_path, {"shop/views.py": "def f(bill_all, x):\n    bill_all()\n    x.bill_all()\n"})
    module = known.module(str(tmp_path / "shop/views.py"))
    found = django_callers._Calls(known, module, "bill_all")
    assert [number for number, _, _ in found.unclear] == [1]
    assert (found.of_function, found.of_method, found.of_class) == ({}, {}, {})


CALLING = b"class A(B):\n    def close(self):\n        super().close()\n        note(1)\n\n\nf.bill(2); close_all()\n"


@pytest.mark.parametrize("asked_before", [0, django_callers._Calling.MOST])
def test_what_a_text_calls(asked_before):
    calling = django_callers._Calling(CALLING)
    for _ in range(asked_before):
        assert not calling.has(b"missing")
    names = (b"close", b"note", b"bill", b"close_all", b"A")
    assert [calling.has(name) for name in names] == [False, True, True, True, True]
    assert not calling.has(b"f")

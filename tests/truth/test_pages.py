"""What the pages quote is what Celery says: their bad examples are run, and their quotes looked for in what was heard.

The pages quote the newest Celery. Sessions that they show are run as doctests.
"""

from __future__ import annotations

import builtins
import doctest
import io
import os
import re
import sys
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from celery.beat import Scheduler
from celery.platforms import check_privileges

from .lab import celery_version, start_in_child
from .pages import RULES, Stage, fences, stands_in, unsaid

if TYPE_CHECKING:
    from collections.abc import Callable

newest = pytest.mark.skipif(celery_version() < (5, 7), reason="the pages quote the newest Celery")

URL = "https://example.com/rates"
ORDER = SimpleNamespace(pk=1, number=1)

#: Pages whose first bad example only has to be sent to a worker: the task, and its arguments.
SENT = {
    "CLY212": ("fetch_rates", URL),
    "CLY215": ("fetch_rates", URL),
    "CLY216": ("fetch_rates", URL),
    "CLY218": ("fetch_rates", URL),
    "CLY219": ("fetch_rates", URL),
    "CLY221": ("import_order", 1),
    "CLY222": ("fetch_rates", URL),
    "CLY909": ("fetch_rates", URL),
}

#: What makes Celery say what a page quotes, and perhaps returns names for the session that it shows.
PLAYS: dict[str, Callable[[Stage], Any]] = {}


def play(act: Callable[[Stage], Any]) -> Callable[[Stage], Any]:
    """Register what is done on a page's stage; the function is called like the rule."""
    PLAYS[act.__name__.upper()] = act
    return act


@play
def cly101(stage):
    stage.show().send_receipt.delay(1)
    stage.lab.restart()
    stage.work()


@play
def cly102(stage):
    stage.show()
    stage.module("shop.refunds.tasks")
    stage.lab.app.finalize()


@play
def cly103(stage):
    stage.show()
    stage.lab.app.send_task("404", ["/"])
    stage.work()
    stage.lab.restart().conf.task_routes = {"shop.*": "slow"}
    stage.hear(stage.show().report_missing_page.delay, "/")


@play
def cly104(stage):
    stage.show()
    stage.module("shop.tasks")
    stage.lab.app.finalize()


@play
def cly202(stage):
    stage.hear(stage.show().read_rates.delay, URL)


@play
def cly203(stage):
    tasks = stage.show()
    stage.hear(tasks.fetch_rates.delay, URL)
    tasks.fetch_rates.delay("?", URL)
    stage.work()


@play
def cly211(stage):
    stage.show().fetch_rates.delay(URL)
    stage.work()
    stage.next(1).fetch_rates.delay(URL)
    stage.work()


@play
def cly213(stage):
    tasks = stage.show()
    tasks.fetch_rates.delay(URL)
    stage.work()
    tasks.fetch_prices.delay(URL)
    stage.work()
    assert len([m for m in stage.lab.published if m.name == "shop_fetch_prices"]) == 3


@play
def cly214(stage):
    stage.show()
    stage.hear(stage.lab.app.finalize)
    tasks = stage.next(1)
    tasks.fetch_prices.delay(URL)
    tasks.charge.delay(1)
    stage.work()


@play
def cly217(stage):
    stage.helpers["shop.web.download"] = "return __import__('types').SimpleNamespace(status_code=503)"
    stage.show().fetch_rates.delay(URL)
    stage.work()


@play
def cly220(stage):
    stage.helpers["shop.web.download"] = "return __import__('types').SimpleNamespace(status_code=503)"
    stage.show().fetch_rates.delay(URL)
    stage.work()


@play
def cly223(stage):
    stage.helpers["shop.web.download"] = "return __import__('types').SimpleNamespace(status_code=503)"
    stage.show().fetch_rates.delay(URL)
    stage.work()
    assert len(stage.lab.published) == 31


@play
def cly302(stage):
    stage.helpers["shop.orders.is_locked"] = "return True"
    stage.show().import_order.delay(1)
    stage.work()


@play
def cly304(stage):
    stage.helpers["shop.payments.charge_once"] = "raise ConnectionError('read timed out')"
    stage.show().charge.delay(1)
    stage.work()


@play
def cly305(stage):
    tasks = stage.show()
    task_id = tasks.rebuild_index.delay().id
    stage.work()
    return {"rebuild_index": tasks.rebuild_index, "task_id": task_id}


@play
def cly401(stage):
    stage.show()
    tasks = stage.lab.tmp_path / "content" / "tasks.py"
    tasks.write_text("from blog.models import publish\n" + tasks.read_text())
    stage.forget()
    stage.hear(stage.module, "content.tasks")


@play
def cly403(stage):
    stage.show()
    stage.module("billing.views").pay(ORDER)
    stage.work()


@play
def cly404(stage):
    stage.show()
    stage.module("billing.views").pay(ORDER)
    stage.work()


@play
def cly502(stage):
    stage.show()
    stage.hear(stage.work)
    stage.next(1).fetch_rates.delay(URL)
    stage.work()
    tasks = stage.next(2)
    stage.hear(tasks.remind, 1)
    stage.lab.skip_waits = False
    tasks.remind_again(1)
    stage.work()


@play
def cly503(stage):
    stage.hear(stage.show().rebuild_index.delay)
    stage.next(1).rebuild_later()
    request = stage.lab.receive()
    start_in_child(request)
    soft, hard = request.message.headers["timelimit"][::-1]
    request.on_timeout(soft=True, timeout=soft)
    request.on_timeout(soft=False, timeout=hard)


@play
def cly505(stage):
    stage.show().fetch_rates.delay(URL)
    stage.work()
    stage.hear(stage.next(1).count_orders.delay("monday").get, timeout=1)


@play
def cly511(stage):
    tasks = stage.show()
    tasks.fetch_rates.delay(URL)
    stage.work()
    tasks.fetch_rates.ignore_result = True
    tasks.fetch_rates.delay(URL)
    stage.work()


@play
def cly512(stage):
    stage.hear(stage.show().Mailer().send.delay, "a@example.com")


@play
def cly513(stage):
    tasks = stage.show()
    stage.hear(lambda: tasks.close_order.delay(1))


@play
def cly516(stage):
    result = stage.show().import_orders.delay("orders.txt")
    stage.work()
    stage.hear(lambda: result.state)


@play
def cly517(stage):
    stage.hear(stage.show)


@play
def cly519(stage):
    stage.show().ship_all.delay([1, 2])
    stage.work()


@play
def cly521(stage):
    stage.show().fetch_rates.delay(URL)
    stage.work()
    stage.hear(stage.next(1).close, ORDER)


@play
def cly523(stage):
    stage.helpers["shop.orders.import_table"] = "raise ValueError('no table')"
    result = stage.show().import_orders.delay("orders.txt")
    stage.work()
    assert result.state == "SUCCESS"


@play
def cly601(stage):
    tasks = stage.show()
    stage.hear(tasks.upload, ORDER)


@play
def cly603(stage):
    stage.hear(stage.show().pay, ORDER)


@play
def cly604(stage):
    stage.hear(stage.show().refresh)
    stage.hear(stage.next(1).fetch, 1)


@play
def cly605(stage):
    stage.show().refresh(URL)
    stage.work()


@play
def cly606(stage):
    with stage.late():
        stage.show().pay(ORDER)
    stage.work()


@play
def cly608(stage):
    stage.hear(stage.show().refresh, ["EUR"])
    stage.hear(stage.next(1).refresh, "EUR")
    stage.next(2).refresh(["EUR"])
    stage.work()


@play
def cly610(stage):
    stage.hear(stage.show().close, ORDER)
    stage.next(1).close(ORDER)
    stage.work()


@play
def cly611(stage):
    stage.show().close(ORDER)
    stage.work()


@play
def cly613(stage):
    stage.hear(stage.show().publish, [SimpleNamespace(address="a@example.com")])


@play
def cly614(stage):
    with in_django(stage):
        stage.show()
        stage.hear(stage.module("shop.models").Order().close)


@play
def cly616(stage):
    stage.show()
    views = stage.module("shop.views")
    stage.hear(views.pay, SimpleNamespace(pk=1, cart_pk=1))
    stage.hear(lambda: stage.module("shop.tasks").send_recipt)


@play
def cly617(stage):
    stage.show().close(ORDER)
    stage.work()


@play
def cly619(stage):
    stage.hear(stage.show().upload, [1])
    stage.next(1).resize_all.delay([1])
    stage.work()


@play
def cly620(stage):
    stage.show().send_newsletter.delay(["a@example.com"])
    stage.work()


@play
def cly621(stage):
    stage.show().close(ORDER)
    stage.work()


@play
def cly622(stage):
    stage.hear(stage.show().close, [ORDER])
    stage.hear(stage.next(1).close, ORDER)


@play
def cly701(stage):
    stage.files["shop/models.py"] = "from django.db import models\n\n\nclass Order(models.Model):\n    pass\n"
    with in_django(stage) as rolled_back:
        tasks = stage.show()
        with rolled_back(stage.module("shop.models").Order) as order:
            tasks.close(order)
        tasks.bill.apply(stage.lab.published[0].args)


@play
def cly702(stage):
    with in_django(stage):
        stage.hear(stage.show().close, SimpleNamespace(pk=1, save=list))


@play
def cly705(stage):
    with in_django(stage) as rolled_back:
        tasks = stage.show()
        with rolled_back(stage.module("shop.models").Order) as order:
            order.save()
        tasks.bill.apply(stage.lab.published[0].args)


@play
def cly706(stage):
    with in_django(stage):
        stage.lab.app.task_cls = "celery.contrib.django.task:DjangoTask"
        stage.hear(stage.show().close, SimpleNamespace(pk=1))


@play
def cly801(stage):
    nightly = stage.show().NIGHTLY
    nightly.nowfun = lambda: datetime(2026, 1, 1, 2, 59, 30, tzinfo=timezone.utc)
    stage.lab.app.conf.beat_schedule = {"clean-up": {"task": "shop.tasks.clean_up", "schedule": nightly}}
    scheduler = Scheduler(stage.lab.app)
    entry = scheduler.schedule["clean-up"]
    for minute in range(3):
        nightly.nowfun = lambda: datetime(2026, 1, 1, 3, minute, tzinfo=timezone.utc)  # noqa: B023
        assert entry.is_due().is_due
        scheduler.apply_entry(entry)
        entry = next(entry)


@play
def cly802(stage):
    for number in range(3):
        stage.hear(stage.next, number)


@play
def cly804(stage):
    for number in range(2):
        stage.hear(lambda: Scheduler(stage.next(number).app).schedule)  # noqa: B023


@play
def cly806(stage):
    for number in range(2):
        assert stage.next(number).app.conf.beat_schedule is not None


@play
def cly812(stage):
    stage.hear(lambda: stage.next(1).app.conf.task_acks_late)


@play
def cly813(stage):
    for name in "getuid", "geteuid":
        stage.lab.monkeypatch.setattr(os, name, lambda: 0)
    stage.lab.monkeypatch.delenv("C_FORCE_ROOT", raising=False)
    stage.hear(check_privileges, stage.show().app.conf.accept_content)


@play
def cly902(stage):
    stage.helpers["shop.mail.mail_receipt"] = "raise ConnectionError('refused')"
    stage.show().send_receipt.delay(1)
    stage.work()


@play
def cly904(stage):
    task = stage.show(good=True).fetch_rates
    task.delay(URL)
    request = stage.lab.receive()
    start_in_child(request)
    request.on_timeout(soft=True, timeout=task.soft_time_limit)
    request.on_timeout(soft=False, timeout=task.time_limit)


@play
def cly908(stage):
    stage.helpers["shop.web.download"] = "return None"
    stage.show().fetch_rates.delay(URL)
    stage.work()


@play
def cly910(stage):
    fails_at_first(stage, 9)
    stage.show().fetch_rates.delay(URL)
    stage.work()
    assert len(stage.lab.waits) == 9


@play
def cly912(stage):
    stage.show(good=True)
    stage.lab.app.conf.beat_schedule = stage.module("shop.schedule").app.conf.beat_schedule
    scheduler = Scheduler(stage.lab.app)
    with stage.late():
        scheduler.apply_entry(scheduler.schedule["rates"])
    stage.work()


@play
def cly913(stage):
    tasks = stage.show(good=True)
    with stage.late():
        tasks.login(SimpleNamespace(pk=1))
    stage.work()


@play
def cly917(stage):
    stage.show().render_film.delay(1)


@play
def cly919(stage):
    stage.show().send_receipt.delay(1)
    stage.lab.restart()
    stage.work()


@play
def cly920(stage):
    def get(*args, **kwargs):
        raise ConnectionError("refused")

    stage.lab.monkeypatch.setitem(sys.modules, "requests", SimpleNamespace(get=get))
    stage.show().fetch_rates.delay(URL)
    stage.work()


@play
def cly201(stage):
    stage.show().send_receipt.delay(1)
    stage.work()


@play
def cly402(stage):
    stage.show()
    stage.module("blog.models").publish(ORDER)
    stage.work()


@play
def cly405(stage):
    stage.show()
    stage.lab.app.finalize()
    other = stage.lab.restart()
    stage.module("blog.views").publish(ORDER)
    assert [message.queue for message in stage.lab.published] == [other.conf.task_default_queue]


@play
def cly518(stage):
    tasks = stage.show()
    stage.next(1).ShopConfig("shop", tasks).ready()


@play
def cly602(stage):
    stage.show().pay(ORDER)
    stage.work()
    fails_at_first(stage, 1)
    stage.next(1).fetch_rates.delay(URL)
    stage.work()
    assert stage.lab.waits == [180]


@play
def cly607(stage):
    stage.lab.skip_waits = False
    stage.show().abandon(ORDER)


@play
def cly609(stage):
    order = SimpleNamespace(close=list, number=1)
    for number in range(2):
        stage.next(number).close(order)
    assert stage.lab.published == []


@play
def cly612(stage):
    assert stage.show().stock(ORDER) is None
    stage.work()


@play
def cly703(stage):
    with in_django(stage):
        for number in range(2):
            stage.next(number).close(SimpleNamespace(pk=1, save=list))
    assert stage.lab.published == []


@play
def cly704(stage):
    with in_django(stage):
        stage.show().close([SimpleNamespace(pk=number, save=list) for number in range(3)])
    stage.work()
    assert [message.args for message in stage.lab.published] == [(2,)] * 3


def fails_at_first(stage, times):
    """The helper `download` fails that often, and then no more."""
    failures = ["refused"] * times
    stage.lab.monkeypatch.setattr(builtins, "failures", failures, raising=False)
    stage.helpers["shop.web.download"] = "if failures:\n        raise ConnectionError(failures.pop())"


@contextmanager
def in_django(stage):
    """A Django project with the app `shop`; gives what makes a model's table and rolls back what is done with a row."""
    pytest.importorskip("django")
    from . import django_project  # noqa: F401, I001, RUF100
    from django.apps import apps
    from django.db import connection, transaction

    @contextmanager
    def rolled_back(model):
        with connection.schema_editor() as editor:
            editor.create_model(model)
        with transaction.atomic():
            yield model()
            transaction.set_rollback(True)

    stage.lab.monkeypatch.setattr(apps, "get_containing_app_config", lambda _name: SimpleNamespace(label="shop"))
    stage.lab.monkeypatch.setattr(apps, "get_model", apps.get_registered_model)
    try:
        yield rolled_back
    finally:
        for model in apps.all_models.pop("shop", {}).values():
            if model._meta.db_table in connection.introspection.table_names():
                with connection.schema_editor() as editor:
                    editor.delete_model(model)
        apps.clear_cache()
        connection.close()


@pytest.fixture
def stage(lab, request):
    """The page that the test is about."""
    with Stage(lab, request.param) as made:
        yield made


IN_PROCESSES = set(re.findall(r'unsaid\("(CLY\d+)"', Path(__file__).with_name("test_processes.py").read_text()))
PLAYED = [rule.code for rule in RULES if not rule.opt_in or fences(rule.code, "text")]


@newest
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # results without a backend
@pytest.mark.parametrize(
    ("code", "stage"),
    [pytest.param(code, code, id=code, marks=pytest.mark.truth(code)) for code in PLAYED if code not in IN_PROCESSES],
    indirect=["stage"],
)
def test_page(code, stage):
    """What a page quotes was logged, raised or warned of when its bad example ran; without a quote nothing was."""
    names = {}
    if code in PLAYS:
        names = PLAYS[code](stage) or {}
    else:
        tasks = stage.show()
        if code in SENT:
            name, argument = SENT[code]
            getattr(tasks, name).delay(argument)
            stage.work()
    for session in fences(code, "pycon"):
        run_session(session, dict(names))
    if fences(code, "text"):
        assert not unsaid(code, stage.said), stage.said
    else:
        assert stage.complaints == []


def run_session(session, names):
    """Run what a page shows of a session of Python."""
    test = doctest.DocTestParser().get_doctest(session, names, "page", None, 0)
    assert test.examples
    said = io.StringIO()
    assert doctest.DocTestRunner().run(test, out=said.write).failed == 0, said.getvalue()


def test_plays_are_of_pages():
    """No play is left over from a page that has changed, and none is there twice."""
    assert {*SENT, *PLAYS, *IN_PROCESSES} <= set(PLAYED)
    assert not SENT.keys() & PLAYS.keys()
    assert not IN_PROCESSES & {*SENT, *PLAYS}


@pytest.mark.parametrize(
    ("quote", "stands"),
    [
        ("Task add[...] received", True),
        ("Task add[7] received\nTask add[...] succeeded in ...s: 3", True),
        ("  Task add[7] received\n\n", True),
        ("Task add[...] succeeded in ...s: 3\nTask add[7] received", False),
        ("Task add[7] received\nTask add[7] received", False),
        ("Task ... succeeded in 0.1s: 4", False),
        ("received...more", False),
        ("Task.add", False),
    ],
)
def test_quote_stands_in_a_text(quote, stands):
    """The lines of a quote stand in their order, and `...` goes no further than the line."""
    assert stands_in(quote, "INFO Task add[7] received\nmore\nINFO Task add[7] succeeded in 0.1s: 3\n") is stands

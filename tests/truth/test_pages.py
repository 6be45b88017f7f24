"""What the pages quote is what Celery says: their bad examples are run, and their quotes looked for in what was heard.

The pages quote the newest Celery. Sessions that they show are run as doctests.
"""

from __future__ import annotations

import doctest
import io
import os
import sys
from contextlib import contextmanager
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from celery.beat import Scheduler
from celery.platforms import check_privileges

from .lab import celery_version, start_in_child
from .pages import Stage, fences, unsaid

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [
    pytest.mark.skipif(celery_version() < (5, 7), reason="the pages quote the newest Celery"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # results without a back end
]

PLAYS: dict[str, Callable[[Stage], Any]] = {}


def play(code: str) -> Callable[[Callable[[Stage], Any]], None]:
    """Register what makes Celery say what the page of a rule quotes."""

    def register(act: Callable[[Stage], Any]) -> None:
        assert code not in PLAYS
        PLAYS[code] = act

    return register


@play("CLY101")
def _renamed(stage: Stage) -> None:
    stage.show().send_receipt.delay(1)
    stage.lab.restart()
    stage.work()


@play("CLY102")
def _p1(stage):
    stage.show()
    stage.module("shop.refunds.tasks")
    stage.lab.app.finalize()


@play("CLY103")
def _p2(stage):
    stage.show()
    stage.lab.app.send_task("404", ["/"])
    stage.work()
    stage.lab.restart().conf.task_routes = {"shop.*": "slow"}
    stage.hear(stage.show().report_missing_page.delay, "/")


@play("CLY104")
def _p3(stage):
    stage.show()
    stage.module("shop.tasks")
    stage.lab.app.finalize()


URL = "https://example.com/rates"
ORDER = SimpleNamespace(pk=1, number=1)


@play("CLY202")
def _p4(stage):
    stage.hear(stage.show().read_rates.delay, URL)


@play("CLY203")
def _p5(stage):
    tasks = stage.show()
    stage.hear(tasks.fetch_rates.delay, URL)
    tasks.fetch_rates.delay("?", URL)
    stage.work()


@play("CLY211")
def _p6(stage):
    stage.show().fetch_rates.delay(URL)
    stage.work()
    stage.next(1).fetch_rates.delay(URL)
    stage.work()


@play("CLY212")
def _p7(stage):
    stage.show().fetch_rates.delay(URL)
    stage.work()


@play("CLY213")
def _p8(stage):
    tasks = stage.show()
    tasks.fetch_rates.delay(URL)
    stage.work()
    tasks.fetch_prices.delay(URL)
    stage.work()
    assert len([m for m in stage.lab.published if m.name == "shop_fetch_prices"]) == 3


@play("CLY214")
def _p9(stage):
    stage.show()
    stage.hear(stage.lab.app.finalize)
    tasks = stage.next(1)
    tasks.fetch_prices.delay(URL)
    tasks.charge.delay(1)
    stage.work()


for code in "CLY215", "CLY216", "CLY218", "CLY219":

    @play(code)
    def _p10(stage):
        stage.show().fetch_rates.delay(URL)
        stage.work()


@play("CLY217")
def _p11(stage):
    stage.helpers["shop.web.download"] = "return __import__('types').SimpleNamespace(status_code=503)"
    stage.show().fetch_rates.delay(URL)
    stage.work()


@play("CLY220")
def _p12(stage):
    stage.helpers["shop.web.download"] = "return __import__('types').SimpleNamespace(status_code=503)"
    stage.show().fetch_rates.delay(URL)
    stage.work()


@play("CLY221")
def _p13(stage):
    stage.show().import_order.delay(1)
    stage.work()


@play("CLY222")
def _p14(stage):
    stage.show().fetch_rates.delay(URL)
    stage.work()


@play("CLY302")
def _p302(stage):
    stage.helpers["shop.orders.is_locked"] = "return True"
    stage.show().import_order.delay(1)
    stage.work()


@play("CLY304")
def _p304(stage):
    stage.helpers["shop.payments.charge_once"] = "raise ConnectionError('read timed out')"
    stage.show().charge.delay(1)
    stage.work()


@play("CLY305")
def _p305(stage):
    tasks = stage.show()
    task_id = tasks.rebuild_index.delay().id
    stage.work()
    return {"rebuild_index": tasks.rebuild_index, "task_id": task_id}


@play("CLY401")
def _p401(stage):
    stage.show()
    tasks = stage.lab.tmp_path / "content" / "tasks.py"
    tasks.write_text("from blog.models import publish\n" + tasks.read_text())
    stage.forget()
    stage.hear(stage.module, "content.tasks")


@play("CLY403")
def _p403(stage):
    stage.show()
    stage.module("billing.views").pay(ORDER)
    stage.work()


@play("CLY404")
def _p404(stage):
    stage.show()
    stage.module("billing.views").pay(ORDER)
    stage.work()


@play("CLY501")
def _p501(stage):
    stage.show()


@play("CLY502")
def _p502(stage):
    stage.show()
    stage.hear(stage.work)
    stage.next(1).fetch_rates.delay(URL)
    stage.work()
    tasks = stage.next(2)
    stage.hear(tasks.remind, 1)
    stage.lab.skip_waits = False
    tasks.remind_again(1)
    stage.work()


@play("CLY503")
def _p503(stage):
    stage.hear(stage.show().rebuild_index.delay)
    stage.next(1).rebuild_later()
    request = stage.lab.receive()
    start_in_child(request)
    soft, hard = request.message.headers["timelimit"][::-1]
    request.on_timeout(soft=True, timeout=soft)
    request.on_timeout(soft=False, timeout=hard)


@play("CLY504")
def _p504(stage):
    stage.show()


@play("CLY505")
def _p505(stage):
    stage.show().fetch_rates.delay(URL)
    stage.work()
    stage.hear(stage.next(1).count_orders.delay("monday").get, timeout=1)


@play("CLY511")
def _p511(stage):
    tasks = stage.show()
    tasks.fetch_rates.delay(URL)
    stage.work()
    tasks.fetch_rates.ignore_result = True
    tasks.fetch_rates.delay(URL)
    stage.work()


@play("CLY512")
def _p512(stage):
    stage.hear(stage.show().Mailer().send.delay, "a@example.com")


@play("CLY513")
def _p513(stage):
    tasks = stage.show()
    stage.hear(lambda: tasks.close_order.delay(1))


@play("CLY516")
def _p516(stage):
    result = stage.show().import_orders.delay("orders.txt")
    stage.work()
    stage.hear(lambda: result.state)


@play("CLY517")
def _p517(stage):
    stage.hear(stage.show)


@play("CLY601")
def _p601(stage):
    tasks = stage.show()
    stage.hear(tasks.upload, ORDER)


@play("CLY603")
def _p603(stage):
    stage.hear(stage.show().pay, ORDER)


@play("CLY604")
def _p604(stage):
    stage.hear(stage.show().refresh)
    stage.hear(stage.next(1).fetch, 1)


@play("CLY605")
def _p605(stage):
    stage.show().refresh(URL)
    stage.work()


@play("CLY606")
def _p606(stage):
    with stage.late():
        stage.show().pay(ORDER)
    stage.work()


@play("CLY608")
def _p608(stage):
    stage.hear(stage.show().refresh, ["EUR"])
    stage.hear(stage.next(1).refresh, "EUR")
    stage.next(2).refresh(["EUR"])
    stage.work()


@play("CLY610")
def _p610(stage):
    stage.hear(stage.show().close, ORDER)
    stage.next(1).close(ORDER)
    stage.work()


@play("CLY611")
def _p611(stage):
    stage.show().close(ORDER)
    stage.work()


@play("CLY613")
def _p613(stage):
    stage.hear(stage.show().publish, [SimpleNamespace(address="a@example.com")])


@play("CLY616")
def _p616(stage):
    stage.show()
    views = stage.module("shop.views")
    stage.hear(views.pay, SimpleNamespace(pk=1, cart_pk=1))
    stage.hear(lambda: stage.module("shop.tasks").send_recipt)


@play("CLY614")
def _p614(stage):
    with in_django(stage):
        stage.show()
        stage.hear(stage.module("shop.models").Order().close)


@play("CLY701")
def _p701(stage):
    stage.files["shop/models.py"] = "from django.db import models\n\n\nclass Order(models.Model):\n    pass\n"
    with in_django(stage) as rolled_back:
        tasks = stage.show()
        with rolled_back(stage.module("shop.models").Order) as order:
            tasks.close(order)
        tasks.bill.apply(stage.lab.published[0].args)


@play("CLY702")
def _p702(stage):
    with in_django(stage):
        stage.hear(stage.show().close, SimpleNamespace(pk=1, save=list))


@play("CLY705")
def _p705(stage):
    with in_django(stage) as rolled_back:
        tasks = stage.show()
        with rolled_back(stage.module("shop.models").Order) as order:
            order.save()
        tasks.bill.apply(stage.lab.published[0].args)


@play("CLY706")
def _p706(stage):
    with in_django(stage):
        stage.lab.app.task_cls = "celery.contrib.django.task:DjangoTask"
        stage.hear(stage.show().close, SimpleNamespace(pk=1))


@play("CLY801")
def _p801(stage):
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


@play("CLY802")
def _p802(stage):
    for number in range(3):
        stage.hear(stage.next, number)


@play("CLY803")
def _p803(stage):
    pass


@play("CLY804")
def _p804(stage):
    for number in range(2):
        stage.hear(lambda: Scheduler(stage.next(number).app).schedule)  # noqa: B023


@play("CLY805")
def _p805(stage):
    stage.show()


@play("CLY806")
def _p806(stage):
    for number in range(2):
        assert stage.next(number).app.conf.beat_schedule is not None


@play("CLY811")
def _p811(stage):
    stage.show()


@play("CLY812")
def _p812(stage):
    stage.hear(lambda: stage.next(1).app.conf.task_acks_late)


@play("CLY813")
def _p813(stage):
    for name in "getuid", "geteuid":
        stage.lab.monkeypatch.setattr(os, name, lambda: 0)
    stage.lab.monkeypatch.delenv("C_FORCE_ROOT", raising=False)
    stage.hear(check_privileges, stage.show().app.conf.accept_content)


@play("CLY902")
def _p902(stage):
    stage.helpers["shop.mail.mail_receipt"] = "raise ConnectionError('refused')"
    stage.show().send_receipt.delay(1)
    stage.work()


@play("CLY904")
def _p904(stage):
    task = stage.show(good=True).fetch_rates
    task.delay(URL)
    request = stage.lab.receive()
    start_in_child(request)
    request.on_timeout(soft=True, timeout=task.soft_time_limit)
    request.on_timeout(soft=False, timeout=task.time_limit)


@play("CLY908")
def _p908(stage):
    stage.helpers["shop.web.download"] = "return None"
    stage.show().fetch_rates.delay(URL)
    stage.work()


@play("CLY909")
def _p909(stage):
    stage.show().fetch_rates.delay(URL)
    stage.work()


@play("CLY910")
def _p910(stage):
    stage.helpers["shop.web.download"] = (
        "TRIES.append(1)\n    if len(TRIES) < 10:\n        raise ConnectionError('refused')"
    )
    tasks = stage.show()
    stage.module("shop.web").TRIES = []
    tasks.fetch_rates.delay(URL)
    stage.work()
    assert len(stage.module("shop.web").TRIES) == 10


@play("CLY912")
def _p912(stage):
    stage.show(good=True)
    stage.lab.app.conf.beat_schedule = stage.module("shop.schedule").app.conf.beat_schedule
    scheduler = Scheduler(stage.lab.app)
    with stage.late():
        scheduler.apply_entry(scheduler.schedule["rates"])
    stage.work()


@play("CLY913")
def _p913(stage):
    tasks = stage.show(good=True)
    with stage.late():
        tasks.login(SimpleNamespace(pk=1))
    stage.work()


@play("CLY917")
def _p917(stage):
    stage.show().render_film.delay(1)


@play("CLY919")
def _p919(stage):
    stage.show().send_receipt.delay(1)
    stage.lab.restart()
    stage.work()


@play("CLY920")
def _p920(stage):
    def get(*args, **kwargs):
        raise ConnectionError("refused")

    stage.lab.monkeypatch.setitem(sys.modules, "requests", SimpleNamespace(get=get))
    stage.show().fetch_rates.delay(URL)
    stage.work()


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


@pytest.mark.parametrize(("code", "stage"), [pytest.param(c, c, id=c) for c in PLAYS], indirect=["stage"])
def test_quotes(code, stage):
    """What a page quotes stands in the log, or was raised, or warned of, when its bad example ran."""
    known = PLAYS[code](stage) or {}
    for session in fences(code, "pycon"):
        run_session(session, dict(known))
    assert not unsaid(code, stage.said), stage.said


def run_session(session, names):
    """Run what a page shows of a session of Python."""
    test = doctest.DocTestParser().get_doctest(session, names, "page", None, 0)
    assert test.examples
    said = io.StringIO()
    assert doctest.DocTestRunner().run(test, out=said.write).failed == 0, said.getvalue()

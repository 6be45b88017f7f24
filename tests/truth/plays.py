"""Pages for which it takes more to make Celery say what they quote than to run their bad examples.

Another process, Django, a helper that fails in its own way. A function is called like the rule, and is given the stage;
where it returns names, they are those of the session on the page. A page that is not named here is played as it stands:
see `Stage.play`.
"""

from __future__ import annotations

import builtins
import os
import sys
from contextlib import contextmanager
from datetime import datetime, timezone
from types import SimpleNamespace

import pytest
from celery.beat import Scheduler
from celery.platforms import check_privileges

from .lab import start_in_child

URL = "https://example.com/rates"
ORDER = SimpleNamespace(pk=1, number=1)


def cly101(stage):
    stage.show().send_receipt.delay(1)
    stage.lab.restart()
    stage.work()


def cly103(stage):
    stage.show()
    stage.lab.app.send_task("404", ["/"])
    stage.work()
    stage.lab.restart().conf.task_routes = {"shop.*": "slow"}
    stage.hear(stage.show().report_missing_page.delay, "/")


def cly202(stage):
    stage.hear(stage.show().read_rates.delay, URL)


def cly203(stage):
    tasks = stage.show()
    stage.hear(tasks.fetch_rates.delay, URL)
    tasks.fetch_rates.delay("?", URL)
    stage.work()


def cly213(stage):
    tasks = stage.show()
    tasks.fetch_rates.delay(URL)
    stage.work()
    tasks.fetch_prices.delay(URL)
    stage.work()
    assert len([m for m in stage.lab.published if m.name == "shop_fetch_prices"]) == 3


def cly217(stage):
    stage.helpers["shop.web.download"] = "return __import__('types').SimpleNamespace(status_code=503)"
    stage.show().fetch_rates.delay(URL)
    stage.work()


def cly220(stage):
    stage.helpers["shop.web.download"] = "return __import__('types').SimpleNamespace(status_code=503)"
    stage.show().fetch_rates.delay(URL)
    stage.work()


def cly223(stage):
    stage.helpers["shop.web.download"] = "return __import__('types').SimpleNamespace(status_code=503)"
    stage.show().fetch_rates.delay(URL)
    stage.work()
    assert len(stage.lab.published) == 31


def cly302(stage):
    stage.helpers["shop.orders.is_locked"] = "return True"
    stage.show().import_order.delay(1)
    stage.work()


def cly304(stage):
    stage.helpers["shop.payments.charge_once"] = "raise ConnectionError('read timed out')"
    stage.show().charge.delay(1)
    stage.work()


def cly305(stage):
    tasks = stage.show()
    task_id = tasks.rebuild_index.delay().id
    stage.work()
    return {"rebuild_index": tasks.rebuild_index, "task_id": task_id}


def cly401(stage):
    stage.show()
    tasks = stage.lab.tmp_path / "content" / "tasks.py"
    tasks.write_text("from blog.models import publish\n" + tasks.read_text())
    stage.forget()
    stage.hear(stage.module, "content.tasks")


def cly411(stage):
    stage.show()
    stage.lab.app.send_task("shop.send_receipt", [1])
    stage.work()


def cly412(stage):
    stage.show()
    stage.lab.app.send_task("shop.send_receipt", kwargs={"order": 1})
    stage.work()


def cly413(stage):
    stage.show()
    stage.lab.app.send_task("shop.send_receipt", [1])
    stage.work()


def cly519(stage):
    stage.show().ship_all.delay([1, 2])
    stage.work()


def cly521(stage):
    stage.show().fetch_rates.delay(URL)
    stage.work()
    stage.hear(stage.next(1).close, ORDER)


def cly523(stage):
    stage.helpers["shop.orders.import_table"] = "raise ValueError('no table')"
    result = stage.show().import_orders.delay("orders.txt")
    stage.work()
    assert result.state == "SUCCESS"


def cly619(stage):
    stage.hear(stage.show().upload, [1])
    stage.next(1).resize_all.delay([1])
    stage.work()


def cly620(stage):
    stage.show().send_newsletter.delay(["a@example.com"])
    stage.work()


def cly621(stage):
    stage.show().close(ORDER)
    stage.work()


def cly622(stage):
    stage.hear(stage.show().close, [ORDER])
    stage.hear(stage.next(1).close, ORDER)


def cly924(stage):
    stage.show()
    stage.module("shop.views").pay(ORDER)
    stage.lab.restart()  # the old code
    stage.work()


def cly501(stage):
    stage.show()  # the session makes tasks of its own


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


def cly503(stage):
    stage.hear(stage.show().rebuild_index.delay)
    stage.next(1).rebuild_later()
    request = stage.lab.receive()
    start_in_child(request)
    soft, hard = request.message.headers["timelimit"][::-1]
    request.on_timeout(soft=True, timeout=soft)
    request.on_timeout(soft=False, timeout=hard)


def cly505(stage):
    stage.show().fetch_rates.delay(URL)
    stage.work()
    stage.hear(stage.next(1).count_orders.delay("monday").get, timeout=1)


def cly511(stage):
    tasks = stage.show()
    tasks.fetch_rates.delay(URL)
    stage.work()
    tasks.fetch_rates.ignore_result = True
    tasks.fetch_rates.delay(URL)
    stage.work()


def cly512(stage):
    stage.hear(stage.show().Mailer().send.delay, "a@example.com")


def cly513(stage):
    tasks = stage.show()
    stage.hear(lambda: tasks.close_order.delay(1))


def cly516(stage):
    result = stage.show().import_orders.delay("orders.txt")
    stage.work()
    stage.hear(lambda: result.state)


def cly606(stage):
    with stage.late():
        stage.show().pay(ORDER)
    stage.work()


def cly608(stage):
    stage.hear(stage.show().refresh, ["EUR"])
    stage.hear(stage.next(1).refresh, "EUR")
    stage.next(2).refresh(["EUR"])
    stage.work()


def cly613(stage):
    stage.hear(stage.show().publish, [SimpleNamespace(address="a@example.com")])


def cly614(stage):
    with in_django(stage):
        stage.show()
        stage.hear(stage.module("shop.models").Order().close)


def cly616(stage):
    stage.show()
    views = stage.module("shop.views")
    stage.hear(views.pay, SimpleNamespace(pk=1, cart_pk=1))
    stage.hear(lambda: stage.module("shop.tasks").send_recipt)


def cly701(stage):
    stage.files["shop/models.py"] = "from django.db import models\n\n\nclass Order(models.Model):\n    pass\n"
    with in_django(stage) as rolled_back:
        tasks = stage.show()
        with rolled_back(stage.module("shop.models").Order) as order:
            tasks.close(order)
        tasks.bill.apply(stage.lab.published[0].args)


def cly702(stage):
    with in_django(stage):
        stage.hear(stage.show().close, SimpleNamespace(pk=1, save=list))


def cly705(stage):
    with in_django(stage) as rolled_back:
        tasks = stage.show()
        with rolled_back(stage.module("shop.models").Order) as order:
            order.save()
        tasks.bill.apply(stage.lab.published[0].args)


def cly706(stage):
    with in_django(stage):
        stage.lab.app.task_cls = "celery.contrib.django.task:DjangoTask"
        stage.hear(stage.show().close, SimpleNamespace(pk=1))


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


def cly804(stage):
    for number in range(2):
        stage.hear(lambda: Scheduler(stage.next(number).app).schedule)  # noqa: B023


def cly805(stage):
    stage.show()  # its example has an app of its own, with a broker that is not there


def cly806(stage):
    for number in range(2):
        assert stage.next(number).app.conf.beat_schedule is not None


def cly812(stage):
    stage.hear(lambda: stage.next(1).app.conf.task_acks_late)


def cly813(stage):
    for name in "getuid", "geteuid":
        stage.lab.monkeypatch.setattr(os, name, lambda: 0)
    stage.lab.monkeypatch.delenv("C_FORCE_ROOT", raising=False)
    stage.hear(check_privileges, stage.show().app.conf.accept_content)


def cly902(stage):
    stage.helpers["shop.mail.mail_receipt"] = "raise ConnectionError('refused')"
    stage.show().send_receipt.delay(1)
    stage.work()


def cly904(stage):
    task = stage.show(good=True).fetch_rates
    task.delay(URL)
    request = stage.lab.receive()
    start_in_child(request)
    request.on_timeout(soft=True, timeout=task.soft_time_limit)
    request.on_timeout(soft=False, timeout=task.time_limit)


def cly908(stage):
    stage.helpers["shop.web.download"] = "return None"
    stage.show().fetch_rates.delay(URL)
    stage.work()


def cly910(stage):
    fails_at_first(stage, 9)
    stage.show().fetch_rates.delay(URL)
    stage.work()
    assert len(stage.lab.waits) == 9


def cly912(stage):
    stage.show(good=True)
    stage.lab.app.conf.beat_schedule = stage.module("shop.schedule").app.conf.beat_schedule
    scheduler = Scheduler(stage.lab.app)
    with stage.late():
        scheduler.apply_entry(scheduler.schedule["rates"])
    stage.work()


def cly913(stage):
    tasks = stage.show(good=True)
    with stage.late():
        tasks.login(SimpleNamespace(pk=1))
    stage.work()


def cly919(stage):
    stage.show().send_receipt.delay(1)
    stage.lab.restart()
    stage.work()


def cly920(stage):
    def get(*args, **kwargs):
        raise ConnectionError("refused")

    stage.lab.monkeypatch.setitem(sys.modules, "requests", SimpleNamespace(get=get))
    stage.show().fetch_rates.delay(URL)
    stage.work()


def cly201(stage):
    stage.show().send_receipt.delay(1)
    stage.work()


def cly402(stage):
    stage.show()
    stage.module("blog.models").publish(ORDER)
    stage.work()


def cly405(stage):
    stage.show()
    stage.lab.app.finalize()
    other = stage.lab.restart()
    stage.module("blog.views").publish(ORDER)
    assert [message.queue for message in stage.lab.published] == [other.conf.task_default_queue]


def cly518(stage):
    tasks = stage.show()
    stage.next(1).ShopConfig("shop", tasks).ready()


def cly602(stage):
    stage.show().pay(ORDER)
    stage.work()
    fails_at_first(stage, 1)
    stage.next(1).fetch_rates.delay(URL)
    stage.work()
    assert stage.lab.waits == [180]


def cly607(stage):
    stage.lab.skip_waits = False
    stage.show().abandon(ORDER)


def cly609(stage):
    order = SimpleNamespace(close=list, number=1)
    for number in range(2):
        stage.next(number).close(order)
    assert stage.lab.published == []


def cly612(stage):
    assert stage.show().stock(ORDER) is None
    stage.work()


def cly703(stage):
    with in_django(stage):
        for number in range(2):
            stage.next(number).close(SimpleNamespace(pk=1, save=list))
    assert stage.lab.published == []


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


def cly935(stage):
    stage.hear(stage.show().app.AsyncResult("1").get)


def cly936(stage):
    tasks = stage.show()
    stage.lab.app.conf.task_time_limit = tasks.app.conf.task_time_limit
    with tasks.app.connection_for_write("memory://") as connection:
        tasks.rebuild_index.apply_async(connection=connection, queue=stage.lab.queue_name)
    request = stage.lab.receive()
    start_in_child(request)
    request.on_timeout(soft=False, timeout=request.time_limits[0] or tasks.rebuild_index.time_limit or 300)


def cly707(stage):
    stage.files["shop/models.py"] = "from django.db import models\n\n\nclass Order(models.Model):\n    pass\n"
    with in_django(stage) as rolled_back:
        tasks = stage.show()
        with rolled_back(stage.module("shop.models").Order) as order:
            made = stage.module("shop.admin").OrderAdmin(type(order), SimpleNamespace())
            made.save_model(None, order, None, change=False)
        tasks.bill.apply(stage.lab.published[0].args)


def cly814(stage):
    stage.show()
    stage.lab.app.autodiscover_tasks(["shop"], force=True)
    stage.lab.app.send_task("shop.tasks.mails.remind", [1])
    stage.work()
    with pytest.raises(ModuleNotFoundError, match="No module named 's'"):
        stage.lab.app.autodiscover_tasks("shop", force=True)


def cly815(stage):
    with in_django(stage):
        from django.conf import settings

        stage.lab.monkeypatch.setattr(settings, "CELERY_TASK_ALWAYS_EAGER", True, raising=False)


def cly816(stage):
    for number in (1, 2):
        app = stage.next(number).app
        app.conf.broker_url = "memory://"
        stage.hear(app.send_task, "shop_bill")
    stage.next(0)


def cly818(stage):
    stage.hear(stage.show().close, 1)


def cly618(stage):
    tasks = stage.show()
    stage.hear(tasks.stock, 1)
    stage.hear(tasks.is_counted, "1")
    stage.hear(tasks.report_all, [1, 2])


def cly522(stage):
    stage.lab.monkeypatch.setattr("celery._state.default_app", None)
    stage.show()


def cly524(stage):
    pytest.importorskip("redis.asyncio")
    from .test_event_loops import serving

    with serving() as port:
        stage.files["shop/settings.py"] = f"REDIS_PORT = {port}\n"
        tasks = stage.show()
        for _ in range(2):
            tasks.count.delay()
            stage.work()

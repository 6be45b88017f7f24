"""Projects with one module of as many tasks as are asked for, in which nearly every rule has work."""

from __future__ import annotations

import json
from typing import Final

#: The large module. Workers import no module of this name, so that CLY919 has work too.
PATH: Final = "shop/jobs.py"

#: The other modules: an app that discovers tasks, and tasks of another Django app.
OTHERS: Final = {
    "project/celery.py": """\
from celery import Celery

app = Celery("project", broker="redis://localhost:6379/0", backend="redis://localhost:6379/1")
app.autodiscover_tasks()
""",
    "content/apps.py": "",
    "content/tasks.py": """\
from celery import shared_task


@shared_task(name="content_drop", queue="slow", expires=60)
def drop(pk):
    print(pk)
""",
    "shop/apps.py": "",
    "shop/settings.py": 'INSTALLED_APPS = ["shop", "content"]\nCELERY_TASK_ALWAYS_EAGER = True\n',
}

_HEAD: Final = """\
import sys
import time
from datetime import datetime

import requests
from celery import Task, chain, chord, current_app, group, shared_task, states
from celery.decorators import task
from celery.exceptions import Ignore, MaxRetriesExceededError, Reject, Retry
from celery.schedules import crontab
from celery.signals import task_success
from content.tasks import drop
from django.conf import settings
from django.contrib import admin
from django.db import models, transaction
from django.db.models.signals import post_save
from django.dispatch import receiver
from kombu import Queue

from project.celery import app

app.conf.accept_content = ["json", "pickle"]
app.conf.task_ack_late = True
app.conf.result_expires = None
app.conf.task_always_eager = True
app.conf.task_queues = [Queue("celery"), Queue("slow")]


def send():
    drop.delay(1)


def renamed(function):
    def inner(*args):
        return function(*args)

    return inner
"""

#: Each block has two tasks. 7 stands for the number of the block.
_FULL: Final = (
    """

@shared_task
def send_receipt_7(order_pk):
    print(order_pk)


def pay_7(order):
    from content.tasks import drop

    drop.delay(order.pk)
    send_receipt_7.delay(order.pk, countdown=60)
    send_receipt_7.apply_async((order.pk), count_down=60, retries=2)
    send_receipt_7.apply_async(("order"), countdown=600, expires=300, eta=datetime.now())
    current_app.send_task("shop_resizze_7", args=[order.pk])
    current_app.send_task("shop_resize_7", kwargs={"widht": 7})
    current_app.send_task("content_drop", args=[order.pk])
    resize_7.delay(order.pk)
    resize_7.delay({1, 2}, 3)
    transaction.on_commit(send_receipt_7.delay(order.pk))
    transaction.on_commit(send_receipt_7.s(order.pk))
    with transaction.atomic():
        order.save()
        send_receipt_7.delay(order.pk)
        for line in order.lines:
            transaction.on_commit(lambda: resize_7.delay(line.pk, 3))
    pay_7.delay(order)


@shared_task(name="shop_resize_7", bind=True, queue="images", expires=60)
def resize_7(self, image_pk, width, height=None):
    resize_image(image_pk, width, height)


JOB_7 = resize_7.delay_on_commit(1, 2)
JOB_7.get()
""",
    """

@shared_task(name="shop_fetch_rates_7", bind=True, max_retries=5, retry_backoff=True)
def fetch_rates_7(self, url):
    try:
        response = requests.get(url, timeout=5)
        if response.status_code == 503:
            raise self.retry(countdown=60)
        time.sleep(7)
        return response.text
    except ConnectionError as exc:
        try:
            raise self.retry(exc=exc)
        except MaxRetriesExceededError:
            sys.exit(7)
        raise self.retry from exc
    except Exception as exc:
        self.retry(exc)
        raise self.retry(max_retries=None) from exc


@shared_task(name="shop_index_7", ignore_result=True, track_started=True, autoretry_for=(ConnectionError), countdown=7)
def index_7(url):
    page = fetch_rates_7.delay(url).get(timeout=60)
    if page is None:
        raise Reject("no such page", requeue=True)
    raise Retry(when=60)


def refresh_7(urls):
    group(fetch_rates_7(url) for url in urls).delay()
    chain(index_7.s(urls[0]), index_7.s(urls[1])).delay()
    chord([fetch_rates_7.s(url) for url in urls], link=fetch_rates_7)(index_7.s(7))
    fetch_rates_7.s(urls[0])
    return index_7.delay(urls[0]).get(timeout=5)
""",
    """

class Order_7(models.Model):
    def save(self, *args, **kwargs):
        super().save(*args, **kwargs)
        bill_7.delay(self)
        self.job = bill_7.delay_on_commit(self.pk).id


@receiver(post_save, sender=Order_7)
def order_saved_7(instance, **kwargs):
    bill_7.apply_async((instance.pk,), link=import_orders_7, countdown=24 * 60 * 60)


@app.task(name="shop_bill_7", bind=True, acks_late=True, autoretry_for=(Exception,), max_retry=9, rate_limit="7/min")
def bill_7(order):
    raise Reject("no such order", requeue=False)


@app.task(name="shop_import_orders_7", reject_on_worker_lost=True, time_limit=60, soft_time_limit=90)
def import_orders_7(self, path):
    self.update_state(state=states.FAILURE, meta={"reason": "no table"})
    raise Ignore


@task_success.connect(sender="shop_bill_7")
def on_success_7(sender=None, **kwargs):
    print(sender)


class OrderAdmin_7(admin.ModelAdmin):
    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        bill_7.delay(obj.pk if getattr(settings, "CELERY_ALWAYS_EAGER", False) else 7)


NIGHTLY_7 = crontab(hour=7)
SUNDAYS_7 = crontab(minute=0, hour=8, day_of_week=7)
AT_NIGHT_7 = crontab("*/5 3 * * *")
""",
    """

@transaction.atomic
@shared_task(name="shop_charge_7", acks_late=False, autoretry_for=(OSError,), retry=True, retry_kwargs={"countdown": 7})
async def charge_7(url):
    await download(url)


class Mailer_7:
    @shared_task(name="shop_send_7", autoretry_for=(OSError,), retry_backoff=30 * 60, retry_backoff_max=60)
    def send_7(self, address):
        requests.post(address, timeout=5)


@app.on_after_configure.connect
def set_up_7(sender, **kwargs):
    sender.add_periodic_task(3600, charge_7.delay)
""",
    """

@shared_task(name="shop_twice_7", acks_late=True)
def once_7(url):
    requests.post(url, timeout=5)


@shared_task(name="shop_twice_7", autoretry_for=(OSError,), retry_jitter=True, retry_kwargs={"countdown": 7})
def twice_7(url):
    print(url)
""",
    """

@shared_task
@renamed
def renamed_7(url):
    print(url)


@shared_task(name="shop_rest_7", autoretry_for=(OSError,), retry_backoff=True, retry_kwargs={"countdown": 7})
def rest_7(url):
    return requests.get(url, timeout=5)


@shared_task(name="shop_endless_7", bind=True, autoretry_for=(OSError,), max_retries=None)
def endless_7(self, url):
    try:
        raise self.retry(countdown=60)
    except Exception:
        print(url)
""",
    """

@shared_task(name="shop_plan_7", bind=True)
def plan_7(self, url):
    self.update_state(state="FAILURE")
    return group(report_7.s(url), report_7.s(url))


@shared_task(name="shop_report_7", bind=True)
def report_7(self, url):
    self.update_stat(state="GONE")
    self.update_state(state="PROGRESS")


class Ship_7(Task):
    name = "shop_ship_7"

    def run(self, url):
        print(url)


def launch_7(url):
    report_7(url)
    group([report_7.s(url)], report_7.s(url)).delay()
    report_7.apply_async((url,), link_error=plan_7.s(url))
    Ship_7().delay(url)
""",
)

#: Most tasks are in order.
_PLAIN: Final = """

@shared_task(name="shop_close_7", ignore_result=True)
def close_7(order_pk):
    open_7.apply_async((order_pk,), expires=60)


@shared_task(name="shop_open_7", acks_late=True, ignore_result=False)
def open_7(order_pk):
    return order_pk
"""

_BEAT: Final = '    "entry-7": {"task": "shop_index_7", "schedule": 7, "queue": "slow", "args": ("https://shop", 7)},\n'
_ROUTES: Final = '    "shop_close_7": {"queue": "slow"},\n    "shop_colse_7": {"queue": "slow"},\n'

_EVERY: Final = 8
_ROUND: Final = _EVERY * len(_FULL)


def module(tasks: int) -> str:
    """Return the text of a module with a number of tasks, a schedule with entries for them, and routes."""
    blocks = []
    for number in range(tasks // 2):
        block = _PLAIN if number % _EVERY else _FULL[number // _EVERY % len(_FULL)]
        blocks.append(_numbered(block, number))
    first = range(0, tasks // 2, _ROUND)
    beat = "".join(_numbered(_BEAT, number + _EVERY) for number in first)
    routes = "".join(_numbered(_ROUTES, number + 1) for number in first)
    settings = f"\n\napp.conf.beat_schedule = {{\n{beat}}}\napp.conf.task_routes = {{\n{routes}}}\n"
    return "".join((_HEAD, *blocks, settings))


def _numbered(text: str, number: int) -> str:
    return text.replace("_7", f"_{number}").replace("-7", f"-{number}")


# A project without Django and without a result backend, which keeps a record of its tasks.

#: The record of the tasks' names.
RECORD: Final = "celery-tasks.json"

_LONE_HEAD: Final = """\
import asyncio
from threading import Thread

import psycopg
from celery import Celery, shared_task
from celery.schedules import crontab
from kombu import Queue
from redis.asyncio import Redis

app = Celery("shop", broker="amqp://shop:0tter-Bay@mq.internal:5672/shop")
app.autodiscover_tasks()
app.conf.accept_content = "json"
app.conf.task_acks_late = True
app.conf.task_create_missing_queues = False
app.conf.task_queues = [Queue("celery"), Queue("mails")]
app.conf.task_time_limit = 300
app.conf.worker_prefetch_multiplier = 10
redis = Redis(port=6380)
orders = psycopg.connect("dbname=orders")


async def add_one():
    return await redis.incr("orders")
"""

_LONE: Final = """

@app.task(name="shop_count_7")
def count_7(article_pk):
    return asyncio.run(add_one())


@app.task(name="shop_ship_7", time_limit=0, expires=60)
def ship_7(order_pk, address):
    print(orders.execute("select 7"))


@app.task(name="shop_fetch_7", time_limit=300)
def fetch_7():
    print("rates")


@app.task(name="shop_clean_7")
def clean_7():
    print("clean")


@shared_task(name="shop_audit_7")
def audit_7(order_pk):
    print(order_pk)


def close_7(order_pk):
    ship_7.apply_async((order_pk, "here"), queue="mail")
    audit_7.delay(order_pk)
    return count_7.delay(order_pk).get(timeout=5)


def close_later_7(order_pk):
    ship_7(order_pk, "here")
    Thread(target=close_7, args=(order_pk,)).start()


EVERY_45_MINUTES_7 = crontab(minute="*/45")
"""

_LONE_BEAT: Final = """\
    "fetch-7": {"task": "shop_fetch_7", "schedule": 60.0},
    "morning-7": {"task": "shop_fetch_7", "schedule": crontab(minute=0, hour=9)},
"""
_LONE_ROUTES: Final = (
    '    "shop_count_7": {"queue": "mails"},\n    "shop_ship_7": {"queue": "mails"},\n'
    '    "shop_fetch_7": {"queue": "mails"},\n    "shop_audit_7": {"queue": "mails"},\n'
)


def lone_module(tasks: int) -> str:
    """Return the text of a module with an app and a number of tasks of it."""
    numbers = range(tasks // 5)
    settings = "".join(
        f"\n\napp.conf.{name} = {{\n" + "".join(_numbered(text, number) for number in numbers) + "}\n"
        for name, text in (("beat_schedule", _LONE_BEAT), ("task_routes", _LONE_ROUTES))
    )
    return "".join((_LONE_HEAD, *(_numbered(_LONE, number) for number in numbers), settings))


def record(tasks: int) -> str:
    """Return the record of tasks that the module without Django has no more, or has with other parameters and options.

    The others are missing there: what is sent of them is sent before it is deployed.
    """
    kept = {}
    for number in range(tasks // 5):
        for name, signature in (("count", "(order)"), ("ship", "(order_pk)"), ("gone", "(order_pk)")):
            function = f"{name}_{number}"
            kept[f"shop_{function}"] = {
                "signature": signature,
                "module": "shop.jobs",
                "function": function,
                "options": {"expires": 3600} if name == "ship" else {},
                "result": "stored",
            }
    return json.dumps({"version": 1, "tasks": kept, "uncertain": []}, indent=2)

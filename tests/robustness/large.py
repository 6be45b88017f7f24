"""A project with one module of as many tasks as are asked for, in which nearly every rule has work."""

from __future__ import annotations

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
from django.db import models, transaction
from django.db.models.signals import post_save
from django.dispatch import receiver

from project.celery import app

app.conf.accept_content = ["json", "pickle"]
app.conf.task_ack_late = True


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

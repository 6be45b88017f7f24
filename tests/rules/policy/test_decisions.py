"""Whether a task answers the questions of house policy."""

from __future__ import annotations

from tests.helpers import codes

ANSWERED = """\
from celery import shared_task


@shared_task(
    name="shop_fetch_rates",
    ignore_result=True,
    track_started=False,
    acks_late=True,
    reject_on_worker_lost=True,
    autoretry_for=(ConnectionError,),
    max_retries=5,
    retry_backoff=True,
    time_limit=60,
)
def fetch_rates(url):
    print(url)


@shared_task(
    name="shop_charge", ignore_result=False, track_started=True, acks_late=False, max_retries=0, soft_time_limit=60
)
def charge(url):
    print(url)


def view():
    fetch_rates.apply_async(("https://rates.example",), expires=60)
"""


def test_all_questions_can_be_answered(tmp_path):
    files = {"shop/tasks.py": ANSWERED}
    assert codes(tmp_path, files, extend_select="CLY9", celery_task_name_pattern="{app}_{function}") == []

import requests
from celery import shared_task


# Runs once, is not retried, nobody reads a result: said in writing, and clean.
@shared_task(name="api_check_availability", ignore_result=True)
def check_availability():
    requests.head("https://shop.example/", timeout=5)


# A call to an external API that may be repeated: every answer is given, but `bind=True` lacks its `self`.
@shared_task(
    name="api_read_external",
    bind=True,
    acks_late=True,
    autoretry_for=(requests.RequestException,),
    max_retries=5,
    retry_backoff=True,
    retry_backoff_max=500,
    retry_jitter=True,
)
def read_from_external_api(url):
    return requests.get(url, timeout=5).json()


# An expensive call that must not happen twice, in a task that is run again when its worker dies.
@shared_task(name="api_order", acks_late=True)
def order_from_supplier(url, article):
    requests.post(url, json={"article": article}, timeout=5)

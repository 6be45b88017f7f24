from celery import shared_task

from billing.bank import BankError, book


# Retried by hand: nothing reads `retry_backoff`, so each retry waits 180 seconds.
@shared_task(name="billing_book", bind=True, max_retries=3, retry_backoff=True)
def book_payment(self, payment_pk):
    try:
        book(payment_pk)
    except BankError as exc:
        raise self.retry(exc)


@shared_task(name="billing_remind", autoretry_for=(BankError,), max_retries=3, retry_backoff=True)
def remind(payment_pk):
    from content.tasks import rebuild_index

    book(payment_pk)
    rebuild_index.delay()

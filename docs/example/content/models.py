from celery import current_app
from django.db import transaction

from our_api.tasks import check_availability


class Post:
    pk = 1

    def publish(self):
        # Sent by name, after the commit: nothing to import, nothing to report.
        transaction.on_commit(
            lambda: current_app.send_task("content_generate_og_images", kwargs={"post_pk": self.pk})
        )

    def check(self):
        check_availability.delay()

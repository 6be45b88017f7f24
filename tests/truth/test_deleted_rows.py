"""705: what is left of a row that was deleted when the transaction ends."""

from __future__ import annotations

import pytest

pytest.importorskip("django")

from . import django_project  # noqa: F401, I001, RUF100
from django.db import connection, models, transaction
from django.db.models.signals import post_delete


class Parcel(models.Model):
    """A row."""

    class Meta:
        """Of an app that is not installed."""

        app_label = "truth_deleted"


@pytest.mark.truth("CLY705")
def test_deleted_instance_has_no_key_after_the_commit():
    """CLY705: on commit the instance that a receiver of `post_delete` was given has lost its key."""
    seen = []

    def receive(instance, **kwargs):
        seen.append(instance.pk)
        transaction.on_commit(lambda: seen.append(instance.pk))

    with connection.schema_editor() as editor:
        editor.create_model(Parcel)
    post_delete.connect(receive, sender=Parcel)
    try:
        with transaction.atomic():
            Parcel.objects.create(pk=7).delete()
    finally:
        post_delete.disconnect(receive, sender=Parcel)
        with connection.schema_editor() as editor:
            editor.delete_model(Parcel)
    assert seen == [7, None]

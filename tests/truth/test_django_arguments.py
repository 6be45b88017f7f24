"""614: what Django gives, and JSON can't encode."""

from __future__ import annotations

import pytest
from kombu.exceptions import EncodeError

pytest.importorskip("django")

from . import django_project  # noqa: F401, I001, RUF100
from django.db import connection, models
from django.utils.functional import SimpleLazyObject


class Receipt(models.Model):
    """A row."""

    class Meta:
        """Of an app that is not installed."""

        app_label = "truth_arguments"


@pytest.fixture
def table():
    """A table with one row."""
    with connection.schema_editor() as editor:
        editor.create_model(Receipt)
    Receipt.objects.create()
    yield Receipt
    with connection.schema_editor() as editor:
        editor.delete_model(Receipt)


@pytest.mark.truth("CLY614")
@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda rows: rows.first(), "Receipt"),
        (lambda rows: rows.all(), "QuerySet"),
        (lambda rows: rows.values("pk"), "QuerySet"),
        (lambda rows: rows.values_list("pk", flat=True), "QuerySet"),
        (lambda rows: list(rows.all()), "Receipt"),
        (lambda rows: {"row": rows.get()}, "Receipt"),
        (lambda rows: next(iter(rows.all())), "Receipt"),
        (lambda rows: rows.get_or_create(pk=1)[0], "Receipt"),
        (lambda rows: SimpleLazyObject(rows.get), "SimpleLazyObject|Receipt"),
    ],
    ids=["first", "all", "values", "values_list", "list", "dict", "row", "get_or_create", "the user of a request"],
)
def test_rows_are_not_encoded(lab, table, make, kind):
    """CLY614: neither a row nor a queryset is anything that JSON knows."""

    @lab.app.task(name="bill")
    def bill(order):
        """Never runs here."""

    with pytest.raises(EncodeError, match=f"Object of type (?:{kind}) is not JSON serializable"):
        bill.delay(make(table.objects))
    assert lab.queue_length() == 0


@pytest.mark.truth("CLY614")
def test_keys_are_encoded(lab, table):
    """CLY614: a list of keys, or of plain values, is."""

    @lab.app.task(name="bill")
    def bill(orders):
        """Never runs here."""

    bill.delay(list(table.objects.values_list("pk", flat=True)))
    bill.delay(list(table.objects.values("pk")))
    assert [tuple(message.args) for message in lab.published] == [([1],), ([{"pk": 1}],)]

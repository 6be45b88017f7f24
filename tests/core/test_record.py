"""Records."""

from __future__ import annotations

from flake8_celery_tasks.binding.values import Const, Member, Ref


def test_records_are_their_fields():
    assert repr(Member(Ref("shop:task"), "s")) == "Member(attribute='s', value=Ref(path='shop:task'))"
    assert Ref("shop:task") == Ref("shop:task") != Const("shop:task")

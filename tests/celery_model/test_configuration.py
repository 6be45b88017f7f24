"""Where a project configures Celery: what the edge cases in Markdown can't show, since their files must parse."""

from __future__ import annotations

import pytest

from tests.helpers import codes

APP = 'from celery import Celery\napp = Celery("shop")\n'
BROKEN = "def broken(:\n"


def test_configuration_in_a_file_that_cannot_be_parsed(tmp_path):
    """It may set a namespace: upper case is not judged, lower case counts under any."""
    broken = f'{BROKEN}app.config_from_object("shop.settings", namespace="CELERY")\n'
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "broken.py").write_text(broken)
    files = {"shop/celery.py": f"{APP}app.conf.TASK_ACKS_LATE = True\napp.conf.task_ack_late = True\n"}
    assert codes(tmp_path, files) == ["CLY811"]


@pytest.mark.parametrize(
    ("text", "expected"), [("# shop.fetch_rates", []), ("# nothing of the kind", ["CLY805"])], ids=["may be", "is not"]
)
def test_route_for_a_file_that_cannot_be_parsed(tmp_path, text, expected):
    """A pattern is silent where such a file speaks of what it is for."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "broken.py").write_text(f"from celery import shared_task\n{BROKEN}{text}\n")
    files = {
        "shop/celery.py": f'{APP}app.conf.task_routes = {{"shop.fetch_rates*": "slow"}}\n',
        "shop/tasks.py": 'from celery import shared_task\n@shared_task(name="shop.other")\ndef other(): ...\n',
    }
    assert codes(tmp_path, files) == expected


def test_entry_without_a_task_under_all_rules(tmp_path):
    """No rule stumbles over an entry that lacks what it asks for."""
    files = {"shop/celery.py": f'{APP}app.conf.beat_schedule = {{"a": {{"schedule": 60}}}}\n'}
    assert codes(tmp_path, files, extend_select="CLY9") == ["CLY934", "CLY935", "CLY804", "CLY912"]

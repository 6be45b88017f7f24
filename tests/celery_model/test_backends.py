"""Brokers and result backends, as far as the project names them."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.celery_model import backends
from flake8_celery_tasks.resolution.resolver import HOPS
from tests.helpers import project_at


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (['"redis://"'], "redis"),
        (['"memory://"'], None),
        (['"memory://"', '"redis://"'], "redis"),
        (['"amqp://"', '"redis://"'], None),
        (['"redis://"', "("], None),
    ],
)
def test_the_broker_is_what_all_places_agree_on(tmp_path, given, expected):
    files = {f"shop/config_{number}.py": f"CELERY_BROKER_URL = {url}\n" for number, url in enumerate(given)}
    found = backends.patience(project_at(tmp_path, files))
    assert (None if found is None else found.broker) == expected


@pytest.mark.parametrize(("depth", "is_known"), [(2, True), (HOPS + 2, False)])
def test_defaults_of_defaults_are_followed_so_far(tmp_path, depth, is_known):
    value = '"redis://"'
    for number in range(depth):
        value = f'os.getenv("BROKER_{number}", {value})'
    known = project_at(tmp_path, {"shop/settings.py": f"import os\n\nCELERY_BROKER_URL = {value}\n"})
    assert (backends.patience(known) is not None) == is_known


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('CELERY_RESULT_BACKEND = "django-db"\n', True),
        ('CELERY_RESULT_BACKEND = "redis://"\n', False),
        ("CELERY_RESULT_BACKEND = (\n", True),
    ],
)
def test_a_database_may_be_named_where_a_file_can_not_be_parsed(tmp_path, text, expected):
    assert backends.may_be_database(project_at(tmp_path, {"shop/settings.py": text})) == expected

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


#: Ways to name a backend.
NAMED = [
    'app = Celery("x", None, "rpc://")',
    'app = Celery("x", **{"backend": "rpc://"})',
    'given = dict(broker="redis://", backend="rpc://")\napp = Celery("x", **given)',
    'app = Celery("x")\nsetattr(app.conf, "result_backend", "rpc://")',
    'app = Celery("x")\napp.conf.setdefault("result_backend", "rpc://")',
    'app = Celery("x")\napp.conf.setdefault("broker_url", 1)\napp.conf.setdefault("result_backend", "rpc://")',
    'import os\nos.environ.setdefault("CELERY_RESULT_BACKEND", "rpc://")\napp = Celery("x")',
]

#: Ways to configure an app with something that can't be read.
FAR = [
    'app = Celery("x", None, far)',
    'app = Celery("x", **far)',
    'app = Celery("x", changes=far)',
    'app = Celery("x", loader="far:Loader")',
    'app = Celery("x", loader=far)',
    'app = Celery("x")\napp.conf.update(far)',
    'app = Celery("x")\nconf = app.conf\nconf.update(far)',
    'app = Celery("x")\napp.add_defaults(far)',
    'app = Celery("x")\nfor key, value in far.items():\n    app.conf[key] = value',
    'app = Celery("x")\nfor key, value in far.items():\n    setattr(app.conf, key, value)',
    'app = Celery("x")\napp.backend_cls = far',
    'app = Celery("x")\nfar(app)',
    'app = Celery("x")\nfar.configure(conf=app.conf)',
    'app = far(Celery("x"))',
    'app = Celery("x")\nfar[0](app)',
    'class Config(far):\n    broker_url = "redis://"\n\n\napp = Celery("x")\napp.config_from_object(Config)',
    'app = Celery("x")\napp.config_from_cmdline([])',
]

#: What says nothing of a backend.
SILENT = [
    'app = Celery("x", None, broker="redis://", loader="app")',
    'app = Celery("x", **{"broker": "redis://"})\nprint(app, app.conf)',
    'app = Celery("x")\nsetattr(app, "near", 1)\nsetattr(app.conf, "broker_url", "redis://")',
    'app = Celery("x")\napp.add_defaults({"task_acks_late": True})\napp.conf["broker_url"] = "redis://"',
    'app = Celery("x")\nfar.update(far)\nfar(far, 1)\nfar[far] = 1\nfar.setdefault(far, 1)',
    'def near(app):\n    app.conf.broker_url = "redis://"\n\n\napp = Celery("x")\nnear(app)',
    'class Base:\n    pass\n\n\nclass Config(Base):\n    broker_url = "redis://"\n\n\n'
    'app = Celery("x")\napp.config_from_object(Config())',
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((text, True) for text in NAMED),
        *((text, None) for text in FAR),
        *((text, False) for text in SILENT),
    ],
)
def test_whether_results_are_stored(tmp_path, text, expected):
    files = {"shop/celery.py": f"from celery import Celery\nfrom elsewhere import far\n\n{text}\n"}
    assert backends.backend(project_at(tmp_path, files)) is expected


def test_settings_of_another_module_that_can_not_be_read(tmp_path):
    files = {
        "shop/celery.py": 'from celery import Celery\n\napp = Celery("x")\n',
        "shop/more.py": "from elsewhere import far\nfrom shop.celery import app\n\napp.conf.update(far)\n",
    }
    assert backends.backend(project_at(tmp_path, files)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('broker_url = "redis://"\n', False),
        ("from elsewhere import *\n", None),
        ("globals().update(broker_url=1)\n", None),
        ("from split_settings.tools import include, optional\n\ninclude(optional('/etc/shop.py'))\n", None),
        ("import dynaconf\n\nsettings = dynaconf.DjangoDynaconf(__name__)\n", None),
    ],
)
def test_settings_that_take_in_more(tmp_path, text, expected):
    files = {
        "shop/celery.py": 'from celery import Celery\n\napp = Celery("x")\napp.config_from_object("shop.config")\n',
        "shop/config.py": text,
    }
    assert backends.backend(project_at(tmp_path, files)) is expected

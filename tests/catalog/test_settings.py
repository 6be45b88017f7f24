import datetime
import inspect
import pathlib

import celery
import pytest
from celery import Celery
from celery.app import defaults

from flake8_celery_tasks.catalog import ALWAYS, NEWEST, OLDEST
from flake8_celery_tasks.catalog import settings as catalog

from .installed import FULL, VERSION, parameters

REAL = dict(defaults.flatten(defaults.NAMESPACES))
HERE = [record for record in catalog.SETTINGS.values() if record.exists(VERSION)]
NAMESPACES = [None, "", "CELERY", "CELERY_", "celery", "Celery", "celery_", "SHOP"]


def plain(default):
    if isinstance(default, datetime.timedelta):
        return default.total_seconds()
    return tuple(default) if isinstance(default, list) else default


def test_the_settings_are_those_of_celery():
    assert {record.name for record in HERE} == set(REAL)


@pytest.mark.parametrize("record", HERE, ids=lambda record: record.name)
def test_each_record_is_right(record):
    real = REAL[record.name]
    assert catalog.default_of(record.name, FULL) == plain(real.default)
    assert record.old == defaults._TO_OLD_KEY[record.name]
    if (record.name, VERSION < (5, 7)) != ("worker_concurrency", True):  # "int" until 5.6
        assert record.type == (real.type if isinstance(real.type, str) else real.type.__name__)


def test_deprecated_settings_are_those_that_celery_marks():
    real = {
        name: (tuple(int(part) for part in option.remove_by.split(".")), option.alt)
        for name, option in REAL.items()
        if option.deprecate_by or option.remove_by
    }
    said = {
        record.name: (record.removed, record.instead)
        for record in HERE
        if record.deprecated is not None and record.deprecated <= VERSION
    }
    assert said == real


def test_old_names_are_one_to_one():
    assert len(catalog.OLD_TO_NEW) == len(catalog.SETTINGS)
    assert {old: new for old, new in catalog.OLD_TO_NEW.items() if new in REAL} == defaults._TO_NEW_KEY


def test_a_setting_is_gone_where_it_is_announced_to_go():
    record = catalog.SETTINGS["task_acks_on_failure_or_timeout"]
    assert record.exists(NEWEST)
    assert not record.exists((7, 0))
    assert not catalog.SETTINGS["task_acks_on_failure"].exists((5, 6))
    assert all(record.since == ALWAYS or record.since > OLDEST for record in catalog.SETTINGS.values())


def test_defaults_of_older_versions():
    assert catalog.default_of("control_queue_exclusive") is True
    assert catalog.default_of("control_queue_exclusive", (5, 6)) is False
    assert catalog.default_of("task_acks_late", (5, 2)) is False


def test_extra_names_are_read_by_celery_and_not_listed():
    assert not catalog.EXTRA & catalog.SETTINGS.keys()
    if VERSION == NEWEST:
        root = pathlib.Path(celery.__file__).parent
        text = "\n".join(path.read_text("utf-8") for path in root.rglob("*.py"))
        assert {name for name in catalog.EXTRA if f"'{name}'" in text or f'"{name}"' in text} == catalog.EXTRA


def test_no_setting_looks_like_an_extension_s():
    assert not [name for name in catalog.SETTINGS if name.startswith(catalog.FOREIGN_PREFIXES)]


def test_arguments_of_an_app():
    real = set(parameters(Celery.__init__))
    assert real <= catalog.APP_ARGUMENTS
    assert catalog.APP_ARGUMENTS - real <= {"config_source_silent"}  # 5.7


@pytest.mark.parametrize(("namespace", "prefix"), [(None, ""), ("", ""), ("CELERY", "CELERY_"), ("CELERY_", "CELERY_")])
def test_prefix(namespace, prefix):
    assert catalog.prefix_of(namespace) == prefix


def found_by_celery(namespace, keys):
    """The settings whose value Celery takes from a configuration with all `keys` (setting -> key)."""
    marks = {name: f"value of {name}" for name in keys}
    source = type("Source", (), {key: marks[name] for name, key in keys.items()})
    app = Celery("catalogue", set_as_current=False)
    app.config_from_object(source, namespace=namespace)
    return {name for name in keys if app.conf[name] == marks[name]}


FORMS = {
    "new": str,
    "new in upper case": str.upper,
    "CELERY_ and new": lambda name: "CELERY_" + name.upper(),
    "celery_ and new": lambda name: "celery_" + name,
    "SHOP_ and new": lambda name: "SHOP_" + name.upper(),
    "shop_ and new": lambda name: "shop_" + name,
    "old": lambda name: catalog.SETTINGS[name].old,
    "CELERY_ and old": lambda name: "CELERY_" + catalog.SETTINGS[name].old,
}


@pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")
@pytest.mark.parametrize("namespace", NAMESPACES)
@pytest.mark.parametrize("form", FORMS)
def test_celery_looks_for_settings_where_the_catalogue_says(namespace, form):
    keys = {record.name: FORMS[form](record.name) for record in HERE}
    said = {name for name, key in keys.items() if key in catalog.lookup_keys(name, namespace, VERSION)}
    assert found_by_celery(namespace, keys) == said
    for name, key in keys.items():
        assert (catalog.setting_of(key, namespace, VERSION) == name) == (name in said)


def test_setting_of():
    assert catalog.setting_of("task_acks_late") == "task_acks_late"
    assert catalog.setting_of("CELERY_ACKS_LATE") == "task_acks_late"
    assert catalog.setting_of("TASK_ACKS_LATE") is None
    assert catalog.setting_of("CELERY_TASK_ACKS_LATE") is None
    assert catalog.setting_of("CELERY_TASK_ACKS_LATE", "CELERY") == "task_acks_late"
    assert catalog.setting_of("CELERY_TASK_ACKS_LATE", "celery") is None
    assert catalog.setting_of("CELERYD_CONCURRENCY", "CELERY", (5, 6)) is None
    assert catalog.setting_of("CELERYD_CONCURRENCY", "CELERY", (5, 7)) == "worker_concurrency"
    assert catalog.setting_of("SECRET_KEY", "CELERY") is None


def test_records_are_documented_in_seconds():
    assert "seconds" in inspect.getdoc(catalog.Setting)

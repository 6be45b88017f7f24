import inspect
import re

import kombu.compression
import kombu.serialization
import pytest
from celery import Celery
from celery.app import autoretry
from celery.app.task import Task, extract_exec_options
from celery.utils import time as celery_time

from flake8_celery_tasks.catalog import ALWAYS, NEWEST, OLDEST, call_options, settings
from flake8_celery_tasks.catalog import task_options as catalog

from .installed import VERSION, parameters

RECORDS = list(catalog.OPTIONS.values())
HERE = [record for record in RECORDS if record.exists(VERSION)]
NAMES = {record.name for record in HERE}
ATTRIBUTES = {name for name in dir(Task) if not name.startswith("__")}
DECORATOR_OF_APP = set(
    re.findall(r"(\w+)=", re.search(r"def inner_create_task_cls\((.*?)\*\*", inspect.getsource(Celery.task)).group(1))
)
FROM_CONFIG = dict(Task.from_config)
MERGED = inspect.getclosurevars(extract_exec_options).nonlocals["attrs"]


def of(group, records=HERE):
    return {record.name for record in records if record.group == group}


@pytest.fixture
def app():
    made = Celery("catalogue", broker="memory://", backend="cache+memory://", set_as_current=False)
    made.finalize()
    return made


def test_the_installed_celery_is_one_that_the_catalogue_describes():
    assert OLDEST <= VERSION <= NEWEST


def test_every_attribute_of_task_is_an_option_or_its_own_affair():
    assert set() == ATTRIBUTES - NAMES - catalog.TASK_API - catalog.INTERNAL


def test_the_parts_do_not_overlap():
    assert not catalog.OPTIONS.keys() & catalog.TASK_API
    assert not catalog.OPTIONS.keys() & catalog.INTERNAL
    assert not catalog.TASK_API & catalog.INTERNAL
    assert not catalog.OPTIONS.keys() & catalog.CALL_ONLY
    assert not catalog.TASK_API & catalog.CALL_ONLY
    assert not catalog.OPTIONS.keys() & catalog.EXTENSIONS.keys()
    assert not catalog.OPTIONS.keys() & catalog.REMOVED.keys()


def test_the_task_api_is_there():
    assert catalog.TASK_API <= ATTRIBUTES
    assert {"_dump_pydantic_arguments"} >= catalog.INTERNAL - ATTRIBUTES  # 5.7


def test_every_attribute_option_is_read_somewhere():
    known = ATTRIBUTES | FROM_CONFIG.keys() | set(MERGED) | {"exchange_type", "type"}
    assert of("attribute") <= known


def test_no_record_claims_an_age_that_celery_contradicts():
    absent = {record.name for record in RECORDS} - NAMES
    everything = ATTRIBUTES | FROM_CONFIG.keys() | set(MERGED) | set(parameters(Celery._task_from_fun))
    assert not absent & everything


def test_hooks_are_methods():
    assert all(callable(getattr(Task, name)) for name in of("hook"))


def test_decorator_options_are_the_parameters_of_the_decorator():
    taken = set(parameters(Celery._task_from_fun)) - {"fun"}
    assert of("decorator") == taken | DECORATOR_OF_APP


def test_shared_task_never_sees_what_app_task_takes_itself():
    assert {record.name for record in RECORDS if not record.shared_task} == DECORATOR_OF_APP


def test_settings_of_options_are_from_config():
    said = {record.name: record.setting for record in HERE if record.setting}
    if VERSION < (5, 7):  # the worker read these two settings itself
        for name in ("time_limit", "soft_time_limit"):
            said.pop(name)
    assert said == FROM_CONFIG
    assert all(record.setting in settings.SETTINGS for record in RECORDS if record.setting)


def test_exec_options_are_what_the_publisher_merges(app):
    assert catalog.EXEC_OPTIONS == MERGED
    task = app.task(name="t", shared=False, **dict.fromkeys(catalog.CALL_ONLY, 1))(function)
    assert set(task._get_exec_options()) == set(MERGED)


def function():
    """A function to make a task of."""


def test_autoretry_options_are_what_autoretry_reads():
    found = set(re.findall(r"options\.get\(\s*'(\w+)'", inspect.getsource(autoretry.add_autoretry_behaviour)))
    assert of("autoretry") == found
    assert of("autoretry", RECORDS) - {"autoretry_for"} == catalog.AUTORETRY_ONLY


def test_autoretry_defaults_are_those_in_its_source():
    source = inspect.getsource(autoretry.add_autoretry_behaviour)
    found = dict(re.findall(r"getattr\(task, '(\w+)', (\(\)|\{\}|\w+)\)", source))
    said = {"()": (), "{}": None, "False": False, "True": True, "600": 600}
    for name in of("autoretry"):
        assert catalog.OPTIONS[name].default == said[found[name]]
    assert catalog.OPTIONS["retry_backoff_max"].default == catalog.DEFAULT_BACKOFF_MAX


@pytest.mark.parametrize("name", sorted(of("attribute") - {"backend", "from_config", "type"}))
def test_defaults_are_those_of_a_bound_task(app, name):
    task = app.task(name="t", shared=False)(function)
    assert getattr(task, name, None) == catalog.OPTIONS[name].default


def test_plain_defaults():
    assert Task.max_retries == catalog.DEFAULT_MAX_RETRIES
    assert Task.default_retry_delay == catalog.DEFAULT_RETRY_DELAY


def test_deprecated_attributes_are_those_that_bind_warns_of():
    loop = re.search(r"for attr in \((.*?)\)", inspect.getsource(Task.bind), re.DOTALL)
    found = set(re.findall(r"'(\w+)'", loop.group(1))) if loop else set()
    said = {record.name for record in HERE if record.removed == (6, 0)}
    assert found == (said if VERSION >= (5, 7) else set())


def test_announced_removals_are_after_their_deprecation():
    for record in RECORDS:
        assert record.removed is None or record.deprecated < record.removed
        assert record.removed is None or record.removed > NEWEST


def test_options_of_acknowledgement():
    assert catalog.ACK_OPTIONS - {"acks_late"} == catalog.NEEDS_ACKS_LATE
    assert {name for name in ATTRIBUTES if name.startswith("acks_")} <= catalog.ACK_OPTIONS


def test_families_are_made_of_options():
    for family in (
        catalog.RETRY_POLICY,
        catalog.AUTORETRY_ONLY,
        catalog.BACKOFF_ONLY,
        catalog.RETRY_ONLY,
        catalog.ACK_OPTIONS,
        catalog.NEEDS_ACKS_LATE,
        catalog.ROUTING_OPTIONS,
        catalog.EXEC_OPTIONS,
        [record.requires for record in RECORDS if record.requires],
    ):
        assert set(family) <= catalog.OPTIONS.keys()


def test_call_only_are_options_of_a_call():
    assert call_options.OPTIONS.keys() >= catalog.CALL_ONLY


def test_no_option_of_a_removed_kind_is_back():
    assert not catalog.REMOVED.keys() & ATTRIBUTES
    assert all(version <= OLDEST for version in catalog.REMOVED.values())


def test_builtin_tasks_are_those_of_a_fresh_app(app):
    assert {name for name in app.tasks if name.startswith("celery.")} == catalog.BUILTIN_TASKS


def test_rate_limit_units_are_those_of_celery():
    assert set(celery_time.RATE_MODIFIER_MAP) == catalog.RATE_LIMIT_UNITS.keys()
    for unit, seconds in catalog.RATE_LIMIT_UNITS.items():
        assert celery_time.rate(f"{seconds}/{unit}") == 1


def test_serialisers_and_compressions_are_known():
    assert set(kombu.serialization.registry._encoders) <= catalog.SERIALIZERS
    assert set(kombu.compression._aliases) | set(kombu.compression.encoders()) <= catalog.COMPRESSIONS


def test_any_keyword_becomes_an_attribute(app):
    task = app.task(name="t", shared=False, max_retry=5)(function)
    assert task.max_retry == 5
    assert task.max_retries == catalog.DEFAULT_MAX_RETRIES


def test_types_are_single_words():
    for record in RECORDS:
        assert record.types
        assert all(word.isidentifier() for word in record.types)


def test_names_of_an_older_celery_are_fewer():
    assert catalog.decorator_names() == catalog.OPTIONS.keys()
    ages = {}
    for record in RECORDS:
        ages.setdefault(record.since, set()).add(record.name)
    ages.pop(ALWAYS)
    # Written out again, since a run with the newest Celery alone would not see a wrong age.
    assert ages == {
        (5, 3): {"dont_autoretry_for", "on_replace"},
        (5, 5): {"pydantic", "pydantic_strict", "pydantic_context", "pydantic_dump_kwargs"},
        (5, 7): {"acks_on_failure", "acks_on_timeout", "retry_on_worker_lost"},
    }
    assert catalog.decorator_names() - catalog.decorator_names(OLDEST) == set().union(*ages.values())
    assert all(record.since == ALWAYS or record.since > OLDEST for record in RECORDS)
    assert "queue" not in catalog.decorator_names((6, 0))


def test_options_that_no_supported_celery_lacks():
    assert catalog.EARLIER.keys() <= {record.name for record in RECORDS if record.since == ALWAYS}
    assert max(catalog.EARLIER.values()) <= OLDEST
    assert "retry_backoff" not in catalog.decorator_names((4, 1))
    assert "retry_backoff" in catalog.decorator_names((4, 2))
    assert "autoretry_for" not in catalog.decorator_names((3, 1))


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("task_track_started", "track_started"),
        ("CELERY_ACKS_LATE", "acks_late"),
        ("CELERY_TASK_ACKS_LATE", "acks_late"),
        ("CELERYD_TASK_TIME_LIMIT", "time_limit"),
        ("CELERYD_TASK_SOFT_TIME_LIMIT", "soft_time_limit"),
        ("CELERY_DEFAULT_RATE_LIMIT", "rate_limit"),
        ("task_default_rate_limit", "rate_limit"),
        ("task_max_retries", "max_retries"),
        ("celery_max_retries", "max_retries"),
        ("acks_late", None),
        ("default_rate_limit", None),
        ("task_description", None),
        ("task_id", None),
        ("CELERY_TIMEZONE", None),
        ("", None),
    ],
)
def test_option_of_setting(name, option):
    assert catalog.option_of_setting(name) == option


@pytest.mark.parametrize("record", [record for record in RECORDS if record.setting], ids=lambda record: record.setting)
def test_option_of_setting_knows_old_and_new_names(record):
    old = settings.SETTINGS[record.setting].old
    assert catalog.option_of_setting(record.setting) == record.name
    assert catalog.option_of_setting(old) == record.name

"""Options: what they take, and what they refuse."""

from __future__ import annotations

import argparse

import pytest

from flake8_celery_tasks.core.options import OptionError, Options, opted


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("{app", "x"),
        ("[a-z]{2,3}", "x"),
        (r"\{model\}", "x"),
        ("{module}", "x"),
    ],
)
def test_name_patterns_that_are_fine(pattern, wanted):
    assert Options.of({"celery_task_name_pattern": pattern}).celery_task_name_pattern == pattern


@pytest.mark.parametrize(
    ("given", "arguments", "expected"),
    [
        ({}, [], ()),
        ({"select": ["C", "CLY"], "extend_select": ["CLY9"]}, [], ("CLY9",)),
        ({"select": ["CLY90", "CLY912"], "extend_select": ["CLY90", "E"]}, [], ("CLY90", "CLY912")),
        ({"enable_extensions": ["CLY901", "G"]}, ["shop"], ("CLY901",)),
        ({"enable_extensions": ["CLY901"]}, ["--enable-extensions=CLY902,CLY903", "shop"], ("CLY902", "CLY903")),
        ({"enable_extensions": ["CLY901"]}, ["--enable-extensions", "G", "--jobs=1"], ()),
    ],
)
def test_prefixes(given, arguments, expected):
    namespace = argparse.Namespace(**{"select": None, "extend_select": None, **given})
    assert opted(namespace, arguments) == expected


@pytest.mark.parametrize(
    ("field", "raw", "value"),
    [
        ("celery_acks_late", "Yes", True),
        ("celery_acks_late", "0", False),
        ("celery_acks_late", True, True),
        ("celery_broker", " Redis ", "redis"),
        ("celery_target_version", "5.4.2", (5, 4)),
        ("celery_target_version", (5, 3), (5, 3)),
        ("celery_apps", "a.b,\n c", ("a.b", "c")),
        ("celery_apps", ["a"], ("a",)),
        ("celery_test_paths", "a\\b/, x.py", ("a/b/", "x.py")),
        ("celery_project_root", " ", ""),
    ],
)
def test_options_take(field, raw, value):
    assert getattr(Options.of({field: raw}), field) == value


@pytest.mark.parametrize(
    ("field", "raw"),
    [
        ("celery_acks_late", "maybe"),
        ("celery_broker", "kafka"),
        ("celery_target_version", "5.x"),
        ("celery_apps", "a..b"),
        ("celery_apps", "a b"),
    ],
)
def test_options_refuse(field, raw):
    with pytest.raises(OptionError, match=field.replace("_", "-")) as refused:
        Options.of({field: raw})
    assert repr(raw) in str(refused.value)

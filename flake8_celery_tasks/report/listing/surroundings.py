"""The output of `config`, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.core.text import json_of, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def as_json(found: Mapping[str, Any]) -> str:
    """Return one object."""
    return json_of(found) + "\n"


def as_text(found: Mapping[str, Any]) -> str:
    """Return lines with names and values."""
    rows = list(_rows(found))
    room = max(len(name) for name, _ in rows)
    return "".join(f"{name:<{room}}  {plain(value, of_bytes=True)}".rstrip() + "\n" for name, value in rows)


def _rows(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "project root", f"{found['root']['path']} ({found['root']['because']})"
    configuration = found["configuration"]
    yield from _several("configuration files", configuration["files"], "none")
    for one in configuration["options"]:
        yield f"  {one['name']}", f"{one['value']}  ({one['source']})"
    celery = found["celery"]
    where = f"{celery['path']}:{celery['line']}: {celery['text']}" if celery["path"] else celery["because"]
    yield "Celery version", f"{celery['version']} ({where})"
    yield from _several("Celery apps", found["apps"], "none recognised")
    yield from _several("settings", [_setting(one) for one in found["settings"]], "none recognised")
    made = [f"{one['name']} ({one['form']}, {_tasks(one['tasks'])})" for one in found["decorators"]]
    yield from _several("tasks are made by", made, "none recognised")
    module = found["module"]
    if module is not None:
        yield "file", module["path"]
        yield "  module", f"{module['name']} ({'certain' if module['certain'] else 'not certain'})"
        if module["why_not"]:
            yield "  not certain because", module["why_not"]
        yield "  app", module["app"] or "none"
        yield "  test or migration", "yes" if module["is_test"] else "no"
        yield "  checked", module["checked"]


def _several(name: str, values: list[str], none: str) -> Iterator[tuple[str, str]]:
    for number, value in enumerate(values or [none]):
        yield "" if number else name, value


def _setting(one: Mapping[str, Any]) -> str:
    what = f"{one['path']}: {one['object']}" if one["path"] and one["object"] else one["path"] or one["object"] or "?"
    return f"{what}, namespace {one['namespace']}" if one["namespace"] else what


def _tasks(count: int) -> str:
    return f"{count} {'task' if count == 1 else 'tasks'}"

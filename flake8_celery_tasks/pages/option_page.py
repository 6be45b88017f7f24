"""The page of the options: what each is for, its default, and an example in both kinds of configuration files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.core.options import DESCRIBED, flag_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flake8_celery_tasks.core.options import Described

#: An example value for each option, as in `pyproject.toml`.
EXAMPLES: Final[Mapping[str, str | bool | list[str]]] = {
    "celery_task_decorators": ["shop.celery.instrumented_task", "shop.celery.*_task"],
    "celery_apps": ["shop.orders", "shop.billing"],
    "celery_test_paths": ["tests/", "test_*.py", "conftest.py", "shop/fakes/"],
    "celery_target_version": "5.4",
    "celery_acks_late": True,
    "celery_custom_task_class": True,
    "celery_extra_task_options": ["tenant", "priority_class"],
    "celery_async_pool": True,
    "celery_bind_requires_retry": True,
    "celery_at_most_once_calls": ["shop.payments.charge", "shop.sms.send_*"],
    "celery_broker": "redis",
    "celery_task_name_pattern": "{app}_{function}",
    "celery_project_root": "backend",
    "celery_environment": ".venv",
    "celery_baseline": "celery-baseline.json",
    "celery_contract": "celery-tasks.json",
    "celery_known_tasks": ["contracts/mail.json", "contracts/billing.json"],
    "celery_no_cache": True,
}

INTRODUCTION: Final = """\
# Options

All of these are flake8 options. Set them under `[flake8]` in `setup.cfg`, `tox.ini` or `.flake8`, or on the command
line with two leading dashes: `--celery-target-version=5.4`. In flake8's files, lists are separated by commas. The
command `flake8-celery-tasks` also reads `[tool.flake8-celery-tasks]` in `pyproject.toml`; flake8 does not.
[Configure](configure.md) says which file applies. An invalid value ends the run with a usage error.
"""


def markdown() -> str:
    """Return the page of the options as Markdown."""
    return "\n".join([INTRODUCTION, *(_section(name, option) for name, option in DESCRIBED.items())])


def _section(field: str, option: Described) -> str:
    """Return what the page says about one option."""
    name, value = flag_of(field)[2:], EXAMPLES[field]
    parts = [f"## `{name}`", option.help]
    if "(default: " not in option.help:
        default = _shown(option.default)
        parts.append(f"Default: `{default}`" if default else "Default: none")
    parts += [
        f"```ini\n[flake8]\n{name} = {_shown(value)}\n```",
        f'```toml title="pyproject.toml"\n[tool.flake8-celery-tasks]\n{name} = {json.dumps(value)}\n```',
    ]
    return "\n\n".join(parts) + "\n"


def _shown(value: object) -> str:
    """Return a value in the form of flake8's configuration files; an empty string for none."""
    if isinstance(value, (list, tuple)):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value or "")

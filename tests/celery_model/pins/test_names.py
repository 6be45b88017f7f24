"""Which files may name a version, by their names."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.celery_model.pins import names

FORMATS = {
    names.REQUIREMENTS: (
        "requirements.txt requirements.in requirements-prod.txt dev_requirements.txt constraints.txt reqs.txt deps.txt "
        "Requirements.TXT requirements.pip requirements.lock requirements/base.txt reqs/web.in pip-requirements/a.txt "
        "deps/x.txt upper-constraints.txt dependencies/main.txt pip/prod.txt dependency.txt"
    ),
    names.TOML_LOCK: "uv.lock poetry.lock pdm.lock pylock.toml pylock.prod.toml",
    names.JSON_LOCK: "Pipfile.lock",
    names.YAML_LOCK: "conda-lock.yml pixi.lock prod.conda-lock.yml prod.conda-lock.yaml",
    names.PROJECT: "pyproject.toml",
    names.PIPFILE: "Pipfile pixi.toml",
    names.CONFIG: "setup.cfg",
    names.SETUP: "setup.py",
    names.CONDA: "environment.yml environment.yaml environment-prod.yml env.yml conda.yaml conda_env.yml",
    None: (
        "notes.txt README.txt requirements.md requirements settings.py yarn.lock Cargo.lock pylock.txt pyproject.lock "
        "docker-compose.yml environments.yml .env requirements.py depsx.txt greps.txt docs/notes.txt pipeline.txt "
        "pipeline/a.txt"
    ),
}


@pytest.mark.parametrize(("path", "known"), [(path, kind) for kind, paths in FORMATS.items() for path in paths.split()])
def test_format(path, known):
    folder, _, name = path.rpartition("/")
    assert names.format_of(f"/shop/{folder}", name) == known


@pytest.mark.parametrize("name", ["requirements", "Requirements", "reqs", "deps", "pip-requirements", "requirements.d"])
def test_folders_of_lists(name):
    assert names.is_list(name)


@pytest.mark.parametrize("name", ["required", "pipeline", "shop", "requirements_of_a_shop", "", "deps2", "independent"])
def test_other_folders(name):
    assert not names.is_list(name)


def test_every_lock_is_one():
    assert {names.format_of("", name) for name in names.LOCKS} == names.LOCK_FORMATS


@pytest.mark.parametrize(
    ("path", "aside"),
    [
        ("requirements.txt", False),
        ("requirements/base.txt", False),
        ("requirements/production.txt", False),
        ("latest/requirements.txt", False),
        ("requirements-dev.txt", True),
        ("requirements_DEV.txt", True),
        ("dev-requirements.txt", True),
        ("requirements/local.txt", True),
        ("requirements/test.in", True),
        ("docs/requirements.txt", True),
        ("requirements-py27.txt", True),
        ("requirements/python2.txt", True),
    ],
)
def test_aside(path, aside):
    assert names.is_aside(path) is aside
    assert names.is_aside("project", path) is aside

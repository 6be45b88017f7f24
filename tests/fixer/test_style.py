"""How a project says that it breaks its lines."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.core.text import DEFAULT, Style
from flake8_celery_tasks.fixer import style
from tests.helpers import write


def style_in(folder, files, path="shop/tasks.py"):
    write(folder, {"shop/tasks.py": "", ".git": "", **files})
    style.forget()
    return style.style_of(str(folder / path))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, DEFAULT),
        ({".flake8": "[flake8]\nmax-line-length = 100\n"}, Style(100)),
        ({"setup.cfg": "[flake8]\nmax_line_length = 100\n"}, Style(100)),
        ({"setup.cfg": "[pycodestyle]\nmax-line-length = 100\n"}, Style(100)),
        ({"tox.ini": "[flake8]\nmax-line-length = 100\n"}, Style(100)),
        ({"tox.ini": "[flake8]\nmax-line-length = any\n"}, DEFAULT),
        ({"tox.ini": "[flake8\n"}, DEFAULT),
        ({"pyproject.toml": "[tool.flake8]\nmax-line-length = 100\n"}, Style(100)),
        ({"pyproject.toml": "[tool.flake8]\nmax-line-length = 'x'\n"}, DEFAULT),
        ({"pyproject.toml": "tool = 1\n"}, DEFAULT),
        ({"pyproject.toml": "[tool]\nflake8 = 1\nblack = 1\n"}, DEFAULT),
        ({"pyproject.toml": "[tool.black]\n"}, DEFAULT),
        ({"pyproject.toml": "[tool.black]\nline_length = 100\nskip_magic_trailing_comma = true\n"}, Style(100, False)),
        ({"pyproject.toml": "[tool.black]\nline-length = 100\nskip-magic-trailing-comma = true\n"}, Style(100, False)),
        ({"pyproject.toml": "[tool.black]\nline-length = 100\n[tool.ruff]\nline-length = 90\n"}, Style(100)),
        ({"pyproject.toml": "[tool.black]\n", ".flake8": "[flake8]\nmax-line-length = 100\n"}, DEFAULT),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 100\n"}, Style(100, pragmas=True)),
        (
            {"pyproject.toml": "[tool.ruff.lint]\nselect = []\n", ".flake8": "[flake8]\nmax-line-length = 100\n"},
            Style(100),
        ),
        ({"pyproject.toml": "[tool.ruff.format]\nskip-magic-trailing-comma = true\n"}, Style(88, False, True)),
        ({"ruff.toml": "line-length = 100\n"}, Style(100, pragmas=True)),
        ({"shop/.ruff.toml": "line-length = 90\n", "ruff.toml": "line-length = 100\n"}, Style(90, pragmas=True)),
        ({"shop/ruff.toml": "extend = '../ruff.toml'\n", "ruff.toml": "line-length = 100\n"}, Style(100, pragmas=True)),
        (
            {
                "shop/ruff.toml": "extend = '../pyproject.toml'\n",
                "pyproject.toml": "[tool.ruff]\nline-length = 100\nformat = {skip-magic-trailing-comma = true}\n",
            },
            Style(100, False, True),
        ),
        ({"ruff.toml": "extend = 'ruff.toml'\n"}, Style(pragmas=True)),
        ({"ruff.toml": "extend = 'missing.toml'\n"}, Style(pragmas=True)),
        (
            {"shop/ruff.toml": "extend = '../pyproject.toml'\n", "pyproject.toml": "tool = {ruff = 1}\n"},
            Style(pragmas=True),
        ),
        ({"ruff.toml": "line-length = true\n"}, Style(pragmas=True)),
        ({"ruff.toml": "line-length =\n"}, DEFAULT),
    ],
)
def test_where_it_is_said(files, expected, tmp_path):
    assert style_in(tmp_path, files) == expected


def test_nothing_is_looked_for_above_a_repository(tmp_path):
    (tmp_path / "ruff.toml").write_text("line-length = 100\n")
    (tmp_path / "inner").mkdir()
    assert style_in(tmp_path / "inner", {}) == DEFAULT


def test_without_a_repository(tmp_path):
    (tmp_path / "ruff.toml").write_text("line-length = 100\n")
    assert style.style_of(str(tmp_path / "any" / "tasks.py")) == Style(100, pragmas=True)

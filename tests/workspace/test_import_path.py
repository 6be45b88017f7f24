"""Folders that a project puts on Python's path itself."""

from __future__ import annotations

import os

import pytest

from flake8_celery_tasks.workspace import folders, import_path
from flake8_celery_tasks.workspace.layout import Layout
from tests.helpers import touch


def added(root, code, path="project/settings/base.py"):
    touch(root, "packages/shop/__init__.py", "packages/shop/tasks.py", "project/apps/blog/__init__.py", path)
    (root / path).write_text(code, encoding="utf-8")
    found = import_path.added(str(root), [str(root / path)])
    return [os.path.relpath(folder, root) for folder in found]


HERE = "import os, sys, site\nfrom pathlib import Path\n"
BASE = "BASE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))\n"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (BASE + "sys.path.append(os.path.join(BASE, 'packages'))", ["packages"]),
        (BASE + "sys.path.insert(0, os.path.join(BASE, 'project', 'apps'))", ["project/apps"]),
        ("sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'apps'))", ["project/apps"]),
        ("sys.path.insert(0, str(Path(__file__).parents[1] / 'apps'))", ["project/apps"]),
        ("sys.path.insert(0, Path(__file__).parents[1].joinpath('apps').as_posix())", ["project/apps"]),
        ("sys.path += [str(UNKNOWN / 'packages'), '/elsewhere']", ["packages"]),
        ("sys.path = [os.path.join(UNKNOWN, 'apps')] + sys.path", ["project/apps"]),
        ("sys.path[0:0] = ['packages']", ["packages"]),
        ("sys.path.extend(('packages', 'nowhere'))", ["packages"]),
        ("site.addsitedir(BASE + '/packages')", ["packages"]),
        ("sys.path.append(os.path.join(os.getcwd(), 'packages'))", ["packages"]),
        ("sys.path.append(os.path.join(os.path.dirname(os.path.join(BASE, 'packages', 'x'))))", ["packages"]),
        ("BASE = BASE\nsys.path.append(BASE)", []),
        ("sys.path.append(UNKNOWN)", []),
        ("sys.path.append(f())", []),
        ("sys.path.append(os.path.join())", []),
        ("sys.path.append(Path(__file__).parents[n])", []),
        ("sys.path.append(str())", []),
        ("sys.path.append(os.path.dirname(UNKNOWN))", []),
        ("sys.path.append('..')", []),
        ("paths.append('packages')  # sys.path", []),
        ("x = 'sys.path'\nx.y = 1", []),
        ("sys.path.append(", []),
    ],
)
def test_what_is_put_on_the_path(code, expected, tmp_path):
    assert added(tmp_path, HERE + code) == expected


def test_only_modules_that_are_imported_early(tmp_path):
    code = "import sys\nsys.path.append('packages')"
    assert added(tmp_path, code, "manage.py") == ["packages"]
    assert added(tmp_path, code, "config/any.py") == ["packages"]
    assert added(tmp_path, code, "shop/views.py") == []
    assert added(tmp_path, "packages", "manage.py") == []
    assert import_path.added(str(tmp_path), [str(tmp_path / "settings" / "missing.py")]) == []


def test_the_names_of_modules_there(tmp_path):
    touch(tmp_path, "pyproject.toml", "packages/shop/__init__.py", "packages/shop/tasks.py", "manage.py")
    touch(tmp_path, "apps/__init__.py", "apps/blog/__init__.py", "apps/blog/tasks.py")
    (tmp_path / "manage.py").write_text("import sys\nsys.path += ['packages', 'apps']\n", encoding="utf-8")
    folders.forget()
    layout = Layout(str(tmp_path))
    shop = layout.place(str(tmp_path / "packages" / "shop" / "tasks.py"))
    assert (shop.name, shop.certain, shop.root) == ("shop.tasks", True, str(tmp_path / "packages"))
    blog = layout.place(str(tmp_path / "apps" / "blog" / "tasks.py"))
    assert (blog.name, blog.certain) == ("apps.blog.tasks", False)
    assert layout.find("shop.tasks", str(tmp_path)) == shop.path

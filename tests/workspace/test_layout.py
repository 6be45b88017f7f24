"""Module names, files and apps, from folders alone."""

from __future__ import annotations

import fnmatch
import os
import sys
from pathlib import Path

import pytest

from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.workspace import folders, layout
from flake8_celery_tasks.workspace.layout import Layout
from tests.helpers import touch


def make(folder, *names):
    touch(folder, *names)
    return Layout(str(folder), tests=Options().celery_test_paths)


@pytest.mark.parametrize(
    ("path", "name", "certain"),
    [
        ("shop/tasks.py", "shop.tasks", True),
        ("shop/__init__.py", "shop", True),
        ("shop/sub/mail.py", "shop.sub.mail", True),
        ("src/store/tasks.py", "store.tasks", True),
        ("tasks.py", "tasks", True),
        ("space/shop/tasks.py", "space.shop.tasks", False),
        ("src/space/shop/tasks.py", "space.shop.tasks", False),
        ("plain/tasks.py", "plain.tasks", False),
        ("shop/not-a-name.py", "shop.not-a-name", False),
    ],
)
def test_module_names(tmp_path, path, name, certain):
    known = make(
        tmp_path,
        path,
        "shop/__init__.py",
        "shop/sub/__init__.py",
        "src/store/__init__.py",
        "space/shop/__init__.py",
        "src/space/shop/__init__.py",
    )
    place = known.place(str(tmp_path / path))
    assert (place.name, place.certain) == (name, certain)
    assert place.relative == path
    assert known.place(str(tmp_path / path)) is place


def test_a_root_that_is_a_package_itself(tmp_path):
    known = make(tmp_path / "shop", "__init__.py", "tasks.py", "setup.cfg")
    assert known.place(str(tmp_path / "shop/tasks.py")).name == "shop.tasks"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")', "cart.tasks"),
        ("os.environ['DJANGO_SETTINGS_MODULE'] = 'base'", "cart.tasks"),
        ('setdefault("DJANGO_SETTINGS_MODULE", "site.shop.settings")', "site.cart.tasks"),
        ('setdefault("DJANGO_SETTINGS_MODULE", named())', "site.cart.tasks"),
        ('setdefault("DJANGO_SETTINGS_MODULE", named("shop"))', "cart.tasks"),
        ('setdefault("DJANGO_SETTINGS_MODULE", "shop.not_committed")', "cart.tasks"),
        ("", "site.cart.tasks"),
    ],
)
def test_a_package_with_a_script_that_names_settings_beside_it(tmp_path, text, name):
    files = ("site/__init__.py", "site/cart/__init__.py", "site/cart/tasks.py", "site/shop/settings.py", "site/base.py")
    make(tmp_path, *files, "site/manage.py", "setup.cfg")
    (tmp_path / "site/manage.py").write_text(text)
    known = make(tmp_path)
    path = str(tmp_path / "site/cart/tasks.py")
    place = known.place(path)
    assert (place.name, place.certain) == (name, True)
    assert known.find(name, place.root) == path
    assert known.app(known.place(str(tmp_path / "site/base.py"))) == str(
        tmp_path / ("site/base.py" if name == "cart.tasks" else "site")
    )


def test_a_root_with_such_a_script_is_no_package(tmp_path):
    make(tmp_path / "site", "__init__.py", "settings.py", "manage.py", "shop/__init__.py", "shop/tasks.py")
    (tmp_path / "site/manage.py").write_text('setdefault("DJANGO_SETTINGS_MODULE", "settings")')
    place = make(tmp_path / "site").place(str(tmp_path / "site/shop/tasks.py"))
    assert (place.name, place.certain) == ("shop.tasks", True)


def test_a_script_that_can_not_be_read_names_nothing(tmp_path, monkeypatch):
    make(tmp_path, "manage.py")

    def closed(*_):
        raise PermissionError

    monkeypatch.setattr(os, "open", closed)
    assert not folders.is_start(str(tmp_path))


@pytest.mark.parametrize(
    ("dotted", "found"),
    [
        ("shop", "shop/__init__.py"),
        ("shop.tasks", "shop/tasks.py"),
        ("shop.tasks.index", None),
        ("shop.both", "shop/both/__init__.py"),
        ("shop.module", "shop/module.py"),
        ("shop.module.x", None),
        ("space", "space"),
        ("space.deep.x", "space/deep/x.py"),
        ("store.tasks", "src/store/tasks.py"),
        ("celery", None),
        ("nothing", None),
    ],
)
def test_find(tmp_path, dotted, found):
    known = make(
        tmp_path,
        "shop/__init__.py",
        "shop/tasks.py",
        "shop/both.py",
        "shop/both/__init__.py",
        "shop/module.py",
        "shop/module/data.txt",
        "space/deep/x.py",
        "src/store/tasks.py",
        "celery/dockerfile",
    )
    expected = None if found is None else str(tmp_path.joinpath(*found.split("/")))
    assert known.find(dotted, str(tmp_path)) == expected


def test_a_regular_package_hides_the_installed_one_only_in_the_sources(tmp_path):
    known = make(tmp_path, "celery/__init__.py", "odd/celery/__init__.py")
    assert known.find("celery", str(tmp_path / "odd")) == str(tmp_path / "celery/__init__.py")
    known = make(tmp_path / "other", "odd/celery/__init__.py", "setup.cfg")
    assert known.find("celery", str(tmp_path / "other/odd")) is None


def test_submodules(tmp_path):
    known = make(tmp_path, "shop/__init__.py", "shop/tasks.py")
    assert known.submodule(str(tmp_path / "shop/__init__.py"), "tasks") == str(tmp_path / "shop/tasks.py")
    assert known.submodule(str(tmp_path / "shop"), "tasks") == str(tmp_path / "shop/tasks.py")
    assert known.submodule(str(tmp_path / "shop/tasks.py"), "tasks") is None
    assert known.submodule(str(tmp_path / "shop/__init__.py"), "nothing") is None


def test_files_of_the_project(tmp_path):
    make(
        tmp_path,
        "a.py",
        "shop/tasks.py",
        "shop/data.txt",
        ".hidden/x.py",
        "node_modules/x.py",
        "build/x.py",
        "venv/x.py",
        "my-env/pyvenv.cfg",
        "my-env/lib/x.py",
        "dist.egg/x.py",
        "other/pyproject.toml",
        "other/x.py",
        "vendored/x.py",
        "skipped.py",
    )
    known = Layout(str(tmp_path), excluded=("vendored", str(tmp_path / "skipped*")))
    assert [os.path.relpath(path, tmp_path).replace(os.sep, "/") for path in known.files()] == ["a.py", "shop/tasks.py"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_files_that_are_left_out(tmp_path):
    found = ("legacy/old.py", "inner/tasks.py", ".hidden/no.py", "venv/no.py", "a.py")
    make(tmp_path, *found)
    (tmp_path / "inner/setup.cfg").touch()
    (tmp_path / "link").symlink_to(tmp_path / "legacy")
    known = layout.Layout(str(tmp_path), excluded=["*/legacy"])
    left_out = {os.path.relpath(path, tmp_path).replace(os.sep, "/") for path in known.left_out()}
    assert left_out == {"legacy/old.py", "inner/tasks.py"}


def test_where_case_does_not_matter(tmp_path, monkeypatch):
    make(tmp_path, "Legacy/old.py", "b.py")
    monkeypatch.setattr(layout, "_KEEPS_CASE", False)
    monkeypatch.setattr(layout.os.path, "normcase", str.lower)
    known = layout.Layout(str(tmp_path), excluded=["*/legacy"])
    assert [Path(path).name for path in known.files()] == ["b.py"]


def test_links_are_not_followed(tmp_path):
    known = make(tmp_path, "shop/tasks.py")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "self.py").symlink_to(tmp_path / "self.py")
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere.py")
    folders.forget()
    assert list(known.files()) == [str(tmp_path / "shop/tasks.py")]


@pytest.mark.parametrize(
    "pattern",
    [
        "*",
        "*.py",
        "x.py",
        "x*",
        "?.py",
        "[xy].py",
        "shop",
        "*op",
        "*/shop",
        "/here/shop/x.py",
        "/here/*",
        "/here/",
        "",
        "*.pyc",
    ],
)
def test_patterns_match_as_flake8_matches_them(pattern):
    for path in ("/here/shop/x.py", "/here/shop", "/x.py", "/here/shop/z.pyc"):
        name = Path(path).name
        expected = fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(path, pattern)
        assert layout._Patterns([pattern]).match(name, path) is expected
        assert layout._Patterns(["nothing", "*.nothing", "no*g", pattern]).match(name, path) is expected


def test_patterns_on_a_system_that_keeps_no_case(monkeypatch):
    monkeypatch.setattr(layout, "_KEEPS_CASE", False)
    monkeypatch.setattr(os.path, "normcase", str.lower)
    assert layout._Patterns(["Build"]).match("BUILD", "C:/BUILD")


@pytest.mark.parametrize(
    ("path", "is_test"),
    [
        ("tests/views.py", True),
        ("shop/tests/deep/views.py", True),
        ("shop/test_views.py", True),
        ("shop/views_test.py", True),
        ("conftest.py", True),
        ("shop/tests.py", True),
        ("shop/migrations/0001_initial.py", True),
        (".rules/celery/tasks.py", True),
        ("shop/views.py", False),
        ("testing/views.py", False),
        ("../shop/views.py", False),
    ],
)
def test_tests(tmp_path, path, is_test):
    known = make(tmp_path, path)
    assert known.is_test(known.place(str(tmp_path / path))) is is_test


@pytest.mark.parametrize(
    ("pattern", "is_test"),
    [("shop/check/", True), ("shop/*/x.py", True), ("ch*/", True), ("check/", True), ("y", False)],
)
def test_own_test_paths(tmp_path, pattern, is_test):
    make(tmp_path, "shop/check/x.py")
    known = Layout(str(tmp_path), tests=(pattern,))
    assert known.is_test(known.place(str(tmp_path / "shop/check/x.py"))) is is_test


@pytest.mark.parametrize(
    ("path", "app"),
    [
        ("shop/views.py", "shop"),
        ("shop/api/views.py", "shop"),
        ("shop/cart/views.py", "shop/cart"),
        ("shop/tasks/mail.py", "shop"),
        ("plain/deep/x.py", "plain"),
        ("src/store/x.py", "src/store"),
        ("main.py", "main.py"),
    ],
)
def test_apps(tmp_path, path, app):
    known = make(
        tmp_path, path, "shop/models.py", "shop/cart/migrations/0001.py", "shop/tasks/tasks.py", "shop/__init__.py"
    )
    expected = str(tmp_path.joinpath(*app.split("/")))
    assert known.app(known.place(str(tmp_path / path))) == expected


def test_one_app():
    assert layout.is_one_app("/p/shop", "/p/shop")
    assert layout.is_one_app("/p/shop", "/p/shop/cart")
    assert layout.is_one_app("/p/shop/cart", "/p/shop")
    assert not layout.is_one_app("/p/shop", "/p/shopping")
    assert layout.is_one_app("/p/a.py", "/p/b.py")
    assert not layout.is_one_app("/p/a.py", "/p/c/b.py")


def test_no_relative_path_between_drives(monkeypatch):
    monkeypatch.setattr(os.path, "splitdrive", lambda path: (path[:2], path[2:]))
    known = Layout("C:/project")
    assert known.place("D:/x/y.py").relative == "D:/x/y.py"


def test_why_a_module_has_no_certain_name(tmp_path):
    known = make(tmp_path, "shop/__init__.py", "shop/tasks.py", "space/shop/tasks.py", "shop/not-a-name.py")
    (tmp_path / "manage.py").write_text("import sys\n\nsys.path.append('shop')\n")
    folders.forget()
    for path, doubt in (
        ("space/shop/tasks.py", "space/shop has no __init__.py, and no modules are known to be imported from there"),
        ("shop/tasks", "the file is not a module"),
        ("shop/tasks.py", "shop is a package, and the project puts it on Python's path"),
    ):
        assert known.doubt(known.place(str(tmp_path / path))) == doubt
    (tmp_path / "manage.py").unlink()
    known = make(tmp_path, "tasks.py", "a-b.py")
    assert known.doubt(known.place(str(tmp_path / "tasks.py"))) == ""
    assert known.doubt(known.place(str(tmp_path / "a-b.py"))) == "a part of the path is not an identifier"
    outside = str(tmp_path.parent / "elsewhere" / "x" / "t.py")
    assert known.doubt(known.place(outside)).startswith("../elsewhere/x has no __init__.py")
    assert known._shown(str(tmp_path)) == "the root"

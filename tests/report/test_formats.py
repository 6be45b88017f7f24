"""What all formats of `check` have in common."""

from __future__ import annotations

import os

import pytest

from flake8_celery_tasks import report
from flake8_celery_tasks.report import text as report_text
from tests.helpers import write

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


def test_nothing_found(shop, rendered):
    assert rendered("json", "content") == "[]\n"
    assert rendered("gitlab", "content") == "[]\n"
    assert rendered("github", "content") == ""
    assert rendered("text", "content") == ""


def fingerprints(found):
    return [one.get("fingerprint") or one["partialFingerprints"]["celeryTasks/v1"] for one in found]


@pytest.mark.parametrize("form", ["json", "gitlab", "sarif"])
def test_fingerprints(shop, read, form, monkeypatch):
    """They are different, stay when lines move, and don't depend on the working folder."""

    def found(*arguments):
        content = read(form, *arguments)
        return fingerprints(content["runs"][0]["results"] if form == "sarif" else content)

    before = found("shop/tasks.py", "shop/twins.py")
    assert len(before) == len(set(before)) > 5
    for name in ("tasks.py", "twins.py"):
        text = (shop / "shop" / name).read_text()
        (shop / "shop" / name).write_text("# A line more.\n\n" + text.replace("\n\n\n", "\n\n\n# And more.\n"))
    assert found("shop/tasks.py", "shop/twins.py") == before
    assert found("./shop/tasks.py", str(shop / "shop/twins.py"))[:3] != before[3:]
    monkeypatch.chdir(shop / "shop")
    assert found("tasks.py", "twins.py") == before


@pytest.mark.parametrize("form", ["json", "sarif", "github", "gitlab"])
def test_to_a_file(shop, rendered, form):
    text = rendered(form)
    assert rendered(form, "--output-file=out") == ""
    assert (shop / "out").read_text(encoding="utf-8") == text


# Paths.


@pytest.mark.parametrize(
    ("workspace", "mark", "wanted"),
    [
        ("", "", "a/b"),
        ("", "a/.git", "a"),
        ("", "a/b/.git", "a/b"),
        (".", "a/b/.git", "."),
        ("elsewhere", "a/.git", "a"),
        ("a/b", "", "a/b"),
    ],
)
def test_the_repository(tmp_path, monkeypatch, workspace, mark, wanted):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    if mark:
        (tmp_path / mark).write_text("gitdir: ..\n")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / workspace) if workspace else "")
    monkeypatch.chdir(tmp_path / "a/b")
    assert report.repository() == os.path.realpath(tmp_path / wanted)


def test_paths_in_the_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = os.path.realpath(tmp_path)
    assert report.from_repository("./a b/x.py", root) == "a b/x.py"
    assert report.from_repository("x.py", f"{root}{os.sep}inner") == f"{root}/x.py".replace(os.sep, "/")
    (tmp_path / "real").mkdir()
    try:
        (tmp_path / "link").symlink_to(tmp_path / "real")
    except OSError:
        pytest.skip("no links on this platform")
    assert report.from_repository("link/x.py", root) == "real/x.py"


@pytest.mark.parametrize("form", ["github", "sarif", "gitlab"])
def test_paths_are_those_of_the_repository(shop, rendered, monkeypatch, form):
    (shop / ".git").mkdir()
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.chdir(shop / "shop")
    text = rendered(form, "--select=CLY101", "tasks.py")
    assert "shop/tasks.py" in text


# What names can't do.

HOSTILE = "x\x1b[31m::error::y\n##[command]=cmd|' /C calc'!A0<img>[a](b)"


@pytest.mark.parametrize("form", ["full", "concise", "github", "gitlab", "json", "sarif"])
@pytest.mark.parametrize("more", [[], ["--show-source"], ["--format=pylint"]])
def test_names_command_nothing(shop, rendered, form, more):
    text = f"from celery import shared_task\n\n\n@shared_task(name={HOSTILE!r}, bind=True)\ndef x(): ...\n"
    folder = "::error::a" if os.name == "posix" else "a"
    raw = text.replace(f"name={HOSTILE!r}, ", "name='''\x1b##[a]\n::error::\n''', ")
    write(shop, {f"{folder}/tasks.py": text, "shop/raw.py": raw})
    found = rendered(form, *more, folder, "shop/raw.py")
    assert "CLY201" in found
    assert "\x1b" not in found
    assert "##[" not in found.replace("\\x23[", "")
    own = [line for line in found.splitlines() if line.lstrip().startswith("::")]
    assert all(form == "github" and line.startswith("::error file=") for line in own)


def test_source_lines_that_command_nothing():
    assert report_text._shown(None) is None
    same = "\tx = 'ü'\r\n\x0cy\n"
    assert report_text._shown(same) == same
    assert report_text._shown("\ta\x1b\tb\n  ::error::\n##[x]\n") == "\ta\\x1b\tb\n  \\x3a:error::\n#\\x23[x]\n"

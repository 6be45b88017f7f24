"""What a defect of the linter costs: the file that it is met in, and never the run."""

from __future__ import annotations

import io
import sys

import pytest

from flake8_celery_tasks.binding.binder import _Walk
from flake8_celery_tasks.celery_model.registry import Index
from flake8_celery_tasks.command import main, pool, services
from flake8_celery_tasks.contract.present import Present
from flake8_celery_tasks.core import errors, regular
from flake8_celery_tasks.core.violation import INTERNAL
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.fixer import rounds
from flake8_celery_tasks.flake8_host import checker
from flake8_celery_tasks.plugin import Plugin
from flake8_celery_tasks.resolution.modules import Modules
from flake8_celery_tasks.workspace import prescan
from tests.helpers import PROJECT, without_summary, write

#: A function of each layer, and what of it is called for the file `shop/tasks.py`.
LAYERS = [
    "flake8_celery_tasks.workspace.source.Source.position",
    "flake8_celery_tasks.binding.module.Module.value",
    "flake8_celery_tasks.resolution.project.Project.resolve",
    "flake8_celery_tasks.celery_model.definitions.definitions",
    "flake8_celery_tasks.facts.facts.Facts.of",
    "flake8_celery_tasks.rules.names.missing_task_name.MissingTaskName.check",
    "flake8_celery_tasks.engine.judge.judge",
    "flake8_celery_tasks.engine.session.project_of",
]


@pytest.fixture
def shop(tmp_path, monkeypatch):
    write(tmp_path, PROJECT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))
    return tmp_path


def throw(error):
    def thrown(*_, **__):
        raise error

    return thrown


def told(capfd, *arguments):
    session.forget()
    code = main.main(arguments)
    out, err = capfd.readouterr()
    return code, out, without_summary(err)


@pytest.mark.usefixtures("_fresh_plugin")
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("error", [RecursionError("too deep"), MemoryError(), KeyError("a\nb")])
def test_a_defect_costs_one_report(shop, monkeypatch, capfd, layer, error):
    monkeypatch.setattr(layer, throw(error))
    code, out, err = told(capfd, "check", "--select=CLY")
    assert code == 1
    assert not err
    said = [line for line in out.splitlines() if INTERNAL in line]
    assert f"./shop/tasks.py:1:1: CLY000 {errors.internal(error)}" in said
    assert all("\n" not in line and line.endswith(": please report") for line in said)


@pytest.mark.usefixtures("_fresh_plugin")
def test_other_files_are_checked(shop, monkeypatch, capfd):
    from flake8_celery_tasks.engine import judge

    real = judge.judge

    def broken(project, module, chosen):
        if module.place.name == "shop.tasks":
            raise RecursionError("too deep")
        yield from real(project, module, chosen)

    monkeypatch.setattr(judge, "judge", broken)
    monkeypatch.setattr(pool, "LARGE", 2)
    for jobs in ("-j1", "-j2"):
        code, out, _ = told(capfd, "check", "--select=CLY", jobs)
        assert code == 1
        assert [line.split(" ")[:2] for line in out.splitlines()] == [
            ["./shop/tasks.py:1:1:", "CLY000"],
            ["./shop/views.py:1:27:", "CLY401"],
        ]
    # flake8 says the same.
    Plugin.told = None
    import ast

    text = PROJECT["shop/tasks.py"]
    plugin = Plugin(ast.parse(text), str(shop / "shop/tasks.py"), text.splitlines(keepends=True))
    assert [(line, column, text[:7]) for line, column, text, _ in plugin.run()] == [(1, 0, "CLY000 ")]
    # It is in no baseline, and nothing of it is kept.
    assert told(capfd, "check", "--write-baseline=known.json")[2].startswith("flake8-celery-tasks: 1 finding")
    monkeypatch.setattr(judge, "judge", real)
    assert "CLY000" not in told(capfd, "check", "--select=CLY")[1]


@pytest.mark.usefixtures("_fresh_plugin")
def test_the_index_fails_in_one_file(shop, monkeypatch, capfd):
    """The file gets the report, and what it could hold is unknown to others."""
    from flake8_celery_tasks.celery_model import definitions

    real = definitions.definitions

    def broken(project, module):
        if module.place.name == "content.tasks":
            raise RecursionError("too deep")
        yield from real(project, module)

    write(shop, {"shop/views.py": "from celery import current_app\n\ncurrent_app.send_task('shop.tasks.index')\n"})
    write(shop, {"shop/tasks.py": PROJECT["shop/tasks.py"].replace("@shared_task\n", "@shared_task(name='shop.a')\n")})
    monkeypatch.setattr("flake8_celery_tasks.celery_model.registry.celery_model_definitions.definitions", broken)
    out = told(capfd, "check", "--select=CLY000,CLY403")[1]
    assert [line.split(" ")[1] for line in out.splitlines()] == ["CLY000"]
    assert out.startswith("./content/tasks.py:1:1:")


@pytest.mark.usefixtures("_fresh_plugin")
@pytest.mark.parametrize("form", ["json", "sarif", "github", "gitlab"])
def test_all_formats_have_it(shop, monkeypatch, capfd, form):
    monkeypatch.setattr("flake8_celery_tasks.engine.judge.judge", throw(KeyError("a")))
    code, out, err = told(capfd, "check", f"--output-format={form}")
    assert (code, err) == (1, "")
    assert "CLY000" in out


@pytest.mark.usefixtures("_fresh_plugin")
def test_fixing_fails(shop, monkeypatch, capfd):
    before = (shop / "shop/tasks.py").read_text(encoding="utf-8")
    monkeypatch.setattr("flake8_celery_tasks.fixer.rounds.edits_of", throw(KeyError("a")))
    code, out, err = told(capfd, "fix", "--unsafe", "--select=CLY202", "shop")
    assert (code, out) == (1, "")
    assert "shop/tasks.py: internal error: KeyError: 'a': please report, left alone" in err
    assert (shop / "shop/tasks.py").read_text(encoding="utf-8") == before
    assert "CLY202" in told(capfd, "check", "--output-format=sarif", "--fixes", "shop")[1]


@pytest.mark.usefixtures("_fresh_plugin")
@pytest.mark.parametrize("function", ["entry_of", "sent_in"])
def test_the_inventory_fails(shop, monkeypatch, capfd, function):
    monkeypatch.setattr(f"flake8_celery_tasks.engine.survey.inventory.{function}", throw(KeyError("a")))
    code, _, err = told(capfd, "tasks")
    assert code == 1
    assert "shop/views.py: internal error" in err if function == "sent_in" else "shop/tasks.py: internal" in err


@pytest.mark.usefixtures("_fresh_plugin")
def test_what_is_around_fails(shop, monkeypatch, capfd):
    monkeypatch.setattr("flake8_celery_tasks.engine.baseline.scopes", throw(KeyError("a")))
    code, out, _ = told(capfd, "check", "shop/tasks.py")
    assert code == 1
    assert "CLY000" in out


def break_index(monkeypatch):
    """Let the index fail on one file."""
    real = Index._add_all

    def broken(index, module):
        if module.place.name == "shop.tasks":
            raise KeyError("a")
        real(index, module)

    monkeypatch.setattr(Index, "_add_all", broken)


@pytest.mark.usefixtures("_fresh_plugin")
def test_a_file_that_the_index_fails_on(shop, monkeypatch, capfd):
    break_index(monkeypatch)
    (shop / "shop/tasks.py").write_text(
        "from celery import current_app, shared_task\n\n\n@shared_task(name='shop.add')\ndef add():\n"
        "    current_app.send_task('shop.gone')\n"
    )
    code, out, _ = told(capfd, "check", "--select=CLY", "-j1", "shop/tasks.py")
    assert code == 1
    assert f"shop/tasks.py:1:1: CLY000 {errors.internal(KeyError('a'))}" in out


ERRORS = [RecursionError("too deep"), MemoryError(), ValueError("a"), KeyError("a")]


@pytest.mark.usefixtures("_fresh_plugin")
@pytest.mark.parametrize("error", ERRORS)
def test_the_traversal_of_a_file_fails(shop, monkeypatch, capfd, error):
    """The others are checked as always, although the index needs that file too."""
    write(shop, {"shop/jobs.py": "from celery import shared_task\n\n\n@shared_task(name='jobs')\ndef strange(): ...\n"})
    real = _Walk.run

    def broken(walk, tree):
        if any(getattr(statement, "name", "") == "strange" for statement in getattr(tree, "body", ())):
            raise error
        return real(walk, tree)

    _, before, _ = told(capfd, "check", "--select=CLY")
    monkeypatch.setattr(_Walk, "run", broken)
    code, out, err = told(capfd, "check", "--select=CLY", "--celery-no-cache")
    assert (code, err) == (1, "")
    assert out == f"./shop/jobs.py:1:1: CLY000 {errors.internal(error)}\n" + before
    code, _, err = told(capfd, "tasks", "--celery-no-cache")
    assert code == 1
    assert err.endswith(f"shop/jobs.py: {errors.internal(error)}\n")


@pytest.mark.usefixtures("_fresh_plugin")
@pytest.mark.parametrize("error", ERRORS)
def test_a_file_that_can_not_be_loaded(shop, monkeypatch, capfd, error):
    real = Modules.module

    def broken(modules, path):
        if path.endswith("views.py"):
            raise error
        return real(modules, path)

    write(shop, {"shop/views.py": PROJECT["shop/views.py"] + "\n\n@shared_task\ndef other(): ...\n"})
    monkeypatch.setattr(Modules, "module", broken)
    _, out, _ = told(capfd, "check", "--select=CLY", "--celery-no-cache")
    assert [line for line in out.splitlines() if "CLY000" in line] == [
        f"./shop/views.py:1:1: CLY000 {errors.internal(error)}"
    ]
    code, _, err = told(capfd, "tasks", "--celery-no-cache")
    assert code == 1
    assert "shop/views.py: internal error" in err


@pytest.mark.usefixtures("_fresh_plugin")
def test_the_search_for_marks_fails(shop, monkeypatch, capfd):
    """In doubt a file contains them."""
    before = told(capfd, "check", "--select=CLY", "--celery-no-cache")
    monkeypatch.setattr(prescan, "holds", throw(KeyError("a")))
    assert told(capfd, "check", "--select=CLY", "--celery-no-cache") == before


@pytest.mark.usefixtures("_fresh_plugin")
def test_what_is_known_can_not_be_saved(shop, monkeypatch, capfd):
    before = told(capfd, "check", "--select=CLY", "--celery-no-cache")
    monkeypatch.setattr(Modules, "save", throw(KeyError("a")))
    assert told(capfd, "check", "--select=CLY") == before


@pytest.mark.usefixtures("_fresh_plugin")
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
def test_checking_fails_while_fixing(shop, monkeypatch, capfd, error, jobs):
    """That is not taken for a file that can't be parsed."""
    real = rounds.judge.judge

    def broken(project, module, chosen):
        if module.place.name == "shop.tasks":
            raise error
        return real(project, module, chosen)

    monkeypatch.setattr(pool, "FEW", 2)
    monkeypatch.setattr(rounds.judge, "judge", broken)
    code, _, err = told(capfd, "fix", "--unsafe", jobs)
    assert code == 1
    assert err == f"flake8-celery-tasks: ./shop/tasks.py: {errors.internal(error)}, left alone\n"


@pytest.mark.usefixtures("_fresh_plugin")
@pytest.mark.parametrize("diff", [(), ("--diff",)])
def test_fixing_the_input_fails(shop, monkeypatch, capfd, diff):
    text = (shop / "shop/tasks.py").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    monkeypatch.setattr(rounds.judge, "judge", throw(KeyError("a")))
    code, out, err = told(capfd, "fix", "--stdin-display-name=shop/tasks.py", *diff, "-")
    assert (code, out) == (1, "" if diff else text.decode())
    assert err == "flake8-celery-tasks: shop/tasks.py: internal error: KeyError: 'a': please report, left alone\n"


@pytest.mark.usefixtures("_fresh_plugin")
def test_the_index_fails_in_a_file_to_be_fixed(shop, monkeypatch, capfd):
    """What its own rules could say about it is unknown: that is told."""
    break_index(monkeypatch)
    before = (shop / "shop/tasks.py").read_text(encoding="utf-8")
    code, _, err = told(capfd, "fix", "--unsafe", "shop/tasks.py")
    assert (code, "shop/tasks.py: internal error: KeyError: 'a': please report, left alone" in err) == (1, True)
    assert (shop / "shop/tasks.py").read_text(encoding="utf-8") == before


@pytest.mark.usefixtures("_fresh_plugin")
@pytest.mark.parametrize(
    ("owner", "name"), [(regular, "_read"), (regular._Memory, "recall"), (checker._Checker, "_make_processor")]
)
def test_a_file_larger_than_memory(shop, monkeypatch, capfd, owner, name):
    """It is reported, and all others are checked."""
    real = getattr(owner, name)

    def broken(*given):
        is_wanted = str(getattr(given[0], "display_name", given[0])).endswith("jobs.py")
        if is_wanted or (name == "recall" and given[1].st_size == len(large)):
            raise MemoryError
        return real(*given)

    _, before, _ = told(capfd, "check", "--celery-no-cache")
    write(shop, {"shop/jobs.py": (large := "from celery import shared_task\n" + "\n" * 12345)})
    monkeypatch.setattr(owner, name, broken)
    code, out, _ = told(capfd, "check", "--celery-no-cache")
    others = {line for line in out.splitlines() if "jobs.py" not in line}
    assert code == 1
    assert others <= set(before.splitlines())  # what could be in it is unknown
    assert {line.split(" ")[0] for line in others} >= {"./shop/tasks.py:4:2:"}
    if name == "_make_processor":
        assert "./shop/jobs.py:0:1: E902 MemoryError: the file is too large" in out


@pytest.mark.usefixtures("_fresh_plugin")
def test_names_in_the_registry_fail(shop, monkeypatch, capfd):
    """What a file gives other names to is unknown: the record says so, and the exit code."""
    write(
        shop, {"shop/names.py": "from celery import current_app\n\ncurrent_app.tasks['a'] = current_app.tasks['b']\n"}
    )
    monkeypatch.setattr(Present, "_add_alias", throw(KeyError("a")))
    code, out, err = told(capfd, "contract", "--celery-no-cache")
    assert code == 1
    assert "content_index" in out
    assert err == "flake8-celery-tasks: shop/names.py: internal error: KeyError: 'a': please report\n"


@pytest.mark.usefixtures("_fresh_plugin")
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(
    ("layer", "arguments"),
    [
        ("flake8_celery_tasks.report.json.render", ["check", "--output-format=json"]),
        ("flake8_celery_tasks.report.tasks.as_table", ["tasks"]),
        ("flake8_celery_tasks.report.text.render", ["contract", "--against=celery-tasks.json"]),
        ("flake8_celery_tasks.pages.explain.page", ["explain", "CLY101"]),
        ("flake8_celery_tasks.flake8_host.files.files", ["fix"]),
    ],
)
def test_what_belongs_to_no_file_ends_the_run(shop, monkeypatch, capfd, layer, arguments, error):
    """The last line says so, and the exit code is not that of a run that has found something."""
    told(capfd, "contract", "--write=celery-tasks.json")
    monkeypatch.setattr(layer, throw(error))
    code, out, err = told(capfd, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("Traceback")
    assert err.splitlines()[-1] == f"flake8-celery-tasks: {errors.internal(error)}"


@pytest.mark.usefixtures("_fresh_plugin")
@pytest.mark.parametrize("form", ["sarif", "gitlab", "github", "json"])
def test_the_working_directory_is_removed_during_the_run(shop, monkeypatch, capfd, form):
    real = services.outcomes

    def outcomes(*given, **named):
        found = real(*given, **named)
        monkeypatch.setattr("os.getcwd", throw(FileNotFoundError(2, "No such file or directory")))
        return found

    monkeypatch.setattr(services, "outcomes", outcomes)
    code, out, err = told(capfd, "check", f"--output-format={form}")
    assert (code, out) == (2, "")
    assert err == "flake8-celery-tasks: error: can't tell the working directory: No such file or directory\n"

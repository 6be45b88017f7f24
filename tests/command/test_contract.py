"""The subcommand `contract`: print, write, check, and hold the code against a record or a revision."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flake8_celery_tasks.command.main import main
from flake8_celery_tasks.contract import agreement, present
from flake8_celery_tasks.engine import session
from tests.contract.conftest import _plain_git, git  # noqa: F401 - fixtures
from tests.contract.test_revision import everything
from tests.helpers import without_summary

pytestmark = pytest.mark.usefixtures("_fresh_plugin")

HEAD = "from celery import shared_task\n\n\n"
TASKS = f"""{HEAD}@shared_task(name="shop.pay", queue="money")
def pay(order_pk, amount=0): ...


@shared_task
def send(order_pk): ...
"""
RECORD = """\
{
  "version": 1,
  "tasks": {
    "shop.pay": {
      "signature": "(order_pk, amount=...)",
      "module": "shop.tasks",
      "function": "pay",
      "options": {"queue": "money"},
      "result": "stored"
    },
    "shop.tasks.send": {
      "signature": "(order_pk)",
      "module": "shop.tasks",
      "function": "send",
      "options": {},
      "result": "stored"
    }
  },
  "uncertain": []
}
"""


@pytest.fixture
def shop(git, monkeypatch):  # noqa: F811
    git.commit({"pyproject.toml": "", "shop/__init__.py": "", "shop/tasks.py": TASKS, "celery-tasks.json": RECORD})
    monkeypatch.chdir(git.folder)
    monkeypatch.setenv("FLAKE8_CELERY_TASKS_TEST", "1")
    return git


@pytest.fixture
def run(capfd):
    def contract(*arguments: str) -> tuple[int, list[str], list[str]]:
        session.forget()
        capfd.readouterr()
        code = main(["contract", *arguments])
        out, err = capfd.readouterr()
        told = without_summary(err).splitlines()
        return code, out.splitlines(), [line.removeprefix("flake8-celery-tasks: ") for line in told]

    return contract


def test_it_prints_the_record(shop, run, tmp_path):
    assert run() == (0, RECORD.splitlines(), [])
    assert run("shop/tasks.py") == (0, RECORD.splitlines(), [])
    assert run("--output-file", str(tmp_path / "x")) == (0, [], [])
    assert (tmp_path / "x").read_text() == RECORD


def test_it_writes_the_record(shop, run):
    (shop.folder / "celery-tasks.json").unlink()
    assert run("--write", "celery-tasks.json") == (0, [], ["2 tasks written to celery-tasks.json"])
    assert Path("celery-tasks.json").read_text() == RECORD
    assert run("--write", "celery-tasks.json", "--quiet") == (0, [], [])
    shop.write({"shop/tasks.py": TASKS.partition("\n\n\n@shared_task\n")[0]})
    assert run("--write", "celery-tasks.json")[2] == ["1 task written to celery-tasks.json"]
    assert run("--write", "no/such/folder/x") == (
        2,
        [],
        ["error: can't write no/such/folder/x: No such file or directory"],
    )


def test_it_writes_the_record_that_the_configuration_names(shop, run):
    shop.write({".flake8": "[flake8]\ncelery-contract = new.json\n"})
    assert run("--write", "new.json")[0] == 0
    assert run("--check", "new.json") == (0, [], [])


def test_a_project_without_tasks_has_a_record(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    assert run() == (0, ["{", '  "version": 1,', '  "tasks": {},', '  "uncertain": []', "}"], [])


def test_it_checks_the_record(shop, run):
    assert run("--check", "celery-tasks.json") == (0, [], [])
    shop.write(
        {
            "shop/tasks.py": f'{HEAD}@shared_task(name="shop.pay", queue="cash")\ndef pay(order_pk): ...\n',
            "shop/mail.py": f"{HEAD}@shared_task\ndef mail(): ...\n\n\n@shared_task(name=X)\ndef late(): ...\n",
        }
    )
    lines = [
        'changed: shop.pay: signature (order_pk, amount=...) is (order_pk) now; queue "money" is "cash" now',
        "added: shop.mail.mail",
        "gone: shop.tasks.send",
        "added: shop.mail:late",
    ]
    code, out, err = run("--check", "celery-tasks.json")
    assert (code, sorted(out), err) == (1, sorted(lines), [])
    assert run("--check", "celery-tasks.json", "--exit-zero")[0] == 0
    assert run("--check", "celery-tasks.json", "--output-file", "x")[:2] == (1, [])
    assert sorted(Path("x").read_text().splitlines()) == sorted(lines)


def test_a_task_that_only_moved_is_no_difference(shop, run):
    moved = TASKS.partition("\n\n\n@shared_task\n")[0]
    shop.write({"shop/tasks.py": f"{HEAD}@shared_task\ndef send(order_pk): ...\n", "shop/pay.py": moved})
    assert run("--check", "celery-tasks.json") == (
        0,
        [],
        ["moved: shop.pay: from shop.tasks:pay to shop.pay:pay"],
    )


def test_how_a_record_is_written_is_no_difference(shop, run):
    content = json.loads(RECORD)
    content["tasks"] = dict(reversed(content["tasks"].items()))
    shop.write({"other.json": json.dumps(content, indent=8)})
    assert run("--check", "other.json") == (0, [], [])


BROKEN = f"""{HEAD}@shared_task(name="shop.pay", queue="cash")
def pay(order_pk, currency): ...
"""
SAID = [
    "./shop/tasks.py:1:1: CLY411 Recorded task 'shop.tasks.send' is gone: workers discard its messages; keep it, "
    "or give its name to the task that replaces it",
    "./shop/tasks.py:5:19: CLY412 Parameter 'amount' of task 'shop.pay' is now 'currency': messages that pass it by "
    "name fail with TypeError; keep its name",
    "./shop/tasks.py:5:19: CLY413 Parameter 'currency' of task 'shop.pay' is new: messages without it fail with "
    "TypeError; give it a default until the old messages are gone",
]


@pytest.mark.parametrize("before", ["celery-tasks.json", "HEAD", "main"])
def test_it_holds_the_code_against_what_was(shop, run, before):
    assert run("--against", before) == (0, [], [])
    shop.write({"shop/tasks.py": BROKEN})
    assert run("--against", before) == (1, SAID, [])
    assert run("--against", before, "--exit-zero")[0] == 0
    assert run("--against", before, "--select", "CLY411") == (1, SAID[:1], [])
    assert run("--against", before, "--extend-select", "CLY923")[1][1] == (
        "./shop/tasks.py:4:31: CLY923 Option 'queue' of task 'shop.pay' was \"money\", is \"cash\" now: senders by "
        "name repeat the old one; tell them, then write the record again"
    )
    assert run("shop", "--against", before)[1] == [line.removeprefix("./") for line in SAID]
    (shop.folder / "web").mkdir()
    assert run("web", "--against", before)[1] == [line.removeprefix("./") for line in SAID]


def test_a_comment_silences_a_finding(shop, run):
    shop.write({"shop/tasks.py": BROKEN.replace("currency): ...", "currency): ...  # noqa: CLY413")})
    assert run("--against", "HEAD")[1] == SAID[:2]
    assert run("--against", "HEAD", "--disable-noqa")[1] == SAID


def test_other_rules_say_nothing(shop, run):
    shop.write({"shop/tasks.py": TASKS + "\n\n@shared_task(bind=True)\ndef other(self): ...\n"})
    assert run("--against", "HEAD") == (0, [], [])


def test_what_is_gone_with_its_module(shop, run):
    shop("rm", "-q", "-r", "shop")
    (shop.folder / "shop").mkdir()
    (shop.folder / "shop" / "__init__.py").touch()
    code, out, _ = run("--against", "celery-tasks.json")
    assert code == 1
    assert [line.partition(" Recorded")[0] for line in out] == [
        "celery-tasks.json:4:1: CLY411",
        "celery-tasks.json:11:1: CLY411",
    ]
    code, out, _ = run("--against", "HEAD")
    assert code == 1
    assert [line.partition(" Recorded")[0] for line in out] == [
        "./shop/tasks.py:5:1: CLY411",
        "./shop/tasks.py:9:1: CLY411",
    ]


def test_a_module_that_became_a_package(shop, run):
    shop.write({"shop/tasks/__init__.py": "", "shop/tasks/money.py": TASKS.partition("\n\n\n@shared_task\n")[0]})
    (shop.folder / "shop" / "tasks.py").unlink()
    assert run("--against", "HEAD")[1] == [f"./shop/tasks/__init__.py:1:1: {SAID[0].partition(': ')[2]}"]


def test_new_messages_for_old_workers(shop, run):
    shop.write(
        {
            "shop/tasks.py": TASKS.replace("send(order_pk)", "send(order_pk, copy=None)")
            + "\n\n@shared_task\ndef new(): ...\n",
            "shop/views.py": "from shop.tasks import new, send\n\n\ndef view():\n    send.delay(1, 2)\n"
            "    new.delay()\n",
        }
    )
    assert run("--against", "HEAD") == (0, [], [])
    code, out, _ = run("--against", "HEAD", "--extend-select", "CLY924")
    assert code == 1
    assert [line[:30] for line in out] == ["./shop/views.py:5:5: CLY924 Ta", "./shop/views.py:6:5: CLY924 Ta"]


@pytest.mark.parametrize("form", ["json", "sarif", "github", "gitlab"])
def test_formats(shop, run, form):
    shop.write({"shop/tasks.py": BROKEN.replace("def pay", "def send"), "shop/gone.py": ""})
    code, out, err = run("--against", "HEAD", "--output-format", form)
    assert code == 1
    assert not err
    assert "CLY411" in "\n".join(out)
    if form != "github":
        json.loads("\n".join(out))


def test_sarif_has_the_fix(shop, run):
    shop.write(
        {
            "shop/tasks.py": TASKS.partition("\n\n\n@shared_task\n")[0],
            "shop/mail.py": f"{HEAD}@shared_task\ndef send(order_pk): ...\n",
        }
    )
    _, out, _ = run("--against", "HEAD", "--output-format", "sarif", "--fixes")
    (result,) = json.loads("\n".join(out))["runs"][0]["results"]
    assert 'name=\\"shop.tasks.send\\"' in json.dumps(result["fixes"])


def test_a_file_that_can_not_be_parsed_is_told_and_breaks_nothing(shop, run):
    shop.write({"shop/other.py": "from celery import shared_task\n(\n"})
    code, out, _ = run("--against", "HEAD")
    assert code == 0
    assert [line[:26] for line in out] == ["./shop/other.py:2:2: E999 "]
    shop.write({"shop/tasks.py": BROKEN})
    code, out, _ = run("--against", "HEAD")
    assert code == 1
    assert len(out) == 4


def test_a_module_that_can_not_be_parsed_hides_what_it_held(shop, run):
    shop.write({"shop/tasks.py": TASKS + "(\n"})
    code, out, _ = run("--against", "HEAD")
    assert code == 0
    assert [line[:26] for line in out] == ["./shop/tasks.py:10:2: E999"]


def test_findings_that_are_known_stay_silent(shop, run, capfd):
    shop.write({"shop/tasks.py": BROKEN})
    session.forget()
    assert main(["check", "--celery-contract", "celery-tasks.json", "--write-baseline", "known.json"]) == 0
    assert run("--against", "celery-tasks.json", "--celery-baseline", "known.json") == (0, [], [])


# Projects and places.


def test_a_project_in_a_subfolder(shop, run, monkeypatch):
    shop.write({"svc/setup.cfg": "", "svc/jobs.py": f"{HEAD}@shared_task\ndef job(): ...\n"})
    shop.commit({})
    shop.write({"svc/jobs.py": ""})
    (line,) = run("--against", "HEAD")[1]
    assert line.startswith("./svc/jobs.py:1:1: CLY411 Recorded task 'jobs.job'")
    monkeypatch.chdir(shop.folder / "svc")
    assert run("--against", "HEAD")[1] == [line.replace("./svc/", "./")]
    monkeypatch.chdir(shop.folder / "shop")
    assert run("../svc", "--against", "HEAD")[1] == [line.replace("./svc", "../svc")]
    assert run("--against", "HEAD") == (0, [], [])


def test_a_root_that_came_later(shop, run):
    """The project of before is looked for in its own tree: it had its root elsewhere."""
    shop.write({"svc/jobs.py": f"{HEAD}@shared_task(name='job')\ndef job(a): ...\n"})
    shop.commit({})
    shop.write({"svc/setup.cfg": "", "svc/jobs.py": f"{HEAD}@shared_task(name='job')\ndef job(b): ...\n"})
    assert [line[:30] for line in run("svc", "--against", "HEAD")[1]] == ["svc/jobs.py:5:9: CLY412 Parame"]


def test_the_options_of_today_hold_for_both_sides(shop, run):
    shop.write(
        {
            "old/__init__.py": "",
            "old/tasks.py": f"{HEAD}@shared_task\ndef lost(): ...\n",
            "src/house.py": "from elsewhere import make\n\nhouse_task = make()\n",
            "src/jobs.py": "from house import house_task\n\n\n@house_task(name='job')\ndef job(a): ...\n",
        }
    )
    shop.commit({})
    shop("rm", "-q", "old/tasks.py")
    shop.write({"src/jobs.py": "from house import house_task\n\n\n@house_task(name='job')\ndef job(b): ...\n"})
    assert len(run("--against", "HEAD")[1]) == 1
    assert run("--against", "HEAD", "--extend-exclude", "old/tasks.py") == (0, [], [])
    assert run("--against", "HEAD", "--extend-exclude", "./old") == (0, [], [])
    found = run("--against", "HEAD", "--celery-task-decorators", "house.house_task", "--extend-exclude", "old")[1]
    assert [line[:30] for line in found] == ["./src/jobs.py:5:9: CLY412 Para"]
    found = run("--against", "HEAD", "--celery-project-root", "old")[1]
    assert found == []


def test_a_root_that_is_named(shop, run):
    shop.write({"web/jobs/tasks.py": f"{HEAD}@shared_task\ndef job(a): ...\n", "web/jobs/__init__.py": ""})
    shop.commit({})
    shop.write({"web/jobs/tasks.py": f"{HEAD}@shared_task\ndef job(b): ...\n"})
    found = run("--celery-project-root", "web", "--against", "HEAD")[1]
    assert found[0].startswith("./web/jobs/tasks.py:5:9: CLY412 Parameter 'a' of task 'jobs.tasks.job'")


def test_a_revision_without_tasks_is_told(shop, run):
    shop("rm", "-q", "-r", "shop")
    shop.commit({"a.py": ""})
    shop.write({"shop/tasks.py": TASKS})
    assert run("--against", "HEAD") == (0, [], ["no tasks in HEAD"])


def test_a_file_is_taken_before_a_revision_of_that_name(shop, run):
    shop("branch", "celery-tasks.json")
    shop.write({"celery-tasks.json": '{"version": 1, "tasks": {}, "uncertain": []}'})
    assert run("--against", "celery-tasks.json") == (0, [], ["no tasks in celery-tasks.json"])
    shop("branch", "shop")  # a folder is no record
    assert run("--against", "shop") == (0, [], [])


def test_nothing_is_written_but_the_cache(shop, run, tmp_path, monkeypatch):
    shop.write({"shop/tasks.py": BROKEN})
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = everything(shop.folder)
    run("--against", "HEAD")
    assert everything(shop.folder) == before
    assert list((tmp_path / "tmp").iterdir()) == []
    assert {path.parent.name for path in (tmp_path / "cache").rglob("*") if path.is_file()} <= {"flake8-celery-tasks"}


# Wrong usage.


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "no such file or directory: 'nowhere'"),
        (["--check", "missing.json"], "can't read missing.json: No such file or directory"),
        (["--check", "pyproject.toml"], "pyproject.toml is not a record: Expecting value: line 1 column 1 (char 0)"),
        (["--against", "pyproject.toml"], "pyproject.toml is not a record: Expecting value: line 1 column 1 (char 0)"),
        (["--against", "origin/main"], "there is no revision 'origin/main'"),
        (["--against=--all"], "'--all' is not a revision"),
        (["--against="], "'' is not a revision"),
        (["--check", "x", "--output-format", "json"], "--output-format does not apply to --check"),
        (["--against", "HEAD", "--fixes"], "--fixes needs --output-format sarif"),
        (["--check", "x", "--write", "x"], "argument --write: not allowed with argument --check"),
        (["--check", "x", "--against", "x"], "argument --against: not allowed with argument --check"),
        (["--against", "HEAD", "--output-file", "no/such/x"], "can't write no/such/x: No such file or directory"),
        (["--output-format", "xml"], "argument --output-format: invalid choice: 'xml'"),
        (
            ["--celery-known-tasks", "pyproject.toml"],
            "argument --celery-known-tasks: {folder}/pyproject.toml is not a record: ",
        ),
    ],
)
def test_wrong_usage(shop, run, arguments, said):
    code, out, err = run(*arguments)
    assert (code, out, len(err)) == (2, [], 1)
    assert err[0].startswith(f"error: {said.format(folder=shop.folder)}")


def test_outside_a_repository(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    assert run("--against", "HEAD") == (2, [], [f"error: {tmp_path} is in no git repository"])


def test_a_merge_that_is_not_finished(shop, run):
    lines = RECORD.splitlines(keepends=True)
    conflict = [*lines[:3], "<<<<<<< HEAD\n", *lines[3:10], "=======\n", *lines[10:17], ">>>>>>> other\n", *lines[17:]]
    shop.write({"celery-tasks.json": "".join(conflict)})
    said = "celery-tasks.json contains conflict markers: finish the merge, or write the record again"
    assert run("--check", "celery-tasks.json") == (2, [], [f"error: {said}"])
    session.forget()
    assert main(["check", "--celery-contract", "celery-tasks.json"]) == 2


def test_two_branches_that_add_a_task_merge(shop):
    """A record is made of blocks: what is added at different places does not clash."""
    for branch, name in (("one", "a.first"), ("two", "z.last")):
        shop("checkout", "-q", "-b", branch, "main")
        content = json.loads(RECORD)
        content["tasks"][name] = content["tasks"]["shop.pay"]
        from flake8_celery_tasks.contract import record

        shop.commit({"celery-tasks.json": record.as_text(record.of(content, ""))})
    shop("merge", "-q", "one", "-m", "both")
    assert list(json.loads(Path("celery-tasks.json").read_text())["tasks"]) == [
        "a.first",
        "shop.pay",
        "shop.tasks.send",
        "z.last",
    ]


# flake8 and `check`.


def test_check_and_flake8_say_the_same(shop, capfd):
    shop.write({"shop/tasks.py": BROKEN, ".flake8": "[flake8]\ncelery-contract = celery-tasks.json\n"})
    session.forget()
    assert main(["check"]) == 1
    lines = [line for line in capfd.readouterr().out.splitlines() if "CLY41" in line]
    assert lines == SAID
    done = subprocess.run(
        [sys.executable, "-m", "flake8", "--select=CLY41"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.splitlines() == SAID


def test_many_files_are_checked_in_several_processes(shop, capfd):
    shop.write({"shop/tasks.py": BROKEN, **{f"shop/more_{number}.py": TASKS for number in range(70)}})
    arguments = ["check", "--celery-contract", "celery-tasks.json", "--select", "CLY41"]
    said = {}
    for jobs in ("1", "2"):
        session.forget()
        main([*arguments, "--jobs", jobs])
        said[jobs] = capfd.readouterr().out.splitlines()
    assert said["1"] == said["2"] != []


def test_a_file_without_celery_is_looked_at_where_the_record_names_it(shop, capfd):
    shop.write({"shop/tasks.py": "X = 1\n"})
    session.forget()
    assert main(["check", "--celery-contract", "celery-tasks.json"]) == 1
    lines = capfd.readouterr().out.splitlines()
    assert [line[:31] for line in lines] == ["./shop/tasks.py:1:1: CLY411 Rec"] * 2
    session.forget()
    assert main(["check"]) == 0


def test_what_was_found_is_not_kept_beyond_the_record(shop, capfd, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for path in shop.folder.rglob("*"):
        if ".git" not in path.parts:
            os.utime(path, (1_700_000_000, 1_700_000_000))
    shop.write({"shop/tasks.py": BROKEN})
    arguments = ["check", "--celery-contract", "celery-tasks.json", "--select", "CLY4"]
    for _ in range(2):
        session.forget()
        assert main(arguments) == 1
        session.save()
    shop.write({"celery-tasks.json": '{"version": 1, "tasks": {}, "uncertain": []}'})
    session.forget()
    assert main(arguments) == 0


def test_several_projects_share_a_record(shop, capfd):
    shop.write(
        {
            "svc/setup.cfg": "",
            "svc/shop/__init__.py": "",
            "svc/shop/tasks.py": TASKS.replace('name="shop.pay", ', ""),
            "shop/tasks.py": TASKS.partition("\n\n\n@shared_task\n")[0],
        }
    )
    session.forget()
    assert main(["check", "--celery-contract", "celery-tasks.json", "--select", "CLY4"]) == 0
    shop.write({"svc/shop/tasks.py": "X = 1\n"})
    session.forget()
    assert main(["check", "--celery-contract", "celery-tasks.json", "--select", "CLY4"]) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TASKS, "No problems found; 2 tasks compared with HEAD.\n"),
        (BROKEN, "Found 3 problems in 1 file; 2 tasks compared with HEAD.\n"),
    ],
)
def test_what_was_compared_is_told(shop, capfd, text, said):
    shop.write({"shop/tasks.py": text})
    assert main(["contract", "--against", "HEAD"]) == (text == BROKEN)
    assert capfd.readouterr().err == said
    session.forget()
    main(["contract", "--against", "HEAD", "--quiet"])
    assert capfd.readouterr().err == ""


# The linter itself fails.


def failing(usual, is_wanted):
    """Return a function that raises for some tasks, and does as usual for all others."""

    def fail(defined):
        if is_wanted(defined):
            raise KeyError("no")
        return usual(defined)

    return fail


def is_pay(defined) -> bool:
    return defined.definition.symbol.qualname == "pay"


INTERNAL = "internal error: KeyError: 'no': please report"


@pytest.mark.parametrize("arguments", [(), ("--write", "new.json"), ("--check", "celery-tasks.json")])
def test_a_failure_costs_the_signature(shop, run, monkeypatch, arguments):
    """It is told, and the exit code says so; the other tasks are recorded."""
    monkeypatch.setattr(present, "result_of", failing(present.result_of, is_pay))
    code, out, err = run(*arguments)
    assert code == 1
    assert err[-1] == f"shop/tasks.py: {INTERNAL}"
    if not arguments:
        recorded = json.loads("\n".join(out))["tasks"]
        assert recorded["shop.pay"]["signature"] is None
        assert recorded["shop.tasks.send"]["signature"] == "(order_pk)"
    assert run(*arguments, "--exit-zero")[0] == 0


def test_a_failure_in_a_file_is_reported_for_it(shop, run, monkeypatch):
    shop.write({"shop/tasks.py": BROKEN})
    monkeypatch.setattr(agreement, "signature_of", failing(agreement.signature_of, is_pay))
    code, out, _ = run("--against", "HEAD")
    assert code == 1
    assert f"./shop/tasks.py:1:1: CLY000 {INTERNAL}" in out


def test_a_failure_in_the_revision_is_told(shop, run, monkeypatch):
    def is_of_revision(defined) -> bool:
        return "flake8-celery-tasks-" in defined.project.layout.root

    monkeypatch.setattr(present, "result_of", failing(present.result_of, is_of_revision))
    assert run("--against", "HEAD") == (1, [], [f"shop/tasks.py: {INTERNAL} (in HEAD)"])

"""Sources and surroundings that once ended the run: each is checked like any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from flake8_celery_tasks.command import main
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.workspace import cache, folders
from tests.helpers import codes, run, write
from tests.robustness import harness

HEAD = "from celery import current_app, shared_task\nfrom django.db import transaction\n\n\n"
TASKS = HEAD + "@shared_task(name='shop.tasks.add')\ndef add(x):\n    print(x)\n"


@pytest.fixture
def shop(tmp_path, monkeypatch):
    write(tmp_path, {"shop/tasks.py": TASKS})
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('@shared_task(name="\\ud83d\\ude00")\ndef a(): ...\n', id="surrogates in a name"),
        pytest.param('current_app.send_task("shop.\\ud83d.\\ude00")\n', id="surrogates in a call"),
        pytest.param(
            'current_app.conf.task_routes = {"shop.\\ud83d.*": {"queue": "\\ud83d"}}\n', id="surrogates in routes"
        ),
        pytest.param('current_app.conf.update({"task_\\ud83d": 1})\n', id="surrogates in a setting"),
        pytest.param(
            f"A = {'9' * 5000}\n\n\n@shared_task(name=f'a{{A}}')\ndef a(): ...\n".replace("9" * 5000, hex(10**5000)),
            id="digits in a name",
        ),
        pytest.param(
            f"@shared_task(max_retries={hex(10**5000)}, time_limit=-{hex(10**5000)})\ndef a(): ...\n",
            id="digits in options",
        ),
        pytest.param(
            "A = 10 ** 64\n"
            + "".join(f"B{n} = {'A' if not n else f'B{n - 1}'} * {'A' if not n else f'B{n - 1}'}\n" for n in range(30))
            + "\n\n@shared_task(name=f'{B29}')\ndef a(): ...\n",
            id="digits by multiplication",
        ),
    ],
)
def test_strange_texts(shop, text):
    """The reports have no more than that in them which can be printed."""
    path = shop / "shop/jobs.py"
    path.write_text(HEAD + text, encoding="utf-8")
    found = harness.reported(path, harness.read(path))
    assert all(item.text.isprintable() for item in found)
    write(shop, {"shop/jobs.py": HEAD + text})
    assert "CLY000" not in "".join(run(shop, "--select=CLY"))


@pytest.mark.parametrize("opener", ["with transaction.atomic():", "if True:"])
def test_a_long_chain_of_branches(tmp_path, opener):
    branches = "".join(f"        elif x == {n}:\n            add.delay({n})\n" for n in range(600))
    head = f"from shop.tasks import add\n\n\ndef send(x, row):\n    {opener}\n"
    text = f"{head}        if not x:\n            row.save()\n{branches}"
    found = codes(tmp_path, {"shop/tasks.py": TASKS, "shop/views.py": HEAD + text})
    assert "CLY000" not in found


def test_texts_that_repeat_a_long_one(tmp_path):
    names = "".join(f"@shared_task(name=f'{{A}}{n}{{A}}')\ndef a{n}(): ...\n\n\n" for n in range(200))
    text = HEAD + "A = '" + "a" * 1_000_000 + "'\n\n\n" + names
    assert codes(tmp_path, {"shop/tasks.py": text}) == []


def test_deep_folders(tmp_path):
    """Deeper than Python's stack."""
    folder = "/" + "/".join("d" * 1 for _ in range(1980))
    assert folders.find_root(folder) is None
    assert folders.find_root(str(tmp_path / "a/b")) is None
    (tmp_path / "pyproject.toml").touch()
    folders.forget()
    assert folders.find_root(str(tmp_path / "a/b")) == folders.find_root(str(tmp_path / "a")) == str(tmp_path)


def test_a_configuration_in_latin_1(shop, capfd):
    (shop / "setup.cfg").write_bytes(b"[flake8]\n# caf\xe9\nselect = CLY\n")
    assert main.main(["check", "--config", "setup.cfg"]) == 2
    assert capfd.readouterr().err.startswith("flake8-celery-tasks: error: configuration of flake8: setup.cfg: 'utf-8'")


def test_a_configuration_that_is_nested_too_deeply(shop, capfd):
    text = f"[tool.flake8-celery-tasks]\nexclude = {'[' * 50_000}{']' * 50_000}\n[project]\ndependencies=['celery']\n"
    (shop / "pyproject.toml").write_text(text, encoding="utf-8")
    assert main.main(["check"]) == 2
    assert "pyproject.toml: is nested too deeply" in capfd.readouterr().err
    text = text.replace("tool.flake8", "tool.other")
    (shop / "pyproject.toml").write_text(text, encoding="utf-8")
    assert main.main(["check", "."]) == 0


def test_a_home_that_can_not_be_told(shop, capfd, monkeypatch):
    import platformdirs

    def refuse(*_, **__):
        raise RuntimeError("could not determine home directory")

    for answer in (refuse, lambda *_, **__: "~/.cache/flake8-celery-tasks"):
        monkeypatch.setattr(platformdirs, "user_cache_dir", answer)
        with pytest.raises(OSError, match="home"):
            cache.folder()
        session.forget()
        assert main.main(["check", "."]) == 0
        assert not Path("~").exists()
        assert cache.file_of("/shop", "", ".json") == ""

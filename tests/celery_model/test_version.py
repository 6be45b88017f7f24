"""The version of Celery that a project pins, where no option names one, and the line that says so."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flake8_celery_tasks.celery_model import version
from flake8_celery_tasks.celery_model.version import may_pin, places_of, source_of, version_of
from flake8_celery_tasks.core.options import NEWEST, Options
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.workspace import folders
from tests import helpers


def lock(celery, *, before="[[package]]\n", after=""):
    return (
        f'[[package]]\nname = "amqp"\nversion = "5.3.1"\n\n{before}name = "celery"\nversion = "{celery}"\n{after}\n'
        '[[package]]\nname = "celery-types"\nversion = "5.1.0"\n'
    )


def dependencies(*texts):
    return f"[project]\ndependencies = {list(texts)!r}\n"


def poetry(value, table="tool.poetry.dependencies"):
    return f"[{table}]\npython = '^3.10'\ncelery = {value}\n"


@pytest.fixture
def project(tmp_path):
    """Make a project of files, with its root somewhere in them."""

    def make(files, root="."):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(text, bytes):
                path.write_bytes(text)
            else:
                path.write_text(text, "utf-8", newline="")
        (tmp_path / root).mkdir(parents=True, exist_ok=True)
        folders.forget()
        return session.open_project(os.path.normpath(tmp_path / root), Options())

    return make


ONE = {
    # Lists of requirements.
    "requirements.txt": {
        "amqp==5.1\ncelery[redis]==5.2.7  # old\n": (5, 2),
        "celery [redis, sqs] == 5.3.7": (5, 3),
        "celery==5.10.7": NEWEST,
        "celery==9.1": NEWEST,
        "celery==2.5": (2, 5),
        "Celery==3.1.24 --hash=sha256:1": (3, 1),
        "celery \\\n    ==4.4.7 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\n": (4, 4),
        "celery==5.4.*": (5, 4),
        "celery===5.4.0": (5, 4),
        "celery==5.*": NEWEST,
        "celery~=5.4.1": (5, 4),
        "celery~=5.4": NEWEST,
        "celery>=5.4,<6": NEWEST,
        "celery>=5.4": NEWEST,
        "celery<4.2": (4, 1),
        "celery <= 5.3.5": (5, 3),
        "celery>=5,<5.4,!=5.3.*": (5, 2),
        "celery": NEWEST,
        "celery>=1!5.4": NEWEST,
        "celery>=5,<4": NEWEST,
        "celery==latest": NEWEST,
        "celery @ git+https://example.org/celery/celery@v5.0.5p2": (5, 0),
        "-e git+https://example.org/celery/celery@v5.0.5#egg=celery": (5, 0),
        "celery @ git+https://example.org/celery/celery@main": NEWEST,
        "celery-types==5.4\ndjango-celery-beat==5.4\ncelery_foo==5.4\n# celery==5.4": NEWEST,
        "celery==5.2; python_version < '3'\ncelery==5.4; python_version >= '3'": (5, 4),
        "celery==5.2; python_version < '3'": (5, 2),
        "celery==5.4; sys_platform == 'linux'\ncelery==5.3; sys_platform == 'win32'": (5, 4),
        "celery==5.4\ncelery==5.3": (5, 3),
        "celery<6\ncelery==5.3": (5, 3),
        "celery<5.5\ncelery<5.4": (5, 3),
        "\ufeffcelery==5.4": (5, 4),
        "celery==5.4\r\nkombu\r\n": (5, 4),
        "celery==5.4\r".encode("utf-16"): (5, 4),
        "celery==5.4".encode("utf-32"): (5, 4),
        "# caf\u00e9\ncelery==5.4".encode("latin-1"): (5, 4),
        b"\xff\xfec": NEWEST,
        b"\0celery==5.4\0\xff\n": NEWEST,
    },
    "requirements.in": {"celery==5.4.0": (5, 4)},
    "requirements/base.txt": {"celery==5.4.0": (5, 4)},
    "requirements/notes.md": {"celery==5.4.0": NEWEST},
    "notes.txt": {"celery==5.4.0": NEWEST},
    "backend/requirements.txt": {"celery==5.4.0": (5, 4)},
    "docs/requirements.txt": {"celery==5.4.0": (5, 4)},
    # What is installed.
    "uv.lock": {
        lock("5.4.0"): (5, 4),
        lock("5.5.0") + lock("5.4.0"): (5, 4),
        lock("5.4.0", after="resolution-markers = [\"python_version < '3'\"]\n") + lock("5.5.0"): (5, 5),
        lock("5.4.0").replace("celery", "flower"): NEWEST,
    },
    "poetry.lock": {
        lock("5.4.0").replace("\n", "\r\n"): (5, 4),
        lock("4.4.2", before='[[package]]\ncategory = "main"\ndescription = "Distributed"\n'): (4, 4),
        lock("5.4.0", after='groups = ["dev"]\n'): (5, 4),
    },
    "pdm.lock": {lock("5.3.6"): (5, 3)},
    "pylock.toml": {lock("5.3.6").replace("[[package]]", "[[packages]]"): (5, 3)},
    "Pipfile.lock": {
        '{"default": {"celery": {\n"hashes": ["sha256:1"],\n"version": "==5.3.6"}}}': (5, 3),
        '{"develop": {"celery": {"version": "==5.3.6"}}}': (5, 3),
        '{"default": {"celery": ': NEWEST,
    },
    "conda-lock.yml": {"package:\n- name: celery\n  version: 5.4.0\n": (5, 4)},
    # Projects.
    "pyproject.toml": {
        dependencies("celery[redis]==5.6.2"): (5, 6),
        dependencies("django", "celery (>=5.2,<5.5)"): (5, 4),
        "[project.optional-dependencies]\nqueue = ['celery<5']": (4, 4),
        "[dependency-groups]\nqueue = ['celery<5']": (4, 4),
        "[tool.uv]\nconstraint-dependencies = ['celery<5']": (4, 4),
        poetry('"5.3.1"'): (5, 3),
        poetry('"^5.3"'): NEWEST,
        poetry('"^4.2"'): (4, 4),
        poetry('"~5.2"'): (5, 2),
        poetry('"5.*"'): NEWEST,
        poetry('"*"'): NEWEST,
        poetry('{extras = ["redis"], version = "==5.3.1"}'): (5, 3),
        poetry('[{version = "4.4.7", python = "<3"}, {version = "5.3", python = "^3.0"}]'): (5, 3),
        poetry('{git = "https://example.org/celery.git", tag = "v5.1.0"}'): (5, 1),
        poetry('"5.3.1"', "tool.poetry.group.dev.dependencies"): (5, 3),
        "[build-system]\nrequires = ['celery==5.3']": NEWEST,
        "dependencies = ['celery==5.3'": NEWEST,
    },
    "setup.cfg": {"[options]\ninstall_requires =\n    celery==5.3.1\n": (5, 3), "celery==5.3.1": NEWEST},
    "setup.py": {"setup(install_requires=['celery[redis]>=4.0,<5.0'])": (4, 4), "setup(": NEWEST},
    "Pipfile": {'[packages]\ncelery = "==5.3.1"\n': (5, 3), '[packages]\ncelery = "*"\n': NEWEST},
    "environment.yml": {"dependencies:\n  - celery=5.2\n": (5, 2), "- pip:\n    - celery==5.2.7\n": (5, 2)},
}


@pytest.mark.parametrize(
    ("name", "text", "wanted"), [(name, text, wanted) for name, texts in ONE.items() for text, wanted in texts.items()]
)
def test_one_file(project, name, text, wanted):
    found = project({name: text})
    assert version_of(found) == wanted
    source = source_of(found)
    if source is None:
        assert wanted == NEWEST
    else:
        assert source.version == wanted
        assert os.path.relpath(source.path, found.layout.root).replace(os.sep, "/") == name


@pytest.mark.parametrize(
    ("files", "version", "source"),
    [
        ({}, NEWEST, None),
        # A lock before requirements, the first lock before others, requirements where no lock says it.
        ({"uv.lock": lock("5.4.0"), "requirements.txt": "celery==5.2.7"}, (5, 4), "uv.lock"),
        ({"uv.lock": lock("5.4.0"), "poetry.lock": lock("5.3.0")}, (5, 4), "uv.lock"),
        ({"uv.lock": lock("5.4.0", after='groups = ["dev"]\n'), "poetry.lock": lock("5.3")}, (5, 3), "poetry.lock"),
        ({"uv.lock": "", "requirements.txt": "celery==5.2.7"}, (5, 2), "requirements.txt"),
        ({"Pipfile.lock": '{"develop": {"celery": {"version": "==5.3"}}}', "reqs.txt": "celery<5"}, (4, 4), "reqs.txt"),
        ({"z.conda-lock.yml": "- name: celery\n  version: 5.1", "pdm.lock": lock("5.3")}, (5, 3), "pdm.lock"),
        # One version before a range, a range before none.
        ({"requirements.in": "celery<5.5", "requirements.txt": "celery==5.3.6"}, (5, 3), "requirements.txt"),
        ({"requirements.in": "celery>=5", "setup.py": "x = 'celery<5.5'"}, (5, 4), "setup.py"),
        ({"pyproject.toml": dependencies("celery>=5.2"), "constraints.txt": "celery==5.4"}, (5, 4), "constraints.txt"),
        # What is for development counts where nothing else decides.
        ({"requirements-dev.txt": "celery==5.4.0", "requirements.txt": "celery==5.5.1"}, (5, 5), "requirements.txt"),
        ({"requirements-dev.txt": "celery==5.4.0", "requirements.txt": "celery<5.4"}, (5, 3), "requirements.txt"),
        ({"requirements-dev.txt": "celery==5.4", "requirements.txt": "celery>=5"}, (5, 4), "requirements-dev.txt"),
        ({"requirements-dev.txt": "celery==4.4", "requirements.txt": "celery>=5"}, NEWEST, "requirements.txt"),
        ({"requirements-dev.txt": "celery>=5", "requirements.txt": "django"}, NEWEST, None),
        ({"deps/dev.txt": "celery==5.4", "deps/test.txt": "celery==5.3"}, (5, 3), "deps/test.txt"),
        # Where some disagree: the oldest.
        ({"requirements/a.txt": "celery==5.4", "requirements/b.txt": "celery==5.3"}, (5, 3), "requirements/b.txt"),
        ({"a/poetry.lock": lock("5.4"), "b/uv.lock": lock("5.3")}, (5, 3), "b/uv.lock"),
        # Includes.
        ({"requirements.txt": "-r more/x.list", "more/x.list": "celery==5.4"}, (5, 4), "more/x.list"),
        ({"requirements.txt": "celery>=5\n-c pinned/x.list", "pinned/x.list": "celery==5.4"}, (5, 4), "pinned/x.list"),
        ({"requirements-dev.txt": "-r x.list", "x.list": "celery==5.4", "reqs.txt": "celery<5"}, (4, 4), "reqs.txt"),
        ({"requirements.txt": "-r requirements/dev.txt", "requirements/dev.txt": "celery==5.4", "reqs.txt": "celery<6"},
         (5, 4), "requirements/dev.txt"),
        ({"reqs.txt": "-r reqs.txt\n-r a.txt", "a.txt": "-r reqs.txt\ncelery==5.4"}, (5, 4), "a.txt"),
        ({"requirements.txt": "-r nowhere.txt\n-r\n-r a\0b\ncelery==5.4"}, (5, 4), "requirements.txt"),
        ({"setup.cfg": "[options]\ninstall_requires = file: x.list", "x.list": "celery==5.4"}, (5, 4), "x.list"),
        ({"pyproject.toml": "[tool.setuptools.dynamic]\ndependencies = {file = ['x.list']}", "x.list": "celery<5"},
         (4, 4), "x.list"),
        ({"environment.yml": "- pip:\n  - -r x.list", "x.list": "celery==5.4"}, (5, 4), "x.list"),
        # Other folders.
        ({"reqs.txt": "celery==5.4", "backend/reqs.txt": "celery==5.3"}, (5, 4), "reqs.txt"),
        ({"reqs.txt": "celery>=5.2", "backend/reqs.txt": "celery==5.3"}, (5, 3), "backend/reqs.txt"),
        ({"reqs.txt": "celery>=5.2", "backend/reqs.txt": "celery==4.4"}, NEWEST, "reqs.txt"),
        ({"reqs.txt": "celery>=4.2", "backend/reqs.txt": "celery<5"}, (4, 4), "backend/reqs.txt"),
        ({"reqs.txt": "celery<5.5", "backend/reqs.txt": "celery==5.3"}, (5, 3), "backend/reqs.txt"),
        ({"reqs.txt": "celery<5.5", "backend/reqs.txt": "celery<5.4"}, (5, 4), "reqs.txt"),
        ({"reqs.txt": "celery<5.5", "docs/reqs.txt": "celery==5.3"}, (5, 4), "reqs.txt"),
        ({"inner/setup.cfg": "", "inner/requirements.txt": "celery==5.3"}, (5, 3), "inner/requirements.txt"),
    ],
)  # fmt: skip
def test_several_files(project, files, version, source):
    found = project(files)
    assert version_of(found) == version
    pin = source_of(found)
    assert (pin and os.path.relpath(pin.path, found.layout.root).replace(os.sep, "/")) == source


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"requirements.txt": "celery==4.4.7", ".git/HEAD": ""}, (4, 4)),
        ({"requirements/base.txt": "celery==4.4.7", ".git": ""}, (4, 4)),
        ({"deploy/requirements.txt": "celery==4.4.7", ".git": ""}, (4, 4)),
        ({"deploy/requirements.txt": "celery==4.4.7"}, NEWEST),
        ({"requirements.txt": "celery==4.4.7"}, (4, 4)),
        ({"requirements.txt": "celery==4.4.7", "web/.git": ""}, NEWEST),
        ({"uv.lock": lock("5.4.0"), "web/shop/pyproject.toml": dependencies("celery>=5.2,<6"), ".git": ""}, (5, 4)),
        ({"uv.lock": lock("5.4.0"), "web/shop/pyproject.toml": dependencies("celery<5"), ".git": ""}, (4, 4)),
        ({"requirements.txt": "celery==4.4.7", "web/requirements.txt": "celery==5.1.0"}, (5, 1)),
        ({"requirements.txt": "celery==4.4.7", "web/shop/requirements.txt": "celery==5.1.0"}, (5, 1)),
    ],
)
def test_above_the_root(project, files, version):
    assert version_of(project({"web/shop/manage.py": "", **files}, "web/shop")) == version


def test_source(project):
    found = project({"requirements.txt": f"django\n\n  celery[redis]<5.5  # {'x' * 500}\n"})
    source = source_of(found)
    assert (source.line, source.version, source.strength) == (3, (5, 4), version.RANGE)
    assert source.text.startswith("celery[redis]<5.5  # xxx")
    assert len(source.text) == 200
    assert source_of(found) is source


def test_a_source_in_a_text_of_many_lines(project):
    assert source_of(project({"setup.py": 'x = "\\n\\ncelery<5"'})).line == 1


def test_the_option_counts(tmp_path):
    (tmp_path / "requirements.txt").write_text("celery==5.2")
    found = session.open_project(str(tmp_path), Options(celery_target_version=(5, 4)))
    assert version_of(found) == (5, 4)
    assert places_of(found) == {}


def test_folders_and_files_that_are_none(project, tmp_path):
    (tmp_path / "uv.lock").mkdir()
    assert version_of(project({})) == NEWEST
    assert version_of(session.open_project(str(tmp_path / "nowhere"), Options())) == NEWEST


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes")
def test_only_regular_files_are_opened(project, tmp_path):
    os.mkfifo(tmp_path / "poetry.lock")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "uv.lock").symlink_to("/dev/zero")
    (tmp_path / "reqs.txt").symlink_to("reqs.txt")
    (tmp_path / "requirements").symlink_to(".")
    (tmp_path / "deps.txt").symlink_to("real.list")
    text = "-r pipe\n-r poetry.lock\n-r uv.lock\n-r reqs.txt\n-r /dev/zero\n-r requirements"
    found = project({"requirements.txt": text, "real.list": "celery==5.4"})
    assert version_of(found) == (5, 4)
    assert source_of(found).path == str(tmp_path / "deps.txt")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read(project, tmp_path):  # pragma: no cover
    found = project({"requirements.txt": "celery==5.4"})
    (tmp_path / "requirements.txt").chmod(0)
    assert version_of(found) == NEWEST


def test_huge_files(project):
    """In a time that grows with the length, and not its square; of one that is too long nothing is read."""
    started = time.process_time()
    blanks = " " * 50_000
    texts = dict.fromkeys(ONE, f"celery{blanks}") | {"reqs.txt": f"celery{blanks}==5.4"}
    assert version_of(project(texts)) == NEWEST
    assert version_of(project({"requirements.txt": "celery==5.4\n" + "#" * 5_000_000})) == NEWEST
    many = "".join(f"celery>=5.{minor % 9}.{minor},<6,!=5.3.{minor}\n" for minor in range(20_000))
    assert version_of(project({"requirements.txt": many})) == NEWEST
    assert time.process_time() - started < 10


def test_many_files_are_not_all_read(project):
    texts = {f"requirements/{number:04}.txt": "django" for number in range(300)}
    found = project({**texts, "requirements/9.txt": "celery==5.4"})
    assert version_of(found) == NEWEST
    chain = {f"{number}.list": f"-r {number + 1}.list" for number in range(700)}
    assert version_of(project({"reqs.txt": "-r 0.list", **chain, "700.list": "celery==5.4"})) == NEWEST


def test_may_pin():
    assert may_pin("/shop", "uv.lock")
    assert may_pin("/shop/requirements", "base.txt")
    assert may_pin("/shop", ".git")
    assert not may_pin("/shop", "base.txt")


PARTS = st.sampled_from(
    [
        *("celery", "[redis]", "==", ">=", "<", "~=", "^", "5.4", "3.1.26", "4.*", "1!", ";", "python_version", "'3'"),
        *(
            "\n",
            "\\\n",
            " ",
            "#",
            "-r ",
            "-c requirements.txt",
            "-e ",
            "git+https://a.org/celery@v5.0",
            "[[package]]\n",
        ),
        *(
            'name = "celery"\n',
            'version = "5.3"\n',
            "[project]\n",
            "dependencies = [",
            "]",
            '"',
            "{",
            "}",
            ":",
            "- ",
            "\0",
        ),
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(sorted(ONE)), st.lists(PARTS).map("".join) | st.text())
def test_nothing_is_raised(project, name, text):
    found = project({name: text.encode("utf-8", "surrogatepass")})
    assert (0, 0) <= version_of(found) <= NEWEST


def test_nothing_is_imported_for_what_is_certain(tmp_path):
    """Neither `packaging` nor a parser of TOML for an exact pin, nor for a project that mentions no Celery."""
    for text, heavy in (("django", False), ("celery==5.4.0", False), ("celery<5.5", True)):
        (tmp_path / "requirements.txt").write_text(text)
        code = (
            "import sys\n"
            "from flake8_celery_tasks.core.options import Options\n"
            "from flake8_celery_tasks.celery_model.version import version_of\n"
            "from flake8_celery_tasks.engine import session\n"
            "known = set(sys.modules)\n"
            f"version_of(session.open_project({str(tmp_path)!r}, Options()))\n"
            "print([name for name in ('packaging', 'tomllib', 'configparser') if name in set(sys.modules) - known])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == ("['packaging']" if heavy else "[]")


DJANGO = {
    "shop/celery.py": 'from celery import Celery\napp = Celery("shop")\n'
    'app.config_from_object("django.conf:settings", namespace="CELERY")\n',
    "shop/settings.py": 'INSTALLED_APPS = ["shop"]\nCELERY_ACKS_LATE = True\n',
}


def test_rules_judge_by_it(tmp_path):
    assert helpers.codes(tmp_path, DJANGO) == []
    assert helpers.codes(tmp_path, {**DJANGO, "requirements.txt": "celery==5.4.0"}) == ["CLY812"]
    assert helpers.codes(tmp_path, DJANGO, celery_target_version="5.7") == []


TRANSACTION = {
    "shop/models.py": "from django.db import models, transaction\nfrom shop.tasks import bill\n"
    "class Order(models.Model):\n    def pay(self):\n        with transaction.atomic():\n"
    "            self.save()\n            bill.delay(self.pk)\n",
    "shop/tasks.py": "from celery import shared_task\n@shared_task(name='bill', queue='slow')\ndef bill(pk): ...\n",
}
RETRIES = {
    "shop/tasks.py": "from celery import shared_task\nfrom celery.exceptions import Reject\n"
    "@shared_task(name='a', autoretry_for=(Exception,))\ndef a(): raise Reject('no')\n",
}


ON_COMMIT = {"CLY701": "write 'bill.delay_on_commit(...)'"}
PARTIAL = {"CLY701": "pass partial(bill.delay, ...) to on_commit()"}
BACKOFF = {"CLY909": "add retry_backoff=True"}
NARROWER = {"CLY221": "name narrower ones there"}


@pytest.mark.parametrize(
    ("files", "name", "pin", "told"),
    [
        (TRANSACTION, "shop/models.py", "", ON_COMMIT),
        (TRANSACTION, "shop/models.py", "celery<5.5", ON_COMMIT),
        (TRANSACTION, "shop/models.py", "celery<5.4", PARTIAL),
        (TRANSACTION, "shop/models.py", "celery==3.1.26", PARTIAL),
        (TRANSACTION, "shop/tasks.py", "", {"CLY917": "set task_routes for 'bill'"}),
        (TRANSACTION, "shop/tasks.py", "celery<5.7", {}),
        (TRANSACTION, "shop/tasks.py", "celery==3.1.26", {}),
        (RETRIES, "shop/tasks.py", "", {"CLY221": "add dont_autoretry_for=(Reject,)", **BACKOFF}),
        (RETRIES, "shop/tasks.py", "celery<5.3", {**NARROWER, **BACKOFF}),
        (RETRIES, "shop/tasks.py", "celery==4.1.1", NARROWER),
    ],
)
def test_advice_is_for_the_pinned_celery(tmp_path, files, name, pin, told):
    found = helpers.check(tmp_path, {**files, "requirements.txt": pin}, extend_select="CLY917,CLY909")[name]
    texts = {violation.code: violation.text for violation in found}
    assert texts.keys() == told.keys()
    assert all(advice in texts[code] for code, advice in told.items())


def test_names_that_the_pinned_celery_knows(tmp_path):
    """No option is suggested that an old Celery lacks."""
    files = {
        "shop/tasks.py": "from celery import shared_task\n@shared_task(name='a', retry_backof=True)\ndef a(): ...\n"
    }
    assert helpers.codes(tmp_path, files) == ["CLY501"]
    assert helpers.codes(tmp_path, {**files, "requirements.txt": "celery<4.2"}) == []


def test_an_import_of_what_the_pinned_celery_has(tmp_path):
    files = {"shop/tasks.py": "from celery.task import task\n"}
    assert helpers.codes(tmp_path, files) == ["CLY517"]
    assert helpers.codes(tmp_path, {**files, "requirements.txt": "celery==4.4.7"}) == []
    assert helpers.codes(tmp_path, {**files, "requirements.txt": "celery<4.2"}) == []

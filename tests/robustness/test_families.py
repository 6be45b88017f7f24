"""Families of hostile texts: ten times the size takes at most 14 times the CPU."""

from __future__ import annotations

import ast
import gc
import time

import pytest

from flake8_celery_tasks.celery_model.pins import text as pins_text
from flake8_celery_tasks.celery_model.pins import toml
from flake8_celery_tasks.command import main
from flake8_celery_tasks.core.options import OptionError, Options
from flake8_celery_tasks.core.spelling import Words, close_match
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.fixer import rounds
from tests.fixing import order_for
from tests.helpers import findings, write
from tests.robustness.effort import LONG

BOUND = 14

HEAD = "from celery import current_app, shared_task\nfrom django.db import transaction\n\n\n"
TASKS = HEAD + "@shared_task(name='shop.tasks.add')\ndef add(x):\n    print(x)\n"


def wildcards(size):
    name = "{a}" * size
    return {
        "shop/jobs.py": f"{HEAD}def make(a):\n    @shared_task(name=f'{name}c')\n    def job(): ...\n",
        "shop/views.py": f"{HEAD}current_app.send_task('shop.tasks.{'a' * 200}')\n",
    }


def texts_between_wildcards(size):
    name = "{a}x" * size
    return {
        "shop/jobs.py": f"{HEAD}def make(a):\n    @shared_task(name=f'{name}c')\n    def job(): ...\n",
        "shop/views.py": f"{HEAD}current_app.send_task('shop.tasks.{'x' * 5 * size}d')\n",
    }


def unparsable(size):
    text = f"{HEAD}def (\n" + "x.task(1)\n" * size
    return {"shop/broken.py": text, "shop/views.py": f"{HEAD}current_app.send_task('shop.tasks.gone')\n"}


def unparsable_decorators(size):
    text = f"{HEAD}def (\n@{'task' * size}\n({'Task ' * size}\n"
    return {"shop/broken.py": text, "shop/views.py": f"{HEAD}current_app.send_task('shop.tasks.gone')\n"}


def branches(size):
    lines = "".join(f"        elif x == {n}:\n            add.delay({n})\n" for n in range(size))
    head = "from shop.tasks import add\n\n\ndef send(x, row):\n    with transaction.atomic():\n"
    return {"shop/views.py": f"{HEAD}{head}        if not x:\n            row.save()\n{lines}"}


def elifs(size):
    lines = "".join(f"    elif x == {n}:\n        add.apply_async(({n}))\n" for n in range(size))
    head = "from shop.tasks import add\n\n\ndef send(x):\n    if not x:\n        add.delay(0)\n"
    return {"shop/views.py": f"{HEAD}{head}{lines}"}


def cases(size):
    lines = "".join(f"            case {n}:\n                add.delay({n})\n" for n in range(size))
    head = "from shop.tasks import add\n\n\ndef send(x, row):\n    with transaction.atomic():\n        match x:\n"
    return {"shop/views.py": f"{HEAD}{head}{lines}"}


def handlers(size):
    lines = "".join(f"        except E{n}:\n            add.delay({n})\n" for n in range(size))
    head = "from shop.tasks import add\n\n\ndef send(row):\n    with transaction.atomic():\n        try:\n"
    return {"shop/views.py": f"{HEAD}{head}            row.save()\n{lines}"}


def items(size):
    lines = "".join(f"            {n}: add.apply_async(({n})),\n" for n in range(size))
    head = "from shop.tasks import add\n\n\ndef send(row):\n    with transaction.atomic():\n        return {\n"
    return {"shop/views.py": f"{HEAD}{head}            **row,\n{lines}        }}\n"}


def derived_classes(size):
    lines = "".join(f"class Job{n}({f'Job{n - 1}' if n else 'Task'}): ...\n" for n in range(size))
    return {
        "shop/base.py": f"from celery import Task\n\n\n{lines}",
        "shop/views.py": "from shop.base import Job0\n\n\nclass Sync(Job0, object): ...\n",
    }


def methods_of_functions(size):
    lines = "".join("    plain.delay(1)\n" for _ in range(size))
    return {"shop/views.py": f"{HEAD}def plain(x): ...\n\n\ndef send():\n{lines}"}


def one_wide_line(size):
    calls = ", ".join(["add.delay()"] * size)
    return {"shop/views.py": f"from shop.tasks import add\nx = ['\u00e9', {calls}]\n"}


def long_names(size):
    name = "a" * (50 * size)
    return {"shop/views.py": f"{HEAD}add.delay()\ncurrent_app.send_task('shop.{name}', {name}=1, {name}x=2)\n"}


def blank_lines(size):
    text = f"{HEAD}{chr(10) * 20 * size}@shared_task\ndef index(): ...\n"
    return {"shop/jobs.py": text, "content/tasks.py": text, "content/jobs.py": text}


def callbacks_in_a_loop(size):
    line = "        transaction.on_commit(lambda: add.delay(row.pk))\n"
    return {
        "shop/views.py": f"{HEAD}from shop.tasks import add\n\n\ndef send(rows):\n    for row in rows:\n{line * size}"
    }


def one_name_for_all(size):
    clients = "".join(f"    client = requests.Session()\n    client.post('{n}', x)\n" for n in range(size))
    apps = "".join(f"    app = Celery('{n}')\n    app.send_task('shop.tasks.add', (1,))\n" for n in range(size))
    task = "@shared_task(name='shop.pay', acks_late=True)\ndef pay(x):\n"
    return {
        "shop/pay.py": f"{HEAD}import requests\n\n\n{task}{clients}",
        "shop/apps.py": f"from celery import Celery\n\n\ndef make():\n{apps}",
    }


def keywords(size):
    given = ", ".join(f"option_{n}=1" for n in range(size))
    return {"shop/jobs.py": f"{HEAD}@shared_task(name='shop.pay', {given})\ndef pay(x):\n    print(x)\n"}


def one_name_for_all_tasks(size):
    return {"shop/jobs.py": HEAD + "@shared_task\ndef pay(x):\n    pay(x)\n" * size}


def retries_in_one_try(size):
    head = (
        f"{HEAD}from celery.exceptions import MaxRetriesExceededError\n\n\n@shared_task(name='shop.pay', bind=True)\n"
    )
    lines = "            raise self.retry(exc=error)\n" * size
    others = "    except OSError as error:\n        raise self.retry(exc=error, countdown=error)\n" * size
    text = f"def pay(self):\n    try:\n        print(self)\n    except ValueError as error:\n        try:\n{lines}"
    return {"shop/jobs.py": f"{head}{text}        except MaxRetriesExceededError:\n            print(1)\n{others}"}


def sums(size):
    lines = "    n = m + 1\n    m = n * 2\n" * size
    return {
        "shop/views.py": f"{HEAD}from shop.tasks import add\n\n\ndef send(n, m):\n{lines}"
        "    add.apply_async((n,), countdown=n)\n"
    }


STEPS = "abcdefg"


def names_for_each_other(size):
    lines = "".join(f"    {name} = {before}\n" * size for before, name in zip("z" + STEPS, STEPS, strict=False))
    swaps = "x, y = y, x\nx, y = x, y\n" * size
    text = f"from shop.tasks import add\n\n\ndef send(z):\n{lines}    add.delay(g)\n    return g\n"
    schedule = f"x = {{'a': {{'task': 'shop.tasks.gone', 'schedule': 1}}}}\ny = x\n{swaps}CELERY_BEAT_SCHEDULE = x\n"
    return {"shop/views.py": HEAD + text, "shop/settings.py": schedule}


def displays_of_names(size):
    lines = "".join(
        f"    {name} = group({f'{before}, ' * size})\n" for before, name in zip("z" + STEPS, STEPS, strict=False)
    )
    rows = "    row = [row, rows]\n    rows = {'a': row, 'b': rows}\n" * size
    head = "from celery import chain, group\nfrom shop.tasks import add\n\n\ndef send(row, rows):\n    z = add.s(1)\n"
    task = f"@shared_task(name='shop.pay')\ndef pay():\n    row = rows = 1\n{rows}    return row\n"
    return {"shop/views.py": f"{HEAD}{head}{lines}    chain(add.s(1), g).delay()\n\n\n{task}"}


def results_of_each_other(size):
    names = zip("z" + STEPS, STEPS, strict=False)
    functions = "".join(f"def {name}(x):\n" + f"    if x: return {before}(x)\n" * size for before, name in names)
    return {
        "shop/views.py": f"{HEAD}from shop.tasks import add\n\n\ndef z(x): return add.delay(x)\n{functions}"
        "@shared_task(name='shop.pay')\ndef pay():\n    return g(1).get()\n"
    }


def canvases_of_names(size):
    chains = "".join(
        f"{name} = chain({f'{before}, ' * size})\n" for before, name in zip("z" + STEPS, STEPS, strict=False)
    )
    text = f"from celery import chain, chord\nfrom shop.tasks import add\n\n\nz = add.s(1)\n{chains}g.delay()\n"
    return {"shop/views.py": f"{HEAD}{text}chord(g)(g)\n"}


def exceptions_of_each_other(size):
    lines = "".join(f"class A{n + 1}(A{n}, B{n}): ...\nclass B{n + 1}(B{n}): ...\n" for n in range(size))
    return {"shop/views.py": f"{HEAD}class A0(Exception): ...\nclass B0(Exception): ...\n{lines}"}


def functions_of_one_name(size):
    lines = "".join(
        f"def f(x):\n    f(x)\nclass C{n}:\n    def f(self):\n        self.f()\n        g(1)\n" for n in range(size)
    )
    head = "from shop.tasks import add\n\n\ndef g(x):\n    x.save()\n    add.delay(x)\n"
    return {"shop/views.py": f"{HEAD}{head}{lines}with transaction.atomic():\n    f(1)\n"}


def misspelt_settings(size):
    lines = "".join(f"app.conf.task_rout{n} = {{}}\napp.conf.task_ack_late = {n}\n" for n in range(size))
    return {"shop/apps.py": f"from celery import Celery\n\napp = Celery('shop')\n{lines}"}


def settings_of_one_name(size):
    lines = "".join(f"app.conf.beat_schedule['{n}'] = {{'task': 'shop.gone', 'schedule': {n}}}\n" for n in range(size))
    return {"shop/apps.py": f"from celery import Celery\n\napp = Celery('shop')\n{lines}"}


def routes_and_queues(size):
    lines = "".join(f"add.apply_async((1,), queue='other{n}')\n" for n in range(size))
    queues = "".join(f"    Queue('queue{n}'),\n" for n in range(size))
    routes = "".join(f"    'shop.*.route{n}': 'queue{n}',\n    'tasks.ad{n}*': 'x',\n" for n in range(size))
    head = "from celery import Celery\nfrom kombu import Queue\nfrom shop.tasks import add\n\napp = Celery('shop')\n"
    given = f"app.conf.task_queues = [\n{queues}]\napp.conf.task_routes = {{\n{routes}}}\n"
    return {"shop/apps.py": f"{head}{given}{lines}"}


def values_of_one_name(size):
    lines = "".join(f"if x == {n}:\n    r = add.s({n})\nelse:\n    r = None\nadd.delay(r)\n" for n in range(size))
    cases = "".join(f"    match x:\n        case {n} as y:\n            add.delay(y)\n" for n in range(size))
    return {"shop/views.py": f"{HEAD}from shop.tasks import add\n\n{lines}\ndef send(x):\n{cases}"}


def classes_that_are_registered(size):
    lines = "".join(
        f"class Job{n}(Task):\n    def run(self, x):\n        self.retry()\njob{n} = app.register_task(Job{n}())\n"
        f"job{n}.delay()\nJob{n}().delay()\n"
        for n in range(size)
    )
    return {"shop/jobs.py": f"from celery import Celery, Task\n\napp = Celery('shop')\n{lines}"}


def methods_of_one_class(size):
    lines = "".join(
        f"    def f{n}(self):\n        with transaction.atomic():\n            self.f{n}()\n        add.delay(self)\n"
        for n in range(size)
    )
    return {"shop/views.py": f"{HEAD}from shop.tasks import add\n\n\nclass Order:\n{lines}"}


def sends_of_one_signature(size):
    lines = "    s.set(countdown=1)\n    s.apply_async()\n    chain(s, s)()\n" * size
    head = "from celery import chain\nfrom shop.tasks import add\n\n\ndef send():\n    s = add.s(1)\n"
    return {"shop/views.py": f"{HEAD}{head}{lines}"}


def a_long_pipe(size):
    steps = " | ".join(["add.s(1)"] * 40)
    return {"shop/views.py": f"{HEAD}from shop.tasks import add\n\n" + f"({steps}).delay()\n" * size}


def missing_names(size):
    lines = "".join(f"def name{n}(): ...\n" for n in range(size))
    sends = "".join(f"jobs.nama{n}.delay()\n" for n in range(size))
    return {"shop/jobs.py": f"{HEAD}{lines}", "shop/views.py": f"{HEAD}from shop import jobs\n\n{sends}"}


FAMILIES = [
    (canvases_of_names, 10),
    (exceptions_of_each_other, 60),
    (functions_of_one_name, 60),
    (misspelt_settings, 60),
    (settings_of_one_name, 200),
    (routes_and_queues, 60),
    (values_of_one_name, 100),
    (classes_that_are_registered, 60),
    (methods_of_one_class, 100),
    (sends_of_one_signature, 60),
    (a_long_pipe, 10),
    (missing_names, 100),
    (names_for_each_other, 30),
    (displays_of_names, 10),
    (results_of_each_other, 30),
    (keywords, 200),
    (one_name_for_all_tasks, 200),
    (retries_in_one_try, 30),
    (sums, 100),
    (callbacks_in_a_loop, 100),
    (wildcards, 100),
    (texts_between_wildcards, 100),
    (unparsable, 2_000),
    (unparsable_decorators, 2_000),
    (branches, 60),
    (cases, 100),
    (handlers, 100),
    (derived_classes, 30),
    (items, 100),
    (one_name_for_all, 100),
    (methods_of_functions, 200),
    (one_wide_line, 300),
    (long_names, 100),
    (blank_lines, 1000),
]


def cpu(call):
    gc.collect()
    start = time.process_time()
    call()
    return time.process_time() - start


def assert_linear(run, size):
    """Compare two sizes. What is too quick to be measured is quick enough."""
    run(size // 10)
    for _ in range(4):  # somebody else may need the processor's caches
        small, big = min(cpu(lambda: run(size)), cpu(lambda: run(size))), cpu(lambda: run(10 * size))
        if big <= BOUND * max(small, 0.02):
            return
    pytest.fail(f"{small:.2f} s for {size}, {big:.2f} s for {10 * size}")


@pytest.mark.no_cover  # it would measure the measuring
@pytest.mark.parametrize(("family", "size"), FAMILIES, ids=[family.__name__ for family, _ in FAMILIES])
def test_time_is_linear(tmp_path, family, size):
    def run(count):
        folder = tmp_path / str(count)
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py") if path.stat().st_size)
        session.forget()
        for name in names:
            findings(folder, name, celery_no_cache=True, extend_select="CLY9")

    for count in (size // 10, size, 10 * size):
        (tmp_path / str(count)).mkdir()
        write(tmp_path / str(count), {"shop/tasks.py": TASKS, **family(count)})
    assert_linear(run, size)


def calls_in_one_line(size):
    calls = ", ".join(["add.apply_async((1))"] * size)
    return {"shop/views.py": f"from shop.tasks import add\nx = [{calls}]\n"}


@pytest.mark.no_cover
@pytest.mark.parametrize("family", [elifs, cases, handlers, items, callbacks_in_a_loop, calls_in_one_line])
def test_fixing_is_linear(tmp_path, family):
    def run(count):
        folder = tmp_path / str(count)
        session.forget()
        text = (folder / "shop/views.py").read_text(encoding="utf-8")
        assert rounds.fix_text(str(folder / "shop/views.py"), text, order_for(folder)).violations

    for count in (6, 60, 600):
        (tmp_path / str(count)).mkdir()
        write(tmp_path / str(count), {"shop/tasks.py": TASKS, **family(count)})
    assert_linear(run, 60)


SAME = {
    "tasks_of_one_name": lambda n: (
        f"@shared_task(name='shop.pay')\ndef pay{n}(x): ...\ncurrent_app.send_task('shop.pay', (1, 2))\n"
    ),
    "own_decorators": lambda n: (
        f"def job{n}(function):\n    return shared_task(function)\n\n\n@job{n}\ndef pay(x): ...\n"
    ),
    "noqa": lambda n: "def send():\n" + f"    current_app.send_task('shop.gone{n}', countdown=1)  # noqa: E501\n" * 20,
}


@pytest.mark.no_cover
@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_checking_many_files_is_linear(tmp_path, monkeypatch, text):
    def run(count):
        monkeypatch.chdir(tmp_path / str(count))
        session.forget()
        assert main.main(["check", "-j1", "--isolated", "--celery-no-cache=true", "--output-file=out", "."]) < 2

    for count in (4, 40, 400):
        (tmp_path / str(count)).mkdir()
        write(tmp_path / str(count), {f"shop/jobs{n}.py": HEAD + text(n) for n in range(count)})
    assert_linear(run, 40)


@pytest.mark.parametrize("line", ["[{0}, {0}]", "{{'a': {0}, 'b': {0}}}", "{0} + {0}", "group({0}, {0})"])
def test_what_doubles_with_each_line_is_kept_and_listed(tmp_path, monkeypatch, line):
    """Local names become part of a function's value: of what is kept between runs too."""
    lines = "".join(f"    x{n + 1} = {line.format(f'x{n}')}\n" for n in range(40))
    functions = f"def job(x0):\n{lines}    return x40\n\n\n@job\ndef pay(): ...\n"
    write(tmp_path, {"shop/jobs.py": f"{HEAD}from celery import group\n\n\n{functions}"})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    before = time.process_time()
    for command in ("check", "tasks"):
        session.forget()
        main.main([command, "--isolated", "--output-file=out", "."])
        session.save()
    assert time.process_time() - before < 5


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("read", "text"),
    [
        (pins_text.requirements, lambda size: f"celery{' ' * size}x\ncelery{' ' * size}\n"),
        (pins_text.requirements, lambda size: f"celery {'#a' * size}\n"),
        (pins_text.config, lambda size: f"[options]\ninstall_requires =\n  celery{' ' * size}x\n"),
        (
            toml.project,
            lambda size: f"[project]\ndependencies = [{repr('celery') + ', '}]\n# {'.' * size}celery",
        ),
    ],
)
def test_reading_requirements_is_linear(read, text):
    assert_linear(lambda size: list(read(text(size))), 5_000 * (10 if LONG else 1))


def test_misspelt_names_are_short():
    assert close_match("a" * 50_000, ["a" * 49_999 + "b"]) is None
    assert Words(["a" * 50_000]).close_match("a" * 49_999 + "b") is None
    assert Words(["a" * 190]).close_match("a" * 50_000) is None
    assert Words(["a" * 190 + "c"]).close_match("a" * 190 + "b") == "a" * 190 + "c"


def test_where_many_names_are_near_nobody_knows_what_was_meant():
    words = [f"{first}{second}{third}{fourth}_job_of_shop" for first in "abcdefghij" for second in "abcdefghij"
             for third in "abcdefghij" for fourth in "abcdefghij"]  # fmt: skip
    assert Words(words[:50]).close_match("aaaax_job_of_shop") is not None
    many = Words(words)
    assert many.close_match("ab_job_of_shop") is None
    assert many._near("ab_job_of_shop", 2) is None


def test_all_of_the_file_system_is_no_project(monkeypatch):
    with pytest.raises(OptionError, match="not a project"):
        Options.of({"celery_project_root": "/"})
    monkeypatch.setattr("flake8_celery_tasks.workspace.folders.find_root", lambda _: None)
    monkeypatch.chdir("/")
    assert session.project_of("/shop/tasks.py", Options()).layout.root == "/shop"


def test_columns_of_wide_lines():
    from flake8_celery_tasks.workspace.source import Source

    text = "x = '\u00e9\u20ac\U0001f600\ud83d', a.b, '\u00e9', c\n"
    source = Source([text])
    encoded = text.encode("utf-8", "surrogatepass")
    for column in range(len(text)):
        before = len(text[:column].encode("utf-8", "surrogatepass"))
        node = ast.Name("x", lineno=1, col_offset=before, end_lineno=1, end_col_offset=before)
        assert source.position(node) == (1, column)
    assert len(encoded) > len(text)

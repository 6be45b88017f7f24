"""The project as a whole: what stays in memory, what is read, what stands in for what."""

from __future__ import annotations

import ast
import gc
from pathlib import Path

import pytest

from flake8_celery_tasks.binding.binder import collect, resolve_relative
from flake8_celery_tasks.binding.values import MISSING, UNKNOWN, Const, Invoke, Member, Operation, Ref
from flake8_celery_tasks.celery_model import apps, decorators, definitions, objects, settings
from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.resolution import project
from flake8_celery_tasks.resolution.evaluation import Called
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.workspace import cache
from tests.helpers import findings, write


def project_at(folder, files, **options):
    write(folder, files)
    return project.Project(str(folder), Options.of(options))


def opened(known, folder, name, text):
    return known.open(str(folder / name), text.splitlines(keepends=True), ast.parse(text))


def test_trees_are_dropped_and_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(project, "KEPT", 2)
    files = {f"m{number}.py": f"from m{number + 1} import x\n\ny = {number}\n" for number in range(6)}
    known = project_at(tmp_path, {**files, "m6.py": "x = 5\n", "broken.py": "def (:\n"})
    text = files["m0.py"]
    current = opened(known, tmp_path, "m0.py", text)
    assert known.settle(Ref(":x"), current) == 5
    assert known.module(str(tmp_path / "broken.py")) is None
    assert current.tree is not None, "the file at hand keeps its nodes"
    module = known.module(str(tmp_path / "m1.py"))
    assert module.tree is None
    assert known.settle(Ref(":y"), module) == 1, "and is parsed again when it is asked for more"
    assert sum(kept is not None and kept.tree is not None for kept in known._modules.values()) <= 2
    (tmp_path / "m2.py").unlink()
    gone = known.module(str(tmp_path / "m2.py"))
    assert gone.symbols("other") == ()
    assert gone.candidates.scope.bindings == {}


def test_a_file_that_can_not_be_read(tmp_path):
    known = project_at(tmp_path, {"a.py": "x = 1\n"})
    assert known.read(str(tmp_path / "gone.py")) is None
    assert known.read("nul\0byte") is None
    assert known.module(str(tmp_path / "gone.py")) is None
    (tmp_path / "folder.py").mkdir()
    assert known.read(str(tmp_path / "folder.py")) is None


def test_what_can_not_be_read_takes_the_place_of_no_tree(tmp_path, monkeypatch):
    monkeypatch.setattr(project, "KEPT", 1)
    known = project_at(tmp_path, {"a.py": "x = 1\n"})
    assert known.module(str(tmp_path / "gone.py")) is None
    module = known.module(str(tmp_path / "a.py"))
    assert module.tree is not None
    assert known.module(str(tmp_path / "lost.py")) is None
    assert module.tree is None


def test_a_file_that_is_closed_is_what_is_on_disk_or_a_buffer(tmp_path):
    known = project_at(tmp_path, {"a.py": "x = 1\r\n"})
    same = opened(known, tmp_path, "a.py", "x = 1\n")
    known.close(same)
    assert same.is_from_disk
    assert known.is_as_on_disk
    buffer = opened(known, tmp_path, "a.py", "x = 2\n")
    known.close(buffer)
    assert not buffer.is_from_disk
    assert not known.is_as_on_disk


def test_what_is_open_stands_for_the_file(tmp_path):
    known = project_at(tmp_path, {"shop/tasks.py": "x = 1\n", "shop/other.py": "from shop.tasks import x\n"})
    opened(known, tmp_path, "shop/tasks.py", "x = 2\n")
    other = known.module(str(tmp_path / "shop/other.py"))
    assert known.settle(Ref(":x"), other) == 2


@pytest.mark.parametrize(
    ("level", "module", "expected"),
    [
        (0, "a.b", "a.b"),
        (1, "x", "shop.orders.x"),
        (1, None, "shop.orders"),
        (2, "x", "shop.x"),
        (3, "x", None),
        (9, "x", None),
    ],
)
def test_relative_imports(level, module, expected):
    assert resolve_relative("shop.orders", level, module) == expected
    assert resolve_relative("", 1, "x") is None


def test_namespace_packages_are_followed(tmp_path):
    known = project_at(
        tmp_path, {"main.py": "import space\nfrom space import deep, nothing\nfrom space.deep import gone\n"}
    )
    (tmp_path / "space/deep").mkdir(parents=True)
    (tmp_path / "space/deep/x.py").write_text("y = 1\n")
    main = known.module(str(tmp_path / "main.py"))
    assert known.settle(Ref(":space.deep.x.y"), main) == 1
    assert known.resolve(":deep", main).path == "space.deep"
    assert known.resolve(":nothing", main).symbol is None
    assert known.resolve(":gone", main).symbol is None
    assert known.resolve("space:nothing.more", main).path == "space.nothing.more"
    assert known.resolve("space:nothing.more", main).unread, "another distribution may have a part of the package"


def test_names_inside_functions(tmp_path):
    known = project_at(tmp_path, {"a.py": "def f():\n    class C:\n        x = 1\n    return C\n"})
    module = known.module(str(tmp_path / "a.py"))
    assert known.settle(Ref(":f.<locals>.C.x"), module) == 1
    assert known.resolve(":f.<locals>.nothing", module).path.startswith("a.f")
    assert known.resolve(":g.<locals>.nothing", module).symbol is None


CLASSES = """\
import elsewhere


class Plain:
    own = 1
    none = None


class Below(Plain, keyword=3): ...


class Twice(Below, Plain): ...


class Unread(elsewhere.Base): ...


class Odd(elsewhere.make(), Plain): ...


class Odder((Plain, Below)[0]): ...


class Method(Plain):
    def own(self): ...


number = 5


class OfNumber(number): ...
"""


def test_class_attributes(tmp_path):
    known = project_at(tmp_path, {"a.py": CLASSES})
    module = known.module(str(tmp_path / "a.py"))

    def attribute(cls, name):
        return known.class_attribute(known.resolve(f":{cls}", module), name)

    assert attribute("Below", "own") == 1
    assert attribute("Twice", "own") == 1
    assert attribute("Below", "none") is None
    assert attribute("Below", "keyword") == 3
    assert attribute("Below", "missing") is MISSING
    assert attribute("Unread", "own") is MISSING
    assert attribute("Twice", "missing") is MISSING
    assert apps.is_task_class(known, known.resolve(":Odd", module)) is UNKNOWN
    assert apps.is_task_class(known, known.resolve(":Twice", module)) is False
    for odd in ("Odd", "Odder", "Method", "OfNumber"):
        assert attribute(odd, "own") is UNKNOWN


def test_settings_from_everywhere(tmp_path):
    known = project_at(
        tmp_path,
        {
            "one.py": "CELERY_TASK_ACKS_LATE = True\n",
            "two.py": "class Config:\n    task_acks_late = False\n\n\nfor task_acks_late in (): pass\n",
            "three.py": "app.conf.task_acks_late = 1\napp.conf['CELERY_ACKS_LATE'] = None\napp.conf[x] = 2\n",
            "four.py": "app.conf.update(task_acks_late=3)\nX = {'task_acks_late': 4, other: 5}\n",
            "five.py": "task_acks_late = (\n",
            "seven.py": "def task_acks_late(): ...\n",
            "tests/six.py": "task_acks_late = 'never'\n",
        },
    )
    found = known.setting("task_acks_late")
    assert sorted(map(repr, found)) == sorted(["True", "False", "UNKNOWN", "1", "None", "3", "4", "UNKNOWN"])
    assert settings.acks_late(known) is True
    assert known.tasks_by_name == {}


@pytest.mark.parametrize(
    ("text", "late"), [("x = 1\n", False), ("task_acks_late = False\n", False), ("task_acks_late = env()\n", None)]
)
def test_late_acknowledgement_of_the_project(tmp_path, text, late):
    assert settings.acks_late(project_at(tmp_path, {"one.py": text})) is late


def test_late_acknowledgement_by_option(tmp_path):
    assert settings.acks_late(project_at(tmp_path, {"x.py": ""}, celery_acks_late="yes")) is True


def test_reprs_are_for_people():
    assert repr(Target("a.b", rest=("c",))) == "Target('a.b', NoneType, ('c',))"
    assert repr(Called(1, (2,), {"k": 3})) == "Called(1, (2,), {'k': 3})"


def test_deep_and_strange_values_are_nothing_of_celerys(tmp_path):
    known = project_at(tmp_path, {"a.py": "from celery import shared_task, group\n"})
    module = known.module(str(tmp_path / "a.py"))
    value = Ref(":group")
    for _ in range(12):
        value = Operation("|", (value, value))
    assert objects.thing_of(known, value, module) is None
    assert objects.thing_of(known, Const(1), module) is None
    deep = Ref(":shared_task")
    for _ in range(8):
        deep = Invoke(Ref("functools:partial"), (deep,), ())
    assert decorators.decorator_of(known, deep, module) is None
    assert decorators.decorator_of(known, Const(1), module) is None
    assert definitions.applied(known, Invoke(Member(Ref(":x"), "y"), (Ref(":z"),), ()), module) is None


def test_spreads_that_nest_too_deep_are_not_read(tmp_path):
    lines = ["from celery import shared_task", "D0 = {'name': 'x'}", *(f"D{n} = {{**D{n - 1}}}" for n in range(1, 9))]
    text = "\n".join([*lines, "@shared_task(**D8)", "def a(): ...", ""])
    known = project_at(tmp_path, {"a.py": text})
    module = opened(known, tmp_path, "a.py", text)
    (task,) = Facts(known, module).tasks
    assert task.explicit_name is UNKNOWN


def test_sites_know_what_is_around(tmp_path):
    tree = ast.parse("def f():\n    try:\n        g(lambda: h())\n    finally:\n        pass\n")
    found = collect(tree)
    inner = next(site for call, site in found.calls if call.func.id == "h")
    assert inner.function() is tree.body[0]
    assert inner.in_function()
    assert [site.kind for site in inner.chain()] == ["lambda", "argument", "try", "function", "module"]
    assert collect(ast.parse("f()")).calls[0][1].function() is None


def test_the_cache_of_one_project_is_not_the_others(tmp_path):
    assert cache.Cache(str(tmp_path / "a")).path != cache.Cache(str(tmp_path / "b")).path


def facts_of(folder, text, name="shop/tasks.py", files=None):
    known = project_at(folder, {name: text, **(files or {})})
    module = opened(known, folder, name, text)
    return Facts(known, module)


@pytest.mark.parametrize(
    ("base", "retries"),
    [("", False), (", base=Plain", False), (", base=Unread", True), (", base=QueueOnce", True), (", base=By", True)],
)
def test_a_base_may_retry(tmp_path, base, retries):
    text = (
        "from celery import Task, shared_task\nfrom celery_once import QueueOnce\n\n\nclass Plain(Task): ...\n\n\n"
        "class Unread(QueueOnce): ...\n\n\nclass By(Task):\n    def f(self):\n        self.retry()\n\n\n"
        f"@shared_task(name='a'{base})\ndef a(): ...\n"
    )
    (task,) = facts_of(tmp_path, text).tasks
    assert task._base_retries is retries


def test_a_base_that_can_not_be_told(tmp_path):
    (task,) = facts_of(
        tmp_path, "from celery import shared_task\n\n\n@shared_task(name='a', base=make())\ndef a(): ...\n"
    ).tasks
    assert task._base_retries is True


def test_the_name_of_an_invocation(tmp_path):
    text = (
        "from celery import current_app, shared_task\n\n\n@shared_task(name='a')\ndef a(): ...\n\n\n"
        "a.delay()\ncurrent_app.send_task(*names)\ncurrent_app.send_task('x', *more)\n"
    )
    sent = facts_of(tmp_path, text).invocations
    assert [invocation.name for invocation in sent] == [MISSING, UNKNOWN, "x"]
    assert sent[2].argument("kwargs", 2) is UNKNOWN


def test_the_tries_around_a_place():
    from flake8_celery_tasks.facts.calls import trys_around

    inner = "    def f():\n        try:\n            (lambda: g())()\n        finally:\n            pass\n"
    tree = ast.parse(f"try:\n{inner}finally:\n    pass\n")
    found = collect(tree)
    site = next(site for call, site in found.calls if getattr(call.func, "id", "") == "g")
    function = tree.body[0].body[0]
    assert [part for _, part in trys_around(site, function)] == ["body"]
    assert [part for _, part in trys_around(site, tree)] == ["body", "body"]


def test_what_is_gone_has_no_body(tmp_path):
    known = project_at(tmp_path, {"a.py": "def f(): ...\n\n\nclass C: ...\n"})
    module = known.module(str(tmp_path / "a.py"))
    assert module._body_of("f", 99).returns == ()
    assert module._attributes_of("C", 99) == ()


def test_records_are_their_fields():
    assert repr(Member(Ref("shop:task"), "s")) == "Member(attribute='s', value=Ref(path='shop:task'))"
    assert Ref("shop:task") == Ref("shop:task") != Const("shop:task")


@pytest.mark.parametrize("names", [("shop/tasks.py",), ("shop/views.py", "shop/tasks.py"), ("shop/tasks.py",) * 2])
def test_the_order_of_files_makes_no_difference(tmp_path, names):
    """A file that was read for another one, or checked before, is judged as if it were the first."""
    files = {
        "shop/tasks.py": (
            "from celery import shared_task\n\n\n@shared_task(name='a', bind=True)\ndef add(self):\n    print(1)\n\n\n"
            "alias = add\n\n\ndef later():\n    add.retry()\n\n\ngone.delay()\n"
        ),
        "shop/views.py": "from shop.tasks import alias\n\nalias.delay()\n",
    }
    write(tmp_path, files)
    session.forget()
    assert [findings(tmp_path, name) for name in names] == [[] for _ in names]


def test_routes_are_looked_up(tmp_path):
    known = project_at(tmp_path, {"a.py": "x = {'a': 1, 'a.*': 2, '[': 3, 'b': 4}\ny = {1: 1}\n"})
    module = known.module(str(tmp_path / "a.py"))
    routes, others = (known.settle(Ref(f":{name}"), module) for name in "xy")
    assert routes.matching("a") == ["a"]
    assert routes.matching("a.b") == ["a.*"]
    assert routes.matching("[") == ["["]
    assert routes.matching("a.*") == ["a.*"]
    assert not routes.has_other_keys
    assert others.has_other_keys


def test_the_index_keeps_no_trees(tmp_path, monkeypatch):
    """What goes in circles is taken apart, since the garbage collector does not look for it."""
    monkeypatch.setattr(project, "KEPT", 3)
    files = {
        f"shop/m{number}.py": (
            "from celery import shared_task\n\n\n"
            f"@shared_task(name='{number}')\ndef f(x=lambda y: y):\n    return [z for z in x]\n\n\n"
            f"class A:\n    B = f\n"
        )
        for number in range(9)
    }
    known = project_at(tmp_path, {**files, "shop/broken.py": "@task(\n"}, celery_no_cache=True)
    text = files["shop/m4.py"]
    current = opened(known, tmp_path, "shop/m4.py", text)
    lent = known.module(str(tmp_path / "shop/m8.py")).candidates
    known.is_lasting = False
    gc.collect()
    before = classes_in_memory()
    gc.disable()
    try:
        assert len(known.tasks.by_name) == 9
        assert classes_in_memory() == before
    finally:
        gc.enable()
    trees = [path for path, module in known._modules.items() if module is not None and module.tree is not None]
    assert trees == [str(tmp_path / "shop/m4.py")], "the file at hand keeps its nodes"
    assert lent.scope.bindings, "somebody may be going through them"
    assert current.tree is not None


def classes_in_memory():
    return sum(type(node) is ast.ClassDef for node in gc.get_objects())


def test_what_was_lent_may_go_when_it_has_come_again(tmp_path, monkeypatch):
    monkeypatch.setattr(project, "KEPT", 1)
    known = project_at(tmp_path, {f"m{number}.py": f"x{number} = 1\n" for number in range(4)})
    paths = [str(tmp_path / f"m{number}.py") for number in (0, 1, 0, 2, 0, 3)]
    lent = known.module(paths[0]).candidates
    seen = []
    for path, module in known.modules_of(paths):
        seen.append(module.candidates if path == paths[0] else None)
    assert [found.scope.bindings.keys() for found in (lent, seen[0])] == [{"x0"}, {"x0"}]
    assert seen[0] is lent
    assert [dict(found.scope.bindings) for found in (seen[2], seen[4])] == [{}, {}]


def test_functions_inside_a_function_are_told_from_classes(tmp_path):
    known = project_at(
        tmp_path,
        {
            "jobs.py": (
                "from functools import wraps\n\n\ndef job(function):\n"
                "    class Kept(dict):\n        name = 'x'\n\n"
                "    @wraps(function)\n    def inner(): ...\n\n    return inner\n"
            )
        },
    )
    module = known.module(str(tmp_path / "jobs.py"))
    (job,) = module.symbols("job")
    assert [name for name, _ in module.definable()] == ["job.<locals>.inner", "job.<locals>.Kept"]
    assert [found.qualname for found in decorators._inner_functions(module, job)] == ["job.<locals>.inner"]


def test_what_an_editor_holds_counts_before_it_is_saved(tmp_path):
    """The first task of a file, in a buffer, in one that is not there yet; and what is no longer in a buffer."""
    task = "from celery import shared_task\n\n@shared_task(name='{}')\ndef f(): ...\n"
    files = {"a.py": "import json\n", "b.py": task.format("b"), "c.py": "task = 1\n"}
    for name, text, names in (
        ("a.py", task.format("a"), {"a", "b"}),
        ("c.py", task.format("c"), {"b", "c"}),
        ("new.py", task.format("new"), {"b", "new"}),
        ("b.py", "task = 1\n", set()),
        ("b.py", files["b.py"], {"b"}),
    ):
        known = project_at(tmp_path, files, celery_no_cache=True)
        opened(known, tmp_path, name, text)
        assert known.tasks.by_name.keys() == names


def test_what_an_editor_holds_is_not_kept(tmp_path):
    files = {"a.py": "task = 1\n", "b.py": "task = 2\n"}
    known = project_at(tmp_path, files)
    opened(known, tmp_path, "a.py", "task = 1\nshared_task = 1\n")
    assert [Path(path).name for path in known.files_with(b"shared_task")] == ["a.py"]
    current, bits = known.stamps[str(tmp_path / "a.py")], known.cache.bits([b"shared_task"])
    assert known.cache.holds(str(tmp_path / "a.py"), current, bits[b"shared_task"]) is None


@pytest.mark.parametrize(
    ("name", "is_read"),
    [
        ("models.CharField(max_length=9)", False),
        ("_('order')", False),
        ("serializers.CharField()", False),
        ("slugify('order')", True),
        ("make('order')", True),
        ("'order'", True),
        ("(lambda: 'order')()", True),
    ],
)
def test_bases_of_a_class_with_a_field_for_its_name_are_not_read(tmp_path, name, is_read):
    """Such classes are many, they are no tasks, and their bases stand in long modules."""
    files = {
        "models.py": (
            "from django.db import models\nfrom django.utils.text import slugify\n"
            "from django.utils.translation import gettext_lazy as _\nfrom rest_framework import serializers\n\n"
            "from bases import Base, make\n\n\n"
            f"class Order(Base):\n    name = {name}\n\n    def run(self):\n        return 'task'\n"
        ),
        "bases.py": "class Base: ...\n\n\ndef make(name):\n    return name\n",
    }
    known = project_at(tmp_path, files, celery_no_cache=True)
    assert not known.tasks.by_name
    assert (str(tmp_path / "bases.py") in known._modules) is is_read

"""Operations on nodes, which become edits."""

from __future__ import annotations

import ast
import sys

import pytest

from flake8_celery_tasks.binding.binder import collect
from flake8_celery_tasks.core.errors import Unfixable
from flake8_celery_tasks.edits.changes import edits_of
from flake8_celery_tasks.edits.edit import New
from flake8_celery_tasks.edits.operations import AddParameter, RemoveImports, Replace, SetKeyword
from flake8_celery_tasks.edits.rewrite import Rewrite
from flake8_celery_tasks.workspace.source import Source
from tests.helpers import opened, project_at


def test_the_text_of_a_module(tmp_path):
    text = "import os.path\n"
    module = opened(project_at(tmp_path, {"shop/tasks.py": text}), tmp_path, "shop/tasks.py", text)
    assert module.source.text == text


def edited(text, operation):
    source = Source.of(text)
    for edit in sorted(edits_of([operation], source), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def first(text):
    return ast.parse(text).body[0]


def test_keyword_after_what_is_in_parentheses():
    text = "f((1), *(2))"
    assert edited(text, SetKeyword(first(text).value, "x", "3")) == "f((1), *(2), x=3)"


def test_parameter_of_a_generic_function():
    text = "def f[T: (int)](x: T):\n    pass\n"
    if sys.version_info >= (3, 12):
        assert edited(text, AddParameter(first(text), "self")) == "def f[T: (int)](self, x: T):\n    pass\n"


def test_parameter_before_stars():
    text = "def f(\n    *args,\n    x,\n):\n    pass\n"
    assert edited(text, AddParameter(first(text), "self")).startswith("def f(\n    self,\n    *args,\n    x,\n)")


@pytest.mark.parametrize("text", ["a  # why\n.b", "f(\n    1  # why\n)"])
def test_no_comment_is_lost(text):
    text = f"({text})"
    node = first(text).value
    args = getattr(node, "args", [])
    operation = Rewrite(node, "g", (New("1"),)) if args else Replace(node, "c")
    with pytest.raises(Unfixable):
        edits_of([operation], Source.of(text))


def test_a_comment_behind_a_parenthesis_stays():
    text = "f(  # why\n    1\n)"
    assert edited(text, Rewrite(first(text).value, "g", (New("2"),))) == "g(  # why\n    2\n)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import os\n\nimport a\n\nx = 1\n", "import os\n\nx = 1\n"),
        ("import os\n\nimport a\n\n\nx = 1\n", "import os\n\n\nx = 1\n"),
        ("import os\n\n\nimport a\n\nx = 1\n", "import os\n\n\nx = 1\n"),
        ("import os\n\nimport a\n", "import os\n"),
        ("import os\nimport a\nx = 1\n", "import os\nx = 1\n"),
        ("\nimport a\n\nx = 1\n", "\nx = 1\n"),
    ],
)
def test_blank_lines_around_an_import_that_goes(text, expected):
    tree = ast.parse(text)
    candidates = collect(tree)
    (binding,) = candidates.scope.bindings["a"]
    assert edited(text, RemoveImports((binding,))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import a\nimport b\n\n\nx = 1\n", "x = 1\n"),
        ("import os\n\nimport a\n\nimport b\n\n\nx = 1\n", "import os\n\n\nx = 1\n"),
        ("import a\nimport os\nimport b\nx = 1\n", "import os\nx = 1\n"),
        ("import a, b, c\nx = 1\n", "import c\nx = 1\n"),
        ("from m import a, b\nx = 1\n", "x = 1\n"),
        ("import a  # why\nimport b\nx = 1\n", "# why\nx = 1\n"),
    ],
)
def test_several_imports_that_go(text, expected):
    bindings = collect(ast.parse(text)).scope.bindings
    assert edited(text, RemoveImports((*bindings["b"], *bindings["a"]))) == expected


def test_a_block_keeps_one_of_its_imports():
    text = "if x:\n    import a\n    import b\n"
    bindings = collect(ast.parse(text)).scope.bindings
    with pytest.raises(Unfixable, match="the block would be empty"):
        edited(text, RemoveImports((*bindings["a"], *bindings["b"])))
    assert edited(text, RemoveImports((*bindings["a"],))) == "if x:\n    import b\n"

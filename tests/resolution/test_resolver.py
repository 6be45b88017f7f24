"""Names followed from file to file."""

from __future__ import annotations

from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import session
from tests.helpers import project_at, write


def test_aliases_that_go_round_end(tmp_path):
    write(tmp_path, {"a.py": "from b import x\n", "b.py": "from a import x\n"})
    known = session.project_of(str(tmp_path / "a.py"), Options())
    module = known.module(str(tmp_path / "a.py"))
    target = known.resolve(":x", module)
    assert target.symbol is None


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

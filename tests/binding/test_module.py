"""What one module says."""

from __future__ import annotations

from tests.helpers import project_at


def test_what_is_gone_has_no_body(tmp_path):
    known = project_at(tmp_path, {"a.py": "def f(): ...\n\n\nclass C: ...\n"})
    module = known.module(str(tmp_path / "a.py"))
    assert module._body_of("f", 99).returns == ()
    assert module._attributes_of("C", 99) == ()


def test_a_copy_of_a_dict_creates_no_task(tmp_path):
    known = project_at(tmp_path, {"a.py": "tasks = dict(others)\nbill = job(_bill)\n"})
    assert [call.func.path for call in known.module(str(tmp_path / "a.py")).made()] == ["builtins:job"]


def test_names_that_double_a_value_make_it_unknown(tmp_path):
    lines = "".join(f"    x{n + 1} = [x{n}, x{n}]\n" for n in range(40))
    text = f"def make(x0):\n{lines}    return x5\n\n\ndef double(x0):\n{lines}    return [x40, 1]\n"
    known = project_at(tmp_path, {"shop/jobs.py": text})
    module = known.module(str(tmp_path / "shop/jobs.py"))
    [few], [many] = (module.symbols(name)[0].returns for name in ("make", "double"))
    assert repr(few).count("Param") == 32
    assert repr(many).count("Param") < 3000

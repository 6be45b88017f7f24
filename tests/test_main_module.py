"""`python -m flake8_celery_tasks`: interruption, streams, imports."""

from __future__ import annotations

import atexit
import gc
import importlib.metadata
import os
import runpy
import signal
import subprocess
import sys
import threading

import pytest

from flake8_celery_tasks import __version__
from flake8_celery_tasks.command import main as command_main

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


@pytest.fixture(autouse=True)
def _signals():
    """What a program that has ended ignores is handled again."""
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def ended(monkeypatch):
    """Return what is called at the end of a program, instead of ending this process."""
    called = []

    def end(code):
        called.append("end")
        raise SystemExit(code)

    monkeypatch.setattr(atexit, "_run_exitfuncs", lambda: called.append("functions"))
    monkeypatch.setattr(os, "_exit", end)
    return called


@pytest.fixture
def run(monkeypatch, ended):
    """Return what calls the module's `run`, with some of its functions replaced, and returns how it ended."""
    module = runpy.run_module("flake8_celery_tasks.__main__", run_name="other")
    names = module["run"].__globals__
    monkeypatch.setitem(names, "program", lambda: 3)
    monkeypatch.setitem(names, "_is_watched", lambda: False)

    def running(**replaced):
        for name, value in replaced.items():
            monkeypatch.setitem(names, name, value)
        with pytest.raises(SystemExit) as done:
            names["run"]()
        assert done.value.code == 3
        return ended

    return running


def one_line(text):
    assert text.count("\n") == 1
    assert text.startswith("flake8-celery-tasks: ")
    return text.removeprefix("flake8-celery-tasks: ").rstrip("\n")


def test_interruption_of_imports(capfd, monkeypatch):
    class Interrupting:
        @property
        def main(self):
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "flake8_celery_tasks.command.main", Interrupting())
    with pytest.raises(SystemExit) as done:
        runpy.run_module("flake8_celery_tasks", run_name="__main__")
    gc.enable()
    gc.unfreeze()
    assert done.value.code == 130
    assert one_line(capfd.readouterr().err) == "interrupted"


def test_streams_that_are_missing(monkeypatch, capfd):
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    monkeypatch.setattr(
        command_main, "main", lambda: len(sys.stdin.read()) + sys.stdout.write("") + sys.stderr.write("")
    )
    main_module = runpy.run_module("flake8_celery_tasks.__main__", run_name="other")
    assert main_module["program"]() == 0
    gc.enable()
    gc.unfreeze()
    for name in ("stdin", "stdout", "stderr"):
        getattr(sys, name).close()


@pytest.mark.parametrize(("module", "absent"), [("command.main", "flake8"), ("__main__", "argparse")])
def test_few_imports_come_before_interruption_is_handled(module, absent):
    code = f"import sys, flake8_celery_tasks.{module}; sys.exit('{absent}' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_as_a_module(monkeypatch, capfd):
    monkeypatch.setattr(sys, "argv", ["x", "--version"])
    with pytest.raises(SystemExit) as done:
        runpy.run_module("flake8_celery_tasks", run_name="__main__")
    is_left_alone = not gc.isenabled()
    gc.enable()
    gc.unfreeze()
    assert is_left_alone
    assert done.value.code == 0
    assert __version__ in capfd.readouterr().out


def test_the_end_frees_no_memory(run):
    assert run() == ["functions", "end"]


def test_the_end_is_python_s_own_if_somebody_watches(run):
    assert run(_is_watched=lambda: True) == []


def test_the_end_if_output_can_t_be_written(run, monkeypatch):
    class Full:
        def flush(self):
            raise OSError

    monkeypatch.setattr(sys, "stderr", Full())
    assert run() == ["functions"]


@pytest.mark.parametrize(
    ("code", "watched"),
    [
        ("", False),
        ("sys.settrace(lambda *_: None)", True),
        ("sys.setprofile(lambda *_: None)", True),
        ("import cProfile; cProfile.Profile().enable()", True),
        ("import threading, time; threading.Thread(target=time.sleep, args=(0.2,)).start()", True),
    ],
)
def test_who_watches(code, watched):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    code = f"import sys\nfrom flake8_celery_tasks import __main__\n{code}\nprint(__main__._is_watched())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == [str(watched)]


def test_somebody_who_wants_to_look_around_may():
    call = [sys.executable, "-i", "-m", "flake8_celery_tasks", "--version"]
    done = subprocess.run(call, input="print(6 * 7)\n", capture_output=True, text=True, check=False)
    assert "42" in done.stdout.splitlines()[-1]


def test_a_module_is_imported_on_first_use(monkeypatch):
    real = importlib.metadata
    module = runpy.run_module("flake8_celery_tasks.__main__", run_name="other")
    module["_postpone_metadata"]()
    assert importlib.metadata is real, "it has been imported already"
    monkeypatch.delitem(sys.modules, "importlib.metadata")
    monkeypatch.setattr(importlib, "metadata", real)
    module["_postpone_metadata"]()
    postponed = importlib.metadata
    assert postponed is sys.modules["importlib.metadata"] is not real
    assert postponed.version("flake8")
    assert importlib.metadata is sys.modules["importlib.metadata"] is not postponed
    assert postponed.PackageNotFoundError is importlib.metadata.PackageNotFoundError


def test_a_run_looks_for_no_plugins(tmp_path):
    code = (
        "import sys; from flake8_celery_tasks import __main__; sys.argv[1:] = ['check', '-q']\n"
        "__main__.program(); sys.exit('email' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=tmp_path).returncode == 0


def test_importing_the_module_runs_nothing(capfd):
    runpy.run_module("flake8_celery_tasks.__main__", run_name="other")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("works", [True, False])
def test_a_signal_that_ends_the_run(monkeypatch, works):
    main_module = runpy.run_module("flake8_celery_tasks.__main__", run_name="other")
    told = []

    class Stream:
        def write(self, text):
            told.append(text)

        def flush(self):
            if not works:
                raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Stream())
    monkeypatch.setattr(os, "dup2", lambda *given: told.append(given[1]))
    monkeypatch.setattr(command_main, "main", lambda: signal.raise_signal(signal.SIGTERM))
    try:
        assert main_module["program"]() == 143
    finally:
        gc.enable()
        gc.unfreeze()
    assert told == ["flake8-celery-tasks: terminated\n", *([] if works else [2])]


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="terminals don't hang up here")
def test_a_signal_that_nohup_ignores():
    code = (
        "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from flake8_celery_tasks import __main__\nfrom flake8_celery_tasks.command import main\n"
        "main.main = lambda: signal.raise_signal(signal.SIGHUP) or 0\nraise SystemExit(__main__.program())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(("name", "code", "said"), [("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "terminated")])
@pytest.mark.parametrize("times", [1, 3])
def test_a_signal_in_a_callback_is_not_lost(name, code, said, times):
    """Python prints and drops what is raised there, such as while a lock of its import system is released."""
    text = (
        "import signal, time, weakref\n"
        "from flake8_celery_tasks import __main__\nfrom flake8_celery_tasks.command import main\n"
        "class Thing: ...\n"
        "def run():\n"
        f"    for _ in range({times}):\n"
        "        thing = Thing()\n"
        f"        known = weakref.ref(thing, lambda _: signal.raise_signal(signal.{name}))\n"
        "        del thing\n"
        "    time.sleep(20)\n"
        "main.main = run\nraise SystemExit(__main__.program())"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, check=False, timeout=15)
    assert (done.returncode, done.stderr) == (code, f"flake8-celery-tasks: {said}\n".encode())


def test_other_errors_in_callbacks_are_printed():
    text = (
        "import weakref\n"
        "from flake8_celery_tasks import __main__\nfrom flake8_celery_tasks.command import main\n"
        "class Thing: ...\n"
        "def run():\n"
        "    thing = Thing()\n"
        "    known = weakref.ref(thing, lambda _: 1 / 0)\n"
        "    del thing\n"
        "    return 0\n"
        "main.main = run\nraise SystemExit(__main__.program())"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, check=False, timeout=15)
    assert (done.returncode, b"ZeroDivisionError" in done.stderr) == (0, True)


@pytest.mark.parametrize("has_threads", [True, False])
def test_a_signal_is_repeated(monkeypatch, has_threads):
    main_module = runpy.run_module("flake8_celery_tasks.__main__", run_name="other")
    if not has_threads:
        monkeypatch.delattr(signal, "pthread_kill", raising=False)
    with pytest.raises(KeyboardInterrupt):
        main_module["_repeat"](signal.SIGINT, threading.get_ident())

"""What a repository, other users and signals may do to a run."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flake8_celery_tasks.command import main, pool
from flake8_celery_tasks.core import regular
from flake8_celery_tasks.core.text import plain
from flake8_celery_tasks.engine import baseline, findings_cache, session
from flake8_celery_tasks.report import tasks
from flake8_celery_tasks.workspace import cache, folders
from tests.helpers import BAD, ROOT, without_summary, write

pytestmark = pytest.mark.usefixtures("_fresh_plugin")

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="not so on Windows")


@pytest.fixture
def shop(tmp_path, monkeypatch):
    folder = tmp_path / "shop"
    folder.mkdir()
    write(folder, {f"part{n}/tasks.py": BAD.replace('"b"', f'"b{n}"') for n in range(8)})
    monkeypatch.chdir(folder)
    monkeypatch.setattr(cache, "folder", lambda: str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "RACY_NS", -(10**12))
    return folder


def checked(capfd, *arguments):
    session.forget()
    code = main.main(["check", "--select=CLY", *arguments])
    session.save()
    out, err = capfd.readouterr()
    return code, out, without_summary(err)


# What is kept.


@POSIX
def test_several_processes_keep_what_they_find(shop, capfd, monkeypatch):
    monkeypatch.setattr(pool, "LARGE", 2)
    first = checked(capfd, "-j2")
    [found] = (shop.parent / "cache").glob("*.found.json")
    kept = cache.read(str(found))["found"]
    assert len(kept) == 8
    assert not list((shop.parent / "cache").glob("*.tmp"))
    monkeypatch.setattr(findings_cache.FindingsCache, "note", lambda *_: pytest.fail("looked for again"))
    assert checked(capfd, "-j1") == first


@POSIX
def test_a_folder_that_others_can_write_is_not_trusted(shop, capfd):
    first = checked(capfd)
    place = shop.parent / "cache"
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    files = sorted(place.iterdir())
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    place.chmod(0o777)
    assert cache.read(str(files[0])) == {}
    for path in files:
        path.unlink()
    assert checked(capfd) == first
    assert not list(place.iterdir())


@pytest.mark.parametrize("wrong", [None, 1, "x", [], {}, [1], [[1, 2]], {"a": 1}, {"state": []}])
def test_content_of_a_wrong_shape_is_none(shop, capfd, wrong):
    """Each part of what is kept, with a valid digest."""
    first = checked(capfd)
    for path in sorted((shop.parent / "cache").glob("*.json")):
        data = cache.read(str(path))
        for key, value in list(data.items()):
            parts = [(data, key)]
            if isinstance(value, dict):
                parts += [(value, inner) for inner in list(value)[:1]]
            if isinstance(value, list):
                parts += [(value, at) for at in range(len(value))]
                summary = value[cache.SUMMARY] if len(value) == 5 else None
                for name in summary or ():
                    parts.append((summary, name))
                    if isinstance(summary[name], dict):
                        parts += [(summary[name], inner) for inner in list(summary[name])[:2]]
            for owner, place in parts[:20]:
                before = owner[place]
                owner[place] = wrong
                cache.write(str(path), data)
                assert checked(capfd) == first
                owner[place] = before
            break


def test_what_could_not_be_read_is_not_kept(shop, capfd, monkeypatch):
    real = regular.read

    def deny(path, *most):
        if path.endswith("part3/tasks.py"):
            raise PermissionError(path)
        return real(path, *most)

    write(shop, {"part9/views.py": "from celery import current_app\n\ncurrent_app.send_task('part3.tasks.gone')\n"})
    with monkeypatch.context() as patch:
        patch.setattr(regular, "read", deny)
        checked(capfd, "part9/views.py")
    assert not list((shop.parent / "cache").glob("*.found.json"))


def test_a_script_above_the_root_is_stamped(tmp_path):
    write(tmp_path, {"site/__init__.py": "", "site/manage.py": "'DJANGO_SETTINGS_MODULE', 'conf'", "site/conf.py": ""})
    folders.forget()
    assert folders.is_start(str(tmp_path / "site"))
    path = str(tmp_path / "site/manage.py")
    assert folders.scripts() == {path: cache.stamp(path)}


# What is written.


@POSIX
def test_planted_links_are_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    place = tmp_path / "place"
    place.mkdir(0o700)
    for name in (f"known.json.{os.getpid()}.tmp", "cache.json"):
        (place / name).symlink_to(victim)
    cache.write(str(place / "cache.json"), {})
    assert baseline.write(str(place / "known.json"), {}) == 0
    (place / "link.json").symlink_to(victim)
    with pytest.raises(OSError, match="leads out of its folder"):
        baseline.write(str(place / "link.json"), {})
    assert victim.read_text() == "precious"
    assert not (place / "cache.json").is_symlink()
    (place / "known.json").chmod(0o640)
    baseline.write(str(place / "known.json"), {})
    assert stat.S_IMODE((place / "known.json").stat().st_mode) == 0o640


@POSIX
def test_fixing_keeps_owner_and_attributes(shop, capfd, monkeypatch):
    path = shop / "part0/tasks.py"
    path.write_text(BAD.replace("def b():", "def b(self):").replace(", bind=True", ", bind=True, retrys=1"))
    asked = []
    found = path.stat()
    monkeypatch.setattr(os, "listxattr", lambda _: ["user.note"], raising=False)
    monkeypatch.setattr(os, "getxattr", lambda *_: b"kept", raising=False)
    monkeypatch.setattr(os, "setxattr", lambda _, *given: asked.append(given), raising=False)
    regular.take_over(str(path), str(shop / "part1/tasks.py"))
    assert asked == [("user.note", b"kept")]
    monkeypatch.setattr(os, "chown", lambda _, *given: asked.append(given))
    if os.geteuid() == 0:
        monkeypatch.undo()
        os.chown(path, 12345, 12345)
        regular.take_over(str(path), str(shop / "part1/tasks.py"))
        assert (shop / "part1/tasks.py").stat().st_uid == 12345
        os.chown(path, found.st_uid, found.st_gid)

    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    from flake8_celery_tasks.fixer import files

    monkeypatch.setattr(regular, "take_over", refuse)
    before = path.read_bytes()
    assert files._replace(str(path), before, b"new") == "has an owner or attributes that can't be kept, left alone"
    assert path.read_bytes() == before

    def without(_):
        raise OSError(95, "Operation not supported")

    monkeypatch.undo()
    monkeypatch.setattr(os, "listxattr", without, raising=False)
    assert files._replace(str(path), before, b"new") == ""
    assert path.read_bytes() == b"new"


# What is opened.


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such files here")
def test_special_files_are_not_opened(shop, capfd, monkeypatch):
    os.mkfifo(shop / "part1/pipe.py")
    (shop / "part1/null.py").symlink_to("/dev/zero")
    code, out, err = checked(capfd, "--select=E9", "part1/pipe.py", "part1/null.py")
    assert code == 1
    assert not err
    assert {line.split(" ", 1)[1] for line in out.splitlines()} == {"E902 OSError: not a regular file"}
    (shop / "pyproject.toml").unlink()
    os.mkfifo(shop / "pyproject.toml")
    assert checked(capfd, "part0")[0] == 1
    for path in ("part1/pipe.py", "part1/null.py"):
        with pytest.raises(OSError, match="not a regular file"):
            regular.read(str(shop / path))
    # It may become one between the question and the opening.
    answers = [False, True]
    with monkeypatch.context() as patch:
        patch.setattr(stat, "S_ISREG", lambda _: answers.pop())
        with pytest.raises(OSError, match="not a regular file"):
            regular.read(str(shop / "part1/null.py"))


def test_the_beginning_of_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abcdef")
    assert regular.read(str(tmp_path / "a"), 4) == b"abcd"
    assert regular.read(str(tmp_path / "a"), 9) == regular.read(str(tmp_path / "a")) == b"abcdef"


# What is told.


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31m\n\u202e", "a\\x1b[31m\\n\\u202e"),
        ("::error::x", "\\x3a:error::x"),
        ("  ::error::x", "  \\x3a:error::x"),
        ("x ##[group]", "x #\\x23[group]"),
        ("##vso[task.x] ##teamcity[y] ## z[0]", "#\\x23vso[task.x] #\\x23teamcity[y] ## z[0]"),
        ("caf\u00e9 \ud83d", "caf\u00e9 \\ud83d"),
    ],
)
def test_plain(text, shown):
    assert plain(text) == shown


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are text")
def test_paths_are_told_plainly(shop, capfd):
    write(shop, {"part\x1b[2J\n::error::x/tasks.py": BAD})
    out = checked(capfd)[1]
    assert "\x1b" not in out
    assert not any(line.startswith("::") for line in out.splitlines())
    assert main.main(["check", "no\x1b[2J\nsuch"]) == 2
    assert capfd.readouterr().err.count("\n") == 1


def entry(name):
    return tasks.Entry(name, "shop/tasks.py", 1, "shop", *["x"] * 7, ("shop/views.py:1",))


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "=cmd|'/c calc'!A1", " =1+1", "\uff1d1+1"])
def test_no_formulas(name):
    rows = list(csv.reader(io.StringIO(tasks.as_csv([entry(name)]))))
    assert rows[1][0] == f"'{name}"


def test_no_markup():
    table = tasks.as_markdown([entry("<img src=x>[a](http://b) `c` @d www.e.f |g &lt;")])
    assert "&lt;img src=x>\\[a\\](http\\://b) \\`c\\` \\@d www\\.e.f \\|g &amp;lt;" in table


@pytest.mark.parametrize("form", ["json", "sarif", "gitlab", "concise", "full"])
def test_no_commands_for_logs(shop, capfd, form):
    write(shop, {"part0/tasks.py": BAD + '\nb.apply_async(**{"##vso[x]": 1})\n' + 'b.apply_async(countdwon="##[y]")\n'})
    write(
        shop, {"part1/tasks.py": BAD.replace('"b"', '"##teamcity[z]"'), "part2/tasks.py": BAD.replace("b", "##[w]", 1)}
    )
    out = checked(capfd, f"--output-format={form}")[1]
    assert not re.search(r"##\w*\[", out)
    for name in ("json", "dot", "mermaid", "table", "csv", "markdown", "html"):
        main.main(["tasks", f"--format={name}"])
        listed = capfd.readouterr().out
        assert "teamcity" in listed
        assert not re.search(r"##\w*\[", listed)
        if name == "json":
            assert "##teamcity[z]" in {one["name"] for one in json.loads(listed)}
    main.main(["contract"])
    record = capfd.readouterr().out
    assert not re.search(r"##\w*\[", record)
    assert "##teamcity[z]" in json.loads(record)["tasks"]


def test_no_links_in_sarif(shop, capfd):
    text = BAD.replace('"b"', '"part0.tasks.b[x](http://y)"') + "\nb.apply_async(countdwon=1)\n"
    write(shop, {"part0/tasks.py": text, "part1/tasks.py": text})
    out = checked(capfd, "--output-format=sarif")[1]
    messages = [item["message"]["text"] for item in json.loads(out)["runs"][0]["results"]]
    assert not any(re.search(r"(?<!\\)\]\(", message) for message in messages)
    assert any(r"\[x\](" in message for message in messages)


# What ends a run, and what it is made of.


@POSIX
@pytest.mark.parametrize(
    ("name", "code", "said"),
    [("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "terminated"), ("SIGHUP", 129, "hung up")],
)
@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
def test_signals(shop, name, code, said, jobs):
    for n in range(300):
        write(shop, {f"more{n}/tasks.py": BAD.replace('"b"', f'"c{n}"') + "x = 1\n" * 200})
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(shop.parent)}
    command = [sys.executable, "-m", "flake8_celery_tasks", "check", jobs, "--celery-no-cache=true"]
    started = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(getattr(signal, name), signal.SIG_DFL),
    )  # fmt: skip
    time.sleep(1.5)
    started.send_signal(getattr(signal, name))
    _, err = started.communicate(timeout=60)  # ends when no child holds the streams
    if started.returncode != 1:  # it was quicker
        assert (started.returncode, err) == (code, f"flake8-celery-tasks: {said}\n")


@POSIX
@pytest.mark.parametrize(
    ("name", "code", "said"),
    [("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "terminated"), ("SIGHUP", 129, "hung up")],
)
def test_signals_end_the_server(tmp_path, name, code, said):
    """It waits for input that never comes."""
    pytest.importorskip("pygls")
    started = subprocess.Popen(
        [sys.executable, "-m", "flake8_celery_tasks", "server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=tmp_path,
        preexec_fn=lambda: signal.signal(getattr(signal, name), signal.SIG_DFL),  # even if the tests run under `nohup`
    )  # fmt: skip
    request = (
        b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"processId":null,"rootUri":null,"capabilities":{}}}'
    )
    started.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(request), request))
    started.stdin.flush()
    started.stdout.readline()
    started.send_signal(getattr(signal, name))
    assert started.wait(timeout=60) == code
    assert started.stderr.read().decode() == f"flake8-celery-tasks: {said}\n"
    started.stdin.close()
    started.stdout.close()
    started.stderr.close()


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="terminals don't hang up here")
def test_what_nohup_ignores_stays_ignored():
    from flake8_celery_tasks.server.lsp import main as server

    before = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGTERM)}
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        for around, handler in ((pool._uninterrupted, signal.SIG_DFL), (server._left_at_once, server._leave)):
            with around():
                assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
                assert signal.getsignal(signal.SIGTERM) == handler
            assert signal.getsignal(signal.SIGTERM) == before[signal.SIGTERM]
    finally:
        signal.signal(signal.SIGHUP, before[signal.SIGHUP])


def test_the_server_leaves_at_once(monkeypatch):
    from flake8_celery_tasks.server.lsp import main as server

    told = []
    monkeypatch.setattr(os, "write", lambda *given: told.append(given))
    monkeypatch.setattr(os, "_exit", told.append)
    server._leave(signal.SIGINT, None)
    assert told == [(2, b"flake8-celery-tasks: interrupted\n"), 130]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("check 2>/dev/full", 1, ""),
        ("2>/dev/full", 2, ""),
        ("--help >/dev/full", 2, "flake8-celery-tasks: error: can't write the output: No space left on device\n"),
        ("--help >/dev/full 2>/dev/full", 2, ""),
        ("tasks >/dev/full", 2, "flake8-celery-tasks: error: can't write the output: No space left on device\n"),
    ],
)
def test_full_devices(shop, command, code, said):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(shop.parent)}
    done = subprocess.run(
        f"{sys.executable} -m flake8_celery_tasks {command}", shell=True, capture_output=True, text=True,
        env=environment, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, without_summary(done.stderr)) == (code, said)


def test_long_values_are_told_shortly(shop, capfd):
    (shop / "pyproject.toml").write_text(f'[tool.flake8-celery-tasks]\ncelery-broker = "{"x" * 10**6}"\n')
    code, _, err = checked(capfd)
    assert code == 2
    assert len(err) < 3000
    assert "...xxx" in err
    assert "(in " in err


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_modules_of_the_working_folder_are_not_imported(shop, method):
    import multiprocessing

    if method not in multiprocessing.get_all_start_methods() or (method != "fork" and sys.version_info < (3, 11)):
        pytest.skip("not to be had")
    for name in ("struct", "threading", "argparse", "json", "signal", "multiprocessing"):
        (shop / f"{name}.py").write_text("raise SystemExit('taken from the working folder')\n")
    site = shop.parent / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("")
    script = shop.parent / "start.py"
    script.write_text(
        "import multiprocessing\nfrom flake8_celery_tasks.command import main, pool\n"
        # Processes that are spawned run this module, too.
        f"if __name__ == '__main__':\n    multiprocessing.set_start_method({method!r})\n"
        f"    pool.LARGE = 2\n    pool._context = lambda: multiprocessing.get_context({method!r})\n"
        "    raise SystemExit(main.main(['check', '--select=CLY1', '-j2', '--isolated']))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(shop.parent / "c")}
    for command in ([str(script)], ["-m", "flake8_celery_tasks", "check", "--select=CLY1", "--isolated"]):
        done = subprocess.run(
            [sys.executable, *command], capture_output=True, text=True, env=environment, check=False, timeout=120
        )
        assert done.returncode == 1
        assert "taken" not in done.stdout + done.stderr
        assert done.stdout.count("CLY101") == 8

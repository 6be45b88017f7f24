from __future__ import annotations

import errno
import os
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from flake8_celery_tasks.contract import git as asked
from flake8_celery_tasks.contract import revision
from flake8_celery_tasks.contract.git import GitError, Repository
from flake8_celery_tasks.workspace import folders
from flake8_celery_tasks.workspace.files import MAX_BYTES
from tests.contract.conftest import Git

posix = pytest.mark.skipif(sys.platform == "win32", reason="names and links of POSIX")


@pytest.fixture(autouse=True)
def _forgotten():
    folders.forget()
    yield
    folders.forget()


def files(folder: Path, name: str = "HEAD") -> dict[str, bytes | str]:
    """Return what is laid out of a revision: contents, and the targets of links."""
    with revision.laid_out(str(folder), name) as target:
        found: dict[str, bytes | str] = {}
        for inside, below, names in os.walk(target):
            for path in (Path(inside, item) for item in (*names, *below)):
                relative = str(path.relative_to(target))
                if path.is_symlink():
                    found[relative] = str(path.readlink())
                elif path.is_file():
                    found[relative] = path.read_bytes()
        assert found.pop(".git") == b""
    assert not Path(target).exists()
    return found


def refused(folder: Path, name: str = "HEAD") -> str:
    with pytest.raises(GitError) as error, revision.laid_out(str(folder), name):
        pass
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def test_what_tasks_are_read_from_is_laid_out(git):
    git.commit(
        {
            "shop/tasks.py": "a = 1\n",
            "shop/__init__.py": "",
            "setup.cfg": "[x]",
            "requirements/base.txt": "celery==5.4",
            "shop/logo.png": b"\0",
            "README.md": "",
        }
    )
    git.commit({"shop/tasks.py": "a = 2\n"})
    found = files(git.folder, "HEAD~1")
    assert found == {
        "shop/tasks.py": b"a = 1\n",
        "shop/__init__.py": b"",
        "setup.cfg": b"[x]",
        "requirements/base.txt": b"celery==5.4",
    }
    assert files(git.folder)["shop/tasks.py"] == b"a = 2\n"


@pytest.mark.parametrize("name", ["main", "v1", "HEAD", "HEAD^{tree}", ":/change", "@{0}", "{commit}"])
def test_whatever_git_takes_for_a_revision(git, name):
    commit = git.commit({"a.py": ""})
    git("tag", "-a", "v1", "-m", "one")
    assert files(git.folder, name.format(commit=commit) if "commit" in name else name) == {"a.py": b""}


def test_a_project_in_a_subfolder(git):
    git.commit({"apps/the shop/tasks.py": "1", "tasks.py": "2"})
    git("mv", "apps/the shop", "apps/renamed")
    git.commit({"apps/the shop/other.py": ""})
    assert files(git.folder / "apps" / "the shop", "HEAD~1") == {"tasks.py": b"1"}
    assert files(git.folder / "apps" / "renamed") == {"tasks.py": b"1"}


def test_a_folder_that_a_revision_has_not(git):
    git.commit({"a.py": ""})
    git.commit({"shop/tasks.py": ""})
    assert files(git.folder / "shop", "HEAD~1") == {}


def test_a_folder_that_was_a_file(git):
    git.commit({"shop": ""})
    git("rm", "-q", "shop")
    git.commit({"shop/tasks.py": ""})
    assert files(git.folder / "shop", "HEAD~1") == {}


def test_modules_are_called_the_same(git):
    git.commit({"outer/__init__.py": "", "outer/inner/__init__.py": "", "outer/inner/tasks.py": ""})
    with revision.laid_out(str(git.folder / "outer" / "inner"), "HEAD") as target:
        folders.forget()
        assert Path(target).name == "inner"
        assert Path(target).parent.name == "outer"
        assert folders.is_regular(str(Path(target).parent))
        assert not folders.is_regular(str(Path(target).parent.parent))
        assert folders.find_root(target) == target


def test_a_name_stands_for_the_root_of_the_file_system(git, monkeypatch):
    git.commit({"a.py": ""})
    made = Repository(str(git.folder))
    monkeypatch.setattr(revision, "Repository", lambda folder: made)
    with revision.laid_out(os.sep, "HEAD") as target:
        assert {path.name for path in Path(target).iterdir()} == {".git", "a.py"}


def test_nothing_is_changed_and_nothing_runs(git, tmp_path):
    """A repository whose hooks, filters, attributes and monitors would leave a mark."""
    mark = tmp_path / "mark"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\necho ran >> {mark}\ncat\n")
    script.chmod(0o755)
    git.commit({"shop/tasks.py": "a = '$Id$'\r\n", ".gitattributes": "*.py filter=x diff=x ident eol=lf text\n"})
    git.commit({"shop/tasks.py": "b = 1\n", "shop/new.py": "c = 1"})
    git.write({"shop/tasks.py": "not added = 1", "shop/untracked.py": ""})
    for key in ("filter.x.smudge", "filter.x.clean", "filter.x.process", "diff.x.textconv", "core.fsmonitor"):
        git("config", key, str(script))
    git("config", "core.pager", str(script))
    git("config", "core.hooksPath", str(tmp_path / "hooks"))
    (tmp_path / "hooks").mkdir()
    for hook in ("post-checkout", "post-index-change", "fsmonitor-watchman", "reference-transaction", "post-merge"):
        (tmp_path / "hooks" / hook).write_text(script.read_text())
        (tmp_path / "hooks" / hook).chmod(0o755)
    os.utime(git.folder / "shop" / "new.py", (1, 1))  # a refresh of the index would note it
    mark.unlink(missing_ok=True)

    before = everything(git.folder)
    assert files(git.folder, "HEAD~1")["shop/tasks.py"].startswith(b"a = '$Id$'")
    assert everything(git.folder) == before
    assert not mark.exists()


def everything(folder: Path) -> dict[str, object]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in sorted(folder.rglob("*"))
    }


def test_what_replaces_an_object_does_not_count(git):
    first = git.commit({"a.py": "1"})
    second = git.commit({"a.py": "2"})
    git("replace", first, second)
    assert git("show", f"{first}:a.py") == "2"
    assert files(git.folder, first) == {"a.py": b"1"}


@posix
def test_names_that_are_odd(git):
    names = [
        "a b.py",
        "with\nline.py",
        "größe.py",
        '"quoted".py',
        "tab\t.py",
        "-dash.py",
        "*.py",
        os.fsdecode(b"l\xf6.py"),
    ]
    git.commit(dict.fromkeys(names, "1"))
    assert set(files(git.folder)) == set(names)


def test_one_content_in_many_files(git):
    git.commit({f"{number}/__init__.py": "" for number in range(50)})
    assert len(files(git.folder)) == 50


def test_a_file_too_large_to_be_read_is_only_as_large(git):
    git.commit({"data.py": b"#" * (MAX_BYTES + 1), "small.py": "1"})
    found = files(git.folder)
    assert len(found["data.py"]) == MAX_BYTES + 1
    assert not found["data.py"].strip(b"\0")
    assert found["small.py"] == b"1"


@posix
def test_links_lead_nowhere_else(git, tmp_path):
    (tmp_path / "secret.py").write_text("")
    git.write({"shop/tasks.py": "1", "deep/er/x.py": ""})
    links = {
        "alias.py": "shop/tasks.py",
        "shop/up.py": "../alias.py",
        "folder": "shop",
        "new/link.py": "../shop/tasks.py",
        "absolute.py": str(tmp_path / "secret.py"),
        "above.py": "../secret.py",
        "shop/above.py": "../../secret.py",
        "here": ".",
        "detour.py": "here/../../secret.py",
        "up": "..",
    }
    for name, to in links.items():
        (git.folder / name).parent.mkdir(exist_ok=True)
        (git.folder / name).symlink_to(to)
    git.commit({})
    found = files(git.folder)
    kept = {name: to for name, to in found.items() if isinstance(to, str)}
    assert kept == {name: links[name] for name in ("alias.py", "shop/up.py", "folder", "new/link.py", "here")}


@posix
def test_a_tree_made_by_hand_writes_nowhere_else(git, tmp_path):
    blob = git("hash-object", "-w", "--stdin", given=b"evil")
    link = git("hash-object", "-w", "--stdin", given=os.fsencode(tmp_path))

    def tree(*entries: tuple[str, str, str]) -> str:
        content = b"".join(f"{mode} {name}".encode() + b"\0" + bytes.fromhex(item) for mode, name, item in entries)
        return git("hash-object", "-t", "tree", "--literally", "-w", "--stdin", given=content)

    long = git("hash-object", "-w", "--stdin", given=b"./" * 5000 + b"good.py")
    below = tree(("100644", "evil.py", blob))
    found = tree(
        ("100644", "good.py", blob),
        ("40000", "..", below),
        ("40000", ".git", below),
        ("120000", "x", link),
        ("120000", "y.py", long),
        ("40000", "x", below),
    )
    assert set(files(git.folder, found)) == {"good.py", "x/evil.py"}
    assert not (tmp_path / "evil.py").exists()


def test_a_pointer_of_a_large_file_is_what_is_kept(git):
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 3\n"
    git.commit({"tasks.py": pointer})
    assert files(git.folder) == {"tasks.py": pointer.encode()}


def test_a_submodule_is_read_where_it_is_there(git, tmp_path):
    other = Git(tmp_path / "other")
    other.folder.mkdir()
    other("init", "-q")
    other.commit({"jobs/tasks.py": "1"})
    git("submodule", "add", "-q", str(other.folder), "vendored/jobs lib")
    git.commit({"a.py": ""})
    inner = Git(git.folder / "vendored" / "jobs lib")
    inner.commit({"jobs/tasks.py": "2"})
    git.commit({})
    assert files(git.folder, "HEAD~1") == {
        "a.py": b"",
        "vendored/jobs lib/jobs/tasks.py": b"1",
        "vendored/jobs lib/.git": b"",
    }
    assert files(git.folder)["vendored/jobs lib/jobs/tasks.py"] == b"2"
    assert files(inner.folder, "HEAD~1") == {"jobs/tasks.py": b"1"}
    git("clone", "-q", str(git.folder), str(tmp_path / "clone"))
    assert files(tmp_path / "clone") == {"a.py": b""}


def test_a_submodule_that_lacks_its_commit_is_left_out(git, tmp_path):
    inner = Git(git.folder / "inner")
    inner.folder.mkdir()
    inner("init", "-q")
    inner.commit({"tasks.py": ""})
    git.commit({"a.py": ""})
    (inner.folder / "tasks.py").write_text("1")
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},inner")
    git("commit", "-q", "-m", "ahead")
    assert files(git.folder) == {"a.py": b""}


def test_a_bare_repository_and_its_work_tree(git, tmp_path, monkeypatch):
    git.commit({"a.py": "1"})
    bare = tmp_path / "bare.git"
    git("clone", "-q", "--bare", str(git.folder), str(bare))
    assert refused(bare).endswith("bare.git is in a bare repository or a .git folder, not in a work tree")
    assert "not in a work tree" in refused(git.folder / ".git")
    Git(bare)("worktree", "add", "-q", str(tmp_path / "tree"))
    assert files(tmp_path / "tree") == {"a.py": b"1"}

    beside = tmp_path / "beside"
    beside.mkdir()
    assert refused(beside).endswith("beside is in no git repository")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_DIR", "bare.git")
    monkeypatch.setenv("GIT_WORK_TREE", "beside")
    assert files(beside) == {"a.py": b"1"}


def test_in_a_hook(git, monkeypatch):
    """Git tells its hooks of its own repository, with paths that hold in its folder."""
    git.commit({"shop/tasks.py": "1"})
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index.lock")
    monkeypatch.setenv("GIT_PREFIX", "shop/")
    monkeypatch.chdir(git.folder)
    assert files(git.folder / "shop") == {"tasks.py": b"1"}


def test_a_repository_of_longer_hashes(tmp_path):
    git = Git(tmp_path)
    git("init", "-q", "--object-format=sha256", "project")
    git = Git(tmp_path / "project")
    commit = git.commit({"a.py": "1"})
    assert len(commit) == 64
    assert files(git.folder, commit) == {"a.py": b"1"}


@pytest.mark.parametrize("name", ["--all", "-1", "-", "", "nul\0"])
def test_what_is_no_revision(git, name):
    git.commit({"a.py": ""})
    assert refused(git.folder, name) == f"{name!r} is not a revision"


@pytest.mark.parametrize(
    "name", ["origin/main", "HEAD~1", "HEAD:a.py", "a.py", "HEAD..HEAD", "^HEAD", "no\nsuch", "0" * 40]
)
def test_a_revision_that_is_not_there(git, name):
    git.commit({"a.py": ""})
    assert refused(git.folder, name) == f"there is no revision {name!r}"


def test_a_shallow_clone(git, tmp_path):
    for number in range(3):
        git.commit({"a.py": str(number)})
    git("clone", "-q", "--depth", "1", f"file://{git.folder}", str(tmp_path / "clone"))
    assert files(tmp_path / "clone") == {"a.py": b"2"}
    assert refused(tmp_path / "clone", "HEAD~1") == (
        "there is no revision 'HEAD~1': the clone is shallow, fetch more of its history"
    )


def test_a_clone_without_contents_fetches_none(git, tmp_path):
    git.commit({"a.py": "1"})
    git("config", "uploadpack.allowFilter", "true")
    git("clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{git.folder}", str(tmp_path / "clone"))
    before = everything(tmp_path / "clone")
    assert refused(tmp_path / "clone").endswith("clone lacks contents: fetch them")
    assert everything(tmp_path / "clone") == before


def test_outside_a_repository(tmp_path):
    assert refused(tmp_path) == f"{tmp_path} is in no git repository"


def test_without_git(git, monkeypatch, tmp_path):
    git.commit({"a.py": ""})
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refused(git.folder) == "git is not installed"
    monkeypatch.setattr(asked, "_COMMAND", (str(tmp_path),))
    assert refused(git.folder) == "can't run git: Permission denied"


def test_a_repository_of_another_user(git, monkeypatch):
    git.commit({"a.py": ""})
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert "git config --global --add safe.directory" in refused(git.folder)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "safe.directory")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "*")
    assert files(git.folder) == {"a.py": b""}


def test_a_broken_repository(git, tmp_path):
    git.commit({"a.py": ""})
    (git.folder / ".git" / "config").write_text("[core\n")
    assert refused(git.folder).startswith("git: bad config line 1")


def test_a_lost_object(git):
    git.commit({"a.py": "1"})
    name = git("rev-parse", "HEAD:a.py")
    (git.folder / ".git" / "objects" / name[:2] / name[2:]).unlink()
    assert refused(git.folder) == f"the repository of {git.folder} lacks the object {name}"


def test_git_that_says_nothing(git, monkeypatch, tmp_path):
    silent = tmp_path / "git"
    silent.write_text("#!/bin/sh\nexit 1\n")
    silent.chmod(0o755)
    monkeypatch.setattr(asked, "_COMMAND", (str(silent),))
    assert refused(git.folder) == "git failed"


def test_it_stops_where_git_is_not_read_to_the_end(git):
    git.commit({f"{number}.py": str(number) * 100_000 for number in range(5)})
    repository = Repository(str(git.folder))
    names = [entry.object for entry in repository.entries(repository.tree("HEAD"))]
    contents = repository.contents(names, 10_000_000)
    next(contents)
    contents.close()  # does not hang


@posix
def test_a_name_that_the_file_system_can_not_hold_is_left_out(git):
    folder = "x" * 200
    paths = {f"{'/'.join([folder] * 3)}/a.py": "1", "b.py": "2"}
    git.commit(paths)
    assert len(files(git.folder)) == 2


def test_a_full_disk_is_told(git, monkeypatch):
    git.commit({"a.py": "1"})

    def fail(number):
        def write(*given, **named):
            raise OSError(number, os.strerror(number))

        return write

    monkeypatch.setattr(revision, "_write", fail(errno.ENOSPC))
    assert refused(git.folder) == "can't lay out HEAD: No space left on device"
    monkeypatch.setattr(revision, "_place", lambda *given: None)
    monkeypatch.setattr(revision.tempfile, "TemporaryDirectory", fail(errno.EACCES))
    assert "can't lay out HEAD" in refused(git.folder)


@posix
@pytest.mark.parametrize("number", [1, 2])
def test_an_interruption_leaves_nothing(git, monkeypatch, number):
    """It waits until the folder has been created or removed."""
    git.commit({"a.py": "1"})
    made = []

    class Interrupted(tempfile.TemporaryDirectory):
        def __init__(self, *given, **named):
            super().__init__(*given, **named)
            made.append(self.name)
            if number == 1:
                signal.raise_signal(signal.SIGINT)

        def cleanup(self):
            if number == 2:
                signal.raise_signal(signal.SIGINT)
            super().cleanup()

    monkeypatch.setattr(revision.tempfile, "TemporaryDirectory", Interrupted)
    with pytest.raises(KeyboardInterrupt), revision.laid_out(str(git.folder), "HEAD"):
        assert number == 2
    assert len(made) == 1
    assert not Path(made[0]).exists()


def test_signals_can_not_be_delayed_everywhere(git, monkeypatch):
    git.commit({"a.py": "1"})
    monkeypatch.delattr(signal, "pthread_sigmask", raising=False)
    assert files(git.folder) == {"a.py": b"1"}


def test_a_file_that_can_not_be_written_is_left_out(git, monkeypatch):
    git.commit({"a.py": "1", "b.py": "2"})
    write = revision._write

    def written(path, content=b"", size=0):
        if path.endswith("a.py"):
            raise OSError(errno.EILSEQ, "Illegal byte sequence")
        write(path, content, size)

    monkeypatch.setattr(revision, "_write", written)
    assert files(git.folder) == {"b.py": b"2"}


def test_patterns_of_paths_move_along(tmp_path):
    start, other = tmp_path / "project", tmp_path / "other"
    patterns = (str(start / "old" / "*"), "*.egg", str(tmp_path / "project two"))
    assert revision.moved(patterns, str(start), str(other)) == (str(other / "old" / "*"), *patterns[1:])

"""Measure what the plugin costs a flake8 run, next to flake8 alone and flake8 with flake8-pie.

    python benchmarks/run.py --corpus DIR                  CPU time, interleaved rounds
    python benchmarks/run.py --corpus DIR --instructions   and instruction counts
    python benchmarks/run.py --no-cpu --micro              only the small times; needs no corpus

Needs a POSIX system. Exit code: 0 every bound holds, 1 a bound is broken, 2 it could not be measured.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent
REQUIREMENTS = HERE / "requirements.txt"
TREE = HERE / "tree.txt"
SUFFIXES = (".py", ".pyi", ".cfg", ".toml", ".ini")
CELERY = re.compile(rb"celery", re.IGNORECASE)
SHARED = ("flake8", "mccabe", "pycodestyle", "pyflakes")
REPORTED = re.compile(r"^.+?:\d+:\d+: ([A-Z]+)[0-9]+ ")
COLLECTED = re.compile(r"Collected\s*:\s*(\d+)")
PER_FILE_MS = 0.1
IMPORT_MS = 10.0


class NotMeasuredError(Exception):
    """Something that stops the measurement; the text is for the reader."""


def say(text: str) -> None:
    """Tell how far it is, apart from the results."""
    print(text, file=sys.stderr, flush=True)


# --- the tree ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pin:
    """One line of tree.txt: a package of the corpus, as it is expected to be."""

    folder: str
    files: int
    digest: str


@dataclass(frozen=True)
class File:
    """A Python file of the tree."""

    package: str
    path: str
    lines: int
    celery: bool


@dataclass(frozen=True)
class Tree:
    """The pinned packages, copied to where nothing else influences a run."""

    root: Path
    files: tuple[File, ...]
    digest: str
    notes: tuple[str, ...]

    def choose(self, count: int) -> tuple[File, ...]:
        """Take `count` files at even distances, with the whole tree's share of Celery files."""
        if count >= len(self.files):
            return self.files
        celery = [file for file in self.files if file.celery]
        others = [file for file in self.files if not file.celery]
        of_celery = min(len(celery), max(1, round(count * len(celery) / len(self.files))))
        chosen = [*spread(celery, of_celery), *spread(others, count - of_celery)]
        return tuple(sorted(chosen, key=lambda file: (file.package, file.path)))


def spread(files: Sequence[File], count: int) -> list[File]:
    """Take `count` of the files at even distances."""
    return [files[number * len(files) // count] for number in range(count)]


def read_pins() -> list[Pin]:
    lines = [line.split() for line in TREE.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return [Pin(folder, int(files), digest) for folder, files, digest in lines]


def contents(package: Path) -> list[tuple[str, bytes]]:
    """Every file of a package that the corpus keeps, by its path."""
    paths = sorted(path for path in package.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    return sorted((path.relative_to(package).as_posix(), path.read_bytes()) for path in paths)


def digest_of(files: Iterable[tuple[str, bytes]]) -> str:
    total = hashlib.sha256()
    for name, data in files:
        total.update(f"{name}\0{len(data)}\0".encode())
        total.update(data)
    return total.hexdigest()[:16]


def make_tree(corpus: Path, work: Path, *, record: bool) -> Tree:
    """Compare the pinned packages with what is recorded and copy them to the work folder."""
    found: list[Pin] = []
    files: list[File] = []
    data: dict[str, list[tuple[str, bytes]]] = {}
    for pin in read_pins():
        if not (corpus / pin.folder).is_dir():
            raise NotMeasuredError(f"{corpus} has no {pin.folder}: run the corpus download first (see README.md)")
        data[pin.folder] = contents(corpus / pin.folder)
        python = [(name, text) for name, text in data[pin.folder] if name.endswith(".py")]
        files += [
            File(pin.folder, name, text.count(b"\n"), CELERY.search(text) is not None) for name, text in sorted(python)
        ]
        found.append(Pin(pin.folder, len(python), digest_of(data[pin.folder])))
    if record:
        write_pins(found)
    notes = tuple(
        f"{now.folder} is not the recorded one: {now.files} files, {now.digest} instead of {pin.files}, {pin.digest}"
        for pin, now in zip(read_pins(), found, strict=True)
        if pin != now
    )
    digest = digest_of((pin.folder, pin.digest.encode()) for pin in found)
    root = work / f"tree-{digest}"
    if not (root / ".complete").exists():
        shutil.rmtree(root, ignore_errors=True)
        for folder, entries in data.items():
            for name, text in entries:
                path = root / folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text)
        (root / ".complete").touch()
    return Tree(root, tuple(files), digest, notes)


def write_pins(pins: Iterable[Pin]) -> None:
    """Put the counts and hashes that were found into tree.txt."""
    comments = [line for line in TREE.read_text("utf-8").splitlines() if line.startswith("#")]
    lines = [f"{pin.folder} {pin.files} {pin.digest}" for pin in pins]
    TREE.write_text("\n".join([*comments, *lines, ""]), "utf-8")


def described(files: Sequence[File]) -> str:
    celery = sum(file.celery for file in files)
    lines = sum(file.lines for file in files)
    packages = Counter(file.package for file in files)
    parts = ", ".join(f"{count} of {package}" for package, count in packages.items())
    share = 100 * celery / len(files)
    return f"{len(files)} files, {lines:,} lines ({parts}); {celery} of them ({share:.1f} %) mention Celery"


# --- the environments -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Variant:
    """One of the things that are compared."""

    label: str
    requirement: str | None
    ours: bool = False
    cold: bool = False
    touched: bool = False
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Environment:
    """A variant, installed."""

    variant: Variant
    folder: Path
    versions: dict[str, str]
    home: Path

    @property
    def python(self) -> str:
        """The interpreter."""
        return str(self.folder / "bin" / "python")

    @property
    def flake8(self) -> list[str]:
        """How flake8 is called, without the folder it is called in on `sys.path`."""
        return [self.python, str(self.folder / "bin" / "flake8"), "--isolated", *self.variant.arguments]

    @property
    def variables(self) -> dict[str, str]:
        """Nothing of the user's own, and equal hashes in every run."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "LANG": "C.UTF-8",
            "PYTHONHASHSEED": "0",
        }

    def forget(self) -> None:
        """Empty what a plugin keeps between runs."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)


def run_or_stop(command: Sequence[str], **options: Any) -> str:
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command, capture_output=True, text=True, check=False, **options
    )
    if done.returncode:
        raise NotMeasuredError(f"{' '.join(command)} failed:\n{done.stderr or done.stdout}")
    return done.stdout


def sources_digest(requirement: str | None) -> str:
    """Of a checkout: what its wheel is made of. Of anything else: nothing."""
    if requirement is None or not Path(requirement).is_dir():
        return ""
    folder = Path(requirement)
    paths = [folder / "pyproject.toml", *sorted(folder.glob("flake8_celery_tasks/**/*"))]
    return digest_of(
        (path.relative_to(folder).as_posix(), path.read_bytes())
        for path in paths
        if path.is_file() and "__pycache__" not in path.parts
    )


def make_environment(variant: Variant, work: Path) -> Environment:
    """Make the variant's virtual environment, or take the one that is there."""
    pins = REQUIREMENTS.read_text("utf-8")
    key = [sys.version, sys.executable, pins, variant.requirement or "", sources_digest(variant.requirement)]
    digest = hashlib.sha256("\0".join(key).encode()).hexdigest()[:12]
    slug = re.sub(r"\W+", "-", variant.label).strip("-")
    folder = work / f"env-{'.'.join(platform.python_version_tuple()[:2])}-{slug}-{digest}"
    complete = folder / "versions.json"
    if not complete.exists():
        say(f"installing: {variant.label}")
        for older in work.glob(f"{folder.name.removesuffix(digest)}{'?' * len(digest)}"):
            shutil.rmtree(older)
        run_or_stop([sys.executable, "-m", "venv", str(folder)])
        python = str(folder / "bin" / "python")
        pip = [python, "-m", "pip", "--disable-pip-version-check"]
        wanted = ["flake8", *([variant.requirement] if variant.requirement else [])]
        constraints = {**os.environ, "PIP_CONSTRAINT": str(REQUIREMENTS)}
        run_or_stop([*pip, "install", "--quiet", *wanted], env=constraints)
        listed = json.loads(run_or_stop([*pip, "list", "--format=json"]))
        versions = {item["name"]: item["version"] for item in listed if item["name"] not in {"pip", "setuptools"}}
        complete.write_text(json.dumps(versions), "utf-8")
    environment = Environment(variant, folder, json.loads(complete.read_text("utf-8")), work / "home" / slug)
    environment.forget()
    return environment


def make_environments(variants: Sequence[Variant], work: Path) -> list[Environment]:
    environments = [make_environment(variant, work) for variant in variants]
    for name in SHARED:
        versions = {environment.versions.get(name) for environment in environments}
        if len(versions) != 1:
            raise NotMeasuredError(f"the environments differ in {name}: {versions}")
    return environments


# --- running flake8 ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """The files to check: one flake8 command per package, run in the package's own folder."""

    tree: Tree
    files: tuple[File, ...]
    jobs: int = 1

    def touched(self) -> Job:
        """Return the job in a tree of its own, where one file of each package has a new time, as after an edit."""
        root = self.tree.root.with_name(f"{self.tree.root.name}-edited")
        if not (root / ".complete").exists():
            shutil.copytree(self.tree.root, root, dirs_exist_ok=True)
        for package in {file.package for file in self.files}:
            path = next(file.path for file in self.files if file.package == package and not file.celery)
            os.utime(root / package / path)
        return replace(self, tree=replace(self.tree, root=root))

    def commands(self, flake8: Sequence[str]) -> list[tuple[list[str], Path]]:
        """Every command with the folder to run it in."""
        paths: dict[str, list[str]] = {}
        for file in self.files:
            paths.setdefault(file.package, []).append(file.path)
        return [([*flake8, "-j", str(self.jobs), *names], self.tree.root / package) for package, names in paths.items()]


def cpu_seconds(environment: Environment, job: Job) -> float:
    """User and system time of the commands and all their children."""
    seconds = 0.0
    if environment.variant.cold:
        environment.forget()
    if environment.variant.touched:
        job = job.touched()
    for command, folder in job.commands(environment.flake8):
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment.variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode not in (0, 1):
                errors.seek(0)
                stop_for(environment, folder, errors.read().decode("utf-8", "replace"))
        seconds += usage.ru_utime + usage.ru_stime
    return seconds


def stop_for(environment: Environment, folder: Path, output: str) -> NoReturn:
    raise NotMeasuredError(f"{environment.variant.label} failed in {folder.name}:\n{output[-2000:]}")


def findings(environment: Environment, job: Job) -> Counter[str]:
    """Run once with the output read: what is found, by the letters of the codes. Fills the caches, too."""
    found: Counter[str] = Counter()
    for command, folder in job.commands(environment.flake8):
        done = subprocess.run(
            command, cwd=folder, env=environment.variables, capture_output=True, text=True, check=False
        )
        if done.returncode not in (0, 1) or "Traceback" in done.stderr:
            stop_for(environment, folder, done.stderr or done.stdout)
        for line in done.stdout.splitlines():
            match = REPORTED.match(line)
            if match is None:
                stop_for(environment, folder, done.stdout[done.stdout.index(line) :])
            found[match[1]] += 1
    return found


# --- results ----------------------------------------------------------------------------------------------------------


@dataclass
class Report:
    """Markdown, and which bounds hold."""

    lines: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def add(self, *lines: str) -> None:
        """Write paragraphs or the like; each call leaves an empty line behind."""
        self.lines += [*lines, ""]

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Write a table whose columns but the first are numbers."""
        texts = [list(row) for row in (head, *rows)]
        widths = [max(len(text[column]) for text in texts) for column in range(len(head))]
        padded = [
            [text.ljust(width) if column == 0 else text.rjust(width) for column, (text, width) in enumerate(pairs)]
            for pairs in (list(zip(text, widths, strict=True)) for text in texts)
        ]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        self.add(*("| " + " | ".join(cells) + " |" for cells in [padded[0], rule, *padded[1:]]))

    def bound(self, what: str, value: float, limit: float, unit: str = "") -> None:
        """State a bound and whether it holds."""
        holds = value <= limit
        shown = str(value) if isinstance(value, int) else f"{value:.3f}"
        line = f"{what}: {shown}{unit}, bound {limit:g}{unit}: **{'holds' if holds else 'broken'}**."
        if not holds:
            self.broken.append(line)
        self.add(line)

    def text(self) -> str:
        """Return all of it."""
        return "\n".join(self.lines).rstrip() + "\n"


def processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        match = re.search(r"^model name\s*:\s*(.+)$", info.read_text("utf-8", "replace"), re.MULTILINE)
        if match:
            return match[1]
    return platform.processor() or platform.machine()


def described_machine(environments: Sequence[Environment]) -> list[str]:
    versions = {name: version for environment in environments for name, version in environment.versions.items()}
    ours = next(environment.variant for environment in environments if environment.variant.ours)
    sources = sources_digest(ours.requirement)
    load = ", ".join(f"{number:.2f}" for number in os.getloadavg())
    return [
        f"- Machine: {processor()}, {os.cpu_count()} cores, {platform.platform()}; load at the start {load}",
        f"- Versions: Python {platform.python_version()}, "
        + ", ".join(f"{name} {version}" for name, version in sorted(versions.items())),
        *([f"- Hash of the plugin's sources: {sources}"] if sources else []),
    ]


def described_tree(tree: Tree) -> list[str]:
    matches = "**not the recorded one: compare with no other figures**" if tree.notes else "as recorded in tree.txt"
    return [
        f"- Tree: {described(tree.files)}",
        f"- Hash of the tree: {tree.digest}, {matches}",
        *(f"- {note}" for note in tree.notes),
    ]


def measure_cpu(report: Report, environments: Sequence[Environment], job: Job, rounds: int, bound: float) -> None:
    """Seconds of all variants in interleaved rounds, after one that does not count."""
    times: dict[str, list[float]] = {environment.variant.label: [] for environment in environments}
    found = {}
    for environment in environments:
        say(f"warm-up: {environment.variant.label}")
        found[environment.variant.label] = findings(environment, job.touched() if environment.variant.touched else job)
    for number in range(rounds):
        first = number % len(environments)
        for environment in [*environments[first:], *environments[:first]]:
            seconds = cpu_seconds(environment, job)
            times[environment.variant.label].append(seconds)
            say(f"round {number + 1} of {rounds}: {environment.variant.label}: {seconds:.2f} s")

    report.add("### CPU time")
    report.add(
        f"Seconds of user and system time, children included, of `flake8 --isolated -j {job.jobs}` over "
        f"{described(job.files)}; {rounds} interleaved round{'s' if rounds > 1 else ''}, "
        "the order rotated, after a discarded one. "
        "Spread is (max - min) / median; the last column is the smallest and the largest ratio within one round."
    )
    plain = times[environments[0].variant.label]
    rows = []
    for label, measured in times.items():
        middle = statistics.median(measured)
        ratios = [one / other for one, other in zip(measured, plain, strict=True)]
        rows.append(
            (
                label,
                f"{middle:.2f}",
                f"{min(measured):.2f}",
                f"{100 * (max(measured) - min(measured)) / middle:.1f} %",
                f"{middle / statistics.median(plain):.3f}",
                f"{min(measured) / min(plain):.3f}",
                f"{min(ratios):.3f}-{max(ratios):.3f}",
            )
        )
    report.table(("", "median s", "min s", "spread", "ratio of medians", "ratio of minima", "ratios per round"), rows)
    report.add(
        "Findings: "
        + "; ".join(
            f"{label}: {', '.join(f'{count} {letters}' for letters, count in sorted(counts.items()))}"
            for label, counts in found.items()
        )
        + "."
    )
    for environment in environments:
        if environment.variant.ours and not environment.variant.cold and not environment.variant.touched:
            label = environment.variant.label
            report.bound(
                f"CPU time of {label}, ratio of medians",
                statistics.median(times[label]) / statistics.median(plain),
                bound,
            )


# --- instruction counts -----------------------------------------------------------------------------------------------


def instructions(environment: Environment, job: Job) -> int:
    """Instructions of the commands under callgrind, everything warm."""
    findings(environment, job)
    if environment.variant.cold:
        environment.forget()
    total = 0
    for command, folder in job.commands(environment.flake8):
        with tempfile.TemporaryDirectory() as temporary:
            log = Path(temporary) / "log"
            valgrind = [
                "valgrind",
                "--tool=callgrind",
                f"--callgrind-out-file={temporary}/out",
                f"--log-file={log}",
            ]
            done = subprocess.run(
                [*valgrind, *command],
                cwd=folder,
                env=environment.variables,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
            text = log.read_text("utf-8", "replace") if log.exists() else ""
            match = COLLECTED.search(text)
            if done.returncode not in (0, 1) or match is None:
                stop_for(environment, folder, done.stderr + text)
            total += int(match[1])
    return total


def start_job(tree: Tree) -> Job:
    """Choose the smallest Celery file of each package: little more than what comes once."""
    celery = sorted((file for file in tree.files if file.celery), key=lambda file: (file.lines, file.path))
    packages = sorted({file.package for file in celery})
    return Job(tree, tuple(next(file for file in celery if file.package == package) for package in packages))


def measure_instructions(
    report: Report, environments: Sequence[Environment], tree: Tree, count: int, bound: float
) -> None:
    """Count instructions for a sample, and for the start alone."""
    jobs = (Job(tree, tree.choose(count)), start_job(tree))
    counts: dict[str, tuple[int, int]] = {}
    for environment in environments:
        label = environment.variant.label
        say(f"callgrind: {label}, {len(jobs[0].files)} files")
        counts[label] = (instructions(environment, jobs[0]), instructions(environment, jobs[1]))
    all_plain, start_plain = counts[environments[0].variant.label]
    ratios = {label: everything / all_plain for label, (everything, _) in counts.items()}

    report.add("### Instructions")
    report.add(
        f"`valgrind --tool=callgrind`, PYTHONHASHSEED=0, `-j 1`, over {described(jobs[0].files)}. The start is a run "
        f"over {len(jobs[1].files)} very small files that mention Celery: imports, mostly. It comes once, so the ratio "
        "for more files lies between the two."
    )
    report.table(
        ("", "million", "ratio", "start, million", "ratio without the start"),
        (
            (
                label,
                f"{everything / 1e6:,.0f}",
                f"{ratios[label]:.4f}",
                f"{start / 1e6:,.0f}",
                f"{(everything - start) / (all_plain - start_plain):.4f}",
            )
            for label, (everything, start) in counts.items()
        ),
    )
    for environment in environments:
        if environment.variant.ours:
            label = environment.variant.label
            report.bound(f"Instructions of {label}, ratio", ratios[label], bound)


# --- small times ------------------------------------------------------------------------------------------------------


def measure_micro(report: Report, environment: Environment, tree: Tree | None, count: int) -> None:
    """Take the times of single steps from micro.py in the plugin's own environment."""

    def micro(*arguments: str) -> Any:
        say(f"micro: {arguments[0]}")
        command = [environment.python, str(HERE / "micro.py"), *arguments]
        # not in the checkout: its package must not be imported instead of the installed one
        return json.loads(run_or_stop(command, cwd=environment.folder, env=environment.variables))

    report.add("### Small times")
    one = micro("file")
    report.add(
        f"`Plugin(...)` and all of `run()` for {one['file']} ({one['lines']} lines, nothing of Celery): "
        f"median of {one['runs']} {one['median_ms']:.4f} ms, min {one['min_ms']:.4f} ms, "
        f"first {one['first_ms']:.2f} ms."
    )
    report.bound("A file without Celery", one["median_ms"], PER_FILE_MS, " ms")

    imports = micro("import")
    report.add(
        f"`import {imports['module']}` where flake8 is imported already: median of {len(imports['ms'])} fresh "
        f"processes {statistics.median(imports['ms']):.2f} ms, min {min(imports['ms']):.2f} ms, "
        f"max {max(imports['ms']):.2f} ms."
    )
    report.add(
        f"- Our modules: {', '.join(imports['ours'])}",
        f"- Others that were new: {', '.join(imports['others']) or 'none'}",
        f"- Ours that come when flake8 has read its options: {', '.join(imports['later']) or 'none'}",
        f"- libcst and rules among all of these: {', '.join(imports['unwanted']) or 'none'}",
    )
    report.bound("Import of the plugin", statistics.median(imports["ms"]), IMPORT_MS, " ms")
    report.bound("Modules of libcst and rules before the first file", len(imports["unwanted"]), 0)

    if tree is None:
        report.add("Parts per Celery file: skipped, no corpus given.")
        return
    celery = [file for file in tree.files if file.celery]
    chosen = spread(celery, min(count, len(celery)))
    parts = micro("parts", *(str(tree.root / file.package / file.path) for file in chosen))
    report.add(
        f"Per file, {parts['files']} files that mention Celery, {parts['passed']} of which are looked into. Each part "
        "is without the parts it calls, and the mean of the files that get there; the second time finds what the first "
        "has kept of the project."
    )
    report.table(
        ("part", "ms", "files", "second time, ms", "files"),
        (
            (name, f"{first['ms']:.4f}", str(first["files"]), f"{again['ms']:.4f}", str(again["files"]))
            for name, (first, again) in parts["parts"].items()
        ),
    )
    if parts["notes"]:
        report.add(*parts["notes"])


# --- command line -----------------------------------------------------------------------------------------------------


def at_least(smallest: int) -> Any:
    def number(text: str) -> int:
        value = int(text)
        if value < smallest:
            raise argparse.ArgumentTypeError(f"{text} is less than {smallest}")
        return value

    return number


def ratio(text: str) -> float:
    value = float(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def folder(text: str) -> Path:
    path = Path(text).resolve()
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a folder")
    return path


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    assert __doc__ is not None
    first, _, rest = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        description=first, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--corpus", type=folder, metavar="DIR", help="folder with the unpacked projects that tree.txt names")
    add("--work", type=Path, metavar="DIR", help="keep environments and tree here (default: a temporary folder)")
    add("--files", type=at_least(10), default=1000, metavar="N", help="files of the tree to check (default: 1000)")
    add("--pairs", type=at_least(1), default=5, metavar="N", help="interleaved rounds that count (default: 5)")
    add("-j", "--jobs", type=at_least(1), default=1, metavar="N", help="flake8's -j for CPU time (default: 1)")
    add("--bound", type=ratio, default=1.02, metavar="RATIO", help="what the plugin may cost (default: 1.02)")
    add("--plugin", default=str(CHECKOUT), metavar="REQ", help="what is installed as ours (default: this checkout)")
    add("--also", action="append", default=[], metavar="REQ", help="another plugin to compare with; repeatable")
    add("--control", action="store_true", help="plain flake8 a second time: its ratio is the noise")
    add("--all-rules", action="store_true", help="also ours with the rules that are off by default")
    add("--cold", action="store_true", help="also ours with empty caches before every run")
    add("--touched", action="store_true", help="also ours with a file of each project edited before every run")
    add("--no-cpu", dest="cpu", action="store_false", help="leave out CPU time")
    add("--instructions", action="store_true", help="also count instructions with valgrind (minutes)")
    add("--instruction-files", type=at_least(10), default=100, metavar="N", help="files for that (default: 100)")
    add("--micro", action="store_true", help="also time single steps: a file without Celery, the import, the parts")
    add("--record", action="store_true", help="write counts and hashes of this corpus to tree.txt")
    add("--output", type=Path, metavar="FILE", help="write the results, Markdown, to this file, too")
    options = parser.parse_args(arguments)
    if not (options.cpu or options.instructions or options.micro or options.record):
        parser.error("nothing to measure: --no-cpu without --instructions or --micro")
    if options.corpus is None and (options.cpu or options.instructions or options.record):
        parser.error("--corpus DIR is needed for this (only --no-cpu --micro does without)")
    if options.instructions and shutil.which("valgrind") is None:
        parser.error("--instructions needs valgrind")
    if options.output and not options.output.resolve().parent.is_dir():
        parser.error(f"--output: {options.output.parent} is not a folder")
    if Path(options.plugin).exists():
        options.plugin = str(Path(options.plugin).resolve())
    return options


def variants_of(options: argparse.Namespace) -> list[Variant]:
    name = "flake8-celery-tasks" if Path(options.plugin).is_dir() else options.plugin
    variants = [Variant("flake8", None), Variant(f"+ {name}", options.plugin, ours=True)]
    if options.all_rules:
        every = ("--extend-select=CLY9",)
        variants.append(Variant(f"+ {name}, all rules", options.plugin, ours=True, arguments=every))
    if options.cold:
        variants.append(Variant(f"+ {name}, caches empty", options.plugin, ours=True, cold=True))
    if options.touched:
        variants.append(Variant(f"+ {name}, a file edited", options.plugin, ours=True, touched=True))
    if options.plugin != "flake8-pie":
        variants.append(Variant("+ flake8-pie", "flake8-pie"))
    variants += [Variant(f"+ {requirement}", requirement) for requirement in options.also]
    if options.control:
        variants.append(Variant("flake8 again", None))
    return variants


def measure(options: argparse.Namespace, work: Path) -> Report:
    report = Report()
    tree = make_tree(options.corpus, work, record=options.record) if options.corpus else None
    if tree is not None and len(tree.files) < options.files:
        raise NotMeasuredError(f"the tree has only {len(tree.files)} files, --files {options.files} are too many")
    about_tree = described_tree(tree) if tree is not None else []
    for note in tree.notes if tree is not None else ():
        say(note)
    if not (options.cpu or options.instructions or options.micro):
        report.add(*about_tree)
        return report
    variants = variants_of(options)
    if not (options.cpu or options.instructions):
        variants = [variant for variant in variants if variant.ours][:1]
    environments = make_environments(variants, work)
    now = datetime.now(timezone.utc)
    report.add(f"## {now:%Y-%m-%d}, Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    report.add(*described_machine(environments), *about_tree)
    if tree is not None:
        if options.cpu:
            job = Job(tree, tree.choose(options.files), options.jobs)
            measure_cpu(report, environments, job, options.pairs, options.bound)
        if options.instructions:
            single = [one for one in environments if one.variant.label != "flake8 again"]
            measure_instructions(report, single, tree, options.instruction_files, options.bound)
    if options.micro:
        ours = next(environment for environment in environments if environment.variant.ours)
        measure_micro(report, ours, tree, options.instruction_files)
    return report


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    try:
        if options.work is None:
            with tempfile.TemporaryDirectory(prefix="flake8-benchmark-") as work:
                report = measure(options, Path(work).resolve())
        else:
            options.work.mkdir(parents=True, exist_ok=True)
            report = measure(options, options.work.resolve())
    except NotMeasuredError as error:
        say(f"not measured: {error}")
        return 2
    print(report.text(), end="")
    if options.output:
        options.output.write_text(report.text(), "utf-8")
    for line in report.broken:
        say(line)
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())

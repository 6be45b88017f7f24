"""Run the plugin over real projects and look at what it finds.

    python benchmarks/corpus.py DIR                                    table, crashes, all findings in DIR/findings.tsv
    python benchmarks/corpus.py DIR --quick                            only files that may mention Celery: much faster
    python benchmarks/corpus.py DIR --read --select CLY502 --sample 10 read ten findings of a rule, without a new run
    python benchmarks/corpus.py DIR --package pretix -- --max-complexity 9    what follows -- goes to flake8

DIR holds one folder per project; flake8 of this Python runs in each of them.
Exit code: 0 all went well, 1 flake8 failed or complained somewhere, 2 nothing could be run.
"""

from __future__ import annotations

import argparse
import csv
import difflib
import importlib.metadata
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

FORMAT = "%(path)s\t%(row)d\t%(col)d\t%(code)s\t%(text)s"
CODE = re.compile(r"[A-Z]{1,3}[0-9]{0,3}")
TEST_FOLDER = re.compile(r"tests?|testing|testutils?|test_.+|.+_tests?|e2e", re.IGNORECASE)
TEST_FILE = re.compile(r"(test_.*|tests?|.*_tests?|conftest|testcases?)\.py", re.IGNORECASE)
MAY_MENTION_CELERY = re.compile(rb"celery|task|\.delay|apply_async|crontab|on_commit", re.IGNORECASE)
VERSION = re.compile(r"-[0-9][^-]*$")


class Finding(NamedTuple):
    """One line of flake8's output, with the project's folder."""

    package: str
    path: str
    line: int
    column: int
    code: str
    text: str

    @property
    def in_tests(self) -> bool:
        """Whether the file's name or a folder of its path says that these are tests."""
        *folders, name = self.path.split("/")
        return TEST_FILE.fullmatch(name) is not None or any(TEST_FOLDER.fullmatch(part) for part in folders)


class BadOptionsError(Exception):
    """What flake8 says when it does not start."""


@dataclass(frozen=True)
class Outcome:
    """What flake8 said about one project."""

    package: str
    findings: list[Finding]
    complaint: str
    seconds: float


# --- running ----------------------------------------------------------------------------------------------------------


def python_files(folder: Path, *, quick: bool) -> list[str]:
    """List the Python files of a project, for --quick those that may mention Celery."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if path.is_file() and not (quick and MAY_MENTION_CELERY.search(path.read_bytes()) is None)
    )


@dataclass(frozen=True)
class Runner:
    """How flake8 is called."""

    options: argparse.Namespace
    cache: str

    def flake8(self, folder: Path, names: Sequence[str], jobs: int) -> subprocess.CompletedProcess[str]:
        """Run flake8 in the project's folder, as its developers would."""
        command = [sys.executable, "-m", "flake8", "--isolated", f"--select={self.options.select}", "-j", str(jobs)]
        command += ["--exit-zero", f"--format={FORMAT}", *self.options.flake8, *names]
        environment = {
            **os.environ,
            "PYTHONSAFEPATH": "1",  # the project's own modules stay out of flake8
            "PYTHONWARNINGS": "ignore::SyntaxWarning,ignore::DeprecationWarning",  # about the project's code
            "PYTHONIOENCODING": "utf-8",
            "XDG_CACHE_HOME": self.cache,  # nothing that another version of the plugin has kept
        }
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", errors="replace", check=False
        )

    def project(self, folder: Path) -> Outcome:
        """Run over one project."""
        names = python_files(folder, quick=True) if self.options.quick else ["."]
        if not names:
            return Outcome(folder.name, [], "", 0.0)
        start = time.perf_counter()
        done = self.flake8(folder, names, self.options.jobs)
        seconds = time.perf_counter() - start
        findings, strange = [], []
        for line in done.stdout.rstrip("\n").split("\n") if done.stdout else []:
            finding = parse_line(folder.name, line)
            if finding is None:
                strange.append(line)
            else:
                findings.append(finding)
        complaint = ""
        if done.returncode == 2:
            raise BadOptionsError(last_lines(done.stderr))
        if done.returncode:
            name, done = self.culprit(folder, done)
            complaint = f"at {name}: exit code {done.returncode}\n{done.stdout}{last_lines(done.stderr)}"
        elif strange or done.stderr.strip():
            complaint = "\n".join(["exit code 0, but this was written:", *strange, last_lines(done.stderr)])
        return Outcome(folder.name, sorted(findings), complaint, seconds)

    def culprit(
        self, folder: Path, done: subprocess.CompletedProcess[str]
    ) -> tuple[str, subprocess.CompletedProcess[str]]:
        """Find one file at which flake8 fails, by halving."""
        names = python_files(folder, quick=self.options.quick)
        while len(names) > 1:
            for half in (names[: len(names) // 2], names[len(names) // 2 :]):
                again = self.flake8(folder, half, jobs=1)
                if again.returncode:
                    names, done = half, again
                    break
            else:
                return "no single file", done
        return names[0] if names else ".", done


def last_lines(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-15:])


def parse_line(package: str, line: str) -> Finding | None:
    parts = line.split("\t", 4)
    if len(parts) != 5 or not (parts[1].isdecimal() and parts[2].isdecimal()):
        return None
    path, row, column, code, text = parts
    return Finding(package, path.removeprefix("./"), int(row), int(column), code, text)


def run_all(folders: Sequence[Path], options: argparse.Namespace) -> tuple[list[Finding], list[Outcome]]:
    """Run over the projects, one after the other; return the findings and what went wrong."""
    findings: list[Finding] = []
    failed: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="corpus-cache-") as cache:
        runner = Runner(options, cache)
        for number, folder in enumerate(folders, start=1):
            outcome = runner.project(folder)
            findings += outcome.findings
            if outcome.complaint:
                failed.append(outcome)
            remark = "  FAILED" if outcome.complaint else ""
            progress = f"[{number:>{len(str(len(folders)))}}/{len(folders)}] {folder.name:<34}"
            say(f"{progress} {len(outcome.findings):>5} findings {outcome.seconds:>6.1f} s{remark}")
    return findings, failed


def say(text: str) -> None:
    """Tell how far it is, apart from the results."""
    print(text, file=sys.stderr, flush=True)


# --- keeping ----------------------------------------------------------------------------------------------------------


def write_findings(path: Path, findings: Iterable[Finding]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, dialect="excel-tab", lineterminator="\n")
        writer.writerow(Finding._fields)
        writer.writerows(findings)


def read_findings(path: Path) -> list[Finding]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, dialect="excel-tab"))
    if not rows or tuple(rows[0]) != Finding._fields:
        raise ValueError(f"{path} is not a file of findings")
    return [
        Finding(package, name, int(line), int(column), code, text)
        for package, name, line, column, code, text in rows[1:]
    ]


# --- showing ----------------------------------------------------------------------------------------------------------


def short(package: str) -> str:
    return VERSION.sub("", package)


def print_table(findings: Sequence[Finding], packages: int) -> None:
    """Print how often each rule reports, in code and in tests, and where most."""
    rules: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        rules[finding.code].append(finding)
    print(f"{'rule':<8}{'findings':>9}{'outside tests':>15}{'projects':>10}   most in")
    for code, found in sorted(rules.items()):
        by_package = Counter(short(finding.package) for finding in found)
        most = ", ".join(f"{package} {count}" for package, count in by_package.most_common(3))
        outside = sum(not finding.in_tests for finding in found)
        print(f"{code:<8}{len(found):>9}{outside:>15}{len(by_package):>10}   {most}")
    outside = sum(not finding.in_tests for finding in findings)
    with_findings = len({finding.package for finding in findings})
    print(f"{'all':<8}{len(findings):>9}{outside:>15}{with_findings:>10}   of {packages} projects")


def print_failures(failed: Sequence[Outcome]) -> None:
    for outcome in failed:
        print(f"\nFAILED: {outcome.package}")
        print("\n".join(f"    {line}" for line in outcome.complaint.splitlines()))


def print_finding(corpus: Path, finding: Finding, context: int, heading: str) -> None:
    """Print a finding in its source, the line marked and the column pointed at."""
    path = corpus / finding.package / finding.path
    print(f"\n{heading}{finding.code} {finding.text}\n{path}:{finding.line}:{finding.column}")
    try:
        lines = path.read_text("utf-8", "replace").split("\n")
    except OSError as error:
        print(f"    (no source: {error})")
        return
    first = max(1, finding.line - context)
    last = min(len(lines), finding.line + context)
    width = len(str(last))
    for number in range(first, last + 1):
        text = lines[number - 1]
        mark = ">" if number == finding.line else " "
        print(f"{mark} {number:>{width}} | {text}".rstrip())
        if number == finding.line:
            before = "".join("\t" if character == "\t" else " " for character in text[: finding.column - 1])
            print(f"  {'':>{width}} | {before}^")


def print_samples(findings: Sequence[Finding], options: argparse.Namespace) -> None:
    """Print some findings of each rule, the same ones for the same seed."""
    rules: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        rules[finding.code].append(finding)
    for code, found in sorted(rules.items()):
        chosen = random.Random(f"{options.seed} {code}").sample(found, min(options.sample, len(found)))
        print(f"\n{f' {code}: {len(chosen)} of {len(found)}, seed {options.seed} ':=^100}")
        for number, finding in enumerate(sorted(chosen), start=1):
            print_finding(options.corpus, finding, options.context, f"({number}/{len(chosen)}) ")


def print_changes(old: Sequence[Finding], new: Sequence[Finding], options: argparse.Namespace) -> None:
    """Print what came and what went since an earlier run."""
    came, went = Counter(new), Counter(old)
    came, went = came - went, went - came
    print(f"\nSince {options.compare}: {came.total()} new, {went.total()} gone")
    for mark, changes in (("+", came), ("-", went)):
        for finding in sorted(changes.elements()):
            place = f"{finding.package}/{finding.path}:{finding.line}:{finding.column}"
            print(f"{mark} {finding.code} {place} {finding.text}")


# --- command line -----------------------------------------------------------------------------------------------------


def folder(text: str) -> Path:
    path = Path(text).resolve()
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a folder")
    return path


def codes(text: str) -> str:
    wanted = [code for code in text.split(",") if code]
    if not wanted or not all(CODE.fullmatch(code) for code in wanted):
        raise argparse.ArgumentTypeError(f"{text} is not a list of codes such as CLY,CLY101")
    return ",".join(wanted)


def at_least(smallest: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if value < smallest:
            raise argparse.ArgumentTypeError(f"{text} is less than {smallest}")
        return value

    return number


def parser_with_options() -> argparse.ArgumentParser:
    assert __doc__ is not None
    first, _, rest = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        description=first,
        epilog=rest,
        usage="%(prog)s DIR [options] [-- flake8's options]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add: Any = parser.add_argument
    add("corpus", type=folder, metavar="DIR", help="folder with one folder per project")
    add(
        "--package", nargs="+", action="extend", metavar="NAME", help="only these projects; the version may be left out"
    )
    add("--select", type=codes, default="CLY", metavar="CODES", help="codes or beginnings of codes (default: CLY)")
    add("--quick", action="store_true", help="leave out files that mention nothing like Celery")
    add("-j", "--jobs", type=at_least(1), default=2, metavar="N", help="flake8's -j (default: 2)")
    add("--tsv", type=Path, metavar="FILE", help="where the findings are written (default: DIR/findings.tsv)")
    add("--read", action="store_true", help="take the findings from that file; do not run flake8")
    add("--compare", type=Path, metavar="FILE", help="show what is new and gone since the findings in this file")
    add("--outside-tests", action="store_true", help="leave out findings in tests")
    add("--sample", type=at_least(1), metavar="N", help="show N findings of each rule in their source")
    add("--seed", type=int, default=0, metavar="S", help="choose other ones for --sample (default: 0)")
    add("--context", type=at_least(0), default=6, metavar="N", help="lines before and after each (default: 6)")
    return parser


def projects(corpus: Path, names: Sequence[str] | None) -> list[Path]:
    """Find the folders that were asked for; a wrong name is a ValueError."""
    folders = sorted(
        path for path in corpus.iterdir() if path.is_dir() and path.name[0] != "." and path.suffix != ".part"
    )
    if not folders:
        raise ValueError(f"{corpus} has no folders")
    if names is None:
        return folders
    chosen = []
    for name in names:
        matches = [path for path in folders if name in (path.name, short(path.name))]
        if not matches:
            near = difflib.get_close_matches(name, [short(path.name) for path in folders], n=3, cutoff=0.4)
            raise ValueError(f"no project {name} in {corpus}; near: {', '.join(near) or 'none'}")
        chosen += matches
    return sorted(set(chosen))


def has_codes(select: str) -> bool:
    """Whether some installed plugin has the codes that are asked for."""
    known = [point.name for point in importlib.metadata.entry_points(group="flake8.extension")]
    return all(any(code.startswith(name) or name.startswith(code) for name in known) for code in select.split(","))


def main(arguments: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = parser_with_options()
    split = given.index("--") if "--" in given else len(given)
    options = parser.parse_args(given[:split])
    options.flake8 = given[split + 1 :]
    tsv = options.tsv or options.corpus / "findings.tsv"
    try:
        folders = projects(options.corpus, options.package)
        old = read_findings(options.compare) if options.compare else []
        kept = read_findings(tsv) if options.read else []
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if not options.read and not has_codes(options.select):
        parser.error(
            f"no plugin for {options.select} in {sys.executable}: install this checkout there (pip install -e .)"
        )

    failed: list[Outcome] = []
    if not options.read:
        try:
            kept, failed = run_all(folders, options)
        except BadOptionsError as error:
            parser.error(f"flake8 does not start: {error}")
        write_findings(tsv, kept)
        say(f"findings: {tsv}")
    names = {path.name for path in folders}
    prefixes = tuple(options.select.split(","))

    def wanted(finding: Finding) -> bool:
        in_scope = finding.package in names and finding.code.startswith(prefixes)
        return in_scope and not (options.outside_tests and finding.in_tests)

    findings = [finding for finding in kept if wanted(finding)]
    print_table(findings, len(folders))
    if options.sample:
        print_samples(findings, options)
    if options.compare:
        print_changes([finding for finding in old if wanted(finding)], findings, options)
    print_failures(failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""The options of this package's subcommands. It imports nothing else, since every start of the command loads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.flake8_host import configuration

if TYPE_CHECKING:
    from argparse import ArgumentParser


#: The formats of `tasks`.
FORMATS: Final = ("table", "markdown", "json", "csv", "html", "mermaid", "dot")

#: The columns of `tasks`: the fields of `Entry`.
COLUMNS: Final = (
    *("name", "path", "line", "app", "runs", "retries", "result", "status", "start", "time_limit", "queue"),
    "sent_from",
)


def add_to_tasks(parser: ArgumentParser) -> None:
    """Give a parser the options of `tasks`."""
    parser.add_argument("path", nargs="?", default=".", metavar="PATH", help="a folder or file (default: .)")
    parser.add_argument(
        *("--output-format", "--format"), choices=FORMATS, default="table", dest="form", help="default: table"
    )
    parser.add_argument("--output-file", metavar="FILE", help="write to FILE instead of standard output")
    parser.add_argument("-q", "--quiet", action="count", default=0, help="do not print the number of tasks")
    chosen = parser.add_argument_group("which tasks and columns")
    chosen.add_argument("--app", action="append", default=[], help="only tasks of an app or pattern; repeatable")
    chosen.add_argument(
        "--queue",
        action="append",
        default=[],
        help="only tasks of a queue or pattern; repeatable; --queue= means those that name no queue",
    )
    chosen.add_argument(
        "--unanswered",
        action="store_true",
        help="only tasks with a question that nothing decides, or whose answer is unknown",
    )
    chosen.add_argument("--sort", metavar="COLUMN", help="sort by a column; --sort=-COLUMN reverses the order")
    chosen.add_argument("--columns", metavar="NAMES", help=f"columns, separated by commas: {', '.join(COLUMNS)}")
    configuration.add_arguments(parser, ("color", "exclude", "extend-exclude"))


def add_to_config(parser: ArgumentParser) -> None:
    """Give a parser the options of `config`."""
    parser.add_argument("path", nargs="?", default=".", metavar="FILE", help="a file or folder (default: .)")
    parser.add_argument(
        *("--output-format", "--format"), choices=("text", "json"), default="text", dest="form", help="default: text"
    )
    parser.add_argument("--output-file", metavar="FILE", help="write to FILE instead of standard output")
    configuration.add_arguments(parser, configuration.FIXING)

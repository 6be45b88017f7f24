"""SARIF 2.1.0, with the rules' pages as their help, and with fixes if they were requested."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from flake8_celery_tasks import __version__, report
from flake8_celery_tasks.core.text import json_of
from flake8_celery_tasks.core.violation import UNUSED
from flake8_celery_tasks.engine import findings, loader
from flake8_celery_tasks.flake8_host.ranges import places
from flake8_celery_tasks.pages import explain
from flake8_celery_tasks.rules.rule import name_of

if TYPE_CHECKING:
    from argparse import Namespace

    from flake8_celery_tasks.edits.edit import Remedy, Replacement
    from flake8_celery_tasks.engine.findings import Finding, Outcome
    from flake8_celery_tasks.flake8_host.ranges import Place
    from flake8_celery_tasks.rules.rule import Rule

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"

_BASE: Final = "PROJECTROOT"

#: Descriptions for files that can't be read or parsed, or that the linter fails on.
_BROKEN: Final = {
    "CLY000": "The linter itself fails in the file.",
    "E902": "The file can't be read.",
    "E999": "The file can't be parsed.",
}

#: Descriptions of codes that are not those of rules about tasks.
_OTHERS: Final = {UNUSED: "A noqa comment silences nothing."}

#: GitHub's severity for each SARIF level: an opt-in rule is a recommendation.
_SEVERITIES: Final = {"note": "recommendation", "warning": "warning", "error": "error"}

_SAFE: Final = "Safe fix, as `flake8-celery-tasks fix` makes it."
_UNSAFE: Final = "Unsafe fix, as `flake8-celery-tasks fix --unsafe` makes it: it changes what happens."


def render(outcome: Outcome, options: Namespace) -> str:
    """Return a log with one run. Paths are relative to the repository."""
    root = report.repository()
    known = places(outcome.findings, options)
    codes = {finding.code for finding in outcome.findings}
    rules = [_rule(rule) for rule in loader.rules()]
    rules += [
        {
            "id": code,
            "shortDescription": {"text": text},
            "fullDescription": {"text": text},
            "defaultConfiguration": {"level": _level(code)},
            "properties": {"problem.severity": _SEVERITIES[_level(code)], "precision": "very-high"},
        }
        for code, text in {**_BROKEN, **_OTHERS}.items()
        if code in codes
    ]
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "flake8-celery-tasks",
                        "informationUri": explain.HOME,
                        "version": __version__,
                        "semanticVersion": __version__,
                        "rules": rules,
                    }
                },
                "columnKind": "unicodeCodePoints",
                "newlineSequences": ["\r\n", "\n", "\r"],
                "originalUriBaseIds": {
                    _BASE: {
                        "uri": f"{Path(root).as_uri().rstrip('/')}/",
                        "description": {"text": "The root of the repository."},
                    }
                },
                "results": [
                    _result(finding, index, root, known.get(finding), outcome.remedies.get(finding))
                    for finding in outcome.findings
                ],
            }
        ],
    }
    return json_of(log) + "\n"


def _rule(rule: Rule[Any]) -> dict[str, object]:
    page = explain.page(rule)
    return {
        "id": rule.code,
        "name": type(rule).__name__,
        "shortDescription": {"text": explain.summary(rule)},
        "fullDescription": {"text": explain.description(rule)},
        "help": {"text": page, "markdown": page},
        "helpUri": explain.address(rule),
        "defaultConfiguration": {
            "level": _level(rule.code),
            "enabled": not rule.opt_in,
        },
        "properties": {
            "tags": ["celery", explain.TOPICS[rule.code[3]]],
            "kebabName": name_of(type(rule)),
            "problem.severity": _SEVERITIES[_level(rule.code)],
            "precision": "very-high",
        },
    }


def _level(code: str) -> str:
    return report.level(code, "note", "warning", "error")


def _result(
    finding: Finding, index: dict[Any, int], root: str, place: Place | None, remedy: Remedy | None
) -> dict[str, object]:
    region = {"startLine": max(finding.line, 1), "startColumn": max(finding.column, 1)}
    if place is not None:
        region["endLine"], region["endColumn"] = place.source.place(max(place.end, place.start))
    location: dict[str, object] = {
        "physicalLocation": {
            "artifactLocation": _artifact(finding.path, root),
            "region": region,
        }
    }
    if finding.scope:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.scope}]
    result = {
        "ruleId": finding.code,
        "ruleIndex": index[finding.code],
        "level": _level(finding.code),
        "message": {"text": _message(finding.text)},
        "locations": [location],
        "partialFingerprints": {"celeryTasks/v1": findings.fingerprint(finding)},
    }
    return {**result, "fixes": [_fix(finding, remedy, root)]} if remedy else result


def _message(text: str) -> str:
    """Return a message in which no link is embedded: `[text](address)`."""
    if "](" not in text:
        return text
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def _fix(finding: Finding, remedy: Remedy, root: str) -> dict[str, object]:
    replacements = [_replaced(one) for one in remedy.replacements]
    return {
        "description": {"text": _SAFE if remedy.safe else _UNSAFE},
        "artifactChanges": [{"artifactLocation": _artifact(finding.path, root), "replacements": replacements}],
        "properties": {"safe": remedy.safe},
    }


def _replaced(one: Replacement) -> dict[str, object]:
    region = {
        "startLine": one.line,
        "startColumn": one.column,
        "endLine": one.end_line,
        "endColumn": one.end_column,
    }
    return {"deletedRegion": region, "insertedContent": {"text": one.text}}


def _artifact(path: str, root: str) -> dict[str, str]:
    path = report.from_repository(path, root)
    if os.path.isabs(path):
        return {"uri": Path(path).as_uri()}
    return {"uri": quote(path, errors="surrogateescape"), "uriBaseId": _BASE}

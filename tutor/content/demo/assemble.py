"""The demo course, merged from its files into one bundle.

The files are written to be read and edited by a teacher: `fractions/course.json` holds the course,
its skills and their prerequisites; each file of `fractions/lessons/` holds one lesson and the
problems that practise it. docs/authoring.md explains them.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "fractions"
FORMAT = "stepwise-bundle"
FORMAT_VERSION = 1


class DemoFileError(Exception):
    """A file of the demo course cannot be used. The message names the file."""

    code = "demo-file"


def demo_bundle(folder: Path = FOLDER) -> dict[str, Any]:
    """Merge the files of a course folder into one bundle, lessons in the order of their numbers.

    Raises: DemoFileError, naming the file and what was expected.
    """
    course = _document(folder / "course.json", expected={"course", "skills", "prerequisites"})
    lessons = [
        _document(path, expected={"lesson", "problems"})
        for path in sorted((folder / "lessons").glob("*.json"))
    ]
    if not lessons:
        raise DemoFileError(f"{folder / 'lessons'} has no .json file, expected one a lesson")
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        **course,
        "lessons": [document["lesson"] for document in lessons],
        "problems": [problem for document in lessons for problem in document["problems"]],
    }


def _document(path: Path, *, expected: set[str]) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DemoFileError(f"{path} does not exist") from None
    except ValueError as error:
        raise DemoFileError(f"{path} is not JSON: {error}") from None
    if not isinstance(document, dict) or set(document) != expected:
        found = sorted(document) if isinstance(document, dict) else type(document).__name__
        raise DemoFileError(f"{path} has {found}, expected exactly the keys {sorted(expected)}")
    return document

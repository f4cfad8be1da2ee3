"""The demo course, merged from its files into one bundle.

The files are written to be read and edited by a teacher: `fractions/course.json` holds the course,
its first skills and their prerequisites; each file of `fractions/parts/` holds the skills and
prerequisites of one further part; each file of `fractions/lessons/` holds one lesson and the
problems that practise it. docs/authoring.md explains them.
"""

import json
from collections.abc import Callable
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

    Skills stand in the order of the lessons that teach them, so that pages and exports do not
    depend on how the part files are called.

    Raises: DemoFileError, naming the file and what was expected.
    """
    head = _document(folder / "course.json", expected={"course", "skills", "prerequisites"})
    parts = [
        _document(path, expected={"skills", "prerequisites"})
        for path in sorted((folder / "parts").glob("*.json"))
    ]
    lessons = [
        _document(path, expected={"lesson", "problems"})
        for path in sorted((folder / "lessons").glob("*.json"))
    ]
    if not lessons:
        raise DemoFileError(f"{folder / 'lessons'} has no .json file, expected one a lesson")
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "course": head["course"],
        "skills": sorted(
            (skill for part in (head, *parts) for skill in part["skills"]), key=_taught_at(lessons)
        ),
        "prerequisites": [edge for part in (head, *parts) for edge in part["prerequisites"]],
        "lessons": [document["lesson"] for document in lessons],
        "problems": [problem for document in lessons for problem in document["problems"]],
    }


def _taught_at(lessons: list[dict[str, Any]]) -> Callable[[dict[str, Any]], int]:
    places: dict[str, int] = {}
    for place, document in enumerate(lessons):
        for skill in document["lesson"].get("skills", ()):
            places.setdefault(skill, place)
    # A skill without a lesson is for the import to judge; here it only needs a place.
    return lambda skill: places.get(skill["id"], len(lessons))


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

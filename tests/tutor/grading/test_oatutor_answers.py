"""The answers of a real course can be read, and are right for themselves."""

import json
import zipfile
from pathlib import Path

import pytest

from tutor.grading.answers import answer_check, answer_validate
from tutor.grading.symbolic import SymbolicHelper

ARCHIVE = "content/oatutor-elementary-algebra-ch1-2.zip"


@pytest.fixture(scope="module")
def typed_answers(data_dir: Path) -> list[str]:
    path = data_dir / ARCHIVE
    if not path.is_file():
        pytest.skip(f"no course at {path}")
    found = []
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if "/steps/" in name and "/tutoring/" not in name and name.endswith(".json"):
                step = json.loads(archive.read(name))
                if step["problemType"] == "TextBox":
                    found.append(step["stepAnswer"][0])
    return found


def kind_of(value: str) -> dict[str, object] | None:
    """The first kind that takes the answer."""
    candidates: list[dict[str, object]] = [
        {"kind": "number", "value": value},
        {"kind": "number", "value": value.lstrip("$"), "units": ["$", ""]},
        {"kind": "expression", "value": value},
    ]
    return next((answer for answer in candidates if not answer_validate(answer)), None)


def test_every_typed_answer_has_a_kind_and_is_right_for_itself(
    typed_answers: list[str], symbolic: SymbolicHelper
) -> None:
    assert len(typed_answers) == 567
    for value in typed_answers:
        answer = kind_of(value)
        assert answer is not None, value
        plain = value.replace("$", "")
        assert answer_check(answer, plain, symbolic=symbolic).is_correct, value

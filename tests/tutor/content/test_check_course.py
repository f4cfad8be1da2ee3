"""`manage.py check_course`: by id, file or folder; findings listed, exit 1."""

import copy
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.tutor.content.bundle_case import bundle_make, put
from tutor.common.clock import now_utc
from tutor.content.importing import course_import

pytestmark = pytest.mark.django_db


def run(course: str | Path, **options: Any) -> str:
    out = StringIO()
    call_command("check_course", str(course), stdout=out, **options)
    return out.getvalue()


def refused(course: str | Path, **options: Any) -> tuple[str, CommandError]:
    out = StringIO()
    with pytest.raises(CommandError) as error:
        call_command("check_course", str(course), stdout=out, **options)
    return out.getvalue(), error.value


@pytest.fixture
def fair() -> dict[str, Any]:
    """A small bundle with nothing to say against it."""
    bundle: dict[str, Any] = bundle_make()
    return bundle


def written(tmp_path: Path, document: object) -> Path:
    file = tmp_path / "course.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


def test_a_fair_course_is_said_to_be_one(tmp_path: Path, fair: dict[str, Any]) -> None:
    said = run(written(tmp_path, fair), seeds=5)
    assert "3 problems with" in said
    assert "5 seeds each: nothing to say against them." in said


def test_a_file_is_checked_without_a_database(
    tmp_path: Path, fair: dict[str, Any], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        run(written(tmp_path, fair), seeds=2)


def test_findings_are_listed_with_pointer_and_seed_and_it_exits_with_1(
    tmp_path: Path, fair: dict[str, Any]
) -> None:
    put(fair, "/problems/0/steps/0/feedback/0/answer", "@{total}")
    said, error = refused(written(tmp_path, fair), seeds=5)
    assert "feedback: /problems/0/steps/0/feedback/0 (p-add-a, seed 0)" in said
    assert str(error) == "1 finding."
    assert error.returncode == 1


def test_what_the_import_refuses_is_told_and_not_looked_into(
    tmp_path: Path, fair: dict[str, Any]
) -> None:
    put(fair, "/problems/0/lesson", "gone")
    put(fair, "/problems/0/steps/0/feedback/0/answer", "@{total}")
    said, error = refused(written(tmp_path, fair), seeds=5)
    assert "error: /problems/0/lesson: There is no lesson 'gone'." in said
    assert "(p-add-a" not in said
    assert str(error) == "1 finding."


def test_a_course_of_the_site_is_named_by_its_id(fair: dict[str, Any]) -> None:
    course_import(fair, by=None, now=now_utc(), is_dry_run=False)
    assert "nothing to say" in run("adding", seeds=5)


def test_a_folder_of_course_files_is_merged_and_checked(
    tmp_path: Path, fair: dict[str, Any]
) -> None:
    head = {key: copy.deepcopy(fair[key]) for key in ("course", "skills", "prerequisites")}
    (tmp_path / "course.json").write_text(json.dumps(head), encoding="utf-8")
    (tmp_path / "lessons").mkdir()
    problem = fair["problems"][0]
    lesson = {"lesson": fair["lessons"][0], "problems": [problem]}
    (tmp_path / "lessons" / "010-x.json").write_text(json.dumps(lesson), encoding="utf-8")
    said, error = refused(tmp_path, seeds=5)
    assert "The skill 'times' has no step" in said
    assert "finding" in str(error)


def test_a_folder_that_cannot_be_merged_is_told(tmp_path: Path) -> None:
    (tmp_path / "course.json").write_text("{}", encoding="utf-8")
    _, error = refused(tmp_path)
    assert "course.json has []" in str(error)


def test_an_unknown_name_is_told_with_the_ids_that_are_there(fair: dict[str, Any]) -> None:
    course_import(fair, by=None, now=now_utc(), is_dry_run=False)
    _, error = refused("nothing-of-this-name")
    assert "neither a file nor the id of a course; there are: adding." in str(error)


def test_a_graph_is_no_course(tmp_path: Path) -> None:
    _, error = refused(written(tmp_path, {"nodes": [], "edges": []}))
    assert "is a graph, expected a course" in str(error)


def test_a_file_that_is_no_content_is_told(tmp_path: Path) -> None:
    _, error = refused(written(tmp_path, {"something": "else"}))
    assert "neither a bundle" in str(error)


def test_seeds_must_be_a_number_of_variants(tmp_path: Path, fair: dict[str, Any]) -> None:
    _, error = refused(written(tmp_path, fair), seeds=0)
    assert str(error) == "--seeds is 0, expected 1 or more."

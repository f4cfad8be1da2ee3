"""Real files of other systems, where the environment has them: taken or listed, and at rest."""

import io
import re
import zipfile

import pytest

from tests.tutor.content.bundle_case import put
from tutor.content.errors import ContentUnreadableError, ImportRefusedError
from tutor.content.exporting import ExportForm, bundle_write, course_export
from tutor.content.formats import content_import, content_read
from tutor.content.graphs import graph_import
from tutor.content.importing import course_import, course_roll_back
from tutor.content.models import Course, ImportFormat, Problem

pytestmark = pytest.mark.django_db

_ITEM_LEFT_OUT = re.compile(r": the (?:bank's )?question.* was left out: ", re.DOTALL)
# file -> (problems, steps, items of the file that are listed as left out)
TAKEN = {
    "aiken/aiken_errors.txt": (2, 2, 3),
    "aiken/questions.aiken.txt": (2, 2, 0),
    "common-cartridge/all-question-types.imscc": (7, 8, 3),
    "common-cartridge/course-1.imscc": (1, 1, 1),
    "gift/gift-grammar-peg/giftFormatPhpExamples.gift": (10, 10, 0),
    "gift/gift-grammar-peg/mc5.gift": (4, 4, 0),
    "gift/gift-grammar-peg/multiLineFeedback1.gift": (2, 2, 0),
    "gift/gift-grammar-peg/numerical1.gift": (8, 8, 2),
    "gift/gift-grammar-peg/options1.gift": (13, 13, 1),
    "gift/gift-grammar-peg/totara_moodle_match.gift": (1, 1, 0),
    "gift/moodle/examples.txt": (32, 32, 15),
    "gift/moodle/questions.gift.txt": (6, 6, 3),
    "qti12-canvas/edge_cases_1.2.xml": (4, 5, 0),
    "qti12-canvas/minimal_qti_1.2_sample.zip": (1, 1, 0),
    "qti12-canvas/test_qti_1.2_canvas.zip": (3, 3, 1),
}
# Their questions are essays, descriptions or categories, or QTI 3.
REFUSED = {
    "gift/gift-grammar-peg/category1.gift": "holds no question",
    "gift/gift-grammar-peg/essay1.gift": "an essay",
    "gift/gift-grammar-peg/escapeColon.gift": "each right by themselves",
    "gift/gift-grammar-peg/markdown.gift": "asks nothing",
    "qti3/no-response-processing.zip": "QTI 3",
    "qti3/valid-package.zip": "QTI 3",
}


@pytest.fixture(scope="session")
def interchange(data_dir):
    folder = data_dir / "content" / "interchange"
    if not folder.is_dir():
        pytest.skip(f"no interchange files in {folder.parent}")
    return folder


@pytest.fixture
def taken(now):
    def run(content):
        return content_import(content, course=None, by=None, now=now, is_dry_run=False)

    return run


def items_in(file, kind):
    """How many items a file holds, counted without our readers."""
    if kind == ImportFormat.QTI:
        texts = [file.read_bytes()]
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                names = [n for n in archive.namelist() if "manifest" not in n]
                full = [n for n in names if n.endswith(".qti")]
                texts = [archive.read(n) for n in full or names if n.endswith((".xml", ".qti"))]
        return sum(len(re.findall(rb"<item ", text)) for text in texts)
    lines = file.read_text().splitlines()
    if kind == ImportFormat.AIKEN:
        return sum(line.startswith("ANSWER:") for line in lines) + ("aiken_errors" in file.name)
    bare = "\n".join(line for line in lines if not line.lstrip().startswith("//"))
    return len([part for part in re.split(r"\n\s*\n", bare) if part.strip()])


@pytest.mark.parametrize("name", TAKEN)
def test_a_real_file_is_taken_or_listed_and_every_way_round_changes_nothing(
    interchange, taken, name
):
    file = interchange / name
    content = content_read(file, name=file.name)
    course = taken(content).course
    steps = [step for p in course_export(course)["problems"] for step in p["steps"]]
    listed = [note for note in content.notes if _ITEM_LEFT_OUT.search(note)]
    assert (course.problems.count(), len(steps), len(listed)) == TAKEN[name]
    assert course.problems.count() + len(listed) == items_in(file, content.format)
    assert taken(content_read(file, name=file.name)).is_no_op
    for form in ExportForm:
        packed = b"".join(bundle_write(course_export(course), form))
        assert taken(content_read(io.BytesIO(packed), name=f"c{form.suffix}")).is_no_op


@pytest.mark.parametrize("name", REFUSED)
def test_a_real_file_without_a_question_is_refused_with_its_reasons(interchange, name):
    file = interchange / name
    with pytest.raises(ContentUnreadableError, match=REFUSED[name]):
        content_read(file, name=file.name)


def test_every_other_file_is_taken_or_refused_in_words(interchange, taken):
    files = [f for f in interchange.rglob("*") if f.is_file() and f.name != "SOURCE.md"]
    assert len(files) > 60
    for file in files:
        try:
            content = content_read(file, name=file.name)
        except ContentUnreadableError as refused:
            assert file.name in refused.message or "QTI 3" in refused.message  # noqa: PT017
        else:
            assert taken(content).version is not None or Problem.objects.exists()


OATUTOR = "oatutor-elementary-algebra-ch1-2.zip"


@pytest.fixture
def pool(data_dir):
    file = data_dir / "content" / OATUTOR
    if not file.is_file():
        pytest.skip(f"no {OATUTOR} in {file.parent}")
    return content_read(file, name=file.name)


def test_a_roll_back_of_oatutor_restores_the_export_byte_for_byte(pool, taken, now):
    course = taken(pool).course
    before = {form: b"".join(bundle_write(course_export(course), form)) for form in ExportForm}
    other = course_export(course)
    put(other, "/problems/0", ...)
    put(other, "/problems/3/steps/0/prompt", "Other words")
    put(other, "/skills/0/title", "Other")
    assert course_import(other, by=None, now=now, is_dry_run=False).version == 2
    assert course_roll_back(Course.objects.get(), 1, by=None, now=now).version == 3
    after = course_export(Course.objects.get())
    assert {form: b"".join(bundle_write(after, form)) for form in ExportForm} == before


def test_every_form_of_oatutor_reads_back_to_the_same_course(pool, taken):
    course = taken(pool).course
    packed = b"".join(bundle_write(course_export(course), ExportForm.CSV))
    assert taken(content_read(io.BytesIO(packed), name="c.zip")).is_no_op


def test_graphs_are_joined_onto_oatutor_or_refused_with_every_circle(data_dir, pool, taken, now):
    course = taken(pool).course
    folder = data_dir / "content" / "graphs"
    for file in sorted(folder.glob("*.json")):
        content = content_read(file, name=file.name)
        try:
            graph_import(content.document, course=course, by=None, now=now, is_dry_run=False)
        except ImportRefusedError as refused:
            assert all("circle" in row.message for row in refused.errors)  # noqa: PT017
        else:
            again = graph_import(
                content.document, course=course, by=None, now=now, is_dry_run=False
            )
            assert again.is_no_op
        course.refresh_from_db()

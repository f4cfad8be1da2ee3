"""A bundle as JSON, NDJSON and a zip of CSV files: each reads back to the very same bundle."""

import csv
import io
import json
import zipfile

import pytest
from django.conf import settings as settings_of_django
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tutor.content.broken_make import tables, zipped
from tests.tutor.content.bundle_case import bundle_make, put
from tutor.common.tables import FORMULA_STARTS
from tutor.content.bundle_cells import cell_read, cell_write
from tutor.content.bundle_csv_write import csv_zip_write
from tutor.content.bundle_tables import TABLES
from tutor.content.bundles import canonical
from tutor.content.errors import ContentUnreadableError, ImportRefusedError
from tutor.content.exporting import ExportForm, bundle_write, course_export
from tutor.content.formats import content_import, content_read
from tutor.content.importing import course_import, course_roll_back
from tutor.content.models import Course, ImportFormat

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
# What spreadsheets, CSV and our own cells each see something in.
AWKWARD = st.sampled_from(
    [
        *("=1+1", "'=1", "''-2", "-3", "+x", "@{a}", "a,b", 'say "x"', "two\nlines", "a\r\nb"),
        *(
            "\r",
            " lead",
            "trail ",
            "\ttab",
            "’",
            "[1]",
            "null",
            "7",
            "1.0",
            "\ufeff=x",
            "\u200b'=x",
        ),
    ]
)
WORDS = (TEXT | AWKWARD).filter(bool)
IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,8}", fullmatch=True)
ANSWERS = st.one_of(
    st.builds(lambda v: {"kind": "number", "value": v}, WORDS | st.integers() | st.just(0.5)),
    st.builds(
        lambda v, t: {"kind": "number", "value": v, "tolerance": t},
        WORDS,
        st.sampled_from([0, "1"]),
    ),
    st.builds(lambda v: {"kind": "choice", "correct": v}, IDS),
    st.builds(
        lambda kind, v: {"kind": kind, "correct": v},
        st.sampled_from(["multiple_choice", "ordering"]),
        st.lists(IDS, max_size=3),
    ),
    st.builds(lambda v: {"kind": "text", "accepted": v}, st.lists(TEXT | AWKWARD, max_size=3)),
    st.builds(
        lambda v: {"kind": "tuple", "values": v, "element": {"kind": "number"}},
        st.lists(WORDS | st.integers(), max_size=3),
    ),
    st.builds(
        lambda text, right: {
            "kind": "matching",
            "left": [{"id": "l", "text": text}],
            "correct": {"l": right},
        },
        WORDS,
        IDS,
    ),
)


@st.composite
def bundles(draw):
    """Bundles of every section; what their texts mean does not matter to their form."""
    bundle = bundle_make()
    for pointer in (
        *("/course/description", "/course/attribution", "/skills/0/title"),
        *("/skills/1/description", "/prerequisites/1/reason", "/lessons/0/body"),
        *("/lessons/1/worked_examples/0/title", "/problems/0/title", "/problems/1/body"),
        *("/problems/0/steps/0/hints/0/text", "/problems/0/steps/0/feedback/0/text"),
        *("/problems/1/steps/0/choices/0/text", "/problems/2/steps/0/solution"),
    ):
        if draw(st.booleans()):
            put(bundle, pointer, draw(WORDS))
    put(bundle, "/lessons/1/worked_examples/0/steps", draw(st.lists(TEXT | AWKWARD, max_size=3)))
    put(bundle, "/prerequisites/0/via", draw(st.lists(WORDS, max_size=2)))
    put(bundle, "/problems/2/order", draw(st.integers(-1000, 1000)))
    for number in range(3):
        put(bundle, f"/problems/{number}/steps/0/answer", draw(ANSWERS))
    put(bundle, "/problems/0/steps/0/hints/1/answer", draw(ANSWERS))
    put(
        bundle,
        "/problems/0/steps/0/feedback/0/answer",
        draw(WORDS | st.just("") | st.integers() | st.lists(IDS, max_size=2)),
    )
    return canonical(bundle)


def read_back(bundle, form):
    packed = b"".join(bundle_write(bundle, form))
    content = content_read(io.BytesIO(packed), name=f"c{form.suffix}")
    assert content.format is ImportFormat.BUNDLE
    assert content.origin.rows == ()
    return content.document


@pytest.mark.parametrize("form", list(ExportForm))
@settings(max_examples=60, deadline=None)
@given(bundle=bundles())
def test_every_form_reads_back_to_the_same_bundle(form, bundle):
    assert canonical(read_back(bundle, form)) == bundle


@pytest.mark.parametrize("form", list(ExportForm))
def test_the_same_bundle_gives_the_same_bytes(form):
    once, again = (b"".join(bundle_write(canonical(bundle_make()), form)) for _ in range(2))
    assert once == again


@pytest.mark.django_db
@pytest.mark.parametrize("form", list(ExportForm))
def test_import_then_export_then_import_changes_nothing(form, now):
    course = course_import(bundle_make(), by=None, now=now, is_dry_run=False).course
    packed = b"".join(bundle_write(course_export(course), form))
    content = content_read(io.BytesIO(packed), name=f"c{form.suffix}")
    again = content_import(content, course=None, by=None, now=now, is_dry_run=False)
    assert again.is_no_op


@pytest.mark.django_db
@pytest.mark.parametrize("form", list(ExportForm))
def test_a_roll_back_restores_the_export_of_that_day_byte_for_byte(form, now):
    course = course_import(bundle_make(), by=None, now=now, is_dry_run=False).course
    before = b"".join(bundle_write(course_export(course), form))
    other = bundle_make()
    put(other, "/problems/2/steps/0/prompt", "Other words")
    put(other, "/skills/0/title", "Other title")
    put(other, "/prerequisites/2", ...)
    put(other, "/problems/1", ...)
    put(other, "/assets/0", ...)
    assert course_import(other, by=None, now=now, is_dry_run=False).version == 2
    assert b"".join(bundle_write(course_export(course), form)) != before
    assert course_roll_back(Course.objects.get(), 1, by=None, now=now).version == 3
    assert b"".join(bundle_write(course_export(Course.objects.get()), form)) == before


def cells_of(packed):
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        for name in archive.namelist():
            if name.endswith(".csv"):
                text = archive.read(name).decode("utf-8-sig")
                for row in csv.reader(io.StringIO(text, newline="")):
                    yield from row


@settings(max_examples=60, deadline=None)
@given(bundle=bundles())
def test_no_cell_of_an_export_runs_as_a_formula(bundle):
    for cell in cells_of(csv_zip_write(bundle)):
        assert not cell.lstrip(" \u00a0\u200b\u200c\u200d\u2060\ufeff").startswith(FORMULA_STARTS)


@given(TEXT | AWKWARD | TEXT.map(lambda text: f"'{text}"))
def test_cells_read_back_as_they_were_written(text):
    assert cell_read(cell_write(text)) == text


def test_a_minus_sign_written_by_hand_is_read():
    files = tables()
    files["steps.csv"] = files["steps.csv"].replace(b'number,,"{""value"": 6}"', b"number,-3,")
    content = content_read(io.BytesIO(zipped(files)), name="c.zip")
    assert content.document["problems"][2]["steps"][0]["answer"] == {
        "kind": "number",
        "value": "-3",
    }


def test_an_export_that_packs_very_well_is_still_no_zip_bomb():
    bundle = bundle_make()
    put(
        bundle,
        "/problems/2/steps/0/hints",
        [{"id": f"h{n}", "text": "x" * 40_000} for n in range(90)],
    )
    assert canonical(read_back(canonical(bundle), ExportForm.CSV)) == canonical(bundle)


def test_what_stands_beside_the_tables_is_told():
    files = tables() | {"readme.txt": b"hello", "assets/other.gif": b"GIF89a"}
    content = content_read(io.BytesIO(zipped(files)), name="c.zip")
    assert [row.pointer for row in content.origin.rows] == ["assets/other.gif", "readme.txt"]


@pytest.mark.django_db
def test_an_error_names_the_file_and_the_line_of_its_row(now):
    files = tables()
    files["hints.csv"] = files["hints.csv"].replace(b"What comes after", b"![x](asset:no.gif)")
    content = content_read(io.BytesIO(zipped(files)), name="c.zip")
    with pytest.raises(ImportRefusedError) as refused:
        content_import(content, course=None, by=None, now=now, is_dry_run=True)
    assert [row.pointer for row in refused.value.errors] == ["hints.csv:3/text"]
    assert refused.value.errors[0].field == "text"


def test_rows_of_several_lines_are_counted_by_the_line_they_begin_in():
    files = tables()
    files["skills.csv"] = b'id,title,description\r\nadd,Add,"one\r\ntwo"\r\ncarry,Carry\r\n'
    content = content_read(io.BytesIO(zipped(files)), name="c.zip")
    (row,) = content.origin.rows
    assert (row.pointer, row.expected) == ("skills.csv:4", "3 cells")


def test_a_folder_of_tables_is_read_like_its_zip(tmp_path):
    for name, content in tables().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert canonical(content_read(tmp_path, name="c").document) == canonical(bundle_make())


def test_a_line_that_has_more_than_the_course_is_no_beginning():
    line = json.dumps(bundle_make()).encode()
    with pytest.raises(ImportRefusedError, match="course alone"):
        content_read(io.BytesIO(line), name="c.ndjson")


def test_ndjson_is_recognised_without_its_ending():
    packed = b"".join(bundle_write(canonical(bundle_make()), ExportForm.NDJSON))
    content = content_read(io.BytesIO(packed), name="request")
    assert canonical(content.document) == canonical(bundle_make())


def test_lines_of_nothing_are_no_bundle():
    with pytest.raises(ContentUnreadableError, match="holds no line"):
        content_read(io.BytesIO(b"\n\n"), name="c.ndjson")


def test_every_column_is_documented():
    lines = (settings_of_django.BASE_DIR / "docs" / "bundle.md").read_text().splitlines()
    for table in TABLES.values():
        (line,) = [line for line in lines if line.startswith(f"| `{table.file}`")]
        for column in table.columns:
            assert f"`{column.name}`" in line, f"{column.name} of {table.file}"

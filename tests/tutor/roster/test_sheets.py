"""Tables of learners as spreadsheets write them."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.common.tables import csv_text
from tutor.roster import sheets
from tutor.roster.sheets import Row, RowError, Sheet, sheet_decode, sheet_read

TABLE = "Name;Username;Password\nJosé Núñez;jose;\nÅsa Öberg;asa;langes-wort\n"


def read(text: str) -> Sheet:
    return sheet_read(text, file="class.csv")


def places(errors: tuple[RowError, ...]) -> list[tuple[int, str, str]]:
    return [(error.line, error.column, error.value) for error in errors]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_common_encoding_and_line_end_reads_alike(encoding: str, ending: str) -> None:
    text = sheet_decode(TABLE.replace("\n", ending).encode(encoding), file="class.csv")
    assert isinstance(text, str)
    assert read(text).rows == (
        Row(2, "José Núñez", "jose"),
        Row(3, "Åsa Öberg", "asa", "langes-wort"),
    )


def test_a_big_endian_file_with_its_mark_reads_too() -> None:
    data = b"\xfe\xff" + TABLE.encode("utf-16-be")
    text = sheet_decode(data, file="class.csv")
    assert isinstance(text, str)
    assert len(read(text).rows) == 2


def test_bytes_that_are_no_text_are_refused_with_their_line() -> None:
    refused = sheet_decode(b"name\nAnn\n\x81\x8d\n", file="class.csv")
    assert isinstance(refused, Sheet)
    assert places(refused.errors) == [(3, "whole file", "81")]
    assert "UTF-8" in refused.errors[0].expected


def test_a_file_that_is_too_large_is_refused() -> None:
    refused = sheet_decode(b"x" * (sheets.MOST_BYTES + 1), file="class.csv")
    assert isinstance(refused, Sheet)
    assert refused.errors[0].value == f"{sheets.MOST_BYTES + 1} bytes"


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_the_delimiter_is_taken_from_the_first_line(delimiter: str) -> None:
    sheet = read(f"name{delimiter}username\nAnn{delimiter}ann\n")
    assert sheet.rows == (Row(2, "Ann", "ann"),)


def test_names_in_two_columns_and_columns_that_nobody_asked_for() -> None:
    sheet = read("Class,First name,LAST_NAME\n6b,Ann,Lee\n")
    assert sheet.rows == (Row(2, "Ann Lee"),)
    assert sheet.ignored == ("Class",)


def test_a_list_of_names_needs_no_first_line() -> None:
    assert [row.name for row in read("Ann Lee\n\n  Bo Ek \n").rows] == ["Ann Lee", "Bo Ek"]


def test_lines_are_counted_through_blank_ones_and_cells_of_several_lines() -> None:
    sheet = read('name,username\n\n"Ann\nLee",ann\nBo,b o\n')
    assert places(sheet.errors) == [(3, "name", "'Ann\\nLee'"), (5, "username", "b o")]


def test_everything_wrong_is_listed_in_one_pass() -> None:
    sheet = read(
        "name,username\n,x\nAnn,a n n\nBo,bo\nCy,BO\nDi,di,more\nEd\nEd\n" + "F" * 81 + ",f\n"
    )
    assert places(sheet.errors) == [
        (2, "name", ""),
        (3, "username", "a n n"),
        (5, "username", "BO"),
        (6, "whole line", "Di | di | more"),
        (7, "name", "Ed"),
        (8, "name", "Ed"),
        (9, "name", "F" * 40),
    ]
    assert all(error.expected and error.file == "class.csv" for error in sheet.errors)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("", 0, "whole file"),
        ("Ann,Lee\nBo,Ek\n", 1, "first line"),
        ("username\nann\n", 1, "first line"),
        ("name,Full name\nAnn,Ann\n", 1, "name"),
        ('name\n"Ann\nBo\n', 2, "whole line"),
    ],
)
def test_a_table_that_cannot_be_read_says_what_is_missing(
    text: str, line: int, column: str
) -> None:
    sheet = read(text)
    assert [(error.line, error.column) for error in sheet.errors] == [(line, column)]
    assert not sheet.rows


def test_a_password_is_never_repeated_in_an_error() -> None:
    sheet = read("name,password\nAnn," + "s3cret" * 40 + "\n")
    assert "s3cret" not in str(sheet.errors)
    assert len(sheet.errors) == 1


def test_too_many_learners_and_too_many_passwords_are_refused() -> None:
    many = read("name\n" + "".join(f"N{n}\n" for n in range(sheets.MOST_ROWS + 1)))
    assert places(many.errors)[0][:2] == (sheets.MOST_ROWS + 2, "whole file")
    rows = "".join(f"N{n},long-enough-{n}\n" for n in range(sheets.MOST_PASSWORDS + 1))
    assert places(read("name,password\n" + rows).errors)[0][1] == "password"


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=30
).filter(lambda name: not name.startswith("'"))


@given(st.lists(NAMES, min_size=1, max_size=8, unique_by=str.casefold))
def test_what_the_site_exports_reads_back_as_it_was(names: list[str]) -> None:
    text = csv_text(["name", "username"], [(name, f"u{n}") for n, name in enumerate(names)])
    sheet = sheet_read(text, file="class.csv")
    assert not sheet.errors
    assert [row.name for row in sheet.rows] == names


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    sheet = sheet_read(text, file="class.csv")
    assert sheet.rows or sheet.errors
    lines = len(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    assert all(0 <= error.line <= lines for error in sheet.errors)


def test_a_table_written_by_python_reads_the_same() -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["name", "username"], ['Ann "Al" Lee', "ann"], ["Bo, Ek", "bo"]])
    assert [row.name for row in read(out.getvalue()).rows] == ['Ann "Al" Lee', "Bo, Ek"]


def test_a_text_that_is_too_large_is_neither_read_nor_given_back() -> None:
    refused = sheet_read("a\n" * (sheets.MOST_BYTES // 2 + 1), file="class.csv")
    assert (refused.text, refused.rows) == ("", ())
    assert refused.errors[0].value == f"{sheets.MOST_BYTES + 2} bytes"


def test_usernames_are_read_as_the_log_in_reads_them() -> None:
    (row,) = sheet_read("name,username\nAnn,\uff41\uff4e\uff4e\ufb01\n", file="x").rows
    assert row.username == "annfi"

"""QTI packages and Common Cartridges: which files are read, and what is listed of the rest."""

import io

import pytest

from tests.tutor.content.broken_make import zipped
from tests.tutor.content.bundle_case import GIF
from tests.tutor.content.qti_case import TRUE_FALSE, condition, equal, item, manifest, quiz
from tutor.content.errors import errors_of
from tutor.content.formats import content_read
from tutor.content.models import ImportFormat
from tutor.content.validation import bundle_check

QTI, CC = "imsqti_xmlv1p2", "imsqti_xmlv1p2/imscc_xmlv1p1/assessment"


def package(files, name="quizzes.zip"):
    content = content_read(io.BytesIO(zipped(files)), name=name)
    assert content.format is ImportFormat.QTI
    assert errors_of(bundle_check(content.document)) == ()
    return content


def test_the_fuller_of_two_versions_of_a_quiz_is_read():
    yes = condition(equal("t"), score="100")
    poor = quiz(item("", "Poor", TRUE_FALSE, yes, ident="poor"), ident="a1")
    full = quiz(item("true_false_question", "Full", TRUE_FALSE, yes, ident="full"), ident="a1")
    content = package(
        {
            "imsmanifest.xml": manifest(("a1", CC, "a1/assessment_qti.xml"), title="Sums"),
            "a1/assessment_qti.xml": poor,
            "non_cc_assessments/a1.xml.qti": full,
        }
    )
    assert [problem["id"] for problem in content.document["problems"]] == ["full"]
    assert content.document["course"] == {"id": "sums", "title": "Sums"}


def test_a_banks_question_that_a_quiz_holds_is_taken_once():
    yes = condition(equal("t"), score="100")
    used = item("true_false_question", "Full", TRUE_FALSE, yes, ident="q").replace(
        "</qtimetadata>",
        "<qtimetadatafield><fieldlabel>assessment_question_identifierref</fieldlabel>"
        "<fieldentry>b1</fieldentry></qtimetadatafield></qtimetadata>",
    )
    bank = quiz(
        item("true_false_question", "Full", TRUE_FALSE, yes, ident="b1"),
        item("true_false_question", "Other", TRUE_FALSE, yes, ident="b2"),
        ident="bank",
        tag="objectbank",
    )
    content = package(
        {
            "imsmanifest.xml": manifest(("a1", QTI, "a1.xml")),
            "a1.xml": quiz(used),
            "non_cc_assessments/bank.xml.qti": bank,
        }
    )
    assert [problem["id"] for problem in content.document["problems"]] == ["q", "b2"]
    assert any("bank.xml.qti#b1: the bank's question was left out" in n for n in content.notes)


@pytest.mark.parametrize("folder", ["", "wrapped/"])
def test_pictures_of_the_package_become_assets_and_others_are_told(folder):
    text = (
        '<p><img src="$IMS-CC-FILEBASE$/my%20dot.gif?x=1" alt="a dot">'
        '<img src="https://elsewhere.test/y.png" alt="far"><img src="$IMS-CC-FILEBASE$/n.txt"></p>'
    )
    one = item("true_false_question", text, TRUE_FALSE, condition(equal("t"), score="100"))
    files = {
        "imsmanifest.xml": manifest(
            ("a1", QTI, "a1/a1.xml"), ("w", "webcontent", "web_resources/my dot.gif")
        ),
        "a1/a1.xml": quiz(one),
        "web_resources/my dot.gif": GIF,
        "web_resources/n.txt": b"text",
    }
    content = package({folder + name: data for name, data in files.items()})
    (asset,) = content.document["assets"]
    assert f"![a dot](asset:{asset['id']})" in content.document["problems"][0]["steps"][0]["prompt"]
    notes = "\n".join(content.notes)
    assert "the picture 'https://elsewhere.test/y.png' is not in the file" in notes
    assert "the picture '$IMS-CC-FILEBASE$/n.txt' was left out" in notes
    assert "my dot.gif: a page" not in notes


def test_what_is_no_question_is_listed_by_file():
    one = item("true_false_question", "Ok?", TRUE_FALSE, condition(equal("t"), score="100"))
    content = package(
        {
            "imsmanifest.xml": manifest(
                ("a1", QTI, "a1.xml"),
                ("p", "webcontent", "wiki/page.html"),
                ("d", "imsdt_xmlv1p1", "talk.xml"),
                ("n", QTI, "gone.xml"),
                ("b", QTI, "broken.xml"),
            ),
            "a1.xml": quiz(one),
            "wiki/page.html": b"<p>x</p>",
            "talk.xml": b"<topic/>",
            "broken.xml": b"<quest",
            "stray.txt": b"x",
        }
    )
    notes = "\n".join(content.notes)
    for said in (
        "wiki/page.html: a page or file was left out",
        "talk.xml: a discussion topic was left out",
        "the quiz 'n' was left out: the package does not hold gone.xml",
        "broken.xml: the file was left out: 'broken.xml' is not XML",
        "stray.txt: the file was left out: the manifest does not name it",
    ):
        assert said in notes

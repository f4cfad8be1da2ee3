import base64
import json
from collections import Counter

import pytest

from tests.tutor.content.bundle_case import GIF
from tutor.content.archives import FolderFiles, ZipFiles
from tutor.content.errors import ContentUnreadableError, errors_of
from tutor.content.exporting import course_export
from tutor.content.formats import content_read
from tutor.content.graphs import graph_import
from tutor.content.importing import course_import
from tutor.content.models import Hint, Lesson, Problem, Skill, Step
from tutor.content.oatutor import id_from, oatutor_read
from tutor.content.oatutor_answers import answer_convert
from tutor.content.oatutor_text import text_convert
from tutor.content.text import text_render
from tutor.content.validation import bundle_check
from tutor.grading.answers import answer_check

ZIP = "oatutor-elementary-algebra-ch1-2.zip"
GRAPH = "oatutor-elementary-algebra-2e-skill-prerequisites.json"


@pytest.fixture(scope="session")
def content_dir(data_dir):
    folder = data_dir / "content"
    if not (folder / ZIP).is_file():
        pytest.skip(f"no {ZIP} in {folder}")
    return folder


@pytest.fixture(scope="session")
def real(content_dir):
    with (content_dir / ZIP).open("rb") as opened:
        return oatutor_read(ZipFiles(opened))


class TestTheRealCourse:
    def test_everything_is_there(self, real):
        bundle, notes = real
        steps = [step for problem in bundle["problems"] for step in problem["steps"]]
        hints = [hint for step in steps for hint in step["hints"]]
        assert len(bundle["lessons"]) == 17
        assert len(bundle["problems"]) == 513
        assert len(steps) == 771
        assert sum("parent" not in hint for hint in hints) == 3690
        assert sum("parent" in hint for hint in hints) == 37
        assert len(bundle["skills"]) == 70
        assert not [note for note in notes if "left out" in note and "bkt" not in note]

    def test_it_passes_every_check_and_no_formula_shows_its_source(self, real):
        rows = bundle_check(real[0])
        assert errors_of(rows) == ()
        assert [row.pointer for row in rows] == ["/prerequisites"]

    def test_typed_answers_are_numbers_fractions_or_expressions(self, real):
        kinds = Counter(
            step["answer"]["kind"] for problem in real[0]["problems"] for step in problem["steps"]
        )
        assert kinds["choice"] == 204
        assert kinds["text"] == 3
        assert kinds["number"] + kinds["fraction"] + kinds["expression"] == 564

    def test_what_was_mended_is_listed_with_file_and_reason(self, real):
        notes = "\n".join(real[1])
        assert "a4d2b33use29/steps/a4d2b33use29b: hint 'a4d2b33use29b-h6' no longer" in notes
        assert "a870b02DivMul16h-h5': asks for typed text but lists choices" in notes

    def test_lessons_follow_the_course_plan_and_problems_their_numbers(self, real):
        titles = [lesson["title"] for lesson in real[0]["lessons"]]
        assert titles[0] == "Lesson 1.1: Introduction to Whole Numbers"
        assert titles[9].startswith("Lesson 1.10")
        first = [p["id"] for p in real[0]["problems"] if p["lesson"] == real[0]["lessons"][0]["id"]]
        assert first[:3] == ["a53b893whole1", "a53b893whole2", "a53b893whole3"]

    def test_problems_keep_their_licence_and_source(self, real):
        for problem in real[0]["problems"]:
            assert problem["licence"].startswith("CC BY 4.0")
            assert "OpenStax" in problem["attribution"]

    @pytest.mark.slow
    @pytest.mark.django_db
    def test_import_again_export_and_graph(self, real, content_dir, now):
        bundle, _ = real
        options = {"by": None, "now": now, "is_dry_run": False}
        course = course_import(bundle, **options).course
        counts = [m.objects.count() for m in (Lesson, Problem, Step, Hint, Skill)]
        assert counts == [17, 513, 771, 3727, 70]
        assert course_import(bundle, **options).is_no_op
        assert course_import(course_export(course), **options).is_no_op
        graph = json.loads((content_dir / "graphs" / GRAPH).read_text())
        result = graph_import(graph, course=course, **options)
        assert result.counts["prerequisites"]["created"] == 56
        assert "70 of the graph's 201 skills" in result.notes[0]
        course.refresh_from_db()
        assert graph_import(graph, course=course, **options).is_no_op
        assert course_import(bundle, **options).is_no_op


@pytest.mark.parametrize(
    ("source", "converted"),
    [
        ("What is $$2+3$$?", "What is $2+3$?"),
        ("$$a$$$$b$$", "$a$ $b$"),
        ("one\\ntwo", "one\n\ntwo"),
        ("$$a\\neq b\\nc \\not x$$ \\neq", "$a\\neq b c \\not x$\n\neq"),
        ("$$x$$ ___ $$y$$ $$___$$", "$x$ \\_\\_\\_ $y$ \\_\\_\\_"),
        ("2**3 and *this*", "2^3 and \\*this\\*"),
        ("It costs $1.79", "It costs \\$1.79"),
        ("a < b, [c]", "a \\< b, \\[c\\]"),
        ("1. one\\n# two", "1\\. one\n\n\\# two"),
        ("see @{x}", "see @@{x}"),
        ("open $$x", "open \\$\\$x"),
    ],
)
def test_texts_are_converted(source, converted):
    assert text_convert(source) == converted


@pytest.mark.parametrize("source", ["##figure1.gif##", "##figure1.gif", "see ##figure1.gif\\nnow"])
def test_figures_are_found_with_and_without_their_closing_sign(source):
    named = []
    text = text_convert(source, picture=lambda name: named.append(name) or "p-figure1.gif")
    assert named == ["figure1.gif"]
    assert "![Figure 1](asset:p-figure1.gif)" in text


@pytest.mark.parametrize("source", ["a*b_c`d", "# no", "- no", "<b>", "1) x", "a|b", "$5", "~~x~~"])
def test_plain_words_stay_as_they_were_written(source):
    html = text_render(text_convert(source))
    assert html.strip() == f"<p>{source.replace('<', '&lt;').replace('>', '&gt;')}</p>"


@pytest.mark.parametrize(
    ("answer", "kind", "also_right"),
    [
        ("$$7920$$", "number", "7,920"),
        ("$$-1.5$$", "number", "-3/2"),
        ("$$\\frac{-27}{1}$$", "number", "-27"),
        ("$$\\frac{-2}{3}$$", "fraction", "-2/3"),
        ("$$x=\\frac{11}{8}$$", "fraction", "11/8"),
        ("$$x=11$$", "number", "11"),
        ("$$6x+12$$", "expression", "6x + 12"),
        ("$$-4=7x$$", "expression", "-4 = 7x"),
        ("TRUE", "text", "true"),
    ],
)
def test_a_typed_answer_gets_the_most_particular_kind(answer, kind, also_right):
    asked = {"problemType": "TextBox", "answerType": "arithmetic" if kind != "text" else "string"}
    converted, choices = answer_convert(asked, [answer], note=lambda message: None)
    assert (converted["kind"], choices) == (kind, [])
    assert answer_check(converted, also_right).is_correct


def test_whoever_copies_the_question_unsimplified_is_not_right():
    asked = {"problemType": "TextBox", "answerType": "arithmetic"}
    answer, _ = answer_convert(asked, ["$$33p+11q$$"], note=lambda message: None)
    assert answer_check(answer, "11q + 33p").is_correct
    assert not answer_check(answer, "18p+6q+15p+5q").is_correct


def test_a_scaffold_that_asks_for_a_sum_still_to_be_gathered_takes_it():
    asked = {"problemType": "TextBox", "answerType": "arithmetic"}
    answer, _ = answer_convert(asked, ["$$18p+15p+6q+5q$$"], note=lambda message: None)
    assert "form" not in answer
    assert answer_check(answer, "18p+15p+6q+5q").is_correct


def choice(choices, answer):
    notes = []
    asked = {"problemType": "MultipleChoice", "answerType": "string", "choices": choices}
    return *answer_convert(asked, [answer], note=notes.append), notes


def test_the_right_choice_is_found_by_its_text():
    answer, choices, notes = choice(["$$1$$", "$$2$$"], " $$2$$ ")
    assert (answer, notes) == ({"kind": "choice", "correct": "c2"}, [])
    assert [row["text"] for row in choices] == ["$1$", "$2$"]


def test_an_answer_that_is_no_choice_is_added_and_told():
    answer, choices, notes = choice(["1", "2"], "3")
    assert answer["correct"] == "c3"
    assert len(choices) == 3
    assert "not among the choices" in notes[0]


def test_repeated_choices_are_left_out_and_told():
    _, choices, notes = choice(["1", "2", "1"], "2")
    assert len(choices) == 2
    assert "stands twice" in notes[0]


def test_words_where_a_sum_was_announced_become_text_and_are_told():
    notes = []
    asked = {"problemType": "TextBox", "answerType": "arithmetic"}
    answer, _ = answer_convert(asked, ["no solution!"], note=notes.append)
    assert answer == {"kind": "text", "accepted": ["no solution!"]}
    assert "read as text" in notes[0]


@pytest.fixture
def pool(tmp_path):
    """A pool with one sound problem and one of every oddity."""

    def write(path, document):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(document if isinstance(document, str) else json.dumps(document))

    def problem(key, lesson="L 1", **extra):
        write(
            f"content-pool/{key}/{key}.json",
            {"id": key, "title": "Solve $$x$$", "body": "", "lessonId": lesson, "courseName": "C"}
            | {"oer": "https://o.org <Book>", "license": "https://l.org <CC BY 4.0>"}
            | extra,
        )

    def step(problem_key, key, hints=(), **extra):
        folder = f"content-pool/{problem_key}/steps/{key}"
        write(
            f"{folder}/{key}.json",
            {"id": key, "stepTitle": "How much?", "stepBody": "", "stepAnswer": ["$$7$$"]}
            | {"problemType": "TextBox", "answerType": "arithmetic"}
            | extra,
        )
        write(f"{folder}/tutoring/{key}DefaultPathway.json", list(hints))

    lesson = {"id": "L 1", "name": "One", "topics": "Sums", "learningObjectives": {"add it": 0.85}}
    write("coursePlans.json", [{"courseName": "C", "language": "en", "lessons": [lesson]}])
    write(
        "skillModel.json",
        {"p1a": ["add it", ""], "p1b": ["add it"], "p2a": [], "p5a": ["add it"], "p6a": ["add it"]},
    )
    hints = [
        {"id": "h1", "type": "hint", "title": "T", "text": "a", "dependencies": ["h2", "gone"]},
        {"id": "h1", "type": "hint", "title": "", "text": "b", "dependencies": ["h1"]},
        {"id": "h2", "type": "scaffold", "title": "", "text": "c", "dependencies": ["h1", "h2"]}
        | {"hintAnswer": ["$$3$$"], "problemType": "TextBox", "answerType": "arithmetic"}
        | {"subHints": [{"id": "h2-s1", "type": "hint", "text": "d", "dependencies": []}]},
        {"id": "h3", "type": "hint", "title": "", "text": "", "dependencies": []},
        {"id": "h4", "type": "scaffold", "title": "", "text": "e", "dependencies": []},
    ]
    problem("p1")
    step("p1", "p1a", hints, stepBody="See ##figure1.gif ##figure2.gif##")
    step("p1", "p1b", stepTitle="@{n} apples", variabilization={"n": ["3", "4"]})
    (tmp_path / "content-pool/p1/figures").mkdir()
    (tmp_path / "content-pool/p1/figures/figure1.gif").write_bytes(GIF)
    problem("p2")
    step("p2", "p2a")
    problem("p3", lesson="nowhere")
    write("content-pool/p4/p4.json", "{broken")
    problem("p5")
    step("p5", "p5a", stepAnswer=[])
    problem("p6", courseName="Other")
    step("p6", "p6a")
    return tmp_path


def test_oddities_are_mended_or_left_out_and_each_is_told(pool):
    bundle, notes = oatutor_read(FolderFiles(pool))
    assert errors_of(bundle_check(bundle)) == ()
    (problem,) = bundle["problems"]
    hints = problem["steps"][0]["hints"]
    assert [(h["id"], h["kind"], h["depends_on"]) for h in hints] == [
        ("h1", "hint", []),
        ("h1-2", "hint", ["h1"]),
        ("h2", "scaffold", ["h1-2"]),
        ("h2-s1", "hint", ["h2"]),
        ("h4", "hint", []),
    ]
    assert hints[3]["parent"] == "h2"
    assert problem["steps"][1]["prompt"] == "3 apples"
    told = "\n".join(notes)
    for words in (
        "the skill name '' is empty",
        "the skill 'add it' got the id 'add-it'",
        "figure 'figure2.gif' is not there",
        "hint 'h1' no longer depends on 'h2'",
        "hint 'h1' no longer depends on 'gone'",
        "hint id 'h1' stands twice",
        "hint 'h3' was left out: it is empty",
        "scaffold 'h4' became a plain hint: it has no answer",
        "'n' is fixed to '3'",
        "steps/p2a: step left out: the skill model gives it no skill",
        "content-pool/p2: problem left out: it has no usable step",
        "content-pool/p3: problem left out: the course has no lesson 'nowhere'",
        "content-pool/p4: problem left out: 'content-pool/p4/p4.json' is not JSON",
        "steps/p5a: step left out: it has no answer",
        "1 problems of other courses",
    ):
        assert words in told, words
    assert base64.b64decode(bundle["assets"][0]["data"]) == GIF


def test_a_pool_of_several_courses_wants_a_name(pool):
    plans = json.loads((pool / "coursePlans.json").read_text())
    (pool / "coursePlans.json").write_text(json.dumps([*plans, {"courseName": "Other"}]))
    with pytest.raises(ContentUnreadableError, match="2 courses"):
        oatutor_read(FolderFiles(pool))
    bundle, _ = oatutor_read(FolderFiles(pool), course_name="C")
    assert bundle["course"]["title"] == "C"


def test_a_folder_is_recognised_as_a_pool(pool):
    assert content_read(pool, name="pool").format == "oatutor"


@pytest.mark.parametrize(
    ("text", "made"), [("a b", "a-b"), ("ok:1.2", "ok:1.2"), ("--x!", "x"), ("", ""), ("é", "")]
)
def test_ids_are_made_of_any_text(text, made):
    assert id_from(text) == made

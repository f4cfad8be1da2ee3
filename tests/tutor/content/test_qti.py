"""QTI 1.2 and Common Cartridge as Canvas writes them: every item is taken or listed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tutor.content.qti_case import (
    FIELD,
    TRUE_FALSE,
    condition,
    equal,
    feedback,
    item,
    lid,
    quiz,
)
from tutor.content.errors import ContentUnreadableError, errors_of
from tutor.content.qti import qti_file_read
from tutor.content.validation import bundle_check
from tutor.grading.answers import answer_check
from tutor.grading.variants import document_render


def only(*items):
    bundle, notes, _ = qti_file_read(quiz(*items), name="q.xml")
    (problem,) = bundle["problems"]
    assert errors_of(bundle_check(bundle)) == ()
    return problem, notes[1:]


def left_out(one):
    good = item("true_false_question", "Ok?", TRUE_FALSE, condition(equal("t"), score="100"))
    bundle, notes, _ = qti_file_read(quiz(good, one.replace('"i1"', '"bad"')), name="q.xml")
    assert [problem["id"] for problem in bundle["problems"]] == ["i1"]
    (note,) = [note for note in notes if "#bad: the question" in note]
    return note


ABC = lid("r", ("a", "1"), ("b", "2"), ("c", "3"))


def test_a_choice_shows_feedback_on_each_answer_and_on_all():
    problem, _ = only(
        item(
            "multiple_choice_question",
            "<p>How <b>many</b>?</p>",
            ABC,
            condition("<other/>", shows="general_fb")
            + condition(equal("a"), shows="a_fb")
            + condition(equal("b"), score="100", shows="correct_fb")
            + condition("<other/>", shows="general_incorrect_fb"),
            more=feedback("general_fb", "Count.")
            + feedback("a_fb", "<p>Too few.</p>")
            + feedback("correct_fb", "Yes.")
            + feedback("general_incorrect_fb", "No."),
        )
    )
    (step,) = problem["steps"]
    assert step["prompt"] == "How **many**?"
    assert step["answer"] == {"kind": "choice", "correct": "c2"}
    told = [choice.get("feedback", "") for choice in step["choices"]]
    assert told == ["Too few.\n\nNo.", "Yes.", "No."]
    assert step["solution"] == "Count."


def test_several_answers_are_all_to_be_picked():
    right = f"<and>{equal('a')}<not>{equal('b')}</not>{equal('c')}</and>"
    block = lid("r", ("a", "1"), ("b", "2"), ("c", "3"), many=True)
    problem, notes = only(
        item("multiple_answers_question", "Odd?", block, condition(right, score="100"))
    )
    answer = problem["steps"][0]["answer"]
    assert answer == {"kind": "multiple_choice", "correct": ["c1", "c3"]}
    assert "no part credit" in notes[0]


def test_short_answers_accept_each_of_the_words():
    either = condition(equal("Paris") + equal("paris, France"), score="100")
    wrong = condition(equal("Rome"), shows="rome_fb")
    problem, _ = only(
        item(
            "short_answer_question",
            "Capital?",
            FIELD,
            either + wrong,
            more=feedback("rome_fb", "No."),
        )
    )
    (step,) = problem["steps"]
    assert step["answer"] == {"kind": "text", "accepted": ["Paris", "paris, France"]}
    assert step["feedback"] == [{"answer": "Rome", "text": "No."}]


BETWEEN = "<vargte respident='r'>33.32</vargte><varlte respident='r'>33.34</varlte>"


@pytest.mark.parametrize(
    ("tests", "value", "tolerance"),
    [
        (equal("33.33"), "33.33", None),
        (
            f"<or>{equal('33.33')}<and>{BETWEEN}</and></or>",
            "33.33",
            "0.01",
        ),
        (BETWEEN, "33.33", "0.01"),
    ],
)
def test_numbers_keep_their_range(tests, value, tolerance):
    problem, _ = only(item("numerical_question", "?", FIELD, condition(tests, score="100")))
    answer = problem["steps"][0]["answer"]
    assert (answer["value"], answer.get("tolerance")) == (value, tolerance)


def test_lines_are_matched_with_answers_and_distractors():
    offered = [("x", "Corolla"), ("y", "Civic"), ("z", "Lancer")]
    problem, _ = only(
        item(
            "matching_question",
            "Match",
            lid("r1", *offered, name="Toyota") + lid("r2", *offered, name="Honda"),
            condition(equal("x", to="r1"), score="50") + condition(equal("y", to="r2"), score="50"),
        )
    )
    answer = problem["steps"][0]["answer"]
    assert [left["text"] for left in answer["left"]] == ["Toyota", "Honda"]
    assert answer["correct"] == {"l1": "c1", "l2": "c2"}
    assert len(problem["steps"][0]["choices"]) == 3


def test_blanks_and_dropdowns_become_steps():
    problem, notes = only(
        item(
            "fill_in_multiple_blanks_question",
            "Roses are [one], violets [two]",
            lid("response_one", ("a", "red"), ("b", "Red"), name="one")
            + lid("response_two", ("c", "blue"), name="two"),
            condition(equal("a", to="response_one"), score="50")
            + condition(equal("c", to="response_two"), score="50"),
        )
    )
    assert [step["id"] for step in problem["steps"]] == ["i1-one", "i1-two"]
    assert problem["steps"][0]["answer"]["accepted"] == ["red", "Red"]
    assert "each blank became a step" in notes[0]
    problem, _ = only(
        item(
            "multiple_dropdowns_question",
            "Roses are [one]",
            lid("response_one", ("a", "red"), ("b", "black"), name="one"),
            condition(equal("a", to="response_one"), score="100"),
        )
    )
    assert problem["steps"][0]["answer"] == {"kind": "choice", "correct": "c1"}


def calculated(formula, answers, *, scale="0", places="0", tolerance="0"):
    sets = "".join(
        f'<var_set ident="{at}"><var name="x">{x}</var><answer>{answer}</answer></var_set>'
        for at, (x, answer) in enumerate(answers)
    )
    return (
        f"<itemproc_extension><calculated><answer_tolerance>{tolerance}</answer_tolerance>"
        f'<formulas decimal_places="{places}"><formula>{formula}</formula></formulas>'
        f'<vars><var name="x" scale="{scale}"><min>1.0</min><max>10.0</max></var></vars>'
        f"<var_sets>{sets}</var_sets></calculated></itemproc_extension>"
    )


def formula_item(text, more):
    return item("calculated_question", text, FIELD, condition("<other/>", score="100"), more=more)


def test_a_formula_question_draws_variants_that_its_formula_answers():
    more = calculated("5 + x^2", [("2", "9.0"), ("10", "105.0")])
    problem, _ = only(formula_item("What is 5 plus [x] squared?", more))
    for seed in range(5):
        drawn = document_render(problem, seed)
        (step,) = drawn["steps"]
        x = int(step["prompt"].removeprefix("What is 5 plus ").removesuffix(" squared?"))
        assert 1 <= x <= 10
        assert answer_check(step["answer"], str(5 + x * x)).is_correct


def test_decimal_variables_and_tolerances_are_kept():
    more = calculated(
        "x / 4", [("2.5", "0.63"), ("10.0", "2.5")], scale="1", places="2", tolerance="10%"
    )
    problem, _ = only(formula_item("A quarter of [x]?", more))
    assert problem["steps"][0]["prompt"] == "A quarter of @{x:decimal1}?"
    assert problem["steps"][0]["answer"]["relative_tolerance"] == "0.1"


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (item("essay_question", "Write", FIELD, ""), "an essay"),
        (item("file_upload_question", "Send", "", ""), "asks for a file"),
        (item("text_only_question", "Read", "", ""), "asks nothing"),
        (item("hot_spot_question", "Point", "", ""), "'hot_spot_question' has no counterpart"),
        (item("", "Read", "", ""), "asks nothing"),
        (item("multiple_choice_question", "?", ABC, ""), "no answer is marked"),
        (
            item("multiple_choice_question", "?", ABC, condition(equal("z"), score="100")),
            "'z' is not among",
        ),
        (
            item(
                "multiple_choice_question",
                "?",
                ABC,
                condition(f"<or>{equal('a')}{equal('b')}</or>", score="100"),
            ),
            "each right by themselves",
        ),
        (item("multiple_choice_question", "", ABC, condition(equal("a"), score="9")), "no text"),
        (
            item(
                "short_answer_question",
                "?",
                FIELD,
                condition("<varsubstring respident='r'>a</varsubstring>", score="100"),
            ),
            "varsubstring",
        ),
        (
            item(
                "numerical_question",
                "?",
                FIELD,
                condition(equal("1"), score="100") + condition(equal("2"), score="100"),
            ),
            "2 numbers",
        ),
        (
            item("numerical_question", "?", FIELD, condition(equal("pi"), score="100")),
            "'pi' is no number",
        ),
        (formula_item("[x]", calculated("5 + x", [("2", "8.0")])), "gives 7 where the file says 8"),
        (formula_item("[x]", calculated("sin(x)", [("2", "8.0")])), "'sin'"),
        (formula_item("[x]", calculated("x ; 1", [("2", "8.0")])), "cannot be read"),
        (formula_item("[x]", calculated("y + 1", [("2", "3.0")])), "cannot be worked out"),
        (formula_item("[x]", ""), "without its formula"),
    ],
)
def test_what_cannot_be_graded_is_listed_with_its_item_and_reason(one, reason):
    assert reason in left_out(one)


def test_items_that_do_not_say_their_type_are_read_by_their_form():
    problem, notes = only(item("", "Odd?", ABC, condition(equal("a"), score="100")))
    assert problem["steps"][0]["answer"]["kind"] == "choice"
    assert "read as multiple_choice_question" in notes[0]


def test_an_id_that_stands_twice_is_made_two():
    yes = condition(equal("t"), score="100")
    bundle, notes, _ = qti_file_read(
        quiz(
            item("true_false_question", "A?", TRUE_FALSE, yes),
            item("true_false_question", "B?", TRUE_FALSE, yes),
        ),
        name="q.xml",
    )
    ids = [problem["id"] for problem in bundle["problems"]]
    assert len(set(ids)) == 2
    assert "'i1' is taken already" in notes[1]


NAMES = ("assessment", "section", "item", "presentation", "material", "mattext", "response_lid")
MORE = ("response_label", "respcondition", "conditionvar", "varequal", "setvar", "or", "not")
TREES = st.recursive(
    st.text(st.sampled_from("ab &<>[]\"'12.5-"), max_size=8).map(
        lambda text: text.replace("&", "&amp;").replace("<", "&lt;")
    ),
    lambda inner: st.builds(
        lambda name, ident, below: f'<{name} ident="{ident}">{"".join(below)}</{name}>',
        st.sampled_from(NAMES + MORE),
        st.sampled_from(["r", "a", ""]),
        st.lists(inner, max_size=4),
    ),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(TREES, max_size=3), st.booleans())
def test_any_tree_of_qti_is_taken_or_listed(trees, is_wrapped):
    inner = "".join(trees)
    raw = quiz(f'<item ident="x">{inner}</item>') if is_wrapped else inner.encode()
    try:
        bundle, notes, _ = qti_file_read(raw, name="q.xml")
    except ContentUnreadableError:
        return
    assert bundle["problems"]
    assert notes


KINDS = st.sampled_from(
    [
        *("multiple_choice_question", "multiple_answers_question", "short_answer_question"),
        *("numerical_question", "matching_question", "multiple_dropdowns_question", ""),
        *("fill_in_multiple_blanks_question", "calculated_question", "true_false_question"),
    ]
)
PIECES = st.sampled_from(["", "a", "1", "2.5", "<b>x</b>", "[n]", "$x$", "\u00e9", "<p>y"])


@settings(max_examples=150, deadline=None)
@given(
    kind=KINDS,
    text=PIECES,
    offered=st.lists(PIECES, max_size=3),
    right=st.lists(st.sampled_from(["l0", "l1", "1", "2.5", "a"]), max_size=2),
    name=PIECES,
    formula=st.sampled_from(["", "x", "x +", "1 / (x - x)", "y", "x ** 99", "((((x))))"]),
)
def test_any_item_of_a_known_type_gives_a_sound_problem_or_a_reason(
    kind, text, offered, right, name, formula
):
    block = lid("r", *((f"l{at}", told) for at, told in enumerate(offered)), name=name)
    conditions = "".join(condition(equal(value), score="100") for value in right)
    more = calculated(formula, [("2", "2.0")]) if formula else ""
    one = item(kind, text, block, conditions, more=more)
    try:
        bundle, _, _ = qti_file_read(quiz(one), name="q.xml")
    except ContentUnreadableError:
        return
    assert errors_of(bundle_check(bundle)) == ()
